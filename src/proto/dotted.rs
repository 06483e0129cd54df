//! Messages that end with a line of a single dot, as SMTP's DATA (RFC 5321, section 4.5.2) and POP3's
//! replies (RFC 1939, section 3) carry them.

use super::cursor::Cursor;
use crate::content::mime::Message;
use crate::model::event::EventSink;
use crate::model::stream::Stretch;

/// A message on its way.
#[derive(Debug)]
pub struct Dotted {
    message: Box<Message>,
    line_start: bool,
}

impl Dotted {
    /// The message that begins now.
    pub fn new(message: Message) -> Self {
        Self { message: Box::new(message), line_start: true }
    }

    /// Passes on what is there, without the dots that were put before dots. Says whether the message
    /// is over; what follows it is left in the cursor, which must run over `data`.
    pub fn read(&mut self, data: Stretch<'_>, cursor: &mut Cursor<'_>, out: &mut dyn EventSink) -> bool {
        loop {
            if self.line_start {
                let (skip, over) = match cursor.rest() {
                    [] | [b'.'] | [b'.', b'\r'] => return false,
                    [b'.', b'\n', ..] => (2, true),
                    [b'.', b'\r', b'\n', ..] => (3, true),
                    [b'.', ..] => (1, false),
                    _ => (0, false),
                };
                let _ = cursor.skip(skip);
                if over {
                    return true;
                }
            }
            let (start, rest) = (cursor.position(), cursor.rest());
            let length = memchr::memmem::find(rest, b"\n.").map_or(rest.len(), |n| n + 1);
            if length == 0 {
                return false;
            }
            self.message.push(data, start..start + length, out);
            self.line_start = rest.get(length - 1) == Some(&b'\n');
            let _ = cursor.skip(length);
        }
    }

    /// Bytes are missing.
    pub fn gap(&mut self, out: &mut dyn EventSink) {
        self.message.gap(out);
        self.line_start = false;
    }

    /// The message is over, or nothing more of it will come.
    pub fn finish(self, out: &mut dyn EventSink) {
        self.message.finish(out);
    }
}
