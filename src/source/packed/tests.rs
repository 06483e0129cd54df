use std::io::Write as _;

use bzip2::write::BzEncoder;
use flate2::write::GzEncoder;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use lzma_rust2::{XzOptions, XzWriter};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

const ALL: [Packing; 5] = [Packing::Bzip2, Packing::Gzip, Packing::Lz4, Packing::Xz, Packing::Zstd];

fn pack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Bzip2 => {
            let mut writer = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap()
        }
        Packing::Gzip => {
            let mut writer = GzEncoder::new(Vec::new(), flate2::Compression::default());
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap()
        }
        Packing::Lz4 => {
            let info = FrameInfo::new().block_mode(BlockMode::Linked).block_size(BlockSize::Max64KB);
            let mut writer = FrameEncoder::with_frame_info(info, Vec::new());
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap()
        }
        Packing::Xz => {
            let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap()
        }
        Packing::Zstd => compress_to_vec(bytes, CompressionLevel::Fastest),
    }
}

/// What can be unpacked, and whether an error follows.
fn unpack(packed: &[u8]) -> (Vec<u8>, bool) {
    let packing = Packing::of(packed).unwrap();
    let mut bytes = Vec::new();
    let outcome = packing.unpack(Box::new(io::Cursor::new(packed.to_vec()))).unwrap().read_to_end(&mut bytes);
    (bytes, outcome.is_err())
}

/// Bytes that compress to about half.
fn content() -> Vec<u8> {
    let mut state = 1_u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..1_500_000).map(|n| if n % 2 == 0 { noise() } else { b'x' }).collect()
}

#[test]
fn every_format_is_recognised_and_unpacked() {
    let content = content();
    for packing in ALL {
        let packed = pack(packing, &content);
        assert_eq!(Packing::of(&packed), Some(packing));
        assert_eq!(unpack(&packed), (content.clone(), false), "{packing:?}");
    }
    assert_eq!(Packing::of(b"\x0a\x0d\x0d\x0a\0\0"), None);
}

#[test]
fn files_that_were_joined_are_read_to_the_end() {
    for packing in ALL {
        let joined = [pack(packing, b"one, "), pack(packing, b""), pack(packing, b"two")].concat();
        assert_eq!(unpack(&joined), (b"one, two".to_vec(), false), "{packing:?}");
    }
}

#[test]
fn what_can_be_skipped_is_skipped() {
    let skippable = [&[0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"???"].concat();
    for packing in [Packing::Zstd, Packing::Lz4] {
        let joined = [pack(packing, b"one, "), skippable.clone(), pack(packing, b"two")].concat();
        assert_eq!(unpack(&joined), (b"one, two".to_vec(), false), "{packing:?}");
    }
}

#[test]
fn a_truncated_file_gives_what_stands_before_the_cut() {
    let content = content();
    for packing in ALL {
        let packed = pack(packing, &content);
        let (bytes, failed) = unpack(&packed[..packed.len() * 2 / 3]);
        assert!(failed, "{packing:?}");
        assert!(content.starts_with(&bytes), "{packing:?}");
        // Of the last block bzip2 and LZ4 give nothing.
        assert!(bytes.len() > content.len() * 3 / 5, "{packing:?}: {}", bytes.len());
    }
}

#[test]
fn damage_is_survived() {
    let content = &content()[..300_000];
    for packing in ALL {
        let packed = pack(packing, content);
        for at in (8..packed.len()).step_by(packed.len() / 23) {
            let mut damaged = packed.clone();
            damaged[at] ^= 0x41;
            let (bytes, _) = unpack(&damaged);
            assert!(bytes.len() <= 64 * content.len(), "{packing:?}");
        }
    }
}

#[test]
fn whoever_loses_interest_ends_the_thread() {
    struct Endless(std::sync::mpsc::Sender<()>);
    impl Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            into.fill(7);
            Ok(into.len())
        }
    }
    impl Drop for Endless {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (sender, dropped) = std::sync::mpsc::channel();
    let mut ahead = Ahead::new(Box::new(Endless(sender))).unwrap();
    assert_eq!(ahead.read(&mut [0; 9]).unwrap(), 9);
    drop(ahead);
    dropped.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
}
