//! Files that are one packed file: what can be unpacked of them, however short they are cut.

use std::io::{ErrorKind, Read};

use bzip2::read::MultiBzDecoder;
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::XzReader;

use super::unpack;
use crate::content::coding::Coding;
use crate::model::limits;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// bzip2.
    Bzip2,
    /// RFC 1952.
    Gzip,
    /// The frame format of LZ4.
    Lz4,
    /// The format of `xz`.
    Xz,
    /// RFC 8878.
    Zstd,
}

/// What the decoder of xz may take, in its unit: enough for what `xz` makes unless told otherwise.
const XZ_KIB: u32 = 10 << 10;

/// Bytes of one step: what is lost of a step that fails.
const STEP: usize = 4 << 10;

impl Packing {
    /// What the first bytes of a file give away.
    pub(super) fn of_file(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y', ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            _ => return None,
        })
    }

    /// What the name of a packed file ends in.
    fn endings(self) -> [&'static str; 2] {
        match self {
            Self::Bzip2 => [".bz2", ".tbz"],
            Self::Gzip => [".gz", ".tgz"],
            Self::Lz4 => [".lz4", ".lz4"],
            Self::Xz => [".xz", ".txz"],
            Self::Zstd => [".zst", ".tzst"],
        }
    }

    /// The name of the file inside.
    pub(super) fn name(self, packed: &str) -> &str {
        self.endings().iter().find_map(|ending| packed.strip_suffix(ending)).unwrap_or(packed)
    }

    /// Unpacks as much as there is room for.
    pub(super) fn open(self, bytes: &[u8], room: &mut usize) -> Vec<u8> {
        match self {
            Self::Gzip => unpack(Coding::Gzip, bytes, room).0,
            Self::Zstd => unpack(Coding::Zstd, bytes, room).0,
            Self::Bzip2 => all(MultiBzDecoder::new(bytes), room),
            Self::Lz4 => all(FrameDecoder::new(bytes), room),
            Self::Xz => all(XzReader::new_mem_limit(bytes, true, XZ_KIB), room),
        }
    }
}

/// What a decoder gives until it fails or there is no more room.
fn all(mut decoder: impl Read, room: &mut usize) -> Vec<u8> {
    let most = limits::DOCUMENT_BYTES.min(*room);
    let (mut plain, mut step) = (Vec::new(), [0; STEP]);
    while plain.len() < most {
        let wanted = STEP.min(most - plain.len());
        match decoder.read(step.get_mut(..wanted).unwrap_or_default()) {
            Ok(0) => break,
            Ok(count) => plain.extend_from_slice(step.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    *room -= plain.len();
    plain
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"user=anna\npassword=Kx92vTq#1\nand what else stands in such a file\n";

    fn packed() -> [(Packing, Vec<u8>); 5] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(TEXT).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(TEXT).unwrap();
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(TEXT).unwrap();
        let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::default()).unwrap();
        xz.write_all(TEXT).unwrap();
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        [
            (Packing::Gzip, gzip.finish().unwrap()),
            (Packing::Bzip2, bzip2.finish().unwrap()),
            (Packing::Lz4, lz4.finish().unwrap()),
            (Packing::Xz, xz.finish().unwrap()),
            (Packing::Zstd, ruzstd::encoding::compress_to_vec(TEXT, level)),
        ]
    }

    #[test]
    fn packed_files_are_known_and_opened_within_their_room() {
        for (packing, bytes) in packed() {
            assert_eq!(Packing::of_file(&bytes), Some(packing));
            let mut room = 1000;
            assert_eq!(packing.open(&bytes, &mut room), TEXT, "{packing:?}");
            assert_eq!(room, 1000 - TEXT.len());
            let mut room = 10;
            assert!(packing.open(&bytes, &mut room).len() <= 10);
        }
        assert_eq!(Packing::Xz.name("a.tar.xz"), "a.tar");
    }

    #[test]
    fn half_a_file_and_a_damaged_one_are_no_trouble() {
        for (packing, bytes) in packed() {
            for n in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[n] ^= 0x55;
                for bytes in [&bytes[..n], &changed] {
                    assert!(packing.open(bytes, &mut 1000).len() <= 1000);
                }
            }
        }
    }
}
