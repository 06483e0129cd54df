//! The content of a message: its framing, its codings, and what is made of it.

use super::envelope::{Envelope, Framing};
use super::fields::{FORM, Origin, body_place};
use super::held::{Form, Held};
use super::names;
use super::parts::Parts;
use super::rpc::Messages;
use crate::content::charset::{Charset, Transcoder};
use crate::content::chunked::{self, Chunked};
use crate::content::coding::{Decoder, Status};
use crate::content::document::{Document, Kind};
use crate::content::media::Media;
use crate::content::sniff;
use crate::model::digest::Digest;
use crate::model::event::{Event, EventSink, Format, Outcome, Skip};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::{Gathered, Stretch};

/// Bytes that tell what content is when its type does not.
const SNIFF: usize = 1024;
/// Memory a decoder has, about, in bytes.
const DECODER: usize = 64 << 10;
/// Codings on top of each other that are undone.
const CODINGS: usize = 4;

/// Where reading content stopped. Offsets are of the bytes given.
#[derive(Debug)]
pub(super) enum Step {
    /// It ended here.
    Done(usize),
    /// Its framing is broken here: nobody knows where it ends.
    Lost(usize),
    /// So far; more is needed.
    More(usize),
    /// So far, and so many bytes more are of no interest.
    Skip(usize, u64),
}

/// Content on its way.
pub(super) struct Body {
    pub(super) framing: Framing,
    direction: Direction,
    resource: String,
    /// Number of the request it belongs to; 0 for answers.
    request: u64,
    decoder: Option<Decoder>,
    /// Coded content of an answer, until it is whole: content that was seen before need not be decoded.
    waiting: Option<Gathered>,
    /// What of the head decides how the content is read.
    reading: String,
    fate: Fate,
    /// What its type says of its charset.
    charset: Option<Option<Charset>>,
    /// Makes UTF-8 of text.
    transcoder: Transcoder,
    /// Decoded content that is not said yet, after the end of what was, for context.
    buffer: Gathered,
    /// How much of the buffer was said.
    seen: usize,
    /// Some of it was already said.
    said: bool,
    /// Bytes of content on the wire.
    wire: u64,
    /// Bytes of content, decoded.
    decoded: u64,
    /// Nothing more is looked at, and so many bytes were not.
    stopped: Option<(Skip, u64)>,
    /// Of an answer to an unseen request, nothing yet: it may have no content at all.
    pub(super) doubtful: bool,
}

/// What is made of content.
#[derive(Debug)]
enum Fate {
    Document(Document),
    Form,
    Messages(Box<Messages>),
    Multipart(Parts),
    Text(Format),
    Undecided(Media),
}

impl Body {
    /// Content that begins. `request` is the number of its request, 0 for answers.
    pub(super) fn new(
        envelope: Envelope,
        framing: Framing,
        direction: Direction,
        resource: String,
        request: u64,
    ) -> Self {
        let Envelope { content_codings, transfer_codings, message_coding, strange, partial, media, charset, .. } =
            envelope;
        let coded = !content_codings.is_empty() || !transfer_codings.is_empty();
        let too_many = content_codings.len() + transfer_codings.len() > CODINGS;
        let unreadable = strange || too_many || partial && !content_codings.is_empty();
        let reading = format!("{direction:?} {content_codings:?} {transfer_codings:?} {media:?} {charset:?}");
        // JSON is made anew for each answer: to wait for it is to no avail.
        let anew = matches!(media, Some(Media::Text(Format::Json) | Media::Rpc { .. }));
        let may_repeat = direction == Direction::ToClient && !anew;
        let waiting = (coded && !unreadable && may_repeat).then(Gathered::default);
        let decoder = coded.then(|| Decoder::new(content_codings.into_iter().chain(transfer_codings)));
        Self {
            framing,
            direction,
            resource,
            request,
            decoder,
            waiting,
            reading,
            fate: match media.unwrap_or(Media::Unknown) {
                Media::Rpc { base64 } => Fate::Messages(Box::new(Messages::new(message_coding, base64))),
                media => Fate::Undecided(media),
            },
            charset,
            transcoder: Transcoder::default(),
            buffer: Gathered::default(),
            seen: 0,
            said: false,
            wire: 0,
            decoded: 0,
            stopped: unreadable.then_some((Skip::Coding, 0)),
            doubtful: false,
        }
    }

    /// Reads on from `at`.
    pub(super) fn data(&mut self, input: Stretch<'_>, mut at: usize, out: &mut dyn EventSink) -> Step {
        let end = input.bytes.len();
        loop {
            let (range, done) = match &mut self.framing {
                Framing::Length(left) => {
                    let here = (*left).min((end - at) as u64);
                    *left -= here;
                    (at..at + here as usize, *left == 0)
                }
                Framing::Close => (at..end, false),
                Framing::Chunked(chunked) => match chunked.step(input.bytes, at) {
                    chunked::Step::Data(range) => (range, false),
                    chunked::Step::Trailer(_, next) => {
                        at = next;
                        continue;
                    }
                    chunked::Step::End(next) => return Step::Done(next),
                    chunked::Step::More(next) => return self.more(next, next == end),
                    chunked::Step::Broken(next) => return Step::Lost(next),
                },
            };
            at = range.end;
            if !range.is_empty() {
                self.content(input, range, out);
            }
            if done {
                return Step::Done(at);
            }
            if at == end {
                return self.more(at, true);
            }
        }
    }

    /// Whether nothing more of it is wanted: then so many bytes that follow were taken note of.
    pub(super) const fn pass_over(&mut self, more: u64) -> bool {
        match &mut self.stopped {
            Some((_, bytes)) => {
                *bytes += more;
                true
            }
            None => false,
        }
    }

    /// There is no room for more of it.
    pub(super) fn stop(&mut self, out: &mut dyn EventSink) {
        self.wait_no_more(out);
        self.flush(out);
        self.stopped.get_or_insert((Skip::Limit, 0));
    }

    /// How many bytes it holds, about.
    pub(super) fn weight(&self) -> usize {
        let fate = match &self.fate {
            Fate::Document(document) => document.weight(),
            Fate::Messages(messages) => messages.weight(),
            Fate::Form | Fate::Multipart(_) | Fate::Text(_) | Fate::Undecided(_) => 0,
        };
        let waiting = self.waiting.as_ref().map_or(0, Gathered::len);
        self.buffer.len() + waiting + fate + if self.decoder.is_some() { DECODER } else { 0 }
    }

    /// What messages of an answer said of the outcome, as a status of HTTP.
    pub(super) fn call_status(&self) -> Option<u16> {
        match &self.fate {
            Fate::Messages(messages) => messages.status(),
            _ => None,
        }
    }

    /// Whether it is messages, of which later ones can be read without those before them.
    pub(super) const fn is_messages(&self) -> bool {
        matches!(self.fate, Fate::Messages(_))
    }

    /// Bytes of it are missing. Whether it is known where in it the next bytes stand; otherwise how
    /// many were missing behind its end.
    pub(super) fn gap(&mut self, missing: u64, out: &mut dyn EventSink) -> Result<(), u64> {
        let (within, behind) = match &mut self.framing {
            Framing::Close => (true, 0),
            Framing::Length(left) => {
                let here = missing.min(*left);
                *left -= here;
                (here == missing, missing - here)
            }
            Framing::Chunked(chunked) => (chunked.pass_over(missing), missing),
        };
        self.wait_no_more(out);
        let whole = match &mut self.fate {
            _ if self.decoder.is_some() => true,
            Fate::Messages(messages) => {
                let origin = Origin { resource: &self.resource, direction: self.direction, outcome: Outcome::Unknown };
                !messages.gap(missing, &origin, out)
            }
            Fate::Text(_) | Fate::Undecided(_) => false,
            Fate::Document(_) | Fate::Form | Fate::Multipart(_) => true,
        };
        if whole || !self.is_messages() {
            self.flush(out);
        }
        if whole && self.stopped.is_none() {
            self.stopped = Some((Skip::Gap, 0));
        }
        if within { Ok(()) } else { Err(behind) }
    }

    /// Nothing more of it will come. What should wait for the answer is handed back, with the number of
    /// its request.
    pub(super) fn finish(mut self, may_hold: bool, out: &mut dyn EventSink) -> Option<(u64, Held)> {
        let Some(waited) = self.waiting.take() else { return self.say_rest(may_hold, out) };
        let coded = waited.stretch();
        let digest = Digest::of(&[b"http", self.reading.as_bytes(), self.resource.as_bytes(), coded.bytes]);
        if out.recalls(&digest, coded) {
            return None;
        }
        self.read(coded, 0..waited.len(), out);
        let held = self.say_rest(may_hold, out);
        out.learn(digest, coded);
        held
    }

    fn say_rest(mut self, may_hold: bool, out: &mut dyn EventSink) -> Option<(u64, Held)> {
        self.drain(out);
        if !self.buffer.is_empty() {
            self.decide();
        }
        if may_hold
            && self.request > 0
            && self.stopped.is_none()
            && !self.said
            && let Some(held) = self.hold()
        {
            return Some((self.request, held));
        }
        self.flush(out);
        if let Some((reason, bytes)) = self.stopped.filter(|(_, bytes)| *bytes > 0) {
            out.event(Event::Skipped { reason, bytes });
        }
        None
    }

    /// More is needed. What nobody wants need not come here at all.
    fn more(&mut self, at: usize, all: bool) -> Step {
        let left = match &mut self.framing {
            Framing::Length(left) | Framing::Chunked(Chunked::Data(left)) if all => left,
            _ => return Step::More(at),
        };
        match &mut self.stopped {
            Some((_, bytes)) if *left > 0 => {
                let more = std::mem::take(left);
                *bytes += more;
                Step::Skip(at, more)
            }
            _ => Step::More(at),
        }
    }

    /// The next part of content.
    pub(super) fn content(&mut self, input: Stretch<'_>, range: std::ops::Range<usize>, out: &mut dyn EventSink) {
        let length = range.len() as u64;
        self.doubtful = false;
        self.wire += length;
        if let Some((_, bytes)) = &mut self.stopped {
            *bytes += length;
            return;
        }
        match &mut self.waiting {
            Some(waiting) => {
                waiting.push_part(input, range);
                if waiting.len() > limits::BODY_BYTES {
                    self.wait_no_more(out);
                }
            }
            None => self.read(input, range, out),
        }
    }

    /// Reads coded content that waited.
    fn wait_no_more(&mut self, out: &mut dyn EventSink) {
        if let Some(waited) = self.waiting.take() {
            self.read(waited.stretch(), 0..waited.len(), out);
        }
    }

    fn read(&mut self, input: Stretch<'_>, range: std::ops::Range<usize>, out: &mut dyn EventSink) {
        // Some programs say that they pack what they do not.
        let start = input.bytes.get(range.clone()).unwrap_or_default();
        if self.decoder.as_ref().is_some_and(|d| d.denies(start)) && sniff::is_text(start) {
            self.decoder = None;
        }
        let Some(mut decoder) = self.decoder.take() else {
            let mut from = range.start;
            while from < range.end && self.stopped.is_none() {
                let to = range.end.min(from + self.room());
                self.decoded += (to - from) as u64;
                self.buffer.push_part(input, from..to);
                from = to;
                self.filled((range.end - from) as u64, out);
            }
            return;
        };
        let first = input.origins.partition_point(|o| o.start <= range.start).saturating_sub(1);
        let origins = input.origins.get(first..).unwrap_or_default();
        for (n, origin) in origins.iter().enumerate() {
            let start = origin.start.max(range.start);
            let end = origins.get(n + 1).map_or(range.end, |next| next.start.min(range.end));
            let Some(mut rest) = input.bytes.get(start..end) else { break };
            while self.stopped.is_none() {
                let room = self.room();
                self.buffer.note(origin.mark);
                let buffer = self.buffer.bytes_mut();
                let before = buffer.len();
                let (used, status) = decoder.decode(rest, buffer, room);
                self.decoded += (buffer.len() - before) as u64;
                rest = rest.get(used..).unwrap_or_default();
                let unread = (range.end - end + rest.len()) as u64;
                self.filled(unread, out);
                match status {
                    Status::Full => {}
                    Status::Hungry => break,
                    Status::Ended | Status::Broken if self.stopped.is_none() => {
                        self.stopped = Some((Skip::Coding, unread));
                    }
                    Status::Ended | Status::Broken => {}
                }
            }
        }
        self.decoder = Some(decoder);
    }

    /// How many decoded bytes there is room for until they must be looked at. Never 0.
    fn room(&self) -> usize {
        let goal = if matches!(self.fate, Fate::Undecided(_)) { SNIFF } else { limits::BODY_BYTES };
        goal.saturating_sub(self.buffer.len()).max(1)
    }

    /// Looks at the buffer if it is full enough. `unread` bytes on the wire wait behind it.
    fn filled(&mut self, unread: u64, out: &mut dyn EventSink) {
        if let Fate::Messages(messages) = &mut self.fate {
            let origin = Origin { resource: &self.resource, direction: self.direction, outcome: Outcome::Unknown };
            let content = std::mem::take(&mut self.buffer);
            if !messages.push(content.stretch(), &origin, out) {
                self.stopped = Some((Skip::Malformed, unread));
            }
            return;
        }
        if self.buffer.len() >= SNIFF {
            self.decide();
        }
        if self.decoded >= out.most_of_body() && self.stopped.is_none() {
            self.stopped = Some((Skip::Limit, unread));
        }
        if self.buffer.len() < limits::BODY_BYTES {
            return;
        }
        self.transcoder.rewrite(&mut self.buffer);
        let origin = Origin { resource: &self.resource, direction: self.direction, outcome: Outcome::Unknown };
        let full = std::mem::take(&mut self.buffer);
        let data = full.stretch();
        let keep = match &mut self.fate {
            Fate::Text(format) => {
                origin.text(body_place(self.direction), *format, data, self.seen, out);
                self.seen = limits::TEXT_OVERLAP_BYTES;
                data.bytes.len().saturating_sub(self.seen)
            }
            Fate::Form => {
                let whole = memchr::memrchr(b'&', data.bytes).map_or(data.bytes.len(), |n| n + 1);
                let mut pairs = Gathered::default();
                pairs.push_part(data, 0..whole);
                origin.pairs(FORM, pairs.stretch(), self.charset.flatten(), out);
                whole
            }
            Fate::Multipart(open) => open.piece(data, &origin, &mut self.buffer, out),
            Fate::Document(document) => {
                let over = document.push(data, 0..data.bytes.len());
                if over > 0 && self.stopped.is_none() {
                    self.stopped = Some((Skip::Limit, over as u64 + unread));
                }
                data.bytes.len()
            }
            Fate::Messages(_) | Fate::Undecided(_) => 0,
        };
        self.buffer.push_part(data, keep..data.bytes.len());
        self.transcoder.keep(self.buffer.len());
        self.said = true;
    }

    /// Decides by type and first bytes what the content is.
    fn decide(&mut self) {
        let Fate::Undecided(media) = &mut self.fate else { return };
        let bytes = self.buffer.stretch().bytes;
        let (kind, start) = match Kind::of_file(bytes) {
            // Read as it comes, as other text is.
            Some(Kind::Utf16(order)) if matches!(media, Media::Text(_) | Media::Unknown) => {
                let charset = Charset::utf16(order);
                self.charset = Some(Some(charset));
                (None, charset.read(bytes))
            }
            kind => (kind, bytes.into()),
        };
        // Servers call what they do not know text.
        let noise = matches!(media, Media::Text(_)) && self.charset.flatten().is_none() && sniff::is_noise(&start);
        let binary = noise || sniff::binary(bytes).is_some();
        let fate = match (std::mem::replace(media, Media::Unknown), kind) {
            (Media::Form, _) => Some(Fate::Form),
            (Media::Multipart(boundary), _) => Some(Fate::Multipart(Parts::new(boundary))),
            (Media::Document(kind), _) | (_, Some(kind)) => Some(Fate::Document(Document::new(kind))),
            (Media::Text(Format::Plain), None) if !binary => Some(Fate::Text(sniff::plain(&start))),
            (Media::Text(format), None) if !binary => Some(Fate::Text(format)),
            (_, None) if !binary && sniff::is_text(&start) => Some(Fate::Text(sniff::format(&start))),
            (Media::Unknown, None) => Kind::of_message(bytes).map(|kind| Fate::Document(Document::new(kind))),
            (_, None) => None,
        };
        match fate {
            Some(fate) => {
                let format = if let Fate::Text(format) = fate { Some(format) } else { None };
                self.transcoder = format.map_or_else(Transcoder::default, |f| Transcoder::new(self.charset, f));
                self.fate = fate;
            }
            None => {
                self.buffer = Gathered::default();
                self.stopped = Some((Skip::Binary, self.wire));
            }
        }
    }

    /// Takes what a decoder held back of content that was cut off.
    fn drain(&mut self, out: &mut dyn EventSink) {
        let Some(mut decoder) = self.decoder.take() else { return };
        while self.stopped.is_none() {
            let (room, before) = (self.room(), self.buffer.len());
            let status = decoder.finish(self.buffer.bytes_mut(), room);
            self.decoded += (self.buffer.len() - before) as u64;
            self.filled(0, out);
            if status != Status::Full {
                break;
            }
        }
    }

    /// Says what is in the buffer.
    fn flush(&mut self, out: &mut dyn EventSink) {
        if !self.buffer.is_empty() {
            self.decide();
            self.transcoder.rewrite(&mut self.buffer);
        }
        let content = std::mem::take(&mut self.buffer);
        let seen = std::mem::take(&mut self.seen);
        let (data, origin) = (
            content.stretch(),
            Origin { resource: &self.resource, direction: self.direction, outcome: Outcome::Unknown },
        );
        if let Fate::Document(document) = &mut self.fate {
            let over = document.push(data, 0..data.bytes.len());
            let whole = std::mem::replace(document, Document::new(Kind::Strings));
            whole.finish(origin.document(body_place(self.direction)), out);
            if over > 0 {
                out.event(Event::Skipped { reason: Skip::Limit, bytes: over as u64 });
            }
            self.said = true;
            return;
        }
        if let Fate::Messages(messages) = &mut self.fate {
            messages.finish(&origin, out);
            return;
        }
        if data.bytes.len() <= seen {
            return;
        }
        match &mut self.fate {
            Fate::Text(format) => origin.text(body_place(self.direction), *format, data, seen, out),
            Fate::Form => origin.pairs(FORM, data, self.charset.flatten(), out),
            Fate::Multipart(open) => open.rest(data, &origin, out),
            Fate::Document(_) | Fate::Messages(_) | Fate::Undecided(_) => {}
        }
        self.said = true;
    }

    /// The content, if it is small and speaks of a password.
    fn hold(&mut self) -> Option<Held> {
        if let Fate::Messages(messages) = &mut self.fate {
            return messages.take_held();
        }
        let bytes = self.buffer.stretch().bytes;
        if bytes.is_empty() || bytes.len() > limits::HELD_BYTES || !names::hints_at_password(bytes) {
            return None;
        }
        let form = match &mut self.fate {
            Fate::Form => Form::Urlencoded(self.charset.flatten()),
            Fate::Multipart(parts) => Form::Multipart(std::mem::take(parts)),
            Fate::Text(format) => Form::Message(*format, body_place(Direction::ToServer)),
            Fate::Document(_) | Fate::Messages(_) | Fate::Undecided(_) => return None,
        };
        self.transcoder.rewrite(&mut self.buffer);
        Some(Held { content: std::mem::take(&mut self.buffer), form, resource: std::mem::take(&mut self.resource) })
    }
}
