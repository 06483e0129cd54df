//! Redis, RESP2 and RESP3 (<https://redis.io/docs/latest/develop/reference/protocol-spec/>), and inline
//! commands: logins, secrets that commands set, values on their way in and out, messages. Reads either
//! direction alone and from the middle.

mod commands;
mod probe;
mod replies;
mod resp;
#[cfg(test)]
mod tests;

use smallvec::SmallVec;

use self::commands::{Arguments, Layout};
use self::replies::Replies;
use self::resp::{Command, Header};
use super::value::{self, Fed, LongValue, WHOLE_BYTES};
use super::{Analyzer, Nature, Progress, Protocol};
use crate::content::sniff;
use crate::model::event::{Event, EventSink, Format, LinkFact, Outcome, Skip, Text};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::stream::{Input, Stretch};

/// Redis and what speaks like it: Valkey, KeyDB, Dragonfly, Sentinel.
pub static PROTOCOL: Protocol = Protocol {
    name: "redis",
    transport: Transport::Tcp,
    ports: probe::PORTS,
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Redis>::default(),
};

/// Commands longer than this are read argument by argument.
const WHOLE: u64 = WHOLE_BYTES;

#[derive(Default)]
struct Redis {
    sides: [Side; 2],
    /// Boxed: few connections ever send one.
    long: Option<Box<LongCommand>>,
    replies: Replies,
}

#[derive(Default)]
struct Side {
    stage: Stage,
    /// Bytes of the string begun that are still to come, besides those left over.
    owed: u64,
    /// Bytes that end a string of which a part is missing.
    pass: u64,
    gap: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing was seen.
    #[default]
    Fresh,
    Elements,
    Lost,
}

/// A command too long to be waited for.
struct LongCommand {
    left: u64,
    index: usize,
    arguments: Arguments,
    value: Option<LongValue>,
    /// The end of the line after a long argument is to come.
    trailer: bool,
}

enum Step {
    Took(usize),
    /// The element needs so many bytes in all; 0 if that is not known.
    Wait(u64),
    Skip(u64),
    Lost,
}

impl Analyzer for Redis {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut at = 0;
        loop {
            match self.step(input, at, out) {
                Step::Took(count) => at += count,
                Step::Wait(need) => {
                    let here = input.bytes().len().saturating_sub(at) as u64;
                    self.side(input.direction).owed = need.saturating_sub(here);
                    return Progress::Continue(at);
                }
                Step::Skip(count) => return Progress::Skip(at, count),
                Step::Lost => {
                    out.event(Event::Link(LinkFact::Violation));
                    self.lose(input.direction, out);
                    // What was no element must not be tried again.
                    let passed = 1.min(input.bytes().len() - at);
                    out.event(Event::Skipped { reason: Skip::Malformed, bytes: passed as u64 });
                    at += passed;
                }
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        self.lose(direction, out);
        let side = self.side(direction);
        side.pass = std::mem::take(&mut side.owed).saturating_sub(missing);
        side.gap = true;
        if side.pass > 0 {
            out.event(Event::Skipped { reason: Skip::Gap, bytes: side.pass });
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.cut(out);
        self.replies.finish(out);
    }
}

impl Redis {
    fn side(&mut self, direction: Direction) -> &mut Side {
        let [to_server, to_client] = &mut self.sides;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    fn lose(&mut self, direction: Direction, out: &mut dyn EventSink) {
        if direction == Direction::ToServer {
            self.cut(out);
        }
        self.replies.lost(out);
        self.side(direction).stage = Stage::Lost;
    }

    /// The rest of a long command will not come.
    fn cut(&mut self, out: &mut dyn EventSink) {
        if let Some(LongCommand { arguments, value: Some(value), .. }) = self.long.as_deref_mut() {
            value.cut(&arguments.naming(None), out);
        }
        self.long = None;
    }

    fn step(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let direction = input.direction;
        let bytes = input.bytes().get(at..).unwrap_or_default();
        if bytes.is_empty() && self.long.is_none() && direction == Direction::ToServer {
            return Step::Wait(0);
        }
        let side = self.side(direction);
        if side.pass > 0 {
            return Step::Skip(std::mem::take(&mut side.pass));
        }
        match (side.stage, direction) {
            (Stage::Fresh, _) => self.settle(direction, bytes),
            (Stage::Lost, _) => self.footing(direction, bytes, out),
            (Stage::Elements, Direction::ToClient) => self.replies.step(input, at, out),
            (Stage::Elements, Direction::ToServer) if self.long.is_some() => self.argument(input, at, out),
            (Stage::Elements, Direction::ToServer) => self.request(input, at, out),
        }
    }

    fn settle(&mut self, direction: Direction, bytes: &[u8]) -> Step {
        let Some(first) = bytes.first() else { return Step::Wait(0) };
        let begins = match direction {
            Direction::ToServer => *first == b'*' || first.is_ascii_graphic(),
            Direction::ToClient => b"+-:,#_($=!*%~>|".contains(first),
        };
        self.side(direction).stage = if begins { Stage::Elements } else { Stage::Lost };
        Step::Took(0)
    }

    fn footing(&mut self, direction: Direction, bytes: &[u8], out: &mut dyn EventSink) -> Step {
        let found = match direction {
            Direction::ToServer => resp::find_command(bytes),
            Direction::ToClient => resp::find_reply(bytes),
        };
        let side = self.side(direction);
        let (Ok(passed) | Err(passed)) = found;
        if passed > 0 {
            let reason = if side.gap { Skip::Gap } else { Skip::Malformed };
            out.event(Event::Skipped { reason, bytes: passed as u64 });
        }
        if found.is_ok() {
            side.stage = Stage::Elements;
            side.gap = false;
        }
        if found.is_ok() || passed > 0 { Step::Took(passed) } else { Step::Wait(0) }
    }

    fn request(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let bytes = input.bytes().get(at..).unwrap_or_default();
        match bytes.first() {
            Some(b'*') => match resp::command(bytes) {
                Command::Whole(arguments, length) => {
                    self.command(input, at, at + length, &arguments, out);
                    Step::Took(length)
                }
                Command::Short(need) if need.max(bytes.len() as u64) > WHOLE => self.long_command(bytes, out),
                Command::Short(need) => Step::Wait(need),
                Command::Bad => Step::Lost,
            },
            Some(b'\r' | b'\n') => Step::Took(1),
            _ => self.inline(input, at, out),
        }
    }

    fn inline(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let bytes = input.bytes().get(at..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            return if bytes.len() > limits::LINE_BYTES { Step::Lost } else { Step::Wait(0) };
        };
        let line = bytes.get(..end).unwrap_or_default();
        if !sniff::is_text(line) {
            return Step::Lost;
        }
        self.command(input, at, at + end + 1, &resp::words(line), out);
        Step::Took(end + 1)
    }

    /// A whole command from `at` to `end`; its arguments are relative to `at`.
    fn command(
        &mut self,
        input: Input<'_>,
        at: usize,
        end: usize,
        places: &[std::ops::Range<usize>],
        out: &mut dyn EventSink,
    ) {
        let bytes = input.bytes().get(at..end).unwrap_or_default();
        let arguments: SmallVec<[&[u8]; 16]> =
            places.iter().map(|place| bytes.get(place.clone()).unwrap_or_default()).collect();
        let Some(name) = arguments.first() else { return };
        let span = |index: usize, from: usize| {
            let place = places.get(index).cloned().unwrap_or_default();
            input.span(at + place.start + from..at + place.end)
        };
        if [b"SUBSCRIBE".as_slice(), b"PSUBSCRIBE", b"SSUBSCRIBE"].iter().any(|c| name.eq_ignore_ascii_case(c)) {
            self.replies.subscribe();
            return;
        }
        commands::settings(&arguments, &mut |index, from, named| {
            let value = arguments.get(index).and_then(|a| a.get(from..)).unwrap_or_default();
            if !value.is_empty() {
                named.say(value, span(index, from), out);
            }
        });
        let mut reader = Arguments::new(Layout::of(name));
        let account = account(&reader, &arguments);
        for (index, argument) in arguments.iter().enumerate() {
            if reader.is_value(index, argument) {
                if argument.len() >= 3 && sniff::is_text(argument) {
                    reader.naming(account.filter(|a| a != argument)).say(argument, span(index, 0), out);
                }
                reader.said();
            }
        }
        self.replies.ask(commands::wanted(&arguments, input.span(at..end)), out);
    }

    /// A command too long to be waited for begins.
    fn long_command(&mut self, bytes: &[u8], out: &mut dyn EventSink) -> Step {
        let Header::Is(_, count, length) = resp::header(bytes) else { return Step::Lost };
        let left = u64::try_from(count).unwrap_or(0);
        let arguments = Arguments::new(Layout::Bare);
        self.long = Some(Box::new(LongCommand { left, index: 0, arguments, value: None, trailer: false }));
        self.replies.ask(None, out);
        Step::Took(length)
    }

    /// The next argument of a long command.
    fn argument(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let Some(mut long) = self.long.take() else { return Step::Took(0) };
        let step = long.step(input, at, out);
        if long.left > 0 || long.trailer || long.value.is_some() {
            self.long = Some(long);
        }
        step
    }
}

impl LongCommand {
    fn step(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let bytes = input.bytes().get(at..).unwrap_or_default();
        if let Some(value) = &mut self.value {
            let step = match value.feed(input.data, at..input.bytes().len(), &self.arguments.naming(None), out) {
                Fed::Wait | Fed::Took(0) => return Step::Wait(value.left() + 2),
                Fed::Took(count) => Step::Took(count),
                Fed::Skip(count) => Step::Skip(count),
            };
            if value.left() == 0 {
                self.value = None;
                self.trailer = true;
                self.arguments.said();
            }
            return step;
        }
        if self.trailer {
            return match bytes {
                [] | [b'\r'] => Step::Wait(2),
                [b'\r', b'\n', ..] => {
                    self.trailer = false;
                    Step::Took(2)
                }
                _ => Step::Lost,
            };
        }
        let (length, head) = match resp::header(bytes) {
            Header::Is(b'$', length @ 0.., head) => (length as u64, head),
            Header::Short => return Step::Wait(0),
            _ => return Step::Lost,
        };
        if length > WHOLE_BYTES {
            self.value = if self.arguments.value_is_next() { Some(LongValue::new(length)) } else { None };
            self.next();
            if self.value.is_some() {
                return Step::Took(head);
            }
            // A key or a field name of this size is none that anybody would look for.
            out.event(Event::Skipped { reason: Skip::Limit, bytes: length });
            self.trailer = true;
            return Step::Skip(head as u64 + length);
        }
        let end = head + length as usize;
        match bytes.get(end..) {
            Some([b'\r', b'\n', ..]) => {}
            Some([] | [b'\r']) | None => return Step::Wait(end as u64 + 2),
            Some(_) => return Step::Lost,
        }
        let argument = bytes.get(head..end).unwrap_or_default();
        if self.index == 0 {
            self.arguments = Arguments::new(Layout::of(argument));
        } else if self.arguments.is_value(self.index, argument) {
            if argument.len() >= 3 && sniff::is_text(argument) {
                self.arguments.naming(None).say(argument, input.span(at + head..at + end), out);
            }
            self.arguments.said();
        }
        self.next();
        Step::Took(end + 2)
    }

    const fn next(&mut self) {
        self.index += 1;
        self.left -= 1;
    }
}

/// Whose the values of a hash are, where one of its fields says so.
fn account<'a>(reader: &Arguments, arguments: &[&'a [u8]]) -> Option<&'a [u8]> {
    if !reader.has_fields() {
        return None;
    }
    let names = arguments.iter().skip(2).step_by(2).map(|name| std::str::from_utf8(name).unwrap_or_default());
    arguments.get(value::account(names)? * 2 + 3).copied()
}

fn plain_text<'a>(place: &'static str, data: Stretch<'a>, seen: usize) -> Event<'a> {
    let (format, direction, outcome) = (Format::Plain, Direction::ToClient, Outcome::Unknown);
    Event::Text(Text { format, place, resource: "", direction, outcome, data, seen })
}
