//! Content codings (RFC 9110 section 8.4.1): gzip, deflate, brotli, zstd, and stacks of them, decoded as
//! the bytes arrive; snappy and LZ4. The caller says how much output there is room for, so a bomb costs no memory.

mod block;
mod brotli;
mod deflate;
mod zstd;

/// A coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `br`, RFC 7932.
    Brotli,
    /// `deflate`: zlib, RFC 1950, or raw, RFC 1951, as some servers send it.
    Deflate,
    /// `gzip`, RFC 1952.
    Gzip,
    /// `lz4`: its frames. On its own only.
    Lz4,
    /// `snappy`: a block, or frames. On its own only.
    Snappy,
    /// `zstd`, RFC 8878.
    Zstd,
}

impl Coding {
    /// The coding of a name as it stands in `Content-Encoding` or `Transfer-Encoding`.
    pub fn of(name: &[u8]) -> Option<Self> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match () {
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("br") => Some(Self::Brotli),
            () if is("deflate") => Some(Self::Deflate),
            () if is("zstd") => Some(Self::Zstd),
            () if is("snappy") || is("x-snappy-framed") => Some(Self::Snappy),
            () if is("lz4") => Some(Self::Lz4),
            () => None,
        }
    }
}

impl Coding {
    /// The coding that the first bytes of coded content give away.
    pub fn of_magic(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Self::Deflate,
            _ => return None,
        })
    }
}

/// Where a decoder stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The input is used up.
    Hungry,
    /// There is no room for more output: call again, with what is left of the input.
    Full,
    /// The coded content is at its end.
    Ended,
    /// The input is not in this coding, or is damaged. What was decoded before it stands.
    Broken,
}

/// Bytes of a stage's output that wait for the next stage of a stack.
const BETWEEN: usize = 16 << 10;

/// Undoes one coding, or a stack of them.
pub struct Decoder {
    stages: Vec<Stage>,
}

struct Stage {
    inflater: Inflater,
    /// Input that came from the stage before and is not used yet.
    waiting: Vec<u8>,
}

enum Inflater {
    Block(block::Block),
    Brotli(Box<brotli::Brotli>),
    Deflate(deflate::Deflate),
    Zstd(Box<zstd::Zstd>),
}

impl Decoder {
    /// A decoder of codings, in the order they were applied.
    pub fn new(applied: impl DoubleEndedIterator<Item = Coding>) -> Self {
        let inflater = |coding| match coding {
            Coding::Brotli => Inflater::Brotli(Box::default()),
            Coding::Deflate => Inflater::Deflate(deflate::Deflate::zlib_or_raw()),
            Coding::Gzip => Inflater::Deflate(deflate::Deflate::gzip()),
            Coding::Lz4 => Inflater::Block(block::Block::new(block::Kind::Lz4)),
            Coding::Snappy => Inflater::Block(block::Block::new(block::Kind::Snappy)),
            Coding::Zstd => Inflater::Zstd(Box::default()),
        };
        Self { stages: applied.rev().map(|c| Stage { inflater: inflater(c), waiting: Vec::new() }).collect() }
    }

    /// A decoder of deflate without anything around it (RFC 1951).
    pub fn raw_deflate() -> Self {
        let inflater = Inflater::Deflate(deflate::Deflate::raw());
        Self { stages: vec![Stage { inflater, waiting: Vec::new() }] }
    }

    /// Whether content that begins so is not in its outermost coding, as far as that one shows.
    pub fn denies(&self, start: &[u8]) -> bool {
        let first = self.stages.first().map(|stage| &stage.inflater);
        matches!(first, Some(Inflater::Deflate(deflate)) if deflate.awaits_gzip()) && !matches!(start, [] | [0x1f, ..])
    }

    /// Decodes input and appends at most `room` bytes to `out`. Says how much input was used, and why
    /// it stopped.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> (usize, Status) {
        decode(&mut self.stages, input, out, room)
    }

    /// Appends what a decoder still holds of content that was cut off, at most `room` bytes.
    pub fn finish(&mut self, out: &mut Vec<u8>, room: usize) -> Status {
        let Some((last, before)) = self.stages.split_last_mut() else { return Status::Ended };
        for stage in before {
            // A coding inside another one: what the outer one holds back would rarely make a difference.
            stage.waiting.clear();
        }
        last.inflater.finish(out, room)
    }
}

fn decode(stages: &mut [Stage], input: &[u8], out: &mut Vec<u8>, room: usize) -> (usize, Status) {
    let Some((first, rest)) = stages.split_first_mut() else { return (input.len(), Status::Ended) };
    if rest.is_empty() {
        return first.inflater.decode(input, out, room);
    }
    let (mut used, limit) = (0, out.len().saturating_add(room));
    let mut outer = Status::Full;
    loop {
        // What waits goes first, and all of it does as long as the inner stages are hungry.
        let mut waiting = rest.first_mut().map(|next| std::mem::take(&mut next.waiting)).unwrap_or_default();
        let (taken, inner) = decode(rest, &waiting, out, limit.saturating_sub(out.len()));
        waiting.drain(..taken);
        let stopped = inner != Status::Hungry || outer != Status::Full;
        if !stopped {
            let (more, status) = first.inflater.decode(input.get(used..).unwrap_or_default(), &mut waiting, BETWEEN);
            used += more;
            outer = status;
        }
        if let Some(next) = rest.first_mut() {
            next.waiting = waiting;
        }
        if stopped {
            return (used, if inner == Status::Hungry { outer } else { inner });
        }
    }
}

impl Inflater {
    fn decode(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> (usize, Status) {
        match self {
            Self::Block(block) => block.decode(input),
            Self::Brotli(brotli) => brotli.decode(input, out, room),
            Self::Deflate(deflate) => deflate.decode(input, out, room),
            Self::Zstd(zstd) => zstd.decode(input, out, room),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, room: usize) -> Status {
        match self {
            // These two hand out everything at once.
            Self::Brotli(_) | Self::Deflate(_) => Status::Ended,
            Self::Block(block) => block.finish(out, room),
            Self::Zstd(zstd) => zstd.finish(out, room),
        }
    }
}

#[cfg(test)]
mod tests;
