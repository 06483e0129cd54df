//! HTTP/2 in the clear (RFC 9113): begun with prior knowledge, or by an upgrade of HTTP/1.1. What its messages
//! mean is read as in HTTP/1; gRPC is HTTP/2 with content of its own.
//!
//! Each direction has its own frames and its own compression of headers. After a hole inside of content, frames
//! go on; after any other, several frames in a row must show where they begin, and fields that headers referred
//! to until then are unknown.

mod fields;
mod frame;
mod hpack;
mod probe;
mod streams;
#[cfg(test)]
mod tests;

use std::ops::Range;

use self::fields::Fields;
use self::frame::{HEAD, Head, Kind, Look};
use self::streams::Streams;
use super::exchange::Exchange;
use super::request::Memory;
use crate::model::event::{Event, EventSink, LinkFact, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::stream::{Gathered, Input};
use crate::proto::{Analyzer, Nature, Progress, Protocol};

/// What a client says first (RFC 9113 section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// HTTP/2.
pub static PROTOCOL: Protocol = Protocol {
    name: "http2",
    transport: Transport::Tcp,
    ports: &[80, 8080, 50051],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Http2>::default(),
};

#[derive(Default)]
pub(super) struct Http2 {
    sides: [Side; 2],
    streams: Streams,
}

#[derive(Default)]
struct Side {
    state: State,
    hpack: hpack::Decoder,
    /// Headers that are not whole.
    block: Option<Block>,
    /// Bytes that are missing of the frame that is held until it is whole.
    owed: usize,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// Inside the content of a stream: so many bytes are left of it, then of padding.
    Content { head: Head, left: usize, padding: usize },
    /// A frame begins.
    Frame,
    /// Nobody knows where frames begin.
    Lost,
    /// So many bytes that are not looked at, then a frame.
    Pass(usize),
    /// Nothing was seen yet.
    #[default]
    Start,
}

/// Headers on their way.
struct Block {
    stream: u32,
    /// The stream that is promised by them.
    promised: Option<u32>,
    /// The message has nothing besides them.
    last: bool,
    bytes: Gathered,
}

/// What a state made of the bytes.
enum Step {
    /// Go on at this offset, in whatever state it is now.
    On(usize),
    /// Nothing more to do with these bytes.
    Return(Progress),
}

impl Http2 {
    /// A connection that was HTTP/1 until now, with the request that is answered here.
    pub(super) fn after(exchange: Option<Exchange>, memory: Memory) -> Self {
        Self { sides: Default::default(), streams: Streams::after(exchange, memory) }
    }
}

impl Analyzer for Http2 {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut at = 0;
        loop {
            match self.step(input, at, out) {
                Step::On(next) => at = next,
                Step::Return(progress) => return progress,
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        let missing_here = usize::try_from(missing).unwrap_or(usize::MAX);
        match side.state {
            State::Content { head, left, padding } if missing_here <= left + padding => {
                let content = missing_here.min(left);
                self.streams.gap(direction, head.stream, content as u64, out);
                let padding = padding - (missing_here - content);
                self.content(direction, head, left - content, padding, out);
            }
            State::Pass(left) if missing_here <= left => side.state = State::Pass(left - missing_here),
            // Of a frame that is not whole nothing is known but where it ends.
            State::Frame if missing_here <= side.owed => {
                let left = side.owed - missing_here;
                side.lose_headers();
                side.state = State::Pass(left);
            }
            State::Content { .. } | State::Frame | State::Lost | State::Pass(_) | State::Start => {
                self.lose(direction, out);
            }
        }
    }

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for input in left {
            let Some(side) = self.sides.get_mut(input.direction.index()) else { continue };
            let lost = matches!(side.state, State::Lost | State::Start);
            let mut read = 0;
            if lost && frame::look(input.direction, input.bytes(), true) > Look::More {
                side.state = State::Frame;
                side.hpack.lose();
                if let Progress::Continue(consumed) | Progress::Skip(consumed, _) = self.data(input, out) {
                    read = consumed;
                }
            }
            skip(if lost { Skip::Gap } else { Skip::Malformed }, input.bytes().len() - read, out);
        }
        self.streams.end_all(out);
    }
}

impl Http2 {
    fn step(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let direction = input.direction;
        let Some(side) = self.sides.get_mut(direction.index()) else { return Step::Return(Progress::Stop) };
        let rest = input.bytes().get(at..).unwrap_or_default();
        side.owed = 0;
        match side.state {
            State::Start => {
                let Some(begins) = begins(direction, rest) else { return Step::Return(Progress::Continue(at)) };
                match begins {
                    Ok(preface) => {
                        side.state = State::Frame;
                        Step::On(at + preface)
                    }
                    Err(()) => {
                        side.state = State::Lost;
                        side.hpack.lose();
                        Step::On(at)
                    }
                }
            }
            State::Lost => {
                let (here, found) = frame::find(direction, rest);
                skip(Skip::Gap, here, out);
                if !found {
                    return Step::Return(Progress::Continue(at + here));
                }
                side.state = State::Frame;
                Step::On(at + here)
            }
            State::Frame => {
                let Some(head) = Head::read(rest) else { return Step::Return(Progress::Continue(at)) };
                self.frame(head, input, at, out)
            }
            State::Pass(left) => {
                let here = left.min(rest.len());
                side.state = if here == left { State::Frame } else { State::Pass(left - here) };
                if here == left { Step::On(at + here) } else { Step::Return(Progress::Continue(at + here)) }
            }
            State::Content { head, left, padding } => {
                let here = left.min(rest.len());
                let whole = here + padding == head.length;
                if here > 0 {
                    self.streams.data(input, head.stream, at..at + here, whole, out);
                }
                let (left, at) = (left - here, at + here);
                if left > 0 && self.streams.pass_over(direction, head.stream, left as u64) {
                    self.content(direction, head, 0, 0, out);
                    return Step::Return(Progress::Skip(at, (left + padding) as u64));
                }
                self.content(direction, head, left, padding, out);
                if left > 0 { Step::Return(Progress::Continue(at)) } else { Step::On(at) }
            }
        }
    }

    /// A frame begins.
    fn frame(&mut self, head: Head, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let direction = input.direction;
        let rest = input.bytes().get(at..).unwrap_or_default();
        let Some(side) = self.sides.get_mut(direction.index()) else { return Step::Return(Progress::Stop) };
        let interrupts = |block: &Block| head.kind != Kind::Continuation || head.stream != block.stream;
        if !head.fits(direction) || side.block.as_ref().is_some_and(interrupts) {
            out.event(Event::Link(LinkFact::Violation));
            self.lose(direction, out);
            return Step::On(at);
        }
        let payload = at + HEAD..at + HEAD + head.length;
        match head.kind {
            Kind::Data => {
                let padded = usize::from(head.is_padded());
                let Some(field) = rest.get(HEAD..HEAD + padded) else {
                    side.owed = HEAD + head.length - rest.len();
                    return Step::Return(Progress::Continue(at));
                };
                let padding = field.first().map_or(0, |length| usize::from(*length));
                let content = head.length.saturating_sub(padded);
                // Padding that has no room is an error of the connection: there is no content then.
                let padding = padding.min(content);
                let head = head.with_length(content);
                self.content(direction, head, content - padding, padding, out);
                return Step::On(payload.start + padded);
            }
            Kind::Headers | Kind::PushPromise | Kind::Continuation => {
                let held = side.block.as_ref().map_or(0, |block| block.bytes.len());
                if head.length + held > limits::HEAD_BYTES {
                    side.lose_headers();
                    skip(Skip::Limit, head.length, out);
                } else if rest.len() < HEAD + head.length {
                    side.owed = HEAD + head.length - rest.len();
                    return Step::Return(Progress::Continue(at));
                } else {
                    self.headers(head, input, payload, out);
                    return Step::On(at + HEAD + head.length);
                }
            }
            Kind::Reset => self.streams.close(head.stream, out),
            Kind::GoAway | Kind::Ping | Kind::Priority | Kind::Settings | Kind::WindowUpdate | Kind::Other(_) => {}
        }
        if let Some(side) = self.sides.get_mut(direction.index()) {
            side.state = State::Pass(head.length);
        }
        Step::On(payload.start)
    }

    /// So much is left of a frame of content.
    fn content(&mut self, direction: Direction, head: Head, left: usize, padding: usize, out: &mut dyn EventSink) {
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        if left > 0 {
            side.state = State::Content { head, left, padding };
            return;
        }
        side.state = State::Pass(padding);
        if head.ends_stream() {
            self.streams.end(direction, head.stream, out);
        }
    }

    /// A frame of headers is whole.
    fn headers(&mut self, head: Head, input: Input<'_>, payload: Range<usize>, out: &mut dyn EventSink) {
        let Self { sides, streams } = self;
        let Some(side) = sides.get_mut(input.direction.index()) else { return };
        let bytes = input.bytes().get(payload.clone()).unwrap_or_default();
        let Some(part) = head.block(bytes) else {
            out.event(Event::Link(LinkFact::Violation));
            side.lose_headers();
            return skip(Skip::Malformed, bytes.len(), out);
        };
        let mut block = match (side.block.take(), head.kind) {
            (Some(block), _) => block,
            // Of these headers the first part is missing.
            (None, Kind::Continuation) => {
                side.hpack.lose();
                return skip(Skip::Gap, bytes.len(), out);
            }
            (None, _) => Block {
                stream: head.stream,
                promised: head.promised(bytes),
                last: head.ends_stream(),
                bytes: Gathered::default(),
            },
        };
        block.bytes.push_part(input.data, payload.start + part.start..payload.start + part.end);
        if !head.ends_headers() {
            side.block = Some(block);
            return;
        }
        let fields = Fields::read(block.bytes.stretch(), &mut side.hpack);
        if fields.broken {
            out.event(Event::Link(LinkFact::Violation));
        }
        skip(Skip::Gap, fields.unknown, out);
        match block.promised {
            Some(promised) => streams.promise(promised, &fields, out),
            None => streams.block(input.direction, block.stream, &fields, block.last, out),
        }
    }

    /// It is not known any longer where frames begin.
    fn lose(&mut self, direction: Direction, out: &mut dyn EventSink) {
        if let Some(side) = self.sides.get_mut(direction.index()) {
            side.lose_headers();
            side.state = State::Lost;
        }
        self.streams.lose(direction, out);
    }
}

impl Side {
    /// Headers are missing.
    fn lose_headers(&mut self) {
        self.hpack.lose();
        self.block = None;
    }
}

/// Whether a direction begins as it must, and how many bytes of no more use do so; `None` where that cannot be
/// told yet.
fn begins(direction: Direction, bytes: &[u8]) -> Option<Result<usize, ()>> {
    let shown = bytes.get(..PREFACE.len()).unwrap_or(bytes);
    match direction {
        Direction::ToServer if shown == PREFACE => Some(Ok(PREFACE.len())),
        Direction::ToServer if PREFACE.starts_with(shown) => None,
        Direction::ToServer => Some(Err(())),
        Direction::ToClient => Some(if Head::read(bytes)?.is_preface() { Ok(0) } else { Err(()) }),
    }
}

fn skip(reason: Skip, bytes: usize, out: &mut dyn EventSink) {
    if bytes > 0 {
        out.event(Event::Skipped { reason, bytes: bytes as u64 });
    }
}
