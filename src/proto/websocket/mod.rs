//! WebSocket (RFC 6455), as it follows an upgrade of HTTP/1.1, with messages that are deflated (RFC 7692).
//!
//! The masks of the client are taken off; messages are put together and inflated. Where the beginning was
//! not captured, and after a hole, a whole frame of text is what shows where frames begin.

mod frame;
mod message;
#[cfg(test)]
mod tests;

use self::frame::{Head, Opcode};
use self::message::Message;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::coding::{Decoder, Status};
use crate::model::event::{Event, EventSink, LinkFact, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::stream::{Gathered, Input};

/// WebSocket.
pub static PROTOCOL: Protocol = Protocol {
    name: "websocket",
    transport: Transport::Tcp,
    ports: &[],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<WebSocket>::default(),
};

/// HTTP announces it. Only where that was not captured its frames must speak for themselves.
fn probe(opening: &Opening<'_>) -> Verdict {
    let shown = Direction::BOTH.iter().any(|side| frame::begins(*side, opening.side(*side)));
    if opening.midstream && shown { Verdict::Likely } else { Verdict::No }
}

#[derive(Default)]
struct WebSocket {
    sides: [Side; 2],
}

#[derive(Default)]
struct Side {
    /// The frame whose payload is coming.
    frame: Option<Open>,
    /// The message that is not whole yet.
    message: Option<Message>,
    /// What the deflated messages of this side have in common.
    inflater: Option<Decoder>,
    /// The message at hand is deflated.
    deflated: bool,
    /// Nobody knows where frames begin.
    lost: bool,
}

/// A frame that has begun.
struct Open {
    head: Head,
    /// Bytes of its payload that were read.
    read: u64,
}

/// What stands at the end of every deflated message, and is not sent (RFC 7692 section 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

impl Analyzer for WebSocket {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let Some(side) = self.sides.get_mut(input.direction.index()) else { return Progress::Stop };
        if side.lost && frame::begins(input.direction, bytes) {
            side.lost = false;
        }
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if side.lost {
                skip(Skip::Gap, rest.len() as u64, out);
                return Progress::Continue(bytes.len());
            }
            let Some(open) = &mut side.frame else {
                match frame::head(rest) {
                    Ok(Some(head)) => {
                        at += head.size;
                        side.begin(head, input.direction, out);
                    }
                    Ok(None) => return Progress::Continue(at),
                    Err(()) => {
                        out.event(Event::Link(LinkFact::Violation));
                        side.lost = true;
                    }
                }
                continue;
            };
            let left = open.head.length - open.read;
            let here = left.min(rest.len() as u64) as usize;
            let (head, read) = (open.head, open.read);
            open.read += here as u64;
            side.payload(head, read, input, at..at + here, out);
            at += here;
            if here as u64 == left {
                side.frame = None;
                if head.last && head.opcode != Opcode::Control {
                    side.end(out);
                }
                continue;
            }
            let more = left - here as u64;
            let passed = side.message.as_ref().and_then(Message::passed).filter(|_| head.opcode != Opcode::Control);
            let Some(reason) = passed else { return Progress::Continue(at) };
            skip(reason, more, out);
            if let Some(open) = &mut side.frame {
                open.read = head.length;
            }
            return Progress::Skip(at, more);
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        let text = side.message.as_ref().filter(|_| !side.deflated).map(Message::is_text);
        side.end(out);
        // What was deflated before is what later messages refer to.
        side.inflater = None;
        match &mut side.frame {
            Some(open) if open.read + missing < open.head.length => {
                open.read += missing;
                side.message = text.map(|text| Message::new(direction, text));
            }
            _ => {
                side.frame = None;
                side.lost = true;
            }
        }
    }

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for input in left {
            skip(Skip::Malformed, input.bytes().len() as u64, out);
            if let Some(side) = self.sides.get_mut(input.direction.index()) {
                side.end(out);
            }
        }
    }
}

impl Side {
    /// A frame begins.
    fn begin(&mut self, head: Head, direction: Direction, out: &mut dyn EventSink) {
        if matches!(head.opcode, Opcode::Text | Opcode::Binary) {
            self.end(out);
            self.message = Some(Message::new(direction, head.opcode == Opcode::Text));
            self.deflated = head.deflated;
        }
        if head.length > 0 {
            self.frame = Some(Open { head, read: 0 });
        } else if head.last && head.opcode != Opcode::Control {
            self.end(out);
        }
    }

    /// A part of the payload of a frame, of which `read` bytes were here before.
    fn payload(
        &mut self,
        head: Head,
        read: u64,
        input: Input<'_>,
        range: std::ops::Range<usize>,
        out: &mut dyn EventSink,
    ) {
        let Some(message) = self.message.as_mut().filter(|_| head.opcode != Opcode::Control) else { return };
        if let Some(reason) = message.passed() {
            skip(reason, range.len() as u64, out);
            return;
        }
        let mut plain = Gathered::default();
        plain.push_part(input.data, range);
        if let Some(mask) = head.mask {
            frame::unmask(plain.bytes_mut(), mask, read);
        }
        if self.deflated {
            let inflater = self.inflater.get_or_insert_with(Decoder::raw_deflate);
            let mut broken = false;
            let ends = head.last && read + plain.len() as u64 == head.length;
            plain.rewrite(0, |bytes, into| broken |= !inflate(inflater, bytes, into));
            if ends && !broken {
                self.deflated = false;
                broken = !inflate(inflater, &TAIL, plain.bytes_mut());
            }
            message.push(plain.stretch(), out);
            if broken {
                self.inflater = None;
                message.pass(Skip::Coding, out);
            }
        } else {
            message.push(plain.stretch(), out);
        }
    }

    /// The message is over.
    fn end(&mut self, out: &mut dyn EventSink) {
        let Some(mut message) = self.message.take() else { return };
        if std::mem::take(&mut self.deflated)
            && let Some(inflater) = &mut self.inflater
            && !inflate(inflater, &TAIL, &mut Vec::new())
        {
            self.inflater = None;
        }
        message.end(out);
    }
}

/// Inflates what came in one packet. Whether it could be.
fn inflate(inflater: &mut Decoder, bytes: &[u8], into: &mut Vec<u8>) -> bool {
    let room = limits::BODY_BYTES;
    let (used, status) = inflater.decode(bytes, into, room);
    status == Status::Hungry && used == bytes.len()
}

fn skip(reason: Skip, bytes: u64, out: &mut dyn EventSink) {
    if bytes > 0 {
        out.event(Event::Skipped { reason, bytes });
    }
}
