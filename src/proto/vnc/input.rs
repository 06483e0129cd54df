//! What a client does at somebody else's screen (RFC 6143, section 7.5): it types, and pastes.

use crate::model::event::{Event, EventSink, Format, Outcome, Skip, Text};
use crate::model::flow::Direction;
use crate::model::packet::Mark;
use crate::model::stream::{Gathered, Input, Stretch};
use crate::proto::cursor::Cursor;
use crate::proto::pieces::Pieces;

/// Messages of clients, and those of the extensions that are in use.
const PIXEL_FORMAT: u8 = 0;
const ENCODINGS: u8 = 2;
const UPDATE: u8 = 3;
const KEY: u8 = 4;
const POINTER: u8 = 5;
const CUT_TEXT: u8 = 6;
const CONTINUOUS_UPDATES: u8 = 150;
const FENCE: u8 = 248;
const XVP: u8 = 250;
const DESKTOP_SIZE: u8 = 251;
const QEMU: u8 = 255;

/// Keys by their numbers in X (RFC 6143, section 7.5.4).
const BACKSPACE: u32 = 0xff08;
const TAB: u32 = 0xff09;
const RETURN: u32 = 0xff0d;
const ENTER: u32 = 0xff8d;
/// Control, and Meta to Hyper: what is typed meanwhile are commands. Shift (0xffe1, 0xffe2) and Caps Lock change letters.
const CONTROLS: [std::ops::RangeInclusive<u32>; 2] = [0xffe3..=0xffe4, 0xffe7..=0xffee];

/// Longest line that is held, in bytes.
const LINE: usize = 1024;

/// Longest text that is pasted in one piece and read, in bytes.
const PASTED: usize = 256 << 10;

/// What comes from the client.
#[derive(Debug, Default)]
pub(super) struct Keyboard {
    line: Gathered,
    typed: Pieces,
    /// Which keys are held that make commands of others: a bit each. They may repeat while they are held.
    held: u16,
    /// Where messages begin is not known any more.
    lost: bool,
}

/// One message.
enum Message<'a> {
    Key {
        down: bool,
        key: u32,
    },
    Pasted(&'a [u8]),
    /// Something that is not read.
    Other,
    Unknown,
}

impl Keyboard {
    /// Takes what is there from `from` on. Says how much of it is done with.
    pub(super) fn data(&mut self, input: Input<'_>, from: usize, out: &mut dyn EventSink) -> usize {
        let bytes = input.bytes().get(from..).unwrap_or_default();
        if input.direction == Direction::ToClient {
            // Pictures.
            out.event(Event::Skipped { reason: Skip::Binary, bytes: bytes.len() as u64 });
            return bytes.len();
        }
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.lost {
                out.event(Event::Skipped { reason: Skip::Malformed, bytes: rest.len() as u64 });
                return bytes.len();
            }
            let mut cursor = Cursor::new(rest);
            let Some(message) = Message::parse(&mut cursor) else { break };
            let end = at + cursor.position();
            match message {
                Message::Key { down, key } => self.key(down, key, input.data.mark(from + at), out),
                Message::Pasted(text) => paste(input.data, from + end - text.len()..from + end, out),
                Message::Other => {}
                Message::Unknown => {
                    self.lost = true;
                    continue;
                }
            }
            at = end;
        }
        at
    }

    /// Bytes of a direction are missing.
    pub(super) fn gap(&mut self, direction: Direction) {
        self.lost |= direction == Direction::ToServer;
    }

    /// Nothing more will come.
    pub(super) fn end(&mut self, out: &mut dyn EventSink) {
        self.flush(out);
        self.typed.finish(&mut |data, seen| out.event(typed(data, seen)));
    }

    fn key(&mut self, down: bool, key: u32, mark: Mark, out: &mut dyn EventSink) {
        if CONTROLS.iter().any(|keys| keys.contains(&key)) {
            let bit = 1 << (key & 0x0f);
            self.held = if down { self.held | bit } else { self.held & !bit };
            return;
        }
        if !down || self.held != 0 {
            return;
        }
        let typed = match key {
            BACKSPACE => {
                let line = self.line.bytes_mut();
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
                return;
            }
            TAB => '\t',
            RETURN | ENTER => '\n',
            // Of Latin-1, and all others since.
            0x20..=0x7e | 0xa0..=0xff => char::from_u32(key).unwrap_or_default(),
            0x0100_0100..=0x0110_ffff => char::from_u32(key - 0x0100_0000).unwrap_or_default(),
            _ => return,
        };
        self.line.push(typed.encode_utf8(&mut [0; 4]).as_bytes(), mark);
        if typed == '\n' || self.line.len() >= LINE {
            self.flush(out);
        }
    }

    fn flush(&mut self, out: &mut dyn EventSink) {
        self.typed.push(self.line.stretch(), &mut |data, seen| out.event(typed(data, seen)));
        self.line.clear();
    }
}

impl<'a> Message<'a> {
    /// `None`: it is not all there.
    fn parse(cursor: &mut Cursor<'a>) -> Option<Self> {
        let length = match cursor.u8()? {
            PIXEL_FORMAT => 19,
            ENCODINGS => {
                cursor.u8()?;
                4 * usize::from(cursor.u16_be()?)
            }
            UPDATE | CONTINUOUS_UPDATES => 9,
            KEY => {
                let down = cursor.u8()? != 0;
                cursor.u16_be()?;
                return Some(Self::Key { down, key: cursor.u32_be()? });
            }
            POINTER => 5,
            CUT_TEXT => {
                cursor.u24_be()?;
                let length = cursor.u32_be()?;
                // A negative one is that of a clipboard of several formats, packed.
                let packed = length.cast_signed() < 0;
                let length = length.cast_signed().unsigned_abs() as usize;
                if length > PASTED {
                    return Some(Self::Unknown);
                }
                let text = cursor.take(length)?;
                return Some(if packed { Self::Other } else { Self::Pasted(text) });
            }
            FENCE => {
                cursor.skip(7)?;
                cursor.u8()?.into()
            }
            XVP => 3,
            DESKTOP_SIZE => {
                cursor.skip(5)?;
                let screens = cursor.u8()?;
                cursor.u8()?;
                16 * usize::from(screens)
            }
            QEMU => match cursor.u8()? {
                0 => {
                    let down = cursor.u16_be()? != 0;
                    let key = cursor.u32_be()?;
                    cursor.u32_be()?;
                    return Some(Self::Key { down, key });
                }
                // Sound: on, off, or how it is to be sampled.
                1 if cursor.u16_be()? == 2 => 6,
                1 => 0,
                _ => return Some(Self::Unknown),
            },
            _ => return Some(Self::Unknown),
        };
        cursor.skip(length)?;
        Some(Self::Other)
    }
}

/// Says a text that was pasted: the bytes of `part`.
fn paste(data: Stretch<'_>, part: std::ops::Range<usize>, out: &mut dyn EventSink) {
    let mut text = Gathered::default();
    text.push_part(data, part);
    if !text.is_empty() {
        out.event(event("vnc.clipboard", text.stretch(), 0));
    }
}

const fn typed(data: Stretch<'_>, seen: usize) -> Event<'_> {
    event("vnc.typed", data, seen)
}

const fn event<'a>(place: &'a str, data: Stretch<'a>, seen: usize) -> Event<'a> {
    let (direction, outcome, format) = (Direction::ToServer, Outcome::Unknown, Format::Plain);
    Event::Text(Text { format, place, resource: "", direction, outcome, data, seen })
}
