//! What the server replies, element by element, matched to commands by their order.

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::commands::{REPLY, Wanted};
use super::resp::{self, Header};
use super::{Step, plain_text};
use crate::content::pieces::Pieces;
use crate::content::sniff;
use crate::model::event::{EventSink, FieldKind, Outcome};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::{Input, Stretch};
use crate::proto::value::{Fed, LongValue, Named, WHOLE_BYTES};

const MESSAGE: &str = "redis.message";
const MONITOR: &str = "redis.monitor";
const ERROR: &str = "redis.error";

/// Names kept of a field or a channel.
const NAME_BYTES: usize = 256;

#[derive(Default)]
pub(super) struct Replies {
    /// Commands sent, and replies that belong to one.
    sent: u64,
    answered: u64,
    wanted: VecDeque<(u64, Wanted)>,
    /// What the reply that is here was wanted for.
    current: Option<Wanted>,
    stack: SmallVec<[Frame; 4]>,
    /// The name whose value comes next.
    name: String,
    long: Option<LongValue>,
    /// The end of the line after a long value is to come.
    trailer: bool,
    /// RESP2: arrays are messages of channels.
    subscribed: bool,
    monitoring: bool,
    text: Pieces,
}

/// An array, a map, a set or a push that is not at its end.
#[derive(Clone, Copy, Debug)]
struct Frame {
    left: u64,
    index: usize,
    /// It answers no command.
    message: bool,
}

impl Frame {
    /// Whether the element that is here may be the name of the next one.
    fn may_name(&self, value: &[u8]) -> bool {
        let letters = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
        let even = self.index.is_multiple_of(2) && self.left.is_multiple_of(2);
        even && matches!(value.len(), 2..=48) && value.iter().all(letters) && !value.iter().all(u8::is_ascii_digit)
    }
}

impl Replies {
    /// A command was sent.
    pub(super) fn ask(&mut self, wanted: Option<Wanted>, out: &mut dyn EventSink) {
        self.sent += 1;
        match wanted {
            Some(Wanted::Login(login, field)) if self.wanted.len() >= limits::OUTSTANDING => {
                out.beyond(limits::Cap::Outstanding);
                login.report(field, Outcome::Unknown, out);
            }
            Some(wanted) if self.wanted.len() < limits::OUTSTANDING => {
                if self.wanted.is_empty() {
                    // Most connections wait for one answer at a time.
                    self.wanted.reserve_exact(1);
                }
                self.wanted.push_back((self.sent, wanted));
            }
            _ => {}
        }
    }

    /// From here on arrays may be messages; the confirmations are such.
    pub(super) const fn subscribe(&mut self) {
        self.subscribed = true;
    }

    /// The order tells nothing any more.
    pub(super) fn lost(&mut self, out: &mut dyn EventSink) {
        self.finish(out);
        (self.sent, self.answered) = (0, 0);
        self.stack.clear();
        self.trailer = false;
    }

    /// Says what was held back.
    pub(super) fn finish(&mut self, out: &mut dyn EventSink) {
        if let Some(mut long) = self.long.take()
            && let Some(named) = self.naming(None)
        {
            long.cut(&named, out);
        }
        let waiting = self.wanted.drain(..).map(|(_, wanted)| wanted);
        for wanted in self.current.take().into_iter().chain(waiting) {
            if let Wanted::Login(login, field) = wanted {
                login.report(field, Outcome::Unknown, out);
            }
        }
    }

    pub(super) fn step(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let bytes = input.bytes().get(at..).unwrap_or_default();
        if self.long.is_some() {
            return self.feed(input, at, out);
        }
        let Some(kind) = bytes.first() else { return Step::Wait(0) };
        if self.trailer {
            return match bytes {
                [b'\r'] => Step::Wait(2),
                [b'\r', b'\n', ..] => {
                    self.trailer = false;
                    Step::Took(2)
                }
                // A dump for a replica has none.
                _ => {
                    self.trailer = false;
                    Step::Took(0)
                }
            };
        }
        match kind {
            b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(' => self.line(input, at, out),
            b'$' | b'=' | b'!' => self.bulk(input, at, out),
            b'*' | b'%' | b'~' | b'>' | b'|' => match resp::header(bytes) {
                Header::Is(kind, count, length) => {
                    self.begin(kind, out);
                    let count = u64::try_from(count).unwrap_or(0) * if matches!(kind, b'%' | b'|') { 2 } else { 1 };
                    let message = matches!(kind, b'>' | b'|') || (kind == b'*' && self.is_message());
                    if self.stack.is_empty() {
                        self.name.clear();
                    }
                    let inside = self.stack.last().is_some_and(|f| f.message);
                    if count == 0 {
                        self.end();
                    } else if self.stack.len() >= limits::NESTING {
                        out.beyond(limits::Cap::Nesting);
                        return Step::Lost;
                    } else {
                        self.stack.push(Frame { left: count, index: 0, message: message || inside });
                    }
                    Step::Took(length)
                }
                Header::Short => Step::Wait(0),
                Header::Bad => Step::Lost,
            },
            _ => Step::Lost,
        }
    }

    fn is_message(&self) -> bool {
        self.subscribed && self.stack.is_empty()
    }

    /// An element begins. At the outermost level it is a reply, or belongs to none.
    fn begin(&mut self, kind: u8, out: &mut dyn EventSink) {
        let unasked = matches!(kind, b'>' | b'|') || (kind == b'*' && self.subscribed) || self.monitoring;
        if !self.stack.is_empty() || unasked || self.answered >= self.sent {
            return;
        }
        self.answered += 1;
        while self.wanted.front().is_some_and(|(number, _)| *number < self.answered) {
            self.wanted.pop_front();
        }
        if self.wanted.front().is_some_and(|(number, _)| *number == self.answered) {
            self.current = self.wanted.pop_front().map(|(_, wanted)| wanted);
        }
        if matches!(kind, b'*' | b'%') {
            // HELLO answers with what the server is.
            if self.verdict(Outcome::Accepted, out) {
                self.current = Some(Wanted::Nothing);
            }
        }
    }

    /// An element has ended, and with it perhaps what it is part of.
    fn end(&mut self) {
        while let Some(frame) = self.stack.last_mut() {
            frame.index += 1;
            frame.left -= 1;
            if frame.left > 0 {
                return;
            }
            self.stack.pop();
        }
        self.current = None;
    }

    /// Says the login that waits for this reply, if one does.
    fn verdict(&mut self, outcome: Outcome, out: &mut dyn EventSink) -> bool {
        match self.current.take_if(|w| matches!(w, Wanted::Login(..))) {
            Some(Wanted::Login(login, field)) => {
                login.report(field, outcome, out);
                true
            }
            _ => false,
        }
    }

    /// A status, an error, a number.
    fn line(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let bytes = input.bytes().get(at..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            return if bytes.len() > limits::LINE_BYTES { Step::Lost } else { Step::Wait(0) };
        };
        let line = bytes.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (Some((kind, text)), true) = (line.split_first(), sniff::is_text(line)) else { return Step::Lost };
        self.begin(*kind, out);
        let part = at + 1..at + 1 + text.len();
        match kind {
            b'+' if self.monitoring => {
                let emit = &mut |data: Stretch<'_>, seen: usize| out.event(plain_text(MONITOR, data, seen));
                self.text.push_part(input.data, part, emit);
                self.text.finish(emit);
            }
            b'+' if text == b"OK" => {
                self.monitoring |= matches!(self.current, Some(Wanted::Monitor));
                let _ = self.verdict(Outcome::Accepted, out);
            }
            b'-' => {
                let refused = text.starts_with(b"WRONGPASS")
                    || memchr::memmem::find(text, b"invalid password").is_some()
                    || memchr::memmem::find(text, b"without any password").is_some()
                    || memchr::memmem::find(text, b"no password is set").is_some();
                let _ = self.verdict(if refused { Outcome::Rejected } else { Outcome::Unknown }, out);
                let emit = &mut |data: Stretch<'_>, seen: usize| out.event(plain_text(ERROR, data, seen));
                self.text.push_part(input.data, part, emit);
                self.text.finish(emit);
            }
            _ => drop(self.verdict(Outcome::Unknown, out)),
        }
        self.end();
        Step::Took(end + 1)
    }

    fn bulk(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let bytes = input.bytes().get(at..).unwrap_or_default();
        let (length, head) = match resp::header(bytes) {
            Header::Is(_, length, head) => (length, head),
            Header::Short => return Step::Wait(0),
            Header::Bad => return Step::Lost,
        };
        let Ok(length) = u64::try_from(length) else {
            self.begin(b'$', out);
            self.end();
            return Step::Took(head);
        };
        if length > WHOLE_BYTES {
            self.begin(b'$', out);
            self.long = Some(LongValue::new(length));
            return Step::Took(head);
        }
        let end = head + length as usize;
        match bytes.get(end..) {
            Some([b'\r', b'\n', ..]) => {}
            Some([] | [b'\r']) | None => return Step::Wait(end as u64 + 2),
            Some(_) => return Step::Lost,
        }
        self.begin(b'$', out);
        let value = bytes.get(head..end).unwrap_or_default();
        // Names of what follows: the odd ones of pairs, the kind and the channel of a message.
        let naming = match (self.stack.last(), &self.current) {
            (Some(frame), _) if frame.message => frame.index < 2,
            (Some(frame), Some(Wanted::Pairs { .. })) => frame.index % 2 == 0,
            // One direction alone: what is asked for pairs is answered with them.
            (Some(frame), None) if self.sent == 0 => frame.may_name(value),
            _ => false,
        };
        if naming {
            self.name = String::from_utf8_lossy(value.get(..NAME_BYTES).unwrap_or(value)).into_owned();
        }
        // What only may be a name may be a value as well.
        if (!naming || self.current.is_none() && !self.stack.last().is_some_and(|f| f.message))
            && value.len() >= 3
            && sniff::is_text(value)
            && let Some(named) = self.naming(None)
        {
            named.say(value, input.span(at + head..at + end), out);
        }
        self.end();
        Step::Took(end + 2)
    }

    fn feed(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let Some(mut long) = self.long.take() else { return Step::Took(0) };
        let unnamed = Named {
            kind: FieldKind::Key,
            place: REPLY,
            name: "",
            resource: "",
            direction: Direction::ToClient,
            account: None,
        };
        let named = self.naming(None).unwrap_or(unnamed);
        let fed = long.feed(input.data, at..input.bytes().len(), &named, out);
        let step = match fed {
            Fed::Wait | Fed::Took(0) => Step::Wait(long.left() + 2),
            Fed::Took(count) => Step::Took(count),
            Fed::Skip(count) => Step::Skip(count),
        };
        if long.left() == 0 {
            self.trailer = true;
            self.end();
        } else {
            self.long = Some(long);
        }
        step
    }

    /// What the value that is here is called; `None` for one that nobody wants to look at.
    fn naming<'a>(&'a self, account: Option<&'a [u8]>) -> Option<Named<'a>> {
        let frame = self.stack.last();
        let index = frame.map_or(0, |f| f.index);
        let (kind, place, name, resource) = match &self.current {
            _ if frame.is_some_and(|f| f.message) => (FieldKind::Key, MESSAGE, self.name.as_str(), ""),
            Some(Wanted::Nothing) => return None,
            Some(Wanted::Pairs { place, resource }) => {
                (FieldKind::Attribute, *place, self.name.as_str(), resource.as_str())
            }
            Some(Wanted::Names { kind, names, resource }) => {
                (*kind, REPLY, names.get(index).map_or("", String::as_str), resource.as_str())
            }
            Some(Wanted::Value { kind, name, resource }) => (*kind, REPLY, name.as_str(), resource.as_str()),
            None if frame.is_some_and(|f| f.index % 2 == 1) => (FieldKind::Attribute, REPLY, self.name.as_str(), ""),
            Some(Wanted::Login(..) | Wanted::Monitor) | None => (FieldKind::Key, REPLY, "", ""),
        };
        Some(Named { kind, place, name, resource, direction: Direction::ToClient, account })
    }
}
