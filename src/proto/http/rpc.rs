//! Content of gRPC, gRPC-Web and Connect: messages, each with a flag and its length before it. Streams of them
//! may last for days, so each is read when it is whole.

use super::exchange::Answer;
use super::fields::Origin;
use super::held::{Form, Held};
use super::names;
use crate::content::coding::{Coding, Decoder};
use crate::content::document::protobuf;
use crate::content::document::{Document, Kind};
use crate::content::{base64, header, sniff};
use crate::model::event::{EventSink, Format, Skip};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::{Gathered, Stretch};
use crate::proto::login::HeldLogin;

/// Bytes before a message.
const HEAD: usize = 5;
/// The flag of a message that is compressed.
const COMPRESSED: u8 = 1;
/// The flag of the last message of Connect, which says how the call went.
const END: u8 = 2;
/// The flag of trailers in gRPC-Web.
const TRAILERS: u8 = 0x80;

/// The messages of one direction of a call.
#[derive(Debug)]
pub(super) struct Messages {
    /// What compressed messages are compressed with, where that is known.
    coding: Option<Coding>,
    /// Characters of base64 that are no whole group yet, where the messages are written in it.
    base64: Option<Gathered>,
    /// The head and the content of the message that is not whole.
    waiting: Gathered,
    /// Bytes of it that were passed over.
    over: usize,
    /// Bytes that are still to come of a message of which some are missing.
    rest: usize,
    /// None was said yet.
    first: bool,
    /// The first, if it may be a login: it waits for the outcome.
    held: Option<Held>,
    /// The status of HTTP that says the same as what the messages said of the outcome.
    status: Option<u16>,
}

impl Messages {
    /// Messages, compressed so where they are; with `base64`, written in that.
    pub(super) fn new(coding: Option<Coding>, base64: bool) -> Self {
        Self {
            coding,
            base64: base64.then(Gathered::default),
            waiting: Gathered::default(),
            over: 0,
            rest: 0,
            first: true,
            held: None,
            status: None,
        }
    }

    /// Whether the whole of these bytes may be one message: for content whose type was not captured.
    pub(super) fn fit(bytes: &[u8]) -> bool {
        matches!(bytes, [0 | COMPRESSED, a, b, c, d, content @ ..]
            if !content.is_empty() && u32::from_be_bytes([*a, *b, *c, *d]) as usize == content.len())
    }

    /// What the messages said of the outcome, as a status of HTTP.
    pub(super) const fn status(&self) -> Option<u16> {
        self.status
    }

    /// How many bytes it holds.
    pub(super) fn weight(&self) -> usize {
        self.waiting.len() + self.held.as_ref().map_or(0, |held| held.content.len())
    }

    /// Takes what may be a login from the one who sent it.
    pub(super) const fn take_held(&mut self) -> Option<Held> {
        self.held.take()
    }

    /// More content. Whether it was messages: otherwise nothing more can be read.
    pub(super) fn push(&mut self, data: Stretch<'_>, origin: &Origin<'_>, out: &mut dyn EventSink) -> bool {
        let Some(coded) = &mut self.base64 else { return self.plain(data, origin, out) };
        coded.push_stretch(data);
        let (plain, whole) = from_base64(coded);
        self.plain(plain.stretch(), origin, out) && whole
    }

    /// Bytes are missing. Whether it is known where the next message begins.
    pub(super) fn gap(&mut self, missing: u64, origin: &Origin<'_>, out: &mut dyn EventSink) -> bool {
        let left = self.length().map_or(self.rest, |length| HEAD + length - self.waiting.len() - self.over);
        self.cut(origin, out);
        let Some(rest) = usize::try_from(missing).ok().and_then(|missing| left.checked_sub(missing)) else {
            return false;
        };
        self.rest = rest;
        self.base64.is_none()
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self, origin: &Origin<'_>, out: &mut dyn EventSink) {
        self.cut(origin, out);
        if let Some(held) = self.held.take() {
            held.report(None, out);
        }
    }

    fn plain(&mut self, data: Stretch<'_>, origin: &Origin<'_>, out: &mut dyn EventSink) -> bool {
        let (mut at, end) = (0, data.bytes.len());
        while at < end {
            if self.rest > 0 {
                let here = self.rest.min(end - at);
                self.rest -= here;
                at += here;
                origin.skipped(Skip::Gap, here, out);
                continue;
            }
            let Some(length) = self.length() else {
                let next = end.min(at + HEAD - self.waiting.len());
                self.waiting.push_part(data, at..next);
                at = next;
                if self.waiting.stretch().bytes.first().is_some_and(|flag| flag & !(COMPRESSED | END | TRAILERS) != 0) {
                    self.waiting.clear();
                    return false;
                }
                if self.length() == Some(0) {
                    self.say(origin, out);
                }
                continue;
            };
            let next = end.min(at + HEAD + length - self.waiting.len() - self.over);
            let kept = next.min(at + (HEAD + limits::DOCUMENT_BYTES).saturating_sub(self.waiting.len()));
            let kept = if self.over > 0 { at } else { kept };
            self.waiting.push_part(data, at..kept);
            self.over += next - kept;
            at = next;
            if self.waiting.len() + self.over == HEAD + length {
                self.say(origin, out);
            }
        }
        true
    }

    /// Length of the message whose head is here.
    fn length(&self) -> Option<usize> {
        let head: &[u8; HEAD] = self.waiting.stretch().bytes.first_chunk()?;
        let [_, length @ ..] = head;
        Some(u32::from_be_bytes(*length) as usize)
    }

    /// A message is cut off: what is here of it is said.
    fn cut(&mut self, origin: &Origin<'_>, out: &mut dyn EventSink) {
        if self.waiting.len() > HEAD {
            self.say(origin, out);
        }
        self.waiting.clear();
    }

    /// Says what is here of a message, and begins the next.
    fn say(&mut self, origin: &Origin<'_>, out: &mut dyn EventSink) {
        let whole = std::mem::take(&mut self.waiting);
        let over = std::mem::take(&mut self.over);
        if over > 0 {
            origin.skipped(Skip::Limit, over, out);
        }
        let whole = whole.stretch();
        let flag = whole.bytes.first().copied().unwrap_or_default();
        let mut content = Gathered::default();
        content.push_part(whole, HEAD..whole.bytes.len());
        if flag & COMPRESSED != 0 && !content.is_empty() {
            let Some(coding) = self.coding.or_else(|| Coding::of_magic(content.stretch().bytes)) else {
                return origin.skipped(Skip::Coding, content.len(), out);
            };
            let mut decoder = Decoder::new(std::iter::once(coding));
            let room = |plain: &Vec<u8>| limits::DOCUMENT_BYTES.saturating_sub(plain.len());
            content.rewrite(0, |coded, plain| _ = decoder.decode(coded, plain, room(plain)));
            let plain = content.bytes_mut();
            decoder.finish(plain, room(plain));
        }
        if flag & TRAILERS != 0 {
            let lines = content.stretch().bytes;
            self.status = header::headers(lines).find(|h| h.name == b"grpc-status").and_then(|h| status(h.value));
            return;
        }
        if flag & END != 0 {
            self.status = Some(end_of_connect(content.stretch().bytes));
        }
        if let Some(earlier) = self.held.take() {
            earlier.report(None, out);
        }
        let first = std::mem::take(&mut self.first);
        self.message(content, first && origin.direction == Direction::ToServer, origin, out);
    }

    fn message(&mut self, content: Gathered, may_login: bool, origin: &Origin<'_>, out: &mut dyn EventSink) {
        let place = place(origin.direction);
        let data = content.stretch();
        let json = matches!(data.bytes.trim_ascii_start(), [b'{' | b'[', ..]) && sniff::is_text(data.bytes);
        if json {
            if may_login && content.len() <= limits::HELD_BYTES && names::hints_at_password(data.bytes) {
                let form = Form::Message(Format::Json, place);
                self.held = Some(Held { content, form, resource: origin.resource.to_owned() });
            } else {
                origin.text(place, Format::Json, data, 0, out);
            }
            return;
        }
        if may_login
            && names::is_login(origin.resource)
            && let Some((user, password)) = protobuf::two_texts(data.bytes)
        {
            let login = HeldLogin::clear("clear", Some(user), password, data.whole());
            let resource = origin.resource.to_owned();
            self.held = Some(Held { content: Gathered::default(), form: Form::Login(login, place), resource });
            return;
        }
        let mut document = Document::new(Kind::Protobuf);
        let over = document.push(data, 0..data.bytes.len());
        document.finish(origin.document(place), out);
        origin.skipped(Skip::Limit, over, out);
    }
}

impl Answer {
    /// Takes note of the status of a call, which comes after the answer's own.
    pub(super) fn call(&mut self, status: Option<u16>) {
        if let Some(status) = status.filter(|_| (200..300).contains(&self.status)) {
            self.status = status;
        }
    }
}

/// The status of HTTP that stands for a `grpc-status` (google.rpc.Code).
pub(super) fn status(value: &[u8]) -> Option<u16> {
    Some(match std::str::from_utf8(value).ok()?.trim().parse::<u8>().ok()? {
        0 => 200,
        3 | 9 | 11 => 400,
        5 => 404,
        7 => 403,
        16 => 401,
        _ => 500,
    })
}

/// The same for the last message of Connect.
fn end_of_connect(json: &[u8]) -> u16 {
    let has = |word: &str| memchr::memmem::find(json, word.as_bytes()).is_some();
    match () {
        () if has("\"unauthenticated\"") => 401,
        () if has("\"permission_denied\"") => 403,
        () if has("\"error\"") => 500,
        () => 200,
    }
}

/// What the whole groups of characters stand for, which are taken away, and whether they are base64. Padding
/// may stand in the middle, where messages were coded one by one.
fn from_base64(coded: &mut Gathered) -> (Gathered, bool) {
    let mut plain = Gathered::default();
    let data = coded.stretch();
    let whole = data.bytes.len() / 4 * 4;
    let mut good = true;
    for (n, group) in data.bytes.get(..whole).unwrap_or_default().chunks(4).enumerate() {
        plain.note(data.mark(n * 4));
        good &= base64::decode_into(group, plain.bytes_mut());
    }
    coded.consume(whole);
    (plain, good)
}

const fn place(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "grpc.request.message",
        Direction::ToClient => "grpc.response.message",
    }
}
