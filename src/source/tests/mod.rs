//! Files made byte by byte, read back through [`open`].

mod damage;
mod merged;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::*;
use crate::model::packet::LinkType;

/// What a reader made of a file: packets as (number, nanoseconds, link type, bytes, wire length), notes.
type Seen = (Vec<(u64, i64, u16, Vec<u8>, u32)>, Vec<String>);

fn read(bytes: &[u8]) -> Result<Seen, String> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut source = open(&Input::Path(file.path().into()), 7).map_err(|e| e.why.to_string())?;
    let mut packets = Vec::new();
    while let Some(p) = source.next().map_err(|e| e.why.to_string())? {
        assert_eq!(p.mark.frame.file, 7);
        let LinkType(link) = p.link;
        packets.push((p.mark.frame.number, p.mark.at.nanos(), link, p.bytes.to_vec(), p.wire_len));
    }
    Ok((packets, source.notes().iter().map(|n| n.message.clone()).collect()))
}

/// A source over a file of these bytes.
fn source(bytes: &[u8]) -> Box<dyn Source> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    open(&Input::Path(file.path().into()), 0).unwrap()
}

struct Writer {
    big: bool,
    bytes: Vec<u8>,
}

impl Writer {
    fn new(big: bool) -> Self {
        Self { big, bytes: Vec::new() }
    }

    fn u16(mut self, value: u16) -> Self {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    fn u32(mut self, value: u32) -> Self {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    fn pcap(big: bool, magic: u32, minor: u16) -> Self {
        Self::new(big).u32(magic).u16(2).u16(minor).u32(0).u32(0).u32(65535).u32(1)
    }

    fn block(self, kind: u32, body: &[u8]) -> Self {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let total = (12 + body.len() + padding.len()) as u32;
        self.u32(kind).u32(total).raw(body).raw(&padding).u32(total)
    }

    fn body(&self) -> Self {
        Self::new(self.big)
    }

    fn section(self) -> Self {
        let body = self.body().u32(0x1a2b_3c4d).u16(1).u16(0).raw(&[0xff; 8]).bytes;
        self.block(0x0a0d_0d0a, &body)
    }

    fn interface(self, link: u16, snap_len: u32, options: &[(u16, &[u8])]) -> Self {
        let mut body = self.body().u16(link).u16(0).u32(snap_len);
        for (code, value) in options {
            let padding = value.len().next_multiple_of(4) - value.len();
            body = body.u16(*code).u16(value.len() as u16).raw(value).raw(&[0; 3][..padding]);
        }
        self.block(1, &body.bytes)
    }

    fn enhanced(self, interface: u32, units: u64, packet: &[u8], wire_len: u32) -> Self {
        let body = self.body().u32(interface).u32((units >> 32) as u32).u32(units as u32);
        let body = body.u32(packet.len() as u32).u32(wire_len).raw(packet);
        self.block(6, &body.bytes)
    }
}

#[test]
fn every_magic_number_of_the_classic_format_is_read() {
    let nanos = |magic| if magic == 0xa1b2_3c4d { 5 } else { 5_000 };
    for big in [false, true] {
        for magic in [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34] {
            let extra: &[u8] = if magic == 0xa1b2_cd34 { &[0xee; 8] } else { &[] };
            let file = Writer::pcap(big, magic, 4).u32(3).u32(5).u32(2).u32(60).raw(extra).raw(b"ab");
            let file = file.u32(4).u32(0).u32(1).u32(1).raw(extra).raw(b"c");
            let (packets, notes) = read(&file.bytes).unwrap();
            let first = (1, 3_000_000_000 + nanos(magic), 1, b"ab".to_vec(), 60);
            assert_eq!(packets, [first, (2, 4_000_000_000, 1, b"c".to_vec(), 1)], "{big} {magic:x}");
            assert_eq!(notes, [""; 0]);
        }
    }
}

#[test]
fn files_of_old_libpcap_have_their_lengths_swapped() {
    let file = Writer::pcap(false, 0xa1b2_c3d4, 2).u32(0).u32(0).u32(60).u32(2).raw(b"ab");
    assert_eq!(read(&file.bytes).unwrap().0, [(1, 0, 1, b"ab".to_vec(), 60)]);
}

#[test]
fn what_stands_before_the_damage_is_read() {
    let whole = Writer::pcap(false, 0xa1b2_c3d4, 4).u32(0).u32(0).u32(2).u32(2).raw(b"ab");
    let cut = [&whole.bytes[..], &[0; 7]].concat();
    let (packets, notes) = read(&cut).unwrap();
    assert_eq!((packets.len(), notes.len()), (1, 1));
    assert!(notes[0].starts_with("cut short"), "{notes:?}");
    let damaged = whole.u32(0).u32(0).u32(0xffff_fff0).u32(2).raw(&[0; 100]);
    let (packets, notes) = read(&damaged.bytes).unwrap();
    assert_eq!((packets.len(), notes.len()), (1, 1));
    assert!(notes[0].starts_with("damaged at byte 42"), "{notes:?}");
}

#[test]
fn a_file_of_which_nothing_can_be_read_is_an_error() {
    assert_eq!(read(b"").unwrap_err(), "the file is empty");
    assert!(read(b"hello there").unwrap_err().contains("the text \"hello there\""));
    assert!(read(&[0x0a, 0x0d, 0x0d, 0x0a, 1, 2]).unwrap_err().contains("0a 0d 0d 0a"));
    let header = Writer::pcap(false, 0xa1b2_c3d4, 4);
    assert_eq!(read(&header.bytes).unwrap().0, []);
    assert!(read(&header.raw(&[0xff; 40]).bytes).unwrap_err().contains("damaged before its first packet"));
    let directory = open(&Input::Path(std::env::temp_dir()), 0).map(drop).unwrap_err();
    assert!(directory.to_string().contains("is a directory"));
    let missing = open(&Input::Path("no/such.pcap".into()), 0).map(drop).unwrap_err();
    assert_eq!(missing.to_string(), "no/such.pcap: no such file");
}

#[test]
fn interfaces_have_their_own_link_types_and_clocks() {
    for big in [false, true] {
        let offset = if big { 100_i64.to_be_bytes() } else { 100_i64.to_le_bytes() };
        let file = Writer::new(big)
            .section()
            .interface(1, 0, &[])
            .interface(101, 0, &[(9, &[9]), (2, b"eth0"), (14, &offset)])
            .interface(113, 0, &[(9, &[0x80 | 10])])
            .interface(1, 0, &[(9, &[12])])
            .enhanced(0, 1_500_000, b"a", 1)
            .enhanced(1, 2_000_000_001, b"bcd", 9)
            .enhanced(2, 3 * 1024 + 512, b"", 0)
            .enhanced(3, 7_000_000_999_999, b"e", 1);
        let (packets, notes) = read(&file.bytes).unwrap();
        let seen: Vec<_> = packets.iter().map(|p| (p.1, p.2, p.4)).collect();
        assert_eq!(
            seen,
            [(1_500_000_000, 1, 1), (102_000_000_001, 101, 9), (3_500_000_000, 113, 0), (7_000_000_999, 1, 1)]
        );
        assert_eq!(packets[1].3, b"bcd");
        assert_eq!(notes, [""; 0]);
    }
}

#[test]
fn a_section_brings_its_own_byte_order_and_interfaces() {
    let first = Writer::new(false).section().interface(1, 0, &[]).enhanced(0, 1, b"a", 1);
    let second = Writer::new(true).section().enhanced(0, 1, b"?", 1).interface(12, 0, &[]).enhanced(0, 2, b"b", 1);
    let (packets, notes) = read(&[first.bytes, second.bytes].concat()).unwrap();
    let seen: Vec<_> = packets.iter().map(|p| (p.0, p.2, &p.3[..])).collect();
    assert_eq!(seen, [(1, 1, &b"a"[..]), (3, 12, b"b")], "the packet without an interface keeps its number");
    assert_eq!(notes.len(), 1);
}

#[test]
fn simple_and_obsolete_packet_blocks_are_read_and_unknown_blocks_passed_over() {
    let file = Writer::new(false).section().interface(1, 3, &[]);
    let simple = file.body().u32(9).raw(b"abc");
    let obsolete = file.body().u16(0).u16(4).u32(0).u32(8).u32(2).u32(2).raw(b"de");
    let file = file
        .block(0x8000_0001, &[1; 40])
        .block(2, &obsolete.bytes)
        .block(3, &simple.bytes)
        .block(0x8000_beef, &vec![9; 20 << 20])
        .block(0xbeef, b"what is this?");
    let (packets, notes) = read(&file.bytes).unwrap();
    assert_eq!(packets, [(1, 8_000, 1, b"de".to_vec(), 2), (2, 8_000, 1, b"abc".to_vec(), 9)]);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn packets_are_numbered_as_wireshark_numbers_them() {
    let file = Writer::new(false).section().block(0xbad, &[0; 8]).interface(1, 0, &[]).block(9, b"A=1");
    let (packets, notes) = read(&file.block(5, &[0; 12]).enhanced(0, 0, b"a", 1).bytes).unwrap();
    assert_eq!(packets, [(3, 0, 1, b"a".to_vec(), 1)]);
    assert_eq!(notes.len(), 1);
}

#[test]
fn a_lying_block_ends_the_file_there() {
    let whole = Writer::new(false).section().interface(1, 0, &[]).enhanced(0, 1, b"a", 1);
    let longer_than_its_block = whole.body().u32(0).u32(0).u32(0).u32(99).u32(99).raw(b"abcd");
    for bad in [
        Writer::new(false).u32(6).u32(3).raw(&[0; 64]),
        Writer::new(false).u32(6).u32(0x7fff_fff0).raw(&[0; 64]),
        Writer::new(false).u32(6).u32(32).raw(&[0; 64]),
        Writer::new(false).block(6, &longer_than_its_block.bytes),
    ] {
        let (packets, notes) = read(&[&whole.bytes[..], &bad.bytes].concat()).unwrap();
        assert_eq!((packets.len(), notes.len()), (1, 1), "{notes:?}");
    }
}

#[test]
fn compressed_files_are_read_as_far_as_they_go() {
    let mut file = Writer::pcap(false, 0xa1b2_c3d4, 4);
    for n in 0..2000 {
        file = file.u32(n).u32(0).u32(4).u32(4).u32(n.wrapping_mul(0x9e37_79b9));
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&file.bytes).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(read(&packed).unwrap().0.len(), 2000);
    let (packets, notes) = read(&packed[..packed.len() / 2]).unwrap();
    assert!((500..1500).contains(&packets.len()), "{}", packets.len());
    assert_eq!(notes.len(), 1);
}

proptest! {
    /// Whatever a file contains, reading it ends, with packets that fit inside the file.
    #[test]
    fn no_damage_can_hurt(
        classic in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = if classic {
            (0..9).fold(Writer::pcap(false, 0xa1b2_c3d4, 4), |w, n| w.u32(n).u32(0).u32(4).u32(4).raw(b"abcd")).bytes
        } else {
            let first = Writer::new(true).section().interface(1, 9, &[(9, &[9]), (14, &[0; 8])]);
            let both = [first.enhanced(0, 1, b"abc", 3).bytes, Writer::new(false).section().bytes].concat();
            let last = Writer { big: false, bytes: both }.interface(1, 2, &[]).block(3, b"abcdefg");
            last.enhanced(0, u64::MAX, b"x", 1).bytes
        };
        for (index, value) in &changes {
            let at = index.index(bytes.len());
            bytes[at] = *value;
        }
        bytes.truncate(cut.index(bytes.len()).max(bytes.len() / 2));
        if let Ok((packets, _)) = read(&bytes) {
            prop_assert!(packets.iter().map(|packet| packet.3.len()).sum::<usize>() <= bytes.len());
        }
    }
}
