//! gzip, zlib and raw deflate through flate2.

use flate2::{Decompress, FlushDecompress, Status as Flate};

use super::Status;

/// Output made room for at a time, at least.
const STEP: usize = 1 << 10;
/// Longest gzip header, which may hold a file name and a comment.
const HEAD: usize = 16 << 10;

pub(super) struct Deflate {
    inner: Decompress,
    wrap: Wrap,
}

enum Wrap {
    /// gzip, whose checksums nobody verifies: where in a member it is.
    Gzip(Member),
    /// Zlib or raw, known when two bytes are here.
    Undecided(Option<u8>),
    Decided,
}

enum Member {
    /// In the header, of which these bytes came before.
    Head(Vec<u8>),
    Content,
    /// In the checksum and length after the content, of which so many bytes are missing.
    Tail(usize),
    /// Between members.
    Between,
}

impl Deflate {
    pub(super) fn gzip() -> Self {
        Self { inner: Decompress::new(false), wrap: Wrap::Gzip(Member::Head(Vec::new())) }
    }

    /// Whether gzip is to begin.
    pub(super) const fn awaits_gzip(&self) -> bool {
        matches!(&self.wrap, Wrap::Gzip(Member::Head(before)) if before.is_empty())
    }

    pub(super) fn zlib_or_raw() -> Self {
        Self { inner: Decompress::new(true), wrap: Wrap::Undecided(None) }
    }

    pub(super) fn raw() -> Self {
        Self { inner: Decompress::new(false), wrap: Wrap::Decided }
    }

    pub(super) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> (usize, Status) {
        let (kept, second) = match (&self.wrap, input) {
            (Wrap::Gzip(_), _) => return self.members(input, out, room),
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
        self.run(input, out, room)
    }

    /// Decodes one gzip member after the other.
    fn members(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> (usize, Status) {
        let (mut used, limit) = (0, out.len().saturating_add(room));
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let Wrap::Gzip(member) = &mut self.wrap else { return (used, Status::Broken) };
            match member {
                Member::Head(before) => {
                    let known = before.len();
                    before.extend_from_slice(rest.get(..HEAD.saturating_sub(known)).unwrap_or(rest));
                    match head_length(before) {
                        Ok(Some(length)) => {
                            used += length - known;
                            *member = Member::Content;
                        }
                        Ok(None) if before.len() < HEAD => return (input.len(), Status::Hungry),
                        Ok(None) | Err(()) => return (used, Status::Broken),
                    }
                }
                Member::Content => {
                    let (taken, status) = self.run(rest, out, limit.saturating_sub(out.len()));
                    used += taken;
                    if status != Status::Ended {
                        return (used, status);
                    }
                    self.wrap = Wrap::Gzip(Member::Tail(8));
                }
                Member::Tail(left) => {
                    let here = rest.len().min(*left);
                    used += here;
                    *left -= here;
                    if *left > 0 {
                        return (used, Status::Hungry);
                    }
                    *member = Member::Between;
                }
                Member::Between => match rest.first() {
                    None => return (used, Status::Hungry),
                    Some(0x1f) => {
                        *member = Member::Head(Vec::new());
                        self.inner.reset(false);
                    }
                    Some(_) => return (used, Status::Ended),
                },
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

/// RFC 1952 section 2.3: the length of a member's header, once all of it is here.
fn head_length(bytes: &[u8]) -> Result<Option<usize>, ()> {
    const FIXED: usize = 10;
    const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
    if !MAGIC.starts_with(bytes.get(..MAGIC.len()).unwrap_or(bytes)) {
        return Err(());
    }
    let Some(flags) = bytes.get(3).filter(|_| bytes.len() >= FIXED) else { return Ok(None) };
    let mut at = FIXED;
    if flags & 4 != 0 {
        let Some(length) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return Ok(None) };
        at += 2 + usize::from(u16::from_le_bytes(*length));
    }
    // File name, comment.
    for _ in 0..(flags >> 3 & 1) + (flags >> 4 & 1) {
        let Some(end) = bytes.get(at..).and_then(|rest| memchr::memchr(0, rest)) else { return Ok(None) };
        at += end + 1;
    }
    at += usize::from(flags & 2);
    Ok((at <= bytes.len()).then_some(at))
}
