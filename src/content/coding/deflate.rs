//! gzip, zlib and raw deflate through flate2.

use flate2::{Decompress, FlushDecompress, Status as Flate};

use super::Status;

/// Output made room for at a time, at least.
const STEP: usize = 1 << 10;

pub(super) struct Deflate {
    inner: Decompress,
    wrap: Wrap,
}

enum Wrap {
    Gzip {
        /// A member ended; another one may begin.
        between: bool,
    },
    /// Zlib or raw, known when two bytes are here.
    Undecided(Option<u8>),
    Decided,
}

impl Deflate {
    pub(super) fn gzip() -> Self {
        Self { inner: Decompress::new_gzip(15), wrap: Wrap::Gzip { between: false } }
    }

    pub(super) fn zlib_or_raw() -> Self {
        Self { inner: Decompress::new(true), wrap: Wrap::Undecided(None) }
    }

    pub(super) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> (usize, Status) {
        let (kept, second) = match (&self.wrap, input) {
            (Wrap::Undecided(None), [first]) => {
                self.wrap = Wrap::Undecided(Some(*first));
                return (1, Status::Hungry);
            }
            (Wrap::Undecided(None), [first, second, ..]) => (None, Some((*first, *second))),
            (Wrap::Undecided(Some(first)), [second, ..]) => (Some(*first), Some((*first, *second))),
            _ => (None, None),
        };
        if let Some((first, second)) = second {
            // RFC 1950 section 2.2: method 8, and the two bytes are a multiple of 31.
            let zlib = first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31);
            self.inner = Decompress::new(zlib);
            self.wrap = Wrap::Decided;
        }
        if let Some(kept) = kept {
            let (_, status) = self.run(&[kept], out, room);
            if status != Status::Hungry {
                return (0, status);
            }
        }
        self.members(input, out, room)
    }

    /// Decodes one gzip member after the other.
    fn members(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> (usize, Status) {
        let (mut used, limit) = (0, out.len().saturating_add(room));
        loop {
            let rest = input.get(used..).unwrap_or_default();
            if let Wrap::Gzip { between: between @ true } = &mut self.wrap {
                match rest.first() {
                    None => return (used, Status::Hungry),
                    Some(0x1f) => {
                        *between = false;
                        self.inner = Decompress::new_gzip(15);
                    }
                    Some(_) => return (used, Status::Ended),
                }
            }
            let (taken, status) = self.run(rest, out, limit.saturating_sub(out.len()));
            used += taken;
            match (&mut self.wrap, status) {
                (Wrap::Gzip { between }, Status::Ended) => *between = true,
                _ => return (used, status),
            }
        }
    }

    fn run(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> (usize, Status) {
        let (mut used, limit) = (0, out.len().saturating_add(room));
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let start = out.len();
            let step = (limit - start).min(rest.len().saturating_mul(6).max(STEP));
            out.resize(start + step, 0);
            let (read, written) = (self.inner.total_in(), self.inner.total_out());
            let target = out.get_mut(start..).unwrap_or_default();
            let result = self.inner.decompress(rest, target, FlushDecompress::None);
            used += (self.inner.total_in() - read) as usize;
            let made = (self.inner.total_out() - written) as usize;
            out.truncate(start + made);
            match result {
                Err(_) => return (used, Status::Broken),
                Ok(Flate::StreamEnd) => return (used, Status::Ended),
                // The buffer was filled: there may be more.
                Ok(_) if made == step && out.len() < limit => {}
                Ok(_) if made == step => return (used, Status::Full),
                Ok(_) if used == input.len() => return (used, Status::Hungry),
                // Neither input used up nor output full: nothing moves any more.
                Ok(_) if made == 0 => return (used, Status::Broken),
                Ok(_) => {}
            }
        }
    }
}
