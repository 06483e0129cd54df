use super::PROTOCOL;
use super::fields::Coding;
use crate::proto::replay::{C, S, play, play_every_cut};

const PAN: &str = "4539578763621486";
const TRACK: &str = "4539578763621486=27121011000012300000";

/// Digits, two a byte.
fn packed(digits: &str) -> Vec<u8> {
    let even = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
    let value = |b: u8| if b == b'=' { 13 } else { char::from(b).to_digit(16).unwrap() as u8 };
    even.as_bytes().chunks(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
}

/// A purchase: fields 2, 3, 4, 11, 35, 41 and 52.
fn purchase(coding: Coding) -> Vec<u8> {
    let bitmap = [0x70u8, 0x20, 0, 0, 0x20, 0x80, 0x10, 0];
    let pin = [0x1c, 0x2b, 0x3a, 0x49, 0x58, 0x67, 0x76, 0x85];
    let numbers = ["0200", "16", PAN, "000000", "000000001000", "123456", "37", TRACK];
    let mut out = Vec::new();
    for (n, number) in numbers.iter().enumerate() {
        if n == 1 {
            match coding {
                Coding::Hex => out.extend(b"7020000020801000"),
                Coding::Ascii | Coding::Packed => out.extend(bitmap),
            }
        }
        match coding {
            Coding::Packed => out.extend(packed(number)),
            Coding::Ascii | Coding::Hex => out.extend(number.as_bytes()),
        }
    }
    out.extend(b"TERM0001");
    match coding {
        Coding::Hex => out.extend(b"1C2B3A4958677685"),
        Coding::Ascii | Coding::Packed => out.extend(pin),
    }
    out
}

/// The answer: fields 3, 11 and 39.
fn answer() -> Vec<u8> {
    let mut out = b"0210".to_vec();
    out.extend([0x20, 0x20, 0, 0, 0x02, 0, 0, 0]);
    out.extend(b"00000012345600");
    out
}

fn framed(header: &[u8], message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len() + message.len()).unwrap();
    [&length.to_be_bytes(), header, message].concat()
}

#[test]
fn cards_tracks_and_pins_are_read_in_every_coding() {
    for coding in super::CODINGS {
        for header in [b"".as_slice(), &[0x60, 0, 1, 0, 0], b"ISO016000055"] {
            let message = framed(header, &purchase(coding));
            let said = play_every_cut(&PROTOCOL, &[(C, &message), (C, &message)]);
            assert!(
                said.has(&format!("field attribute iso8583.message primary account number={PAN}")),
                "{:?}",
                said.lines
            );
            assert!(said.has(&format!("field attribute iso8583.message track 2={TRACK}")), "{:?}", said.lines);
            let pin = said.lines.iter().find(|line| line.contains("pin block=")).expect("no PIN block");
            assert!(pin.to_lowercase().contains("1c2b3a4958677685"), "{pin}");
        }
    }
}

#[test]
fn lengths_stand_in_digits_or_bytes_with_themselves_or_without() {
    let message = purchase(Coding::Ascii);
    let length = message.len();
    for prefix in [
        format!("{length:04}").into_bytes(),
        format!("{:04}", length + 4).into_bytes(),
        u32::try_from(length).unwrap().to_be_bytes().to_vec(),
        u16::try_from(length + 2).unwrap().to_be_bytes().to_vec(),
    ] {
        let said = play_every_cut(&PROTOCOL, &[(C, &[prefix, message.clone()].concat())]);
        assert!(said.lines.iter().any(|line| line.contains(PAN)), "{:?}", said.lines);
    }
}

#[test]
fn both_sides_are_read_and_a_damaged_message_costs_only_itself() {
    let (ask, tell) = (framed(b"", &purchase(Coding::Ascii)), framed(b"", &answer()));
    let said = play_every_cut(&PROTOCOL, &[(C, &ask), (S, &tell), (C, &ask)]);
    assert_eq!(said.lines.iter().filter(|line| line.contains("track 2=")).count(), 2, "{:?}", said.lines);
    let said = play(&[(C, &ask), (S, &tell), (C, b"\x00\x30 not a message"), (S, &tell), (C, &ask)]);
    assert_eq!(said.lines.iter().filter(|line| line.contains("track 2=")).count(), 2, "{:?}", said.lines);
}

#[test]
fn others_are_not_taken_for_it() {
    for other in [
        b"0200 files in the folder, and some more of them than anybody would want".as_slice(),
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &[
            0, 40, 2, 0x10, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, b'w', b'w', b'w', 7, b'e', b'x', b'a', b'm', b'p', b'l',
            b'e',
        ],
    ] {
        assert!(!play(&[(C, other)]).protocols.contains(&PROTOCOL.name), "{other:?}");
    }
}
