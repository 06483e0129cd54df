//! Tells FTP from the protocols that look like it: SMTP greets with the same code, POP3 and IRC have
//! the same `USER` and `PASS`.

use crate::proto::lines::{Reply, contains_word, split_word};
use crate::proto::{Opening, Verdict};

/// Commands that nobody else has.
const OWN: [&[u8]; 38] = [
    b"ABOR", b"ACCT", b"ALLO", b"APPE", b"CDUP", b"CLNT", b"CWD", b"EPRT", b"EPSV", b"FEAT", b"LPRT", b"LPSV", b"MDTM",
    b"MFMT", b"MKD", b"MLSD", b"MLST", b"NLST", b"OPTS", b"PASV", b"PBSZ", b"PORT", b"PROT", b"PWD", b"REIN", b"REST",
    b"RMD", b"RNFR", b"RNTO", b"SITE", b"SIZE", b"STOR", b"STOU", b"STRU", b"SYST", b"TYPE", b"XCWD", b"XPWD",
];

/// Commands that others have as well.
const SHARED: [&[u8]; 9] = [b"DELE", b"HELP", b"LANG", b"LIST", b"NOOP", b"PASS", b"QUIT", b"RETR", b"STAT"];

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    let (client, server) = (client(opening.to_server), server(opening));
    match (client, server) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (_, Verdict::Certain) => Verdict::Certain,
        // One of its own commands, or `USER` after a greeting with 220.
        (Verdict::Certain | Verdict::Likely, _) if !opening.to_client.is_empty() => Verdict::Certain,
        (Verdict::Certain, _) | (_, Verdict::Likely) => Verdict::Likely,
        (Verdict::Likely, _) if opening.ended => Verdict::Likely,
        (Verdict::NeedMore, _) if opening.ended && !opening.to_client.is_empty() && on_port(opening) => Verdict::Likely,
        _ => Verdict::NeedMore,
    }
}

fn on_port(opening: &Opening<'_>) -> bool {
    super::PROTOCOL.ports.contains(&opening.server_port)
}

/// `Certain`: a command of its own; `Likely`: `USER`, so far shared with POP3.
fn client(bytes: &[u8]) -> Verdict {
    let mut verdict = Verdict::NeedMore;
    let mut rest = bytes;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let (line, tail) = rest.split_at_checked(end + 1).unwrap_or_default();
        rest = tail;
        let (verb, argument) = split_word(line.trim_ascii_end());
        let verb = verb.to_ascii_uppercase();
        let verb = verb.as_slice();
        let secure = contains_word(argument, b"TLS") || contains_word(argument, b"SSL");
        if OWN.contains(&verb) || verb == b"AUTH" && (secure || argument.eq_ignore_ascii_case(b"GSSAPI")) {
            return Verdict::Certain;
        }
        // A message number: POP3.
        let numbered = !argument.is_empty() && argument.iter().all(|b| b.is_ascii_digit() || *b == b' ');
        let foreign = matches!(verb, b"LIST" | b"RETR" | b"DELE") && numbered || verb == b"STAT" && argument.is_empty();
        match verb {
            // IRC has three more words.
            b"USER" if contains_word(argument, b" :") => return Verdict::No,
            b"USER" => verdict = Verdict::Likely,
            b"" => {}
            verb if SHARED.contains(&verb) && !foreign => {}
            _ => return Verdict::No,
        }
    }
    let text = rest.len() < 1024 && rest.iter().all(|b| *b >= b' ' && *b != 127 || *b == b'\r');
    if text { verdict } else { Verdict::No }
}

fn server(opening: &Opening<'_>) -> Verdict {
    let bytes = opening.to_client;
    let mut lines = bytes.split_inclusive(|b| *b == b'\n').filter(|l| l.ends_with(b"\n")).map(|l| l.trim_ascii_end());
    let Some(first) = lines.next() else {
        let digits = bytes.iter().take(3).all(u8::is_ascii_digit);
        return if digits && bytes.len() < 512 { Verdict::NeedMore } else { Verdict::No };
    };
    let Some(greeting) = Reply::parse(first) else { return Verdict::No };
    let smtp = contains_word(greeting.text, b"SMTP") || contains_word(greeting.text, b"LMTP");
    match greeting.code {
        220 if smtp => return Verdict::No,
        220 if contains_word(greeting.text, b"FTP") => return Verdict::Certain,
        227 if super::address::numbers(greeting.text).is_some() => return Verdict::Certain,
        229 if super::address::extended(greeting.text).is_some() => return Verdict::Certain,
        331 if contains_word(greeting.text, b"PASSWORD") => return Verdict::Likely,
        150 | 226 | 230 | 257 | 331 | 530 if opening.midstream => return Verdict::Likely,
        120 | 220 | 421 | 500 | 530 | 550 => {}
        _ => return Verdict::No,
    }
    // The replies after the greeting: only FTP answers the first command so.
    match lines.filter_map(Reply::parse).find(|r| r.code != greeting.code) {
        Some(reply) if matches!(reply.code, 331 | 332 | 230 | 234) && greeting.code == 220 => Verdict::Certain,
        Some(reply) if matches!(reply.code, 200 | 211 | 215 | 530) && greeting.code == 220 => Verdict::Likely,
        Some(reply) if reply.code == 250 && opening.to_server.is_empty() => Verdict::No,
        _ => Verdict::NeedMore,
    }
}
