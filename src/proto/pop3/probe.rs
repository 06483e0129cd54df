//! Tells POP3 from the protocols that look like it: FTP has the same `USER` and `PASS`, SMTP the same
//! `AUTH`, Redis the same `+OK`.

use crate::proto::lines::{contains_word, split_word};
use crate::proto::sasl::Exchange;
use crate::proto::{Opening, Verdict};

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    match (client(opening.to_server), server(opening.to_client)) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (_, Verdict::Certain) => Verdict::Certain,
        (Verdict::Certain | Verdict::Likely, _) if !opening.to_client.is_empty() => Verdict::Certain,
        (Verdict::Certain, _) | (_, Verdict::Likely) => Verdict::Likely,
        (Verdict::Likely, _) if opening.ended => Verdict::Likely,
        _ if opening.ended && opening.server_port == 110 && !opening.to_client.is_empty() => Verdict::Likely,
        _ => Verdict::NeedMore,
    }
}

/// `Certain`: a command of its own; `Likely`: one that FTP or SMTP has as well.
fn client(bytes: &[u8]) -> Verdict {
    let mut verdict = Verdict::NeedMore;
    let mut rest = bytes;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let (line, tail) = rest.split_at_checked(end + 1).unwrap_or_default();
        rest = tail;
        let (verb, argument) = split_word(line.trim_ascii_end());
        let numbered = !argument.is_empty() && argument.iter().all(|b| b.is_ascii_digit() || *b == b' ');
        let secure = contains_word(argument, b"TLS") || contains_word(argument, b"SSL");
        match verb.to_ascii_uppercase().as_slice() {
            b"STLS" | b"CAPA" | b"UIDL" | b"XTND" => return Verdict::Certain,
            b"STAT" if argument.is_empty() => return Verdict::Certain,
            b"TOP" | b"RETR" | b"DELE" | b"LIST" if numbered => return Verdict::Certain,
            b"APOP" if argument.trim_ascii_end().len() > 33 => return Verdict::Certain,
            // IRC has three more words.
            b"USER" if contains_word(argument, b" :") => return Verdict::No,
            b"USER" => verdict = Verdict::Likely,
            // Redis has a password in place of a mechanism.
            b"AUTH" if !secure && (argument.is_empty() || is_mechanism(argument)) => {
                verdict = Verdict::Likely;
                // What follows are lines of base64.
                return verdict;
            }
            b"PASS" | b"LIST" | b"NOOP" | b"QUIT" | b"RSET" | b"LANG" | b"UTF8" | b"LAST" | b"" => {}
            _ => return Verdict::No,
        }
    }
    let text = rest.len() < 1024 && rest.iter().all(|b| *b >= b' ' && *b != 127 || *b == b'\r');
    if text { verdict } else { Verdict::No }
}

fn is_mechanism(argument: &[u8]) -> bool {
    let (name, _) = split_word(argument);
    Exchange::new(name).mechanism() != "sasl"
}

fn server(bytes: &[u8]) -> Verdict {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        let starts = [&b"+OK"[..], b"-ERR"].iter().any(|s| s.starts_with(bytes) || bytes.starts_with(s));
        return if starts && bytes.len() < 512 { Verdict::NeedMore } else { Verdict::No };
    };
    let (line, rest) = bytes.split_at_checked(end + 1).unwrap_or_default();
    let (word, text) = split_word(line.trim_ascii_end());
    match word {
        b"+OK" if contains_word(text, b"POP") => Verdict::Certain,
        b"+OK" if text.contains(&b'<') && text.contains(&b'@') && text.ends_with(b">") => Verdict::Certain,
        b"+OK" | b"-ERR" if rest.starts_with(b"+OK ") || rest.starts_with(b"-ERR ") => Verdict::Likely,
        b"+OK" | b"-ERR" => Verdict::NeedMore,
        _ => Verdict::No,
    }
}
