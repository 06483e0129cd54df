//! Frames of HTTP/2 (RFC 9113 sections 4 and 6), and how to find where they begin.

use super::hpack;
use crate::model::flow::Direction;
use crate::model::limits;
use crate::proto::cursor::Cursor;

/// Bytes of a frame before its payload.
pub(super) const HEAD: usize = 9;

/// Frames that must follow each other where the first of them was not known to begin.
const IN_A_ROW: usize = 3;
/// Longest frame that is believed there: what everybody accepts (section 6.5.2).
const USUAL: usize = 1 << 14;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Continuation,
    Data,
    GoAway,
    Headers,
    Ping,
    Priority,
    PushPromise,
    Reset,
    Settings,
    WindowUpdate,
    /// An extension: to be ignored.
    Other(u8),
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Length of the payload.
    pub(super) length: usize,
    pub(super) kind: Kind,
    flags: u8,
    pub(super) stream: u32,
    /// The bit before the stream's number, which must be 0.
    reserved: bool,
}

/// What bytes are, where frames may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    /// No frames.
    No,
    /// They may be: more are needed to tell.
    More,
    /// They fit.
    Frames,
    /// They fit, and one has headers that can be read.
    Message,
}

impl Head {
    /// The head that begins here; `None` where it is not whole.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let length = cursor.u24_be()? as usize;
        let kind = match cursor.u8()? {
            0 => Kind::Data,
            1 => Kind::Headers,
            2 => Kind::Priority,
            3 => Kind::Reset,
            4 => Kind::Settings,
            5 => Kind::PushPromise,
            6 => Kind::Ping,
            7 => Kind::GoAway,
            8 => Kind::WindowUpdate,
            9 => Kind::Continuation,
            other => Kind::Other(other),
        };
        let flags = cursor.u8()?;
        let stream = cursor.u32_be()?;
        Some(Self { length, kind, flags, stream: stream & 0x7fff_ffff, reserved: stream >> 31 != 0 })
    }

    /// The same with a payload of this length: that without the length of the padding.
    pub(super) const fn with_length(self, length: usize) -> Self {
        Self { length, ..self }
    }

    /// Nothing more of the stream follows in this direction.
    pub(super) const fn ends_stream(&self) -> bool {
        self.flags & 0x1 != 0
    }

    /// The block of headers is whole.
    pub(super) const fn ends_headers(&self) -> bool {
        self.flags & 0x4 != 0
    }

    pub(super) const fn is_padded(&self) -> bool {
        self.flags & 0x8 != 0
    }

    const fn has_priority(&self) -> bool {
        self.flags & 0x20 != 0
    }

    /// The receiver says that settings or a ping came.
    const fn acknowledges(&self) -> bool {
        self.flags & 0x1 != 0
    }

    /// The stream that a payload promises.
    pub(super) fn promised(&self, payload: &[u8]) -> Option<u32> {
        let mut cursor = Cursor::new(payload);
        cursor.skip(usize::from(self.is_padded()))?;
        let number = cursor.u32_be().filter(|_| self.kind == Kind::PushPromise)?;
        Some(number & 0x7fff_ffff)
    }

    /// Whether a frame of this kind may look so.
    pub(super) fn fits(&self, direction: Direction) -> bool {
        let of_stream = self.stream != 0;
        match self.kind {
            Kind::Data | Kind::Headers | Kind::Continuation => of_stream,
            Kind::Priority => of_stream && self.length == 5,
            Kind::Reset => of_stream && self.length == 4,
            Kind::Settings => !of_stream && self.length.is_multiple_of(6) && (!self.acknowledges() || self.length == 0),
            Kind::PushPromise => of_stream && self.length >= 4 && direction == Direction::ToClient,
            Kind::Ping => !of_stream && self.length == 8,
            Kind::GoAway => !of_stream && self.length >= 8,
            Kind::WindowUpdate => self.length == 4,
            Kind::Other(_) => true,
        }
    }

    /// The same, of a frame that may be none at all.
    fn convinces(&self, direction: Direction) -> bool {
        let flags = match self.kind {
            Kind::Data => 0x9,
            Kind::Headers => 0x2d,
            Kind::PushPromise => 0xc,
            Kind::Continuation => 0x4,
            Kind::Settings | Kind::Ping => 0x1,
            Kind::GoAway | Kind::Priority | Kind::Reset | Kind::WindowUpdate => 0,
            // ALTSVC, ORIGIN, PRIORITY_UPDATE.
            Kind::Other(10 | 12 | 16) => 0,
            Kind::Other(_) => return false,
        };
        // Streams of a client are odd. Those of a server (pushed) hardly exist any more.
        let stream = self.stream == 0 || self.stream % 2 == 1;
        self.fits(direction) && !self.reserved && self.flags & !flags == 0 && stream && self.length <= USUAL
    }

    /// A server's first frame, which must be settings (section 3.4).
    pub(super) fn is_preface(&self) -> bool {
        self.kind == Kind::Settings && !self.acknowledges() && self.convinces(Direction::ToClient)
    }

    /// The block of headers in a payload: what it is without padding and priority. `None` where those have
    /// no room.
    pub(super) fn block(&self, payload: &[u8]) -> Option<std::ops::Range<usize>> {
        let padded = usize::from(self.is_padded());
        let padding = if self.is_padded() { usize::from(*payload.first()?) } else { 0 };
        let priority = if self.kind == Kind::Headers && self.has_priority() { 5 } else { 0 };
        let promised = if self.kind == Kind::PushPromise { 4 } else { 0 };
        let (start, end) = (padded + priority + promised, payload.len().checked_sub(padding)?);
        (start <= end).then_some(start..end)
    }
}

/// Whether frames begin here. With `ended`, nothing more will come.
pub(super) fn look(direction: Direction, bytes: &[u8], ended: bool) -> Look {
    let (mut at, mut count, mut strong, mut message) = (0, 0, false, false);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(head) = Head::read(rest) else {
            let whole = rest.is_empty() && at == bytes.len() && count + 1 >= IN_A_ROW && strong;
            return match () {
                () if whole && message && ended => Look::Message,
                () if whole && ended => Look::Frames,
                () if ended => Look::No,
                () => Look::More,
            };
        };
        if !head.convinces(direction) {
            return Look::No;
        }
        let payload = rest.get(HEAD..HEAD + head.length);
        if head.kind == Kind::Headers
            && head.ends_headers()
            && let Some(payload) = payload
        {
            let readable = head.block(payload).and_then(|block| payload.get(block)).is_some_and(begins_message);
            message |= readable;
            strong |= readable;
        }
        strong |= !matches!(head.kind, Kind::Data | Kind::Continuation | Kind::Headers);
        count += 1;
        at += HEAD + head.length;
        if count >= IN_A_ROW && strong {
            return if message { Look::Message } else { Look::Frames };
        }
    }
}

/// Whether a block of headers can be read and has one that only a message's head has.
fn begins_message(block: &[u8]) -> bool {
    let mut decoder = hpack::Decoder::default();
    decoder.lose();
    let mut pseudo = false;
    let whole = decoder.read(block, |field| pseudo |= field.name.starts_with(b":"));
    pseudo && whole.is_some()
}

/// Where frames begin again: the offset, and whether that is sure. What is before it are no frames.
pub(super) fn find(direction: Direction, bytes: &[u8]) -> (usize, bool) {
    let held = bytes.len().saturating_sub(limits::RESYNC_FRAME_BYTES);
    let mut maybe = None;
    // The first byte of a head is 0: no frame that is believed is longer.
    for at in memchr::memchr_iter(0, bytes) {
        match look(direction, bytes.get(at..).unwrap_or_default(), false) {
            Look::No => {}
            // What looks like a long frame may be anything: another place may be sure before that is.
            Look::More if at < held => {}
            Look::More => maybe = maybe.or(Some(at)),
            Look::Frames | Look::Message => return (at, true),
        }
    }
    (maybe.unwrap_or(bytes.len()), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: Direction = Direction::ToServer;
    const S: Direction = Direction::ToClient;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    #[test]
    fn frames_in_a_row_show_where_they_begin() {
        let headers = frame(1, 4, 7, &[0x82, 0x84, 0x86, 0xbe]);
        let data = frame(0, 1, 7, b"content");
        let update = frame(8, 0, 0, &[0, 0, 1, 0]);
        let row = [headers.clone(), data.clone(), update.clone()].concat();
        assert_eq!(look(C, &row, false), Look::Message);
        assert_eq!(look(C, &[data.clone(), update.clone(), data.clone()].concat(), false), Look::Frames);
        assert_eq!(look(C, &data.repeat(5), false), Look::More, "anything may be in data");
        let tail = [b"end of something \0\0 else".as_slice(), &row].concat();
        assert_eq!(find(C, &tail), (tail.len() - row.len(), true));
        assert_eq!(find(C, &row[..20]), (0, false));
        assert_eq!(look(C, &[headers, data].concat(), true), Look::Message, "the conversation ends here");
    }

    #[test]
    fn other_bytes_are_no_frames() {
        let noise: Vec<u8> = (0..60_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
        for bytes in [noise.as_slice(), &[0; 5000], b"HTTP/1.1 200 OK\r\n\r\n", &[0, 0, 4, 8].repeat(500)] {
            assert!(!find(C, bytes).1 && !find(S, bytes).1);
        }
    }

    #[test]
    fn padding_and_priority_are_no_headers() {
        let head = |flags| Head::read(&frame(1, flags, 1, &[0; 20])).unwrap();
        assert_eq!(head(0).block(&[0; 20]), Some(0..20));
        assert_eq!(head(0x28).block(&[[3].as_slice(), &[0; 19]].concat()), Some(6..17));
        assert_eq!(head(0x28).block(&[19, 0, 0]), None);
        assert_eq!(head(0x20).block(&[0; 4]), None);
    }
}
