//! Zstandard through ruzstd, which decodes whole blocks: this cuts the stream into them.

use std::io::Read;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::Status;

/// The largest window a content coding may use (RFC 9659 section 3).
const WINDOW: u64 = 8 << 20;
/// Output made room for at a time.
const STEP: usize = 16 << 10;
const MAGIC: u32 = 0xfd2f_b528;
/// An empty last block of raw bytes, with room for a checksum nobody verifies.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

pub(super) struct Zstd {
    decoder: FrameDecoder,
    /// Input that is not a whole block yet.
    input: Vec<u8>,
    state: State,
}

enum State {
    /// Before a frame; whether there was one before it.
    Between(bool),
    /// Inside a frame whose blocks end with a checksum, or not.
    Blocks { checksum: bool },
    /// Inside a skippable frame that has so many bytes left.
    Skippable(usize),
}

/// What the buffered input allows.
enum Next {
    /// So many bytes were used; go on.
    Used(usize),
    More,
    Stop(Status),
}

impl Default for Zstd {
    fn default() -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Self { decoder, input: Vec::new(), state: State::Between(false) }
    }
}

impl Zstd {
    pub(super) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> (usize, Status) {
        self.input.extend_from_slice(input);
        let limit = out.len().saturating_add(room);
        let mut used = 0;
        let status = loop {
            if self.drain(out, limit) {
                break Status::Full;
            }
            match self.next(used) {
                Next::Used(count) => used += count,
                Next::More => break Status::Hungry,
                Next::Stop(status) => break status,
            }
        };
        self.input.drain(..used.min(self.input.len()));
        (input.len(), status)
    }

    /// Hands out what is held back as a window for blocks that never came.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>, room: usize) -> Status {
        if matches!(self.state, State::Blocks { .. })
            && !self.decoder.is_finished()
            && self.decoder.decode_blocks(&LAST_BLOCK[..], BlockDecodingStrategy::UptoBlocks(1)).is_err()
        {
            return Status::Broken;
        }
        if self.drain(out, out.len().saturating_add(room)) { Status::Full } else { Status::Ended }
    }

    /// Moves decoded bytes out. Whether there are more than there is room for.
    fn drain(&mut self, out: &mut Vec<u8>, limit: usize) -> bool {
        if !matches!(self.state, State::Blocks { .. }) {
            return false;
        }
        while self.decoder.can_collect() > 0 {
            let start = out.len();
            let space = (limit - start).min(STEP);
            if space == 0 {
                return true;
            }
            out.resize(start + space, 0);
            let made = self.decoder.read(out.get_mut(start..).unwrap_or_default()).unwrap_or(0);
            out.truncate(start + made);
            if made == 0 {
                break;
            }
        }
        false
    }

    fn next(&mut self, from: usize) -> Next {
        let rest = self.input.get(from..).unwrap_or_default();
        match &mut self.state {
            State::Between(before) => match frame(rest) {
                Frame::Head { length, checksum } => match self.decoder.reset(rest.get(..length).unwrap_or_default()) {
                    Ok(()) => {
                        self.state = State::Blocks { checksum };
                        Next::Used(length)
                    }
                    Err(_) => Next::Stop(Status::Broken),
                },
                Frame::Skippable(length) => {
                    self.state = State::Skippable(length);
                    Next::Used(8)
                }
                Frame::Incomplete => Next::More,
                Frame::Other if *before => Next::Stop(Status::Ended),
                Frame::Other => Next::Stop(Status::Broken),
            },
            State::Skippable(left) => {
                let here = (*left).min(rest.len());
                *left -= here;
                if *left > 0 && here == 0 {
                    return Next::More;
                }
                if *left == 0 {
                    self.state = State::Between(true);
                }
                Next::Used(here)
            }
            State::Blocks { .. } if self.decoder.is_finished() => {
                self.state = State::Between(true);
                Next::Used(0)
            }
            State::Blocks { checksum } => {
                let Some(length) = block_length(rest, *checksum) else { return Next::More };
                let Some(block) = rest.get(..length) else { return Next::More };
                match self.decoder.decode_blocks(block, BlockDecodingStrategy::UptoBlocks(1)) {
                    Ok(_) => Next::Used(length),
                    Err(_) => Next::Stop(Status::Broken),
                }
            }
        }
    }
}

enum Frame {
    Head { length: usize, checksum: bool },
    Skippable(usize),
    Incomplete,
    Other,
}

/// RFC 8878 section 3.1.1: the length of a frame's header.
fn frame(bytes: &[u8]) -> Frame {
    let Some((magic, rest)) = bytes.split_first_chunk() else { return Frame::Incomplete };
    let magic = u32::from_le_bytes(*magic);
    if (0x184d_2a50..=0x184d_2a5f).contains(&magic) {
        let length = rest.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
        return length.map_or(Frame::Incomplete, Frame::Skippable);
    }
    if magic != MAGIC {
        return Frame::Other;
    }
    let Some(descriptor) = rest.first() else { return Frame::Incomplete };
    let single = descriptor & 0x20 != 0;
    let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or(0);
    let size = match descriptor >> 6 {
        0 => usize::from(single),
        shift => 1 << shift,
    };
    let length = 5 + usize::from(!single) + dictionary + size;
    if bytes.len() < length { Frame::Incomplete } else { Frame::Head { length, checksum: descriptor & 4 != 0 } }
}

/// RFC 8878 section 3.1.1.2: the length of a block with its header, and of the checksum after the last.
fn block_length(bytes: &[u8], checksum: bool) -> Option<usize> {
    let &[a, b, c] = bytes.first_chunk()?;
    let header = u32::from_le_bytes([a, b, c, 0]);
    let content = match header >> 1 & 3 {
        1 => 1,
        _ => (header >> 3) as usize,
    };
    Some(3 + content + if header & 1 == 1 && checksum { 4 } else { 0 })
}
