//! The parts of a multipart message: small ones are form fields, files are text or binary.

use super::fields::{Origin, account};
use crate::content::charset::{Charset, Transcoder};
use crate::content::document::{Document, Kind};
use crate::content::media::{self, Media};
use crate::content::{base64, header, multipart, sniff};
use crate::model::event::{Event, EventSink, FieldKind, Format, Skip};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::{Gathered, Stretch};

/// Longest value that is a field rather than text, in bytes.
const FIELD: usize = 4 << 10;

/// The parts that were not said yet of one message.
#[derive(Debug, Default)]
pub(super) struct Parts {
    boundary: Option<Vec<u8>>,
    /// Bytes at the start of the first part that were said already.
    seen: usize,
}

/// One part.
struct Part<'a> {
    name: String,
    media: Media,
    file: bool,
    /// Its file is a table by name.
    table: bool,
    base64: bool,
    charset: Option<Option<Charset>>,
    body: &'a [u8],
    at: usize,
}

impl Parts {
    /// The parts of a message with this boundary.
    pub(super) fn new(boundary: Option<Vec<u8>>) -> Self {
        Self { boundary, seen: 0 }
    }

    /// Says the whole parts of a message that goes on, and what is here of a long one. Gives the offset
    /// from which the data are needed again, after what was put into `again`.
    pub(super) fn piece(
        &mut self,
        data: Stretch<'_>,
        origin: &Origin<'_>,
        again: &mut Gathered,
        out: &mut dyn EventSink,
    ) -> usize {
        let Some(boundary) = self.known_boundary(data.bytes) else { return data.bytes.len() };
        let parts: Vec<_> = multipart::parts(data.bytes, &boundary).collect();
        let Some(open) = parts.last().filter(|p| !p.closed) else {
            self.say(data, &parts, origin, out);
            return data.bytes.len();
        };
        again.push_stretch(Stretch { bytes: &[b"--", boundary.as_slice(), b"\r\n"].concat(), origins: data.origins });
        let whole = parts.get(..parts.len() - 1).unwrap_or_default();
        if !whole.is_empty() {
            self.say(data, whole, origin, out);
            return open.head.start;
        }
        // One part fills it all: it is said as far as it is here, but for what may be a delimiter.
        let keep = limits::TEXT_OVERLAP_BYTES.max(boundary.len() + 8).min(open.body.len());
        self.say(data, &parts, origin, out);
        if open.head.len() >= limits::BODY_BYTES / 2 {
            return data.bytes.len();
        }
        again.push_part(data, open.head.clone());
        self.seen = keep;
        open.body.end - keep
    }

    /// Says the parts of a message that has ended, or was cut.
    pub(super) fn rest(&mut self, data: Stretch<'_>, origin: &Origin<'_>, out: &mut dyn EventSink) {
        let Some(boundary) = self.known_boundary(data.bytes) else { return };
        let parts: Vec<_> = multipart::parts(data.bytes, &boundary).collect();
        self.say(data, &parts, origin, out);
    }

    fn known_boundary(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.boundary.is_none() {
            self.boundary = multipart::guess_boundary(bytes).map(Into::into);
        }
        self.boundary.clone()
    }

    fn say(&mut self, data: Stretch<'_>, parts: &[multipart::Part], origin: &Origin<'_>, out: &mut dyn EventSink) {
        let parts: Vec<_> = parts.iter().filter_map(|part| read(data.bytes, part)).collect();
        let fields = || parts.iter().filter(|p| p.is_field());
        let account = account(fields().map(|p| (p.name.as_str(), p.body)));
        for part in &parts {
            let seen = std::mem::take(&mut self.seen);
            if part.body.len() <= seen {
                continue;
            }
            let range = part.at..part.at + part.body.len();
            if origin.direction == Direction::ToServer && seen == 0 && part.is_field() {
                let account = account.filter(|_| !super::names::is_account(&part.name));
                let kind = (FieldKind::Form, "http.request.form");
                let value = part.charset.flatten().map_or(part.body.into(), |charset| charset.read(part.body));
                origin.field(kind, &part.name, &value, account, data.span(range), out);
                continue;
            }
            let mut content = Gathered::default();
            match part
                .base64
                .then(|| base64::decode(&part.body.split(u8::is_ascii_whitespace).collect::<Vec<_>>().concat()))
            {
                Some(Some(decoded)) => content.push(&decoded, data.mark(part.at)),
                _ => content.push_part(data, range),
            }
            let bytes = content.stretch().bytes;
            if let Some(kind) = part.document(bytes) {
                let mut document = Document::new(kind);
                let over = document.push(content.stretch(), seen..bytes.len());
                document.finish(origin.document(place(origin.direction)), out);
                if over > 0 {
                    out.event(Event::Skipped { reason: Skip::Limit, bytes: over as u64 });
                }
                continue;
            }
            match part.format(bytes) {
                Some(format) => {
                    let (content, seen) = part.plain(format, content.stretch(), seen);
                    origin.text(place(origin.direction), format, content.stretch(), seen, out);
                }
                None => {
                    out.event(Event::Skipped {
                        reason: Skip::Binary,
                        bytes: (bytes.len() - seen.min(bytes.len())) as u64,
                    });
                }
            }
        }
    }
}

impl Part<'_> {
    /// Whether it is a form's field rather than a file or a message.
    fn is_field(&self) -> bool {
        let plain = matches!(self.media, Media::Unknown | Media::Text(Format::Plain));
        !self.file && plain && !self.name.is_empty() && self.body.len() <= FIELD
    }

    /// The kind of document it is.
    fn document(&self, bytes: &[u8]) -> Option<Kind> {
        match self.media {
            Media::Document(kind) => Some(kind),
            _ => Kind::of_file(bytes),
        }
    }

    /// The format of its content; `None` when it is binary.
    fn format(&self, bytes: &[u8]) -> Option<Format> {
        if sniff::binary(bytes).is_some() {
            return None;
        }
        match self.media {
            Media::Text(format) => Some(format),
            Media::Form => Some(Format::Form),
            _ if !sniff::is_text(bytes) => None,
            _ if self.table => Some(Format::Csv),
            _ => Some(sniff::format(bytes)),
        }
    }

    /// Its text in UTF-8, and how much of that was seen.
    fn plain(&self, format: Format, raw: Stretch<'_>, seen: usize) -> (Gathered, usize) {
        let (mut plain, mut transcoder) = (Gathered::default(), Transcoder::new(self.charset, format));
        plain.push_part(raw, 0..seen);
        transcoder.rewrite(&mut plain);
        let seen_of_plain = plain.len();
        plain.push_part(raw, seen..raw.bytes.len());
        transcoder.rewrite(&mut plain);
        (plain, seen_of_plain)
    }
}

fn read<'a>(bytes: &'a [u8], part: &multipart::Part) -> Option<Part<'a>> {
    let body = bytes.get(part.body.clone())?;
    let at = part.body.start;
    let mut read = Part {
        name: String::new(),
        media: Media::Unknown,
        file: false,
        table: false,
        base64: false,
        charset: None,
        body,
        at,
    };
    for line in header::headers(bytes.get(part.head.clone())?) {
        let value = line.unfolded();
        let is = |name: &str| line.name.eq_ignore_ascii_case(name.as_bytes());
        if is("content-disposition") {
            let name = header::parameter(&value, "name").unwrap_or_default();
            read.name = String::from_utf8_lossy(&name).into_owned();
            let file = header::parameter(&value, "filename").map(|name| name.to_ascii_lowercase());
            read.table = file.as_deref().is_some_and(|file| file.ends_with(b".csv") || file.ends_with(b".tsv"));
            read.file = file.is_some();
        } else if is("content-type") {
            read.media = media::of(&value);
            read.charset = Charset::of_media(&value);
        } else if is("content-transfer-encoding") {
            read.base64 = value.eq_ignore_ascii_case(b"base64");
        }
    }
    Some(read)
}

const fn place(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "http.request.file",
        Direction::ToClient => "http.response.body",
    }
}
