//! Tells SMTP from the protocols that look like it: FTP greets with the same code, POP3 has the same AUTH.

use crate::proto::lines::{Reply, contains_word, split_word};
use crate::proto::{Opening, Verdict};

/// Commands no other protocol has, with the start of their argument.
const OWN: [&[u8]; 5] = [b"EHLO ", b"HELO ", b"LHLO ", b"MAIL FROM:", b"RCPT TO:"];

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    match (client(opening.to_server), server(opening)) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Certain, _) | (_, Verdict::Certain) => Verdict::Certain,
        (Verdict::Likely, _) | (_, Verdict::Likely) => Verdict::Likely,
        // A greeting and nothing more: only the port tells it from FTP's.
        _ if opening.ended && super::PROTOCOL.ports.contains(&opening.server_port) && !opening.to_client.is_empty() => {
            Verdict::Likely
        }
        _ => Verdict::NeedMore,
    }
}

fn client(bytes: &[u8]) -> Verdict {
    let upper = bytes.get(..bytes.len().min(16)).unwrap_or_default().to_ascii_uppercase();
    if OWN.iter().any(|own| upper.starts_with(own)) {
        return Verdict::Certain;
    }
    if bytes.is_empty() || OWN.iter().any(|own| own.starts_with(&upper)) {
        return Verdict::NeedMore;
    }
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        let text = bytes.len() < 512 && bytes.iter().all(|b| b.is_ascii_graphic() || matches!(b, b' ' | b'\r'));
        return if text { Verdict::NeedMore } else { Verdict::No };
    };
    let (line, rest) = bytes.split_at_checked(end + 1).unwrap_or_default();
    let (verb, argument) = split_word(line.trim_ascii_end());
    match verb.to_ascii_uppercase().as_slice() {
        b"AUTH" if !argument.is_empty() && !contains_word(argument, b"TLS") && !contains_word(argument, b"SSL") => {
            match client(rest) {
                Verdict::Certain => Verdict::Certain,
                _ => Verdict::Likely,
            }
        }
        // Pleasantries before the greeting, which other protocols know as well.
        b"NOOP" | b"RSET" | b"STARTTLS" | b"QUIT" | b"HELP" | b"XCLIENT" | b"PROXY" | b"" => client(rest),
        _ => Verdict::No,
    }
}

fn server(opening: &Opening<'_>) -> Verdict {
    let bytes = opening.to_client;
    if bytes.len() < 4 {
        let digits = bytes.iter().take(3).all(u8::is_ascii_digit);
        return if digits { Verdict::NeedMore } else { Verdict::No };
    }
    let mut lines = bytes.split_inclusive(|b| *b == b'\n').filter(|l| l.ends_with(b"\n")).map(|l| l.trim_ascii_end());
    let Some(first) = lines.next() else {
        return if Reply::parse(bytes).is_some_and(|r| r.code / 100 != 1) { Verdict::NeedMore } else { Verdict::No };
    };
    let Some(greeting) = Reply::parse(first) else { return Verdict::No };
    match greeting.code {
        220 if contains_word(greeting.text, b"SMTP") || contains_word(greeting.text, b"LMTP") => {
            return Verdict::Certain;
        }
        220 if contains_word(greeting.text, b"FTP") => return Verdict::No,
        250 if opening.midstream && is_extension(greeting.text) => return Verdict::Certain,
        220 | 250 | 421 | 554 | 354 => {}
        _ => return Verdict::No,
    }
    // After its greeting, an SMTP server says 250 to the first command; an FTP server never does.
    match lines.filter_map(Reply::parse).find(|r| r.code != greeting.code) {
        Some(reply) if reply.code == 250 && greeting.code == 220 => Verdict::Likely,
        Some(reply) if matches!(reply.code, 250 | 235 | 334 | 354 | 221 | 421 | 450..=455 | 500..=555) => {
            Verdict::NeedMore
        }
        Some(_) => Verdict::No,
        None => Verdict::NeedMore,
    }
}

/// Whether a line of a reply is one of EHLO's.
fn is_extension(text: &[u8]) -> bool {
    let (word, _) = split_word(text);
    [&b"PIPELINING"[..], b"8BITMIME", b"STARTTLS", b"SIZE", b"ENHANCEDSTATUSCODES", b"CHUNKING", b"SMTPUTF8", b"DSN"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}
