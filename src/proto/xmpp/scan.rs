//! Tags and text of a stream of XML that may end, or begin, anywhere.

use crate::model::limits;

/// Elements right below the stream, by which the place in it is found again.
const STANZAS: [&[u8]; 17] = [
    b"stream:stream",
    b"stream:features",
    b"stream:error",
    b"message",
    b"presence",
    b"iq",
    b"auth",
    b"authenticate",
    b"challenge",
    b"response",
    b"success",
    b"failure",
    b"abort",
    b"starttls",
    b"proceed",
    b"handshake",
    b"features",
];
/// The longest of them with what is before and behind it.
const LONGEST_STANZA: usize = 18;

/// What a stream goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A start tag: its name without a prefix, what follows that in the tag, and whether it is its own end.
    Open {
        name: &'a [u8],
        attributes: &'a [u8],
        empty: bool,
    },
    /// An end tag.
    Close,
    /// Text, with its references; a section of characters has none.
    Text(&'a [u8]),
    Section(&'a [u8]),
    /// A declaration, a comment.
    Other,
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// More is needed.
    More,
    /// This is no XML.
    Broken,
}

/// The next token, and its length. The first `scanned` bytes are known not to end it.
pub(super) fn token(bytes: &[u8], scanned: usize) -> Result<(Token<'_>, usize), Stop> {
    if bytes.is_empty() {
        return Err(Stop::More);
    }
    if !bytes.starts_with(b"<") {
        let from = scanned.min(bytes.len());
        let end = memchr::memchr(b'<', bytes.get(from..).unwrap_or_default()).map(|n| from + n);
        return match end.or((bytes.len() >= limits::BODY_BYTES).then_some(bytes.len())) {
            Some(end) => Ok((Token::Text(bytes.get(..end).unwrap_or_default()), end)),
            None => Err(Stop::More),
        };
    }
    const SECTION: &[u8] = b"<![CDATA[";
    let limit = if bytes.len() > limits::LINE_BYTES { Stop::Broken } else { Stop::More };
    if bytes.starts_with(b"<![") {
        if !SECTION.starts_with(bytes.get(..SECTION.len()).unwrap_or(bytes)) {
            return Err(Stop::Broken);
        }
        let data = bytes.get(SECTION.len()..).unwrap_or_default();
        let from = scanned.saturating_sub(SECTION.len() + 2).min(data.len());
        let end =
            data.get(from..).and_then(|rest| memchr::memmem::find(rest, b"]]>")).map(|n| from + n).ok_or(limit)?;
        return Ok((Token::Section(data.get(..end).unwrap_or_default()), SECTION.len() + end + 3));
    }
    if memchr::memchr(b'>', bytes.get(scanned..).unwrap_or_default()).is_none() {
        return Err(limit);
    }
    let end = tag_end(bytes).ok_or(limit)?;
    let tag = bytes.get(1..end).unwrap_or_default();
    let length = end + 1;
    match tag.first() {
        Some(b'/') => Ok((Token::Close, length)),
        Some(b'?' | b'!') => Ok((Token::Other, length)),
        Some(first) if first.is_ascii_alphabetic() || *first == b'_' || *first >= 0x80 => {
            let empty = tag.ends_with(b"/");
            let tag = tag.strip_suffix(b"/").unwrap_or(tag);
            let name = tag.iter().position(u8::is_ascii_whitespace).unwrap_or(tag.len());
            let (name, attributes) = tag.split_at_checked(name).unwrap_or_default();
            let name = name.rsplit(|b| *b == b':').next().unwrap_or(name);
            Ok((Token::Open { name, attributes, empty }, length))
        }
        _ => Err(Stop::Broken),
    }
}

/// Where a tag ends: its `>` outside of quotes.
fn tag_end(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    bytes.iter().position(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
        quote.is_none() && *byte == b'>'
    })
}

/// Where the next stanza begins; or the offset before which none does.
pub(super) fn find_stanza(bytes: &[u8]) -> Result<usize, usize> {
    for at in memchr::memchr_iter(b'<', bytes) {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        let begins = |name: &&[u8]| {
            let end = rest.strip_prefix(*name).and_then(|rest| rest.first());
            end.is_some_and(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'))
        };
        if STANZAS.iter().any(begins) {
            return Ok(at);
        }
        if rest.len() < LONGEST_STANZA {
            return Err(at);
        }
    }
    Err(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut bytes: &[u8]) -> Vec<Token<'_>> {
        let mut tokens = Vec::new();
        while let Ok((token, length)) = token(bytes, 0) {
            tokens.push(token);
            bytes = &bytes[length..];
        }
        tokens
    }

    #[test]
    fn tags_and_text_are_told_apart() {
        let open = |name, attributes, empty| Token::Open { name, attributes, empty };
        assert_eq!(
            all(b"<?xml version='1.0'?><a:b c='>' d=\"'\"><e/>t&lt;<![CDATA[<x>]]></a:b>text that goes on"),
            [
                Token::Other,
                open(b"b", b" c='>' d=\"'\"", false),
                open(b"e", b"", true),
                Token::Text(b"t&lt;"),
                Token::Section(b"<x>"),
                Token::Close,
            ]
        );
        assert_eq!(token(b"<a b='>", 0), Err(Stop::More));
        assert_eq!(token(b"< a>", 0), Err(Stop::Broken));
        assert_eq!(token(&[b'x'; limits::BODY_BYTES], 5).map(|(_, length)| length), Ok(limits::BODY_BYTES));
        assert_eq!(token(&[&b"<"[..], &[b'x'; limits::LINE_BYTES]].concat(), 0), Err(Stop::Broken));
    }

    #[test]
    fn a_stanza_is_found_behind_the_end_of_another() {
        assert_eq!(find_stanza(b"lo</body></message><message to='a'>"), Ok(19));
        assert_eq!(find_stanza(b"<messages><iqx><x"), Err(0));
        assert_eq!(find_stanza(b"<body>of a long message and <b"), Err(28));
        assert_eq!(find_stanza(b"nothing"), Err(7));
    }
}
