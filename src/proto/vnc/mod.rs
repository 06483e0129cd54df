//! VNC, whose protocol is called RFB (RFC 6143): who logs in how, what protects the connection, and what is typed and
//! copied on one that nothing protects.

mod input;
mod security;
#[cfg(test)]
mod tests;

use self::input::Keyboard;
use self::security::{Security, Step};
use super::cursor::Cursor;
use super::{Analyzer, Nature, Next, Opening, Progress, Protocol, Verdict};
use crate::model::event::{Event, EventSink, LinkFact, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::stream::Input;

/// VNC.
pub static PROTOCOL: Protocol = Protocol {
    name: "vnc",
    transport: Transport::Tcp,
    ports: &[5900, 5901],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<Vnc>::default(),
};

/// Bytes that one side may send while it is the other's turn, before that is taken for missing.
const EARLY: usize = 4096;

/// Length of a version.
const VERSION: usize = 12;

#[derive(Default)]
struct Vnc {
    security: Security,
    /// What the client does once it is let in.
    session: Option<Keyboard>,
    /// Why nothing more is read.
    broken: Option<Skip>,
}

fn probe(opening: &Opening<'_>) -> Verdict {
    let sides = [opening.to_server, opening.to_client].map(|bytes| match security::version(&mut Cursor::new(bytes)) {
        _ if bytes.is_empty() => None,
        Some(Some(_)) => Some(Verdict::Certain),
        Some(None) => Some(Verdict::No),
        None if bytes.iter().zip(b"RFB ").all(|(byte, wanted)| byte == wanted) => Some(Verdict::NeedMore),
        None => Some(Verdict::No),
    });
    match sides {
        [Some(Verdict::No), _] | [_, Some(Verdict::No)] => Verdict::No,
        [_, Some(Verdict::Certain)] => Verdict::Certain,
        // The server speaks first, and was not captured.
        [Some(Verdict::Certain), None] if opening.ended || opening.to_server.len() > VERSION => Verdict::Likely,
        _ => Verdict::NeedMore,
    }
}

impl Analyzer for Vnc {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(keyboard) = &mut self.session {
                return Progress::Continue(at + keyboard.data(input, at, out));
            }
            if let Some(reason) = self.broken {
                out.event(Event::Skipped { reason, bytes: rest.len() as u64 });
                return Progress::Continue(bytes.len());
            }
            if self.security.turn() != input.direction {
                if rest.len() <= EARLY {
                    break;
                }
                self.broken = Some(Skip::Gap);
                continue;
            }
            let mut cursor = Cursor::new(rest);
            let Some(step) = self.security.step(&mut cursor, input, at, out) else { break };
            match step {
                Step::On => {}
                Step::In => self.session = Some(Keyboard::default()),
                Step::Tls => return Progress::Handoff(at + cursor.position(), Next::Tls),
                Step::Stop => {
                    self.security.end(out);
                    return Progress::Stop;
                }
                Step::Other => return Progress::NotMine,
                Step::Bad => {
                    out.event(Event::Link(LinkFact::Violation));
                    self.broken = Some(Skip::Malformed);
                    continue;
                }
            }
            at += cursor.position();
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        match &mut self.session {
            Some(keyboard) => keyboard.gap(direction),
            None => self.broken = self.broken.or(Some(Skip::Gap)),
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.security.end(out);
        if let Some(keyboard) = &mut self.session {
            keyboard.end(out);
        }
    }
}
