//! Finding back into a file after damage, and what files say besides packets.

use super::*;

/// Numbers and contents of the packets.
fn contents(seen: &Seen) -> Vec<&[u8]> {
    seen.0.iter().map(|packet| &packet.3[..]).collect()
}

fn blocks(big: bool, packets: &[&[u8]]) -> Writer {
    let start = Writer::new(big).section().interface(1, 0, &[]);
    packets.iter().fold(start, |file, packet| file.enhanced(0, 1, packet, packet.len() as u32))
}

#[test]
fn reading_goes_on_at_the_next_sound_block() {
    for big in [false, true] {
        let sound = blocks(big, &[b"one", b"two"]);
        for nonsense in [&b"\x06\0\0\0 and then some"[..], &[0xff; 70], &[0; 400_000]] {
            let file = Writer { big, bytes: [&sound.bytes, nonsense].concat() };
            let seen = read(&file.enhanced(0, 2, b"three", 5).enhanced(0, 2, b"four", 4).bytes).unwrap();
            assert_eq!(contents(&seen), [&b"one"[..], b"two", b"three", b"four"], "{big}");
            assert_eq!(seen.1.len(), 1);
            assert!(seen.1[0].ends_with(&format!("; {} bytes passed over", nonsense.len())), "{:?}", seen.1);
        }
    }
}

#[test]
fn a_block_whose_length_was_changed_costs_itself() {
    let file = blocks(false, &[b"one", b"two", b"three", b"four"]).bytes;
    let second = blocks(false, &[b"one"]).bytes.len();
    for length in [0, 8, 12, 16, 32, 44, 0x0010_0000, 0x7fff_fff0] {
        let mut changed = file.clone();
        changed[second + 4..second + 8].copy_from_slice(&u32::to_le_bytes(length));
        let seen = read(&changed).unwrap();
        assert_eq!(contents(&seen), [&b"one"[..], b"three", b"four"], "{length:x}");
        assert!(seen.1[0].starts_with(&format!("damaged at byte {second}: ")), "{:?}", seen.1);
    }
}

#[test]
fn a_section_can_begin_after_damage() {
    let file = [&blocks(false, &[b"one"]).bytes[..], &[1, 2, 3], &blocks(true, &[b"two"]).bytes].concat();
    assert_eq!(contents(&read(&file).unwrap()), [b"one", b"two"]);
}

#[test]
fn the_classic_format_is_believed_after_several_records() {
    for magic in [0xa1b2_c3d4, 0xa1b2_cd34] {
        let extra: &[u8] = if magic == 0xa1b2_cd34 { &[0; 8] } else { &[] };
        let record = |file: Writer, n: u32| {
            let packet = [n as u8; 60];
            file.u32(1_700_000_000 + n).u32(5).u32(60).u32(1500).raw(extra).raw(&packet)
        };
        let sound = (1..=2).fold(Writer::pcap(false, magic, 4), record);
        let damaged = sound.raw(&[0xff; 33]).raw(&[0; 1000]);
        let seen = read(&(3..=6).fold(damaged, record).bytes).unwrap();
        assert_eq!(contents(&seen).iter().map(|packet| packet[0]).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert!(seen.1[0].ends_with("; 1033 bytes passed over"), "{:?}", seen.1);
    }
}

#[test]
fn a_capture_inside_a_packet_that_is_cut_short_is_not_read() {
    let record = |file: Writer, length: u32| file.u32(1_700_000_000).u32(5).u32(length).u32(length);
    let start = record(Writer::pcap(false, 0xa1b2_c3d4, 4), 3).raw(b"one");
    let inner = (0..9).fold(record(start, 1400), |file, _| record(file, 60).raw(&[1; 60]));
    let seen = read(&inner.bytes).unwrap();
    assert_eq!(contents(&seen), [b"one"]);
    assert!(seen.1[0].starts_with("cut short"), "{:?}", seen.1);
}

#[test]
fn damage_without_an_end_ends_the_file() {
    let file = [&blocks(false, &[b"one"]).bytes[..], &[0x5a; 5_000_000]].concat();
    let seen = read(&file).unwrap();
    assert_eq!(contents(&seen), [b"one"]);
    assert!(seen.1[0].ends_with("1 packet was read before it"), "{:?}", seen.1);
}

#[test]
fn statistics_tell_what_was_dropped_the_last_of_each_interface_counts() {
    for big in [false, true] {
        let count = |n: u64| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let statistics = |file: Writer, interface: u32, by_interface, by_kernel| {
            let body = file.body().u32(interface).u32(0).u32(0);
            let body = body.u16(5).u16(8).raw(&count(by_interface)).u16(7).u16(8).raw(&count(by_kernel)).u32(0);
            file.block(5, &body.bytes)
        };
        let file = Writer::new(big).section().interface(1, 0, &[]).interface(1, 0, &[]);
        let file = statistics(statistics(statistics(file, 0, 1, 10), 1, 2, 20), 0, 5, 50).section();
        let file = statistics(statistics(file.interface(1, 0, &[]), 0, 100, 1000), 9, 7, 7);
        let mut source = source(&file.bytes);
        assert!(source.next().unwrap().is_none());
        assert_eq!(source.dropped(), Dropped { by_kernel: 1070, by_interface: 107 });
        assert_eq!(source.taps(), 3);
    }
}

#[test]
fn keys_in_a_capture_are_told_and_not_kept() {
    let keys = |file: Writer, kind: u32, keys: &[u8]| {
        let body = file.body().u32(kind).u32(keys.len() as u32).raw(keys);
        file.block(10, &body.bytes)
    };
    for big in [false, true] {
        let file = keys(blocks(big, &[b"one"]), 0x544c_534b, b"# made by a browser\nCLIENT_RANDOM 00 11\n\nX 2 3\n");
        let file = keys(keys(file, 0x5747_4b4c, b"LOCAL_STATIC_PRIVATE_KEY = x"), 0x544c_534b, b"Y 4 5");
        let mut source = source(&keys(file.enhanced(0, 2, b"two", 3), 0x544c_534b, b"").bytes);
        while source.next().unwrap().is_some() {}
        let seen: Vec<_> = source.secrets().iter().map(|s| (s.kind, s.count, s.frame.number)).collect();
        assert_eq!(seen, [("TLS key log", 3, 2), ("WireGuard key log", 1, 2)]);
    }
}

#[test]
fn packets_say_which_interface_saw_them() {
    let file = Writer::new(false).section().interface(1, 0, &[]).interface(1, 0, &[]);
    let file = file.enhanced(1, 0, b"a", 1).enhanced(0, 0, b"b", 1).section().interface(1, 0, &[]);
    let mut source = source(&file.enhanced(0, 0, b"c", 1).bytes);
    let mut taps = Vec::new();
    while let Some(packet) = source.next().unwrap() {
        taps.push(packet.tap);
    }
    assert_eq!(taps, [1, 0, 2]);
}

#[test]
fn snoop_files_are_read() {
    let file = Writer::new(true).raw(b"snoop\0\0\0").u32(2).u32(4);
    let file = file.u32(60).u32(3).u32(28).u32(0).u32(7).u32(9).raw(b"abc\0");
    let file = file.u32(2).u32(2).u32(28).u32(4).u32(8).u32(1).raw(b"de\0\0");
    let (packets, notes) = read(&file.bytes).unwrap();
    assert_eq!(packets, [(1, 7_000_009_000, 1, b"abc".to_vec(), 60), (2, 8_000_001_000, 1, b"de".to_vec(), 2)]);
    assert_eq!(notes, [""; 0]);
    let mut source = source(&file.bytes);
    while source.next().unwrap().is_some() {}
    assert_eq!(source.dropped().by_kernel, 4);
}
