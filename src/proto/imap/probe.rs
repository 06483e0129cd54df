//! Recognises IMAP by the shape of its lines: a tag and a command, a star and a status.

use crate::proto::lines::{contains_word, split_word};
use crate::proto::{Opening, Verdict};

const COMMANDS: [&[u8]; 26] = [
    b"APPEND",
    b"AUTHENTICATE",
    b"CAPABILITY",
    b"CLOSE",
    b"COMPRESS",
    b"COPY",
    b"CREATE",
    b"DELETE",
    b"ENABLE",
    b"EXAMINE",
    b"EXPUNGE",
    b"FETCH",
    b"ID",
    b"IDLE",
    b"LIST",
    b"LOGIN",
    b"LOGOUT",
    b"LSUB",
    b"NAMESPACE",
    b"NOOP",
    b"SEARCH",
    b"SELECT",
    b"STARTTLS",
    b"STATUS",
    b"STORE",
    b"UID",
];

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    match (client(opening.to_server), server(opening.to_client)) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (_, Verdict::Certain) => Verdict::Certain,
        (Verdict::Likely, Verdict::Likely) => Verdict::Certain,
        (Verdict::Likely, _) => Verdict::Likely,
        (_, Verdict::Likely) if opening.ended => Verdict::Likely,
        _ => Verdict::NeedMore,
    }
}

fn client(bytes: &[u8]) -> Verdict {
    let line = memchr::memchr(b'\n', bytes).and_then(|n| bytes.get(..n));
    let (tag, rest) = split_word(line.unwrap_or(bytes));
    let is_tag = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'$' | b'/' | b'#');
    let Some(line) = line else {
        let fits = bytes.len() < 1024 && tag.len() <= 32 && tag.iter().all(|b| is_tag(b) || *b == b'\r');
        return if fits { Verdict::NeedMore } else { Verdict::No };
    };
    let (verb, _) = split_word(rest.trim_ascii_end());
    let command = verb.to_ascii_uppercase();
    let fits = !tag.is_empty()
        && tag.len() <= 32
        && tag.iter().all(is_tag)
        && COMMANDS.contains(&command.as_slice())
        && line.len() < crate::model::limits::LINE_BYTES;
    // Words before a command are how Redis and memcached speak; tags are numbered.
    let numbered = tag.len() < 3 || tag.iter().any(u8::is_ascii_digit);
    match fits {
        true if numbered => Verdict::Likely,
        true => Verdict::NeedMore,
        false => Verdict::No,
    }
}

fn server(bytes: &[u8]) -> Verdict {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        let fits = bytes.first().is_none_or(|b| *b == b'*') && bytes.len() < 1024;
        return if fits { Verdict::NeedMore } else { Verdict::No };
    };
    let line = bytes.get(..end).unwrap_or_default().trim_ascii_end();
    let (star, rest) = split_word(line);
    let (status, text) = split_word(rest);
    let number = !status.is_empty() && status.iter().all(u8::is_ascii_digit);
    if star != b"*" {
        // A tagged reply, of a stream that began in the middle.
        let reply =
            matches!(status, b"OK" | b"NO" | b"BAD") && star.len() <= 32 && star.iter().all(u8::is_ascii_alphanumeric);
        return if reply { Verdict::NeedMore } else { Verdict::No };
    }
    match status.to_ascii_uppercase().as_slice() {
        b"CAPABILITY" if contains_word(text, b"IMAP4") => Verdict::Certain,
        b"OK" | b"PREAUTH" if contains_word(text, b"IMAP") || contains_word(text, b"[CAPABILITY ") => Verdict::Certain,
        b"OK" | b"PREAUTH" | b"BYE" | b"FLAGS" | b"LIST" | b"SEARCH" | b"STATUS" | b"CAPABILITY" => Verdict::Likely,
        _ if number && contains_word(text, b"FETCH (") => Verdict::Certain,
        _ if number && matches!(text, b"EXISTS" | b"RECENT" | b"EXPUNGE") => Verdict::Likely,
        _ => Verdict::No,
    }
}
