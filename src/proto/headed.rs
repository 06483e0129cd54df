//! Messages of a start line, headers, an empty line and a body of stated length, which either side sends: SIP
//! (RFC 3261) and RTSP (RFC 2326), whose messages look like those of HTTP. In a stream they follow each other, a
//! datagram is one. Bodies go to the content rules as they come.

use std::mem;
use std::ops::Range;

use memchr::memmem;

use super::http::start::{first_line, head_end, is_method, is_token};
use super::{Opening, Progress, Verdict};
use crate::content::header::{Header, headers};
use crate::content::mime::{Message, Place};
use crate::model::event::{Event, EventSink, LinkFact, Skip};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::{Gathered, Input};

/// Bytes before a version in which its request line must begin, when looking for one; an unfinished line is believed
/// from here on.
const LINE_BYTES: usize = 2 << 10;
/// A frame of media between the messages of RTSP: a dollar sign, the channel, the length (RFC 2326, section 10.12).
const FRAME_HEAD: usize = 4;

/// How the messages of a protocol are told.
#[derive(Debug)]
pub struct Grammar {
    /// What its version begins with: `SIP/`.
    pub version: &'static [u8],
    /// What the target of a request may begin with.
    pub targets: &'static [&'static [u8]],
    /// Where bodies stand.
    pub place: Place,
    /// Frames of media may stand between messages.
    pub frames: bool,
}

/// A start line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// `METHOD target VERSION`.
    Request {
        /// The method.
        method: &'a [u8],
        /// The target.
        target: &'a [u8],
    },
    /// `VERSION status reason`.
    Answer(u16),
}

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Request,
    Answer,
    /// Of a request all but the end of its line is there.
    Unfinished,
    More,
    No,
}

impl Grammar {
    /// Judges an opening. Either side may ask and answer.
    pub fn probe(&self, opening: &Opening<'_>) -> Verdict {
        let silent = |bytes: &[u8]| bytes.iter().take_while(|b| **b == 0).count();
        let begun = |bytes: &[u8]| self.fit(bytes.get(silent(bytes)..).unwrap_or_default());
        let [asked, answered] = [opening.to_server, opening.to_client].map(begun);
        match (asked, answered) {
            (Fit::No, _) | (_, Fit::No) if opening.midstream => {
                let found = |bytes| self.find(bytes).is_ok();
                if found(opening.to_server) || found(opening.to_client) { Verdict::Likely } else { Verdict::NeedMore }
            }
            (Fit::No, _) | (_, Fit::No) => Verdict::No,
            (Fit::Request, _) | (_, Fit::Request | Fit::Answer) => Verdict::Certain,
            // Who answers first may have been asked before the capture.
            (Fit::Answer, _) => Verdict::Likely,
            (Fit::Unfinished, _) | (_, Fit::Unfinished)
                if opening.ended || opening.to_server.len().max(opening.to_client.len()) >= LINE_BYTES =>
            {
                Verdict::Likely
            }
            _ => Verdict::NeedMore,
        }
    }

    /// A start line, given without its line feed.
    pub fn start<'a>(&self, line: &'a [u8]) -> Option<Start<'a>> {
        let line = line.trim_ascii_end();
        if let Some(rest) = self.after_version(line) {
            let (digits, after) = rest.trim_ascii_start().split_first_chunk::<3>()?;
            let ends = rest.starts_with(b" ") && after.first().is_none_or(|b| !b.is_ascii_alphanumeric());
            let number = digits.iter().try_fold(0, |n, d| d.is_ascii_digit().then(|| n * 10 + u16::from(d - b'0')));
            return number.filter(|n| ends && (100..700).contains(n)).map(Start::Answer);
        }
        let (method, rest) = line.split_at_checked(memchr::memchr(b' ', line)?)?;
        let (target, version) = rest.split_at_checked(memchr::memrchr(b' ', rest)?)?;
        let target = target.trim_ascii();
        let fits = is_method(method) && self.after_version(version.trim_ascii()) == Some(b"") && self.begins(target);
        fits.then_some(Start::Request { method, target })
    }

    /// What follows a version.
    fn after_version<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        match bytes.strip_prefix(self.version)? {
            [b'1'..=b'2', b'.', b'0'..=b'9', rest @ ..] => Some(rest),
            _ => None,
        }
    }

    /// Whether a target begins as it may, in any case.
    fn begins(&self, target: &[u8]) -> bool {
        self.targets.iter().any(|start| target.get(..start.len()).is_some_and(|t| t.eq_ignore_ascii_case(start)))
    }

    fn fit(&self, bytes: &[u8]) -> Fit {
        let bytes = bytes.trim_ascii_start();
        if let Some((line, _)) = first_line(bytes) {
            return match self.start(line) {
                Some(Start::Request { .. }) => Fit::Request,
                Some(Start::Answer(_)) => Fit::Answer,
                None => Fit::No,
            };
        }
        // `SIP/2.0 200 `
        let known = self.version.len() + 8;
        match bytes.get(..known) {
            Some(start) if self.start(start).is_some() => return Fit::Answer,
            None if bytes.starts_with(self.version) || self.version.starts_with(bytes) => return Fit::More,
            Some(_) | None => {}
        }
        let method = bytes.iter().take_while(|b| is_token(**b)).count();
        match bytes.split_at_checked(method) {
            Some((name, [])) if is_method(name) => Fit::More,
            Some((name, [b' ', target @ ..])) if is_method(name) && bytes.len() <= limits::LINE_BYTES => {
                let may = |start: &&[u8]| start.get(..target.len()).is_some_and(|s| s.eq_ignore_ascii_case(target));
                match () {
                    // Paths are those of HTTP as well, until the version is there.
                    () if self.begins(target) && !target.starts_with(b"/") => Fit::Unfinished,
                    () if self.begins(target) || self.targets.iter().any(may) => Fit::More,
                    () => Fit::No,
                }
            }
            _ => Fit::No,
        }
    }

    /// Where the first message begins; or the offset before which none does.
    fn find(&self, bytes: &[u8]) -> Result<usize, usize> {
        for version in memmem::find_iter(bytes, self.version) {
            let back = version.saturating_sub(LINE_BYTES);
            let before = bytes.get(back..version).unwrap_or_default();
            let line = memchr::memrchr(b'\n', before).map_or(0, |n| n + 1);
            let start = match before.last() {
                Some(b' ') => before.get(line..).and_then(|line| self.request_start(line)).map(|n| back + line + n),
                _ => None,
            };
            let start = start.unwrap_or(version);
            let rest = bytes.get(start..).unwrap_or_default();
            match first_line(rest) {
                None if rest.len() < LINE_BYTES => return Err(start),
                Some((line, _)) if self.start(line).is_some() => return Ok(start),
                None | Some(_) => {}
            }
        }
        // A request line may have begun: keep the last line.
        let floor = bytes.len().saturating_sub(LINE_BYTES);
        let last = bytes.get(floor..).and_then(|tail| memchr::memrchr(b'\n', tail));
        Err(last.map_or(floor, |n| floor + n + 1))
    }

    /// Where in a line, whose start may be the end of something else, a method and its target begin.
    fn request_start(&self, line: &[u8]) -> Option<usize> {
        let space =
            memchr::memchr_iter(b' ', line).find(|n| line.get(n + 1..).is_some_and(|rest| self.begins(rest)))?;
        let method = line.get(..space)?.iter().rev().take_while(|b| b.is_ascii_uppercase() || **b == b'_').count();
        (method > 0).then_some(space - method)
    }
}

/// A message's head.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// Its first line.
    pub start: Start<'a>,
    /// Where that stands.
    pub line: Range<usize>,
    /// Where its headers stand.
    block: Range<usize>,
    bytes: &'a [u8],
}

impl<'a> Head<'a> {
    /// Its headers, with their places in the bytes.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        let start = self.block.start;
        let block = self.bytes.get(self.block.clone()).unwrap_or_default();
        headers(block).map(move |header| Header { at: start + header.at, ..header })
    }
}

/// What a head says of the body.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// Its length, where that is said.
    pub length: Option<u64>,
    /// Its media type.
    pub media: Vec<u8>,
    /// How the parts of it are written: `Content-Transfer-Encoding`.
    pub transfer: Vec<u8>,
    /// It is packed.
    pub packed: bool,
}

impl Body {
    /// Takes note of a header. Whether it was about the body.
    pub fn note(&mut self, lower: &[u8], value: &[u8]) -> bool {
        match lower {
            b"content-length" => self.length = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()),
            b"content-type" => self.media = value.to_vec(),
            b"content-encoding" => self.packed = !value.eq_ignore_ascii_case(b"identity"),
            b"content-transfer-encoding" => self.transfer = value.to_vec(),
            _ => return false,
        }
        true
    }

    /// The head of a part of mail that says the same.
    fn head(&self) -> Vec<u8> {
        // What is packed, or of no known type, shows in its first bytes.
        let telling = !self.packed && !self.media.is_empty();
        let media: &[u8] = if telling { &self.media } else { b"application/octet-stream" };
        let line = |name: &[u8], value: &[u8]| match value {
            [] => Vec::new(),
            value => [name, value, b"\r\n"].concat(),
        };
        [line(b"Content-Type: ", media), line(b"Content-Transfer-Encoding: ", &self.transfer), b"\r\n".to_vec()]
            .concat()
    }
}

/// The messages of a flow.
#[derive(Debug)]
pub struct Messages {
    grammar: &'static Grammar,
    /// They follow each other, and do not stand alone.
    stream: bool,
    sides: [Side; 2],
}

#[derive(Debug, Default)]
struct Side {
    state: State,
    /// Bytes at the start that are known not to hold the end of a head.
    scanned: usize,
}

#[derive(Debug, Default)]
enum State {
    /// Inside of a body.
    Body(u64, Box<Message>),
    /// A message begins.
    #[default]
    Head,
    /// Until the next message that can be recognised.
    Lost,
}

/// What is next.
#[derive(Debug)]
pub enum Step<'a> {
    /// A head: [`Messages::begin`] says what follows it.
    Head(Head<'a>),
    /// Nothing yet.
    Rest(Progress),
}

impl Messages {
    /// Messages that follow each other in a stream, or are datagrams.
    pub fn new(grammar: &'static Grammar, stream: bool) -> Self {
        Self { grammar, stream, sides: Default::default() }
    }

    /// Reads on from `at`, which is moved on.
    pub fn next<'a>(&mut self, input: Input<'a>, at: &mut usize, out: &mut dyn EventSink) -> Step<'a> {
        let Self { grammar, stream, sides } = self;
        let Some(side) = sides.get_mut(input.direction.index()) else { return Step::Rest(Progress::Stop) };
        if !*stream {
            return side.datagram(grammar, input, at, out);
        }
        loop {
            let rest = input.bytes().get(*at..).unwrap_or_default();
            match mem::take(&mut side.state) {
                State::Body(left, mut message) => {
                    let here = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    message.push(input.data, *at..*at + here, out);
                    *at += here;
                    let left = left - here as u64;
                    if left > 0 {
                        side.state = State::Body(left, message);
                        return Step::Rest(Progress::Continue(*at));
                    }
                    message.finish(out);
                }
                State::Head => {
                    if let Some(step) = side.head(grammar, input, at, out) {
                        return step;
                    }
                }
                State::Lost => match grammar.find(rest) {
                    Ok(found) => {
                        skip(Skip::Gap, found, out);
                        *at += found;
                    }
                    Err(passed) => {
                        skip(Skip::Gap, passed, out);
                        side.state = State::Lost;
                        return Step::Rest(Progress::Continue(*at + passed));
                    }
                },
            }
        }
    }

    /// What follows the head that was read last, up to `at`.
    pub fn begin(&mut self, body: &Body, input: Input<'_>, at: usize, out: &mut dyn EventSink) {
        let here = input.bytes().len().saturating_sub(at) as u64;
        let length = match body.length {
            Some(length) if self.stream => length,
            Some(length) => length.min(here),
            // Without a length it goes on to the end of a datagram, and a stream has none (RFC 3261, section 18.3).
            None => {
                if self.stream {
                    0
                } else {
                    here
                }
            }
        };
        let Some(side) = self.sides.get_mut(input.direction.index()) else { return };
        if length == 0 {
            return;
        }
        let mut message = Message::new(self.grammar.place, input.direction);
        let mut head = Gathered::default();
        head.push(&body.head(), input.data.mark(at.saturating_sub(1)));
        message.push(head.stretch(), 0..head.len(), out);
        side.state = State::Body(length, Box::new(message));
    }

    /// Bytes of a direction are missing. Whether a message may be among them.
    pub fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) -> bool {
        let Some(side) = self.sides.get_mut(direction.index()).filter(|_| self.stream) else { return false };
        side.scanned = 0;
        match mem::replace(&mut side.state, State::Lost) {
            State::Body(left, mut message) if left > missing => {
                message.gap(out);
                side.state = State::Body(left - missing, message);
                false
            }
            State::Body(_, message) => {
                message.finish(out);
                true
            }
            State::Head | State::Lost => true,
        }
    }

    /// Nothing more will come of a direction. A head that was cut off is read as far as it is here.
    pub fn end<'a>(&mut self, left: Input<'a>, out: &mut dyn EventSink) -> Option<Head<'a>> {
        let side = self.sides.get_mut(left.direction.index())?;
        let bytes = left.bytes();
        match mem::take(&mut side.state) {
            State::Body(_, message) => message.finish(out),
            State::Lost => skip(Skip::Gap, bytes.len(), out),
            State::Head => {
                let head = cut_head(self.grammar, bytes, 0);
                skip(Skip::Malformed, bytes.len() - head.as_ref().map_or(0, |head| head.block.end), out);
                return head;
            }
        }
        None
    }
}

impl Side {
    /// A datagram: from its start, or behind its head.
    fn datagram<'a>(
        &mut self,
        grammar: &'static Grammar,
        input: Input<'a>,
        at: &mut usize,
        out: &mut dyn EventSink,
    ) -> Step<'a> {
        let bytes = input.bytes();
        if let State::Body(length, mut message) = mem::take(&mut self.state) {
            let end = *at + usize::try_from(length).unwrap_or_default();
            message.push(input.data, *at..end.min(bytes.len()), out);
            message.finish(out);
            *at = bytes.len();
        }
        let start = bytes.len() - bytes.trim_ascii_start().len();
        if *at > start || start == bytes.len() {
            return Step::Rest(Progress::Continue(bytes.len()));
        }
        let Some(head) = cut_head(grammar, bytes, start) else {
            // Keep-alives are short and of any kind (RFC 5626, section 3.5).
            if bytes.len() > FRAME_HEAD {
                skip(Skip::Malformed, bytes.len(), out);
            }
            return Step::Rest(Progress::Continue(bytes.len()));
        };
        *at = head.block.end;
        Step::Head(head)
    }

    /// A message begins at `at`, or will. `None`: look again.
    fn head<'a>(
        &mut self,
        grammar: &Grammar,
        input: Input<'a>,
        at: &mut usize,
        out: &mut dyn EventSink,
    ) -> Option<Step<'a>> {
        let bytes = input.bytes();
        // Empty lines keep a connection alive.
        while matches!(bytes.get(*at), Some(b'\r' | b'\n')) {
            *at += 1;
        }
        let rest = bytes.get(*at..).unwrap_or_default();
        if grammar.frames && rest.first() == Some(&b'$') {
            return frame(rest, at, out);
        }
        if rest.is_empty() {
            return Some(Step::Rest(Progress::Continue(*at)));
        }
        if grammar.fit(rest) == Fit::No {
            out.event(Event::Link(LinkFact::Violation));
            self.state = State::Lost;
            return None;
        }
        let Some(length) = head_end(rest, self.scanned) else {
            if rest.len() > limits::HEAD_BYTES {
                *self = Self { state: State::Lost, scanned: 0 };
                return None;
            }
            // The line feed before an empty line may be the last byte that is here.
            self.scanned = rest.len().saturating_sub(2);
            return Some(Step::Rest(Progress::Continue(*at)));
        };
        self.scanned = 0;
        let (line, next) = first_line(rest)?;
        let Some(start) = grammar.start(line) else {
            self.state = State::Lost;
            return None;
        };
        let head = Head { start, line: *at..*at + line.len(), block: *at + next..*at + length, bytes };
        *at += length;
        Some(Step::Head(head))
    }
}

/// Passes a frame of media over. `None`: it is whole.
fn frame<'a>(rest: &[u8], at: &mut usize, out: &mut dyn EventSink) -> Option<Step<'a>> {
    let Some([_, _, high, low]) = rest.first_chunk::<FRAME_HEAD>() else {
        return Some(Step::Rest(Progress::Continue(*at)));
    };
    let length = FRAME_HEAD + usize::from(u16::from_be_bytes([*high, *low]));
    skip(Skip::Binary, length, out);
    let here = length.min(rest.len());
    *at += here;
    (here < length).then(|| Step::Rest(Progress::Skip(*at, (length - here) as u64)))
}

/// The head that begins at `at`, or what is whole of its lines.
fn cut_head<'a>(grammar: &Grammar, bytes: &'a [u8], at: usize) -> Option<Head<'a>> {
    let rest = bytes.get(at..)?;
    let length = head_end(rest, 0).or_else(|| memchr::memrchr(b'\n', rest).map(|n| n + 1))?;
    let (line, next) = first_line(rest)?;
    let start = grammar.start(line)?;
    Some(Head { start, line: at..at + line.len(), block: at + next..at + length, bytes })
}

fn skip(reason: Skip, bytes: usize, out: &mut dyn EventSink) {
    if bytes > 0 {
        out.event(Event::Skipped { reason, bytes: bytes as u64 });
    }
}
