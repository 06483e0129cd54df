use std::io::Write as _;

use super::*;
use crate::content::tree::tests::Lines;
use crate::model::packet::Mark;
use crate::model::stream::Origin;

fn read(kind: Kind, bytes: &[u8]) -> Vec<String> {
    let mut document = Document::new(kind);
    let origins = [Origin { start: 0, mark: Mark::default() }];
    let over = document.push(Stretch { bytes, origins: &origins }, 0..bytes.len());
    assert_eq!(over, bytes.len().saturating_sub(limits::DOCUMENT_BYTES));
    let mut said = Lines::default();
    let (direction, outcome) = (Direction::ToClient, Outcome::Unknown);
    document.finish(Place { place: "p", resource: "a.zip", direction, outcome }, &mut said);
    said.0
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A local header and its file. With `streamed`, the sizes come behind it.
fn file(name: &str, content: &[u8], method: u16, flags: u16) -> Vec<u8> {
    let packed = if method == 8 { deflated(content) } else { content.to_vec() };
    let size = if flags & 8 == 0 { packed.len() as u32 } else { 0 };
    let head = [0x14u16, flags, method, 0, 0].map(u16::to_le_bytes).concat();
    let sizes = [0, size, content.len() as u32].map(u32::to_le_bytes).concat();
    let lengths = [name.len() as u16, 0].map(u16::to_le_bytes).concat();
    let tail: &[u8] = if flags & 8 == 0 { b"" } else { b"PK\x07\x08\0\0\0\0\0\0\0\0\0\0\0\0" };
    [b"PK\x03\x04".as_slice(), &head, &sizes, &lengths, name.as_bytes(), &packed, tail].concat()
}

fn archive() -> Vec<u8> {
    let people = "name,email\nEva,eva@b.example\n";
    [
        file("people.csv", people.as_bytes(), 8, 0),
        file("stream.txt", b"password: hunter2", 8, 8),
        file("sealed.txt", b"0123456789", 0, 1),
        file("word/document.xml", b"<w:p><w:t>Dear </w:t><w:t>Eva</w:t></w:p>", 8, 0),
        file("inner.zip", &file("a.json", b"{\"a\":1}", 0, 0), 0, 0),
        b"PK\x01\x02".to_vec(),
    ]
    .concat()
}

#[test]
fn the_files_of_an_archive_are_read_by_what_they_are() {
    assert_eq!(Kind::of_file(&archive()), Some(Kind::Zip));
    assert_eq!(
        read(Kind::Zip, &archive()),
        [
            "text a.zip/people.csv Csv name,email\nEva,eva@b.example\n",
            "text a.zip/stream.txt Plain password: hunter2",
            "skipped encrypted content 10",
            "text a.zip Plain Dear Eva\n",
            "text a.zip/inner.zip/a.json Json {\"a\":1}",
        ]
    );
}

#[test]
fn a_cut_archive_gives_what_it_has() {
    let whole = archive();
    for cut in 0..whole.len() {
        let _ = read(Kind::Zip, &whole[..cut]);
    }
    assert_eq!(read(Kind::Zip, &whole[..80])[0], "text a.zip/people.csv Csv name,email\nEva,eva@b.example\n");
}

#[test]
fn a_bomb_is_unpacked_no_further_than_there_is_room() {
    let zeros = vec![b' '; limits::DOCUMENT_BYTES];
    let bomb: Vec<u8> = (0..40).flat_map(|n| file(&format!("{n}.txt"), &zeros, 8, 0)).collect();
    let text: usize = read(Kind::Zip, &bomb).iter().map(String::len).sum();
    assert!(text <= limits::DOCUMENT_TEXT_BYTES + 100 * 40 * 10, "{text}");
}

#[test]
fn tar_gzip_and_pdf_are_opened() {
    let mut block = [0u8; 1024];
    block[..5].copy_from_slice(b"a.ini");
    block[124..135].copy_from_slice(b"00000000011");
    block[156] = b'0';
    block[257..262].copy_from_slice(b"ustar");
    block[512..521].copy_from_slice(b"pwd=hunt2");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&block).unwrap();
    assert_eq!(read(Kind::Packed(Packing::Gzip), &gzip.finish().unwrap()), ["text a.zip/a.ini Plain pwd=hunt2"]);
    let stream = [b"\x78\x9c".as_slice(), &deflated(b"BT (SSN 536-90-4399) Tj ET")].concat();
    let pdf = [b"%PDF-1.4\n1 0 obj <</Filter /FlateDecode>> stream\n".as_slice(), &stream, b"\nendstream"].concat();
    assert_eq!(read(Kind::Pdf, &pdf), ["text a.zip Plain SSN 536-90-4399\n"]);
    assert_eq!(read(Kind::Pdf, b"%PDF-1.4 trailer <</Encrypt 5 0 R>>"), ["skipped encrypted content 35"]);
}

#[test]
fn messages_are_recognised_by_their_structure() {
    assert_eq!(Kind::of_message(b"\x82\xa4user\xa3bob\xa1a\x01"), Some(Kind::MessagePack));
    assert_eq!(Kind::of_message(b"\xa2\x64user\x63bob\x61a\x01"), Some(Kind::Cbor));
    assert_eq!(Kind::of_message(b"\x16\0\0\0\x02user\0\x04\0\0\0bob\0\0\0"), Some(Kind::Bson));
    assert_eq!(Kind::of_message(b"\xff\xfep\0w\0d\0=\0"), Some(Kind::Utf16(Order::Little)));
    assert_eq!(Kind::of_message(b"\xac\xed\0\x05sr\0\x0cPersonRecord\0\0\x01\x02"), Some(Kind::Strings));
    assert_eq!(Kind::of_message(b"\x89PNG\r\n\x1a\nabcdefgh"), None);
    assert_eq!(Kind::of_subtype("senml+cbor"), Some(Kind::Cbor));
}
