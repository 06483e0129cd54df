//! SMB (MS-SMB2, MS-CIFS, MS-SMB): file shares of Windows and Samba, over TCP alone (port 445) or in the
//! NetBIOS session service (RFC 1001 and 1002, port 139). Logins, what protects the session, and the files
//! that are read and written.

mod files;
mod login;
mod probe;
mod smb1;
mod smb2;
mod status;
mod talk;
#[cfg(test)]
mod tests;

use self::files::Handle;
use self::smb2::{Header, Related, Step, Unit};
use self::talk::Talk;
use super::cursor::Cursor;
use super::{Analyzer, Nature, Progress, Protocol};
use crate::model::event::{Event, EventSink, LinkFact, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::stream::Input;

/// SMB.
pub static PROTOCOL: Protocol = Protocol {
    name: "smb",
    transport: Transport::Tcp,
    ports: &[445, 139],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Smb>::default(),
};

/// Length of what stands before each message: a type and a length.
const FRAME: usize = 4;

/// What a message begins with.
const SMB1: &[u8] = b"\xffSMB";
const SMB2: &[u8] = b"\xfeSMB";
const ENCRYPTED: &[u8] = b"\xfdSMB";
const COMPRESSED: &[u8] = b"\xfcSMB";

/// Types of frames: a message, a request for a session and the answers to it (RFC 1002 section 4.3).
const MESSAGE: u8 = 0;
const SESSION_REQUEST: u8 = 0x81;
const SESSION_GRANTED: u8 = 0x82;
const SESSION_KEEP_ALIVE: u8 = 0x85;

#[derive(Default)]
struct Smb {
    sides: [Side; 2],
    talk: Talk,
}

#[derive(Default)]
struct Side {
    state: State,
    related: Related,
}

/// What comes next in a direction.
#[derive(Clone, Copy, Default)]
enum State {
    /// `content` bytes of a file, then so many of the same message, then so many of the same frame. `alone`:
    /// nothing more of the file is known.
    Content { handle: Handle, offset: u64, content: u64, message: u64, frame: u64, alone: bool },
    /// A frame.
    #[default]
    Frame,
    /// Nobody knows.
    Lost(Skip),
    /// A message: so many bytes of its frame are left.
    Message(u64),
}

/// How far an analyzer got with what is here.
enum Read {
    /// Up to there.
    On(usize),
    /// More is needed.
    More,
    /// All of it, and so many bytes more are of no interest.
    Skip(u64),
}

impl Analyzer for Smb {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut at = 0;
        while at < input.bytes().len() {
            match self.step(at, input, out) {
                Read::On(next) => at = next,
                Read::More => break,
                Read::Skip(more) => return Progress::Skip(input.bytes().len(), more),
            }
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, direction: Direction, missing: u64, _out: &mut dyn EventSink) {
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        side.state = match side.state {
            // The rest of it stands where it stood.
            State::Content { handle, offset, content, message, frame, alone } if missing <= content => {
                let offset = offset.saturating_add(missing);
                State::Content { handle, offset, content: content - missing, message, frame, alone }
            }
            _ => State::Lost(Skip::Gap),
        };
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.talk.end(out);
    }
}

impl Smb {
    fn step(&mut self, at: usize, input: Input<'_>, out: &mut dyn EventSink) -> Read {
        let direction = input.direction;
        let Some(side) = self.sides.get_mut(direction.index()) else { return Read::More };
        let rest = input.bytes().get(at..).unwrap_or_default();
        match side.state {
            State::Frame => self.frame(rest, at, input, out),
            State::Message(0) => {
                side.state = State::Frame;
                Read::On(at)
            }
            State::Message(left) => self.message(left, rest, at, input, out),
            State::Content { content: 0, message, frame, handle, alone, .. } => {
                side.state = State::Message(frame);
                if alone {
                    self.talk.files.close(handle, out);
                }
                pass(message, at, rest.len())
            }
            State::Content { handle, offset, content, message, frame, alone } => {
                let state = |offset, content| State::Content { handle, offset, content, message, frame, alone };
                if self.talk.files.unwanted(handle, direction, offset) {
                    self.talk.files.pass(handle, direction, content, out);
                    side.state = state(offset, 0);
                    return pass(content, at, rest.len());
                }
                let here = content.min(rest.len() as u64);
                let end = at + here as usize;
                self.talk.clear(out);
                let offset = self.talk.files.content(handle, direction, offset, input.data, at..end, out);
                side.state = state(offset.saturating_add(here), content - here);
                Read::On(end)
            }
            State::Lost(reason) => {
                let start = probe::start(rest);
                // The beginning of a message may be cut.
                let passed = start.unwrap_or_else(|| rest.len().saturating_sub(FRAME + SMB2.len() - 1));
                if start.is_some() {
                    side.state = State::Frame;
                }
                if passed > 0 {
                    out.event(Event::Skipped { reason, bytes: passed as u64 });
                }
                if start.is_none() && passed == 0 { Read::More } else { Read::On(at + passed) }
            }
        }
    }

    fn frame(&mut self, rest: &[u8], at: usize, input: Input<'_>, out: &mut dyn EventSink) -> Read {
        let mut cursor = Cursor::new(rest);
        let (Some(kind), Some(length)) = (cursor.u8(), cursor.u24_be()) else { return Read::More };
        let state = match kind {
            MESSAGE => {
                // Between the frames of the session service and messages alone the length has seven bits more.
                let magic = cursor.rest().get(..FRAME.min(length as usize));
                let Some(magic) = magic else { return Read::More };
                if magic.is_empty() || [SMB1, SMB2, ENCRYPTED, COMPRESSED].contains(&magic) {
                    State::Message(u64::from(length))
                } else {
                    State::Lost(Skip::Malformed)
                }
            }
            SESSION_REQUEST => {
                let Some(names) = cursor.take(length as usize & 0x1_ffff) else { return Read::More };
                if let Some(name) = probe::netbios_name(names).filter(|name| !name.starts_with('*')) {
                    out.event(Event::Link(LinkFact::ServerName(&name)));
                }
                return Read::On(at + cursor.position());
            }
            SESSION_GRANTED..=SESSION_KEEP_ALIVE => return pass(length.into(), at + FRAME, rest.len() - FRAME),
            _ => State::Lost(Skip::Malformed),
        };
        let lost = matches!(state, State::Lost(_));
        if lost {
            out.event(Event::Link(LinkFact::Violation));
        }
        if let Some(side) = self.sides.get_mut(input.direction.index()) {
            (side.state, side.related) = (state, Related::default());
        }
        Read::On(if lost { at } else { at + FRAME })
    }

    fn message(&mut self, left: u64, rest: &[u8], at: usize, input: Input<'_>, out: &mut dyn EventSink) -> Read {
        let Self { sides, talk } = self;
        let Some(side) = sides.get_mut(input.direction.index()) else { return Read::More };
        let unread = |reason: Option<Skip>, length: u64, out: &mut dyn EventSink| {
            if let Some(reason) = reason {
                out.event(Event::Skipped { reason, bytes: length });
            }
            pass(length, at, rest.len())
        };
        let Some(magic) = rest.get(..SMB2.len()) else {
            if left > rest.len() as u64 {
                return Read::More;
            }
            side.state = State::Frame;
            return Read::On(at + left as usize);
        };
        if magic == SMB1 {
            if left > smb1::WHOLE {
                side.state = State::Frame;
                return unread(Some(Skip::Limit), left, out);
            }
            let Some(whole) = rest.get(..left as usize) else { return Read::More };
            side.state = State::Frame;
            let read = smb1::Message::new(whole, at, input).and_then(|message| message.read(talk, out));
            return unread(if read.is_some() { None } else { Some(Skip::Malformed) }, left, out);
        }
        if magic != SMB2 {
            side.state = State::Frame;
            if magic == ENCRYPTED {
                talk.sealed(out);
            }
            let reason = match magic {
                ENCRYPTED => Skip::Encrypted,
                COMPRESSED => Skip::Coding,
                _ => Skip::Malformed,
            };
            return unread(Some(reason), left, out);
        }
        let Some(header) = Header::parse(rest) else {
            if left >= smb2::HEADER as u64 {
                return Read::More;
            }
            side.state = State::Frame;
            return unread(Some(Skip::Malformed), left, out);
        };
        let Some(length) = header.length(left) else {
            side.state = State::Frame;
            return unread(Some(Skip::Malformed), left, out);
        };
        let unit = Unit { header, bytes: rest, length, at, input };
        let frame = left - length;
        match unit.read(talk, &mut side.related, out) {
            Step::More => Read::More,
            Step::Pass(reason) => {
                side.state = State::Message(frame);
                unread(reason, length, out)
            }
            Step::Read => {
                side.state = State::Message(frame);
                Read::On(at + length as usize)
            }
            Step::Content { start, handle, offset, length: content, alone } => {
                let message = length - start as u64 - content;
                side.state = State::Content { handle, offset, content, message, frame, alone };
                pass(start as u64, at, rest.len())
            }
        }
    }
}

/// Passes over `length` bytes from `at` on, of which `here` are here.
fn pass(length: u64, at: usize, here: usize) -> Read {
    match usize::try_from(length) {
        Ok(length) if length <= here => Read::On(at + length),
        _ => Read::Skip(length - here as u64),
    }
}
