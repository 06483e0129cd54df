//! Cuts a long run of content into pieces that overlap, so that the rules see all of it in bounded
//! memory and no value is lost between two pieces.

use std::ops::Range;

use super::charset::{Charset, Transcoder};
use crate::model::event::Format;
use crate::model::limits;
use crate::model::packet::Mark;
use crate::model::stream::{Gathered, Stretch};

/// Content on its way to [`crate::model::event::Event::Text`].
#[derive(Debug, Default)]
pub struct Pieces {
    buffer: Gathered,
    /// Bytes at the start of the buffer that were part of the piece before.
    seen: usize,
    transcoder: Transcoder,
}

impl Pieces {
    /// The content is text in the charset that its carrier names, or it does itself.
    pub fn read_as(&mut self, said: Option<Option<Charset>>, format: Format) {
        self.transcoder = Transcoder::new(said, format);
    }

    /// Appends content, and gives `emit` every piece that became full, with the number of bytes at
    /// its start that were seen before.
    pub fn push(&mut self, content: Stretch<'_>, emit: &mut dyn FnMut(Stretch<'_>, usize)) {
        self.push_part(content, 0..content.bytes.len(), emit);
    }

    /// As [`Pieces::push`], of the bytes of `part` alone.
    pub fn push_part(&mut self, content: Stretch<'_>, part: Range<usize>, emit: &mut dyn FnMut(Stretch<'_>, usize)) {
        let (mut from, end) = (part.start, part.end.min(content.bytes.len()));
        while from < end {
            let room = limits::BODY_BYTES.saturating_sub(self.buffer.len()).max(1);
            let to = end.min(from + room);
            self.buffer.push_part(content, from..to);
            from = to;
            self.emit_if_full(emit);
        }
    }

    /// For decoders that write into a `Vec`: the growing buffer, after noting that what is appended
    /// comes from the packet at `mark`. Call [`Pieces::emit_if_full`] afterwards.
    pub fn buffer(&mut self, mark: Mark) -> &mut Vec<u8> {
        self.buffer.note(mark);
        self.buffer.bytes_mut()
    }

    /// Emits the piece if it is full, and keeps its end as the context of the next.
    pub fn emit_if_full(&mut self, emit: &mut dyn FnMut(Stretch<'_>, usize)) {
        if self.buffer.len() < limits::BODY_BYTES {
            return;
        }
        self.transcoder.rewrite(&mut self.buffer);
        emit(self.buffer.stretch(), self.seen);
        self.buffer.consume(self.buffer.len().saturating_sub(limits::TEXT_OVERLAP_BYTES));
        self.seen = self.buffer.len();
        self.transcoder.keep(self.seen);
    }

    /// Emits what is left and starts anew.
    pub fn finish(&mut self, emit: &mut dyn FnMut(Stretch<'_>, usize)) {
        if self.buffer.len() > self.seen {
            self.transcoder.rewrite(&mut self.buffer);
            emit(self.buffer.stretch(), self.seen);
        }
        self.buffer.clear();
        self.transcoder.keep(0);
        self.seen = 0;
    }

    /// What has been gathered and not emitted, in the charset it came in.
    pub fn pending(&self) -> Stretch<'_> {
        self.buffer.stretch()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stream::Origin;

    #[test]
    fn pieces_overlap_and_lose_nothing() {
        let content: Vec<u8> = (0..limits::BODY_BYTES * 2 + 100).map(|n| (n % 251) as u8).collect();
        let origins = [Origin { start: 0, mark: Mark::default() }];
        let mut joined: Vec<u8> = Vec::new();
        let mut emit = |piece: Stretch<'_>, seen: usize| {
            assert!(piece.bytes.len() <= limits::BODY_BYTES);
            assert!(joined.ends_with(&piece.bytes[..seen]));
            joined.extend_from_slice(&piece.bytes[seen..]);
        };
        let mut pieces = Pieces::default();
        pieces.push(Stretch { bytes: &content, origins: &origins }, &mut emit);
        pieces.finish(&mut emit);
        assert_eq!(joined, content);
    }
}
