//! Codings that are undone as a whole: the blocks of Snappy, as Prometheus and Loki are sent them, its
//! frames, and the frames of LZ4.

use std::io::Read;

use lz4_flex::frame::FrameDecoder as Lz4;
use snap::read::FrameDecoder as Snappy;

use super::Status;
use crate::model::limits;

/// How a block is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Lz4,
    Snappy,
}

pub(super) struct Block {
    kind: Kind,
    /// The block, as far as it is here.
    held: Vec<u8>,
    /// What it says, and how much of that was given out.
    plain: Option<Vec<u8>>,
    given: usize,
}

/// What a stream of Snappy's frames begins with.
const FRAMES: &[u8] = b"\xff\x06\0\0sNaPpY";

impl Block {
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, held: Vec::new(), plain: None, given: 0 }
    }

    pub(super) fn decode(&mut self, input: &[u8]) -> (usize, Status) {
        if self.held.len() + input.len() > limits::BODY_BYTES {
            return (0, Status::Broken);
        }
        self.held.extend_from_slice(input);
        (input.len(), Status::Hungry)
    }

    /// Gives out what the block says.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>, room: usize) -> Status {
        let Self { kind, held, plain, given } = self;
        let plain = plain.get_or_insert_with(|| unpacked(*kind, held));
        let rest = plain.get(*given..).unwrap_or_default();
        let here = rest.get(..room).unwrap_or(rest);
        out.extend_from_slice(here);
        *given += here.len();
        if here.len() < rest.len() { Status::Full } else { Status::Ended }
    }
}

/// What a block says, as far as there is room for it; nothing of a damaged one of Snappy's.
fn unpacked(kind: Kind, block: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let most = limits::DOCUMENT_BYTES;
    let read = |decoder: &mut dyn Read, plain: &mut Vec<u8>| {
        // What is read before a fault stands.
        let _ = decoder.take(most as u64).read_to_end(plain);
    };
    match kind {
        Kind::Lz4 => read(&mut Lz4::new(block), &mut plain),
        Kind::Snappy if block.starts_with(FRAMES) => read(&mut Snappy::new(block), &mut plain),
        Kind::Snappy => {
            if snap::raw::decompress_len(block).is_ok_and(|length| length <= most) {
                plain = snap::raw::Decoder::new().decompress_vec(block).unwrap_or_default();
            }
        }
    }
    plain
}
