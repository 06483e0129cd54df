//! What a message's headers say about its content: length, codings, type.

use crate::content::charset::Charset;
use crate::content::chunked::Chunked;
use crate::content::coding::Coding;
use crate::content::media::{self, Media};

/// What the headers say about the content.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    length: Option<u64>,
    /// `Transfer-Encoding` was there, which outranks a length (RFC 9112 section 6.3).
    transfer: bool,
    chunked: bool,
    pub(super) content_codings: Vec<Coding>,
    pub(super) transfer_codings: Vec<Coding>,
    /// Of the messages of gRPC, or Connect.
    pub(super) message_coding: Option<Coding>,
    /// A coding nobody here knows.
    pub(super) strange: bool,
    /// It does not start at the first byte of the whole.
    pub(super) partial: bool,
    pub(super) media: Option<Media>,
    /// What the media type says of it.
    pub(super) charset: Option<Option<Charset>>,
}

impl Envelope {
    /// Content of which nothing else is known.
    pub(super) fn of(media: Media) -> Self {
        Self { media: Some(media), ..Self::default() }
    }

    /// Takes note of a header. Whether it was about the content.
    pub(super) fn note(&mut self, lower: &[u8], value: &[u8]) -> bool {
        match lower {
            b"content-length" => {
                let digits = value.split(|b| *b == b',').next().unwrap_or_default().trim_ascii();
                let length = std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok());
                self.length = self.length.or(length);
            }
            b"transfer-encoding" => {
                self.transfer = true;
                for name in names_of(value) {
                    self.chunked |= name.eq_ignore_ascii_case(b"chunked");
                    self.strange |= !add_coding(name, &mut self.transfer_codings);
                }
            }
            b"content-encoding" => {
                for name in names_of(value) {
                    self.strange |= !add_coding(name, &mut self.content_codings);
                }
            }
            b"grpc-encoding" | b"connect-content-encoding" => self.message_coding = Coding::of(value),
            b"content-type" => {
                self.media = Some(media::of(value));
                self.charset = Charset::of_media(value);
            }
            b"content-range" => {
                let start = value.strip_prefix(b"bytes ").and_then(|range| range.split(|b| *b == b'-').next());
                self.partial = start.is_some_and(|start| start.trim_ascii() != b"0");
            }
            _ => return false,
        }
        true
    }

    /// How a request's content ends; `None` without content.
    pub(super) fn of_request(&self) -> Option<Framing> {
        match self.length {
            _ if self.chunked => Some(Framing::Chunked(Chunked::default())),
            Some(length) if length > 0 && !self.transfer => Some(Framing::Length(length)),
            _ => None,
        }
    }

    /// How the content of an answer that may have some ends.
    pub(super) fn of_response(&self) -> Framing {
        match self.length {
            _ if self.chunked => Framing::Chunked(Chunked::default()),
            Some(length) if !self.transfer => Framing::Length(length),
            _ => Framing::Close,
        }
    }
}

/// How content ends.
#[derive(Debug)]
pub(super) enum Framing {
    Chunked(Chunked),
    Close,
    Length(u64),
}

/// The names of a list of codings.
fn names_of(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|b| *b == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty())
}

/// Adds a coding, unless it changes nothing. Whether it is known.
fn add_coding(name: &[u8], to: &mut Vec<Coding>) -> bool {
    match Coding::of(name) {
        Some(coding) => {
            to.push(coding);
            true
        }
        None => [&b"chunked"[..], b"identity", b"none", b"aws-chunked", b"utf-8"]
            .iter()
            .any(|n| name.eq_ignore_ascii_case(n)),
    }
}
