//! Header fields: what they say about a part, and how to read their values.

use super::decode::{Decoder, unescape};
use crate::content::base64;
use crate::model::event::Format;

/// Header fields that mail systems write for each other: routes, identifiers, signatures. Long random
/// strings, none of them a secret.
const ROUTINE: [&str; 24] = [
    "authentication-results",
    "content-disposition",
    "content-id",
    "content-language",
    "content-location",
    "content-transfer-encoding",
    "content-type",
    "date",
    "dkim-signature",
    "domainkey-signature",
    "in-reply-to",
    "message-id",
    "mime-version",
    "received",
    "received-spf",
    "references",
    "thread-index",
    "x-cr-hashedpuzzle",
    "x-cr-puzzleid",
    "x-google-dkim-signature",
    "x-google-smtp-source",
    "x-gm-message-state",
    "x-ms-exchange-crosstenant-id",
    "x-received",
];

/// What the header of a part says about its body.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Type and subtype, in lower case; empty when the header does not say.
    essence: String,
    boundary: Vec<u8>,
    name: String,
    decoder: Decoder,
}

/// What a body is.
#[derive(Debug)]
pub(super) enum Sort {
    Binary,
    /// A whole message of its own.
    Message,
    /// Parts between boundaries like this one.
    Multipart(Vec<u8>),
    Text(Format),
    /// To be judged by its first bytes; if it is text, then in this format.
    Unclear(Format),
}

impl Part {
    /// Takes note of a header field.
    pub(super) fn learn(&mut self, field: &[u8]) {
        let Some((name, value)) = split(field) else { return };
        if name.eq_ignore_ascii_case("content-type") {
            let mut parameters = Parameters::of(value);
            self.essence = String::from_utf8_lossy(parameters.first).to_ascii_lowercase();
            while let Some((key, value)) = parameters.next() {
                match key.as_str() {
                    "boundary" => self.boundary = value,
                    "name" => self.name = String::from_utf8_lossy(&decode_words(&value)).into_owned(),
                    _ => {}
                }
            }
        } else if name.eq_ignore_ascii_case("content-disposition") {
            let mut parameters = Parameters::of(value);
            while let Some((key, value)) = parameters.next() {
                if key == "filename" {
                    self.name = String::from_utf8_lossy(&decode_words(&value)).into_owned();
                }
            }
        } else if name.eq_ignore_ascii_case("content-transfer-encoding") {
            self.decoder = Decoder::named(value);
        }
    }

    /// The kind of body, its encoding, and its file name.
    pub(super) fn into_sort(self) -> (Sort, Decoder, String) {
        let by_name = || format_of_name(&self.name).unwrap_or(Format::Plain);
        let (class, subtype) = self.essence.split_once('/').unwrap_or((&self.essence, ""));
        let sort = match (class, subtype) {
            ("multipart", _) if !self.boundary.is_empty() => Sort::Multipart(self.boundary),
            ("message", "rfc822" | "global") => Sort::Message,
            ("text", "plain") | ("", _) => Sort::Text(by_name()),
            ("text", "html") => Sort::Text(Format::Html),
            ("text", "csv" | "tab-separated-values") => Sort::Text(Format::Csv),
            ("text" | "application", "json") => Sort::Text(Format::Json),
            ("text" | "application", "xml") => Sort::Text(Format::Xml),
            ("text" | "application", "javascript" | "css") => Sort::Text(Format::Script),
            ("application", "sql") => Sort::Text(Format::Sql),
            ("application", "x-www-form-urlencoded") => Sort::Text(Format::Form),
            ("text" | "message" | "multipart", _) => Sort::Text(Format::Plain),
            ("image", "svg+xml") => Sort::Text(Format::Xml),
            ("image" | "audio" | "video" | "font", _) => Sort::Binary,
            _ => Sort::Unclear(by_name()),
        };
        (sort, self.decoder, self.name)
    }
}

/// Name and value of a header field.
pub(super) fn split(field: &[u8]) -> Option<(&str, &[u8])> {
    let colon = memchr::memchr(b':', field)?;
    let name = std::str::from_utf8(field.get(..colon)?).ok()?.trim();
    Some((name, field.get(colon + 1..)?.trim_ascii()))
}

/// Whether a header field is one of those that mail systems write for each other.
pub(super) fn is_routine(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("arc-") || ROUTINE.contains(&name.as_str())
}

/// Decodes the encoded words (RFC 2047) of a value; what is between two of them is dropped when it is
/// only space.
pub(super) fn decode_words(value: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    let mut after_word = false;
    while let Some(at) = memchr::memmem::find(rest, b"=?") {
        let (before, word) = rest.split_at_checked(at).unwrap_or_default();
        let Some((text, tail)) = encoded_word(word) else {
            decoded.extend_from_slice(before);
            decoded.extend_from_slice(b"=?");
            rest = word.get(2..).unwrap_or_default();
            after_word = false;
            continue;
        };
        if !(after_word && before.trim_ascii().is_empty()) {
            decoded.extend_from_slice(before);
        }
        decoded.extend_from_slice(&text);
        rest = tail;
        after_word = true;
    }
    decoded.extend_from_slice(rest);
    decoded
}

/// `=?charset?B?text?=` or `=?charset?Q?text?=` at the start: its text, and what follows.
fn encoded_word(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut parts = bytes.strip_prefix(b"=?")?.splitn(4, |b| *b == b'?');
    let (charset, encoding, text) = (parts.next()?, parts.next()?, parts.next()?);
    let tail = parts.next()?.strip_prefix(b"=")?;
    let raw = match encoding {
        b"B" | b"b" => base64::decode(text)?,
        b"Q" | b"q" => {
            let mut raw = Vec::with_capacity(text.len());
            let spaced: Vec<u8> = text.iter().map(|b| if *b == b'_' { b' ' } else { *b }).collect();
            unescape(&spaced, b'=', &mut raw);
            raw
        }
        _ => return None,
    };
    let latin = charset.to_ascii_lowercase().starts_with(b"iso-8859-1");
    let text = if latin { raw.iter().map(|b| char::from(*b)).collect::<String>().into_bytes() } else { raw };
    Some((text, tail))
}

/// The parameters of a structured field (RFC 2045, section 5.1, and RFC 2231).
struct Parameters<'a> {
    /// What stands before them.
    first: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Parameters<'a> {
    fn of(value: &'a [u8]) -> Self {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let (first, rest) = value.split_at_checked(end).unwrap_or((value, b""));
        Self { first: first.trim_ascii(), rest }
    }

    /// The next name, in lower case and without the marks of RFC 2231, and its value.
    fn next(&mut self) -> Option<(String, Vec<u8>)> {
        while let [b';' | b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.rest {
            self.rest = rest;
        }
        let equals = memchr::memchr(b'=', self.rest)?;
        let key = String::from_utf8_lossy(self.rest.get(..equals)?.trim_ascii()).to_ascii_lowercase();
        self.rest = self.rest.get(equals + 1..)?.trim_ascii_start();
        let mut value = self.value();
        let Some((name, marks)) = key.split_once('*') else { return Some((key, value)) };
        if marks.is_empty() || marks.ends_with('*') {
            // charset'language'percent-encoded
            let text = value.splitn(3, |b| *b == b'\'').nth(2).unwrap_or(&value);
            let mut plain = Vec::with_capacity(text.len());
            unescape(text, b'%', &mut plain);
            value = plain;
        }
        Some((name.to_owned(), value))
    }

    fn value(&mut self) -> Vec<u8> {
        let Some(quoted) = self.rest.strip_prefix(b"\"") else {
            let end = memchr::memchr(b';', self.rest).unwrap_or(self.rest.len());
            let (value, rest) = self.rest.split_at_checked(end).unwrap_or_default();
            self.rest = rest;
            return value.trim_ascii().to_vec();
        };
        let mut value = Vec::new();
        self.rest = quoted;
        while let [byte, rest @ ..] = self.rest {
            self.rest = rest;
            match (byte, rest) {
                (b'"', _) => break,
                (b'\\', [escaped, rest @ ..]) => {
                    value.push(*escaped);
                    self.rest = rest;
                }
                _ => value.push(*byte),
            }
        }
        value
    }
}

fn format_of_name(name: &str) -> Option<Format> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "csv" | "tsv" => Format::Csv,
        "htm" | "html" => Format::Html,
        "json" | "jsonl" => Format::Json,
        "sql" => Format::Sql,
        "xml" => Format::Xml,
        _ => return None,
    })
}
