use std::io::Write;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn frames<W: Write>(mut encoder: W, bytes: &[u8], end: impl FnOnce(W) -> Vec<u8>) -> Vec<u8> {
    encoder.write_all(bytes).unwrap();
    end(encoder)
}

/// "hello hello hello hello hello" as the reference encoder writes it.
const BROTLI: &[u8] =
    b"\x1b\x1d\x00\xf8\x8d\x94\x6e\xde\x44\x55\x86\xd6\x0a\x20\x6c\x6f\x4a\x11\x7a\xe2\x80\x52\x2d\x00";

fn text(lines: u32) -> Vec<u8> {
    (0..lines).flat_map(|n| format!("line {} of text\n", n.wrapping_mul(2_654_435_761)).into_bytes()).collect()
}

/// Decodes in pieces of `step` bytes into `room` bytes at a time.
fn decode_by(codings: &[Coding], coded: &[u8], step: usize, room: usize) -> (Vec<u8>, Status) {
    let mut decoder = Decoder::new(codings.iter().copied());
    let (mut out, mut last) = (Vec::new(), Status::Hungry);
    for piece in coded.chunks(step) {
        let mut rest = piece;
        loop {
            let before = out.len();
            let (used, status) = decoder.decode(rest, &mut out, room);
            assert!(out.len() <= before + room);
            rest = &rest[used..];
            last = status;
            if status != Status::Full {
                break;
            }
        }
    }
    while decoder.finish(&mut out, room) == Status::Full {}
    (out, last)
}

#[test]
fn every_coding_is_undone_whatever_the_pieces() {
    let text = text(1_000);
    for (codings, coded) in [
        (&[Coding::Gzip][..], gzip(&text)),
        (&[Coding::Deflate], zlib(&text)),
        (&[Coding::Deflate], raw(&text)),
        (&[Coding::Zstd], zstd(&text)),
        (&[Coding::Snappy], snap::raw::Encoder::new().compress_vec(&text).unwrap()),
        (&[Coding::Snappy], frames(snap::write::FrameEncoder::new(Vec::new()), &text, |e| e.into_inner().unwrap())),
        (&[Coding::Lz4], frames(lz4_flex::frame::FrameEncoder::new(Vec::new()), &text, |e| e.finish().unwrap())),
        (&[Coding::Gzip, Coding::Zstd], zstd(&gzip(&text))),
        (&[Coding::Deflate, Coding::Gzip, Coding::Gzip], gzip(&gzip(&zlib(&text)))),
    ] {
        for (step, room) in [(1 << 20, 1 << 20), (1448, 1 << 18), (1448, 700), (1, 4096)] {
            let (out, status) = decode_by(codings, &coded, step, room);
            assert!(out == text, "{codings:?} by {step} into {room}: {} of {} bytes", out.len(), text.len());
            assert!(matches!(status, Status::Hungry | Status::Ended), "{codings:?} by {step}: {status:?}");
        }
    }
    for step in [1, 5, 100] {
        assert_eq!(decode_by(&[Coding::Brotli], BROTLI, step, 7).0, b"hello hello hello hello hello\n");
    }
}

#[test]
fn a_gzip_header_may_hold_a_name_and_more() {
    let plain = gzip(b"content");
    let head = b"\x1f\x8b\x08\x1e\0\0\0\0\0\0\x02\0xyname\0comment\0\x12\x34";
    let coded = [&head[..], &plain[10..]].concat();
    for step in [1, 7, 100] {
        assert_eq!(decode_by(&[Coding::Gzip], &coded, step, 100).0, b"content");
    }
}

#[test]
fn gzip_members_follow_each_other() {
    let coded = [gzip(b"one "), gzip(b"two")].concat();
    for step in [1, 7, 100] {
        assert_eq!(decode_by(&[Coding::Gzip], &coded, step, 100).0, b"one two");
    }
}

#[test]
fn a_cut_stream_gives_what_it_has() {
    let text = text(20_000);
    for (coding, coded) in [(Coding::Gzip, gzip(&text)), (Coding::Zstd, zstd(&text))] {
        let (out, _) = decode_by(&[coding], &coded[..coded.len() * 9 / 10], 1448, 1 << 16);
        assert!(out.len() > text.len() / 2, "{coding:?}: {} bytes", out.len());
        assert!(text.starts_with(&out), "{coding:?}");
    }
}

#[test]
fn what_is_not_in_the_coding_is_broken() {
    for coding in [Coding::Gzip, Coding::Zstd] {
        assert_eq!(decode_by(&[coding], b"<html>plain text</html>", 100, 100), (Vec::new(), Status::Broken));
    }
}

#[test]
fn a_bomb_costs_no_more_than_the_room_there_is() {
    let bomb = gzip(&gzip(&vec![0; 64 << 20]));
    assert!(bomb.len() < 4096);
    let mut decoder = Decoder::new([Coding::Gzip, Coding::Gzip].into_iter());
    let (mut out, mut total, mut rest) = (Vec::new(), 0, &bomb[..]);
    loop {
        out.clear();
        let (used, status) = decoder.decode(rest, &mut out, 64 << 10);
        rest = &rest[used..];
        total += out.len();
        if status != Status::Full {
            break;
        }
    }
    assert_eq!(total, 64 << 20);
    assert!(out.capacity() <= 256 << 10);
}
