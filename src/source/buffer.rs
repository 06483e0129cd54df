//! A read buffer that hands out whole records as one slice.

use std::io::{self, Read};

/// Size of one read: large enough that system calls do not show, small enough for the second-level cache.
const CHUNK: usize = 256 << 10;

/// Bytes on their way from a reader to a record parser.
pub(super) struct Buffer {
    inner: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    consumed: u64,
}

impl Buffer {
    /// A buffer in front of `inner`.
    pub(super) fn new(inner: Box<dyn Read + Send>) -> Self {
        Self { inner, bytes: vec![0; CHUNK], start: 0, end: 0, consumed: 0 }
    }

    /// The bytes that are here.
    pub(super) fn window(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until `count` bytes are here. `false`: the input ends before.
    #[inline]
    pub(super) fn need(&mut self, count: usize) -> io::Result<bool> {
        if self.end - self.start >= count { Ok(true) } else { self.fill(count) }
    }

    /// Passes over `count` bytes that are here, and says where they stay until the next read.
    pub(super) fn advance(&mut self, count: usize) -> usize {
        let at = self.start;
        let count = count.min(self.end - self.start);
        self.start += count;
        self.consumed += count as u64;
        at
    }

    /// Passes over `count` bytes that need not be here yet. `false`: the input ends before.
    pub(super) fn skip(&mut self, mut count: u64) -> io::Result<bool> {
        while count > 0 {
            if !self.need(1)? {
                return Ok(false);
            }
            let here = usize::try_from(count).unwrap_or(usize::MAX).min(self.end - self.start);
            self.advance(here);
            count -= here as u64;
        }
        Ok(true)
    }

    /// Bytes that were handed out before.
    pub(super) fn passed(&self, at: usize, length: usize) -> &[u8] {
        self.bytes.get(at..at.saturating_add(length)).unwrap_or_default()
    }

    /// How many bytes were consumed.
    pub(super) const fn consumed(&self) -> u64 {
        self.consumed
    }

    #[cold]
    fn fill(&mut self, count: usize) -> io::Result<bool> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.bytes.len() < count {
            self.bytes.resize(count.next_multiple_of(CHUNK), 0);
        }
        while self.end < count {
            let room = self.bytes.get_mut(self.end..).unwrap_or_default();
            match self.inner.read(room) {
                Ok(0) => return Ok(false),
                Ok(more) => self.end += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_larger_than_the_buffer_is_one_slice() {
        let bytes: Vec<u8> = (0..CHUNK * 2).map(|n| n as u8).collect();
        let mut buffer = Buffer::new(Box::new(io::Cursor::new(bytes.clone())));
        assert!(buffer.need(3).unwrap());
        buffer.advance(3);
        assert!(buffer.need(CHUNK + 1).unwrap());
        assert_eq!(buffer.window()[..=CHUNK], bytes[3..CHUNK + 4]);
        assert!(!buffer.need(CHUNK * 2).unwrap());
    }

    #[test]
    fn skipping_goes_past_what_was_read_and_stops_at_the_end() {
        let mut buffer = Buffer::new(Box::new(io::Cursor::new(vec![7; CHUNK * 3 + 2])));
        assert!(buffer.skip(CHUNK as u64 * 3).unwrap());
        assert!(buffer.need(2).unwrap());
        assert!(!buffer.skip(3).unwrap());
        assert_eq!(buffer.consumed(), CHUNK as u64 * 3 + 2);
    }
}
