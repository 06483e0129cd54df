//! Compressed captures: recognised by their first bytes, unpacked on a thread of their own.

mod ahead;
mod frames;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;

use self::ahead::Ahead;
use self::frames::{Lz4, Xz, Zstd};

/// A way to compress files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Bzip2,
    Gzip,
    Lz4,
    Xz,
    Zstd,
}

/// The longest of the first bytes that tell one from another.
pub(super) const MAGIC: usize = 6;

impl Packing {
    /// What a file that begins like this is compressed with.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        match *start.first_chunk::<4>()? {
            [b'B', b'Z', b'h', b'1'..=b'9'] => Some(Self::Bzip2),
            // RFC 1952, section 2.3.1.
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // A frame, the legacy frame, and a skippable frame before any of them.
            [0x04, 0x22, 0x4d, 0x18] | [0x02, 0x21, 0x4c, 0x18] => Some(Self::Lz4),
            _ if start.starts_with(b"\xfd7zXZ\0") => Some(Self::Xz),
            // RFC 8878, sections 3.1.1 and 3.1.2; `pzstd` begins with a skippable frame.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// What `input` holds, unpacked ahead of whoever reads it. What is cut short or damaged gives all
    /// that can be unpacked, and then an error.
    pub(super) fn unpack(self, input: Box<dyn Read + Send>) -> io::Result<Ahead> {
        Ahead::new(match self {
            Self::Bzip2 => Box::new(MultiBzDecoder::new(input)),
            Self::Gzip => Box::new(MultiGzDecoder::new(input)),
            Self::Lz4 => Box::new(Lz4::new(input)),
            Self::Xz => Box::new(Xz::new(input)),
            Self::Zstd => Box::new(Zstd::new(input)),
        })
    }
}
