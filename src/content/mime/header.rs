//! Header fields: what they say about a part, and how to read their values.

use super::decode::{Decoder, unescape};
use crate::content::charset::Charset;
use crate::content::media::{self, Media};
use crate::content::{base64, header, sniff};
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
    /// The value of `Content-Type`; empty when the header does not say.
    content_type: Vec<u8>,
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
        let file = |parameter| {
            let value = header::parameter(value, parameter)?;
            Some(String::from_utf8_lossy(&decode_words(&value)).into_owned())
        };
        if name.eq_ignore_ascii_case("content-type") {
            self.content_type = value.to_vec();
            self.name = file("name").unwrap_or(std::mem::take(&mut self.name));
        } else if name.eq_ignore_ascii_case("content-disposition") {
            self.name = file("filename").unwrap_or(std::mem::take(&mut self.name));
        } else if name.eq_ignore_ascii_case("content-transfer-encoding") {
            self.decoder = Decoder::named(value);
        }
    }

    /// What its media type says of its charset.
    pub(super) fn charset(&self) -> Option<Option<Charset>> {
        Charset::of_media(&self.content_type)
    }

    /// The kind of body, its encoding, and its file name.
    pub(super) fn into_sort(self) -> (Sort, Decoder, String) {
        let by_name = sniff::format_of_name(&self.name).unwrap_or(Format::Plain);
        let essence = self.content_type.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
        let sort = match media::of(&self.content_type) {
            _ if essence.eq_ignore_ascii_case(b"message/rfc822") => Sort::Message,
            _ if essence.is_empty() => Sort::Text(by_name),
            Media::Binary | Media::Document(_) | Media::Rpc { .. } => Sort::Unclear(by_name),
            Media::Form => Sort::Text(Format::Form),
            Media::Multipart(Some(boundary)) if !boundary.is_empty() => Sort::Multipart(boundary),
            Media::Multipart(_) => Sort::Text(Format::Plain),
            Media::Text(Format::Plain) => Sort::Text(by_name),
            Media::Text(format) => Sort::Text(format),
            Media::Unknown => Sort::Unclear(by_name),
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
    // RFC 2231 section 5: a language may follow.
    let charset = charset.split(|b| *b == b'*').next().and_then(Charset::named);
    Some((charset.map_or_else(|| raw.clone(), |charset| charset.read(&raw).into_owned()), tail))
}
