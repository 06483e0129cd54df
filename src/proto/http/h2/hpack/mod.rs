//! HPACK (RFC 7541): reads the header blocks of one direction. Whatever is missing (the beginning, a packet),
//! what is written out can be read all the same; only what refers to fields that were not seen stays unknown.

mod huffman;
mod table;

use self::table::Table;
use crate::proto::cursor::Cursor;

/// Largest number that is believed: far above any size or index in use.
const MOST: usize = 1 << 28;

/// A header field, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Empty: it refers to a field that was not seen.
    pub(super) name: &'a [u8],
    /// `None`: the same.
    pub(super) value: Option<&'a [u8]>,
    /// Where it begins in the block.
    pub(super) at: usize,
}

/// What the header blocks of one direction refer to.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    table: Table,
}

/// A string that may be coded.
#[derive(Default)]
struct Text<'a> {
    plain: &'a [u8],
    decoded: Option<Vec<u8>>,
}

impl Text<'_> {
    fn bytes(&self) -> &[u8] {
        self.decoded.as_deref().unwrap_or(self.plain)
    }
}

impl Decoder {
    /// Reads a block. `None` where it is broken: nothing is known then of what later blocks refer to.
    pub(super) fn read(&mut self, block: &[u8], mut tell: impl FnMut(Field<'_>)) -> Option<()> {
        let mut cursor = Cursor::new(block);
        while let Some(first) = cursor.peek() {
            if self.representation(first, &mut cursor, &mut tell).is_none() {
                self.lose();
                return None;
            }
        }
        Some(())
    }

    /// Blocks are missing.
    pub(super) fn lose(&mut self) {
        self.table.lose();
    }

    /// Reads one field, or a change of size (section 6).
    fn representation(&mut self, first: u8, cursor: &mut Cursor<'_>, tell: &mut impl FnMut(Field<'_>)) -> Option<()> {
        let at = cursor.position();
        if first & 0x80 != 0 {
            let index = integer(cursor, 7).filter(|index| *index > 0)?;
            let known = self.table.get(index);
            let (name, value) = known.unwrap_or_default();
            tell(Field { name, value: known.map(|_| value), at });
            return Some(());
        }
        if first & 0xe0 == 0x20 {
            self.table.resize(integer(cursor, 5)?);
            return Some(());
        }
        let keep = first & 0x40 != 0;
        let index = integer(cursor, if keep { 6 } else { 4 })?;
        let name = if index == 0 { Some(string(cursor)?) } else { None };
        let value = string(cursor)?;
        let indexed = || self.table.get(index).map_or(&b""[..], |(name, _)| name);
        let (own, value) = (name.as_ref(), value.bytes());
        tell(Field { name: own.map_or_else(indexed, Text::bytes), value: Some(value), at });
        if keep {
            let name = own.map_or_else(|| indexed().to_vec(), |name| name.bytes().to_vec());
            self.table.add(&name, value);
        }
        Some(())
    }
}

/// An integer of which the first byte has so many bits (section 5.1).
fn integer(cursor: &mut Cursor<'_>, bits: u8) -> Option<usize> {
    let mask = (1usize << bits) - 1;
    let mut value = usize::from(cursor.u8()?) & mask;
    if value < mask {
        return Some(value);
    }
    for shift in (0..28).step_by(7) {
        let byte = cursor.u8()?;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value).filter(|value| *value <= MOST);
        }
    }
    None
}

/// A string (section 5.2).
fn string<'a>(cursor: &mut Cursor<'a>) -> Option<Text<'a>> {
    let coded = cursor.peek()? & 0x80 != 0;
    let length = integer(cursor, 7)?;
    let bytes = cursor.take(length)?;
    if !coded {
        return Some(Text { plain: bytes, decoded: None });
    }
    let mut decoded = Vec::with_capacity(bytes.len() * 8 / 5);
    huffman::decode(bytes, &mut decoded)?;
    Some(Text { plain: b"", decoded: Some(decoded) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// The fields of a block, a line each; what is not known is `?`.
    fn read(decoder: &mut Decoder, hex: &str) -> Option<Vec<String>> {
        let mut lines = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        decoder.read(&bytes(hex), |field| {
            let name = if field.name.is_empty() { "?".to_owned() } else { text(field.name) };
            lines.push(format!("{name}: {}", field.value.map_or_else(|| "?".to_owned(), text)));
        })?;
        Some(lines)
    }

    const FIRST: [&str; 4] = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];

    #[test]
    fn the_representations_of_rfc_7541_are_read() {
        let read = |hex| read(&mut Decoder::default(), hex).unwrap();
        assert_eq!(
            read("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"),
            ["custom-key: custom-header"]
        );
        assert_eq!(read("040c 2f73 616d 706c 652f 7061 7468"), [":path: /sample/path"]);
        assert_eq!(read("1008 7061 7373 776f 7264 0673 6563 7265 74"), ["password: secret"]);
        assert_eq!(read("82"), [":method: GET"]);
    }

    #[test]
    fn requests_of_rfc_7541_refer_to_those_before_them() {
        let plain = [
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ];
        let coded = [
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
            "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ];
        for blocks in [plain, coded] {
            let mut decoder = Decoder::default();
            assert_eq!(read(&mut decoder, blocks[0]).unwrap(), FIRST);
            let second = [FIRST.as_slice(), &["cache-control: no-cache"]].concat();
            assert_eq!(read(&mut decoder, blocks[1]).unwrap(), second);
            let third = [
                ":method: GET",
                ":scheme: https",
                ":path: /index.html",
                ":authority: www.example.com",
                "custom-key: custom-value",
            ];
            assert_eq!(read(&mut decoder, blocks[2]).unwrap(), third);
        }
    }

    #[test]
    fn answers_of_rfc_7541_put_old_fields_out_of_the_table() {
        let coded = [
            "3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad \
             1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
            "4883 640e ffc1 c0bf",
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 \
             b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        ];
        // The table has the 256 bytes of appendix C.6 (0x3fe101 is the change to that size).
        let mut decoder = Decoder::default();
        let first = [
            ":status: 302",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "location: https://www.example.com",
        ];
        assert_eq!(read(&mut decoder, coded[0]).unwrap(), first);
        let second = [":status: 307", first[1], first[2], first[3]];
        assert_eq!(read(&mut decoder, coded[1]).unwrap(), second);
        let third = [
            ":status: 200",
            first[1],
            "date: Mon, 21 Oct 2013 20:13:22 GMT",
            first[3],
            "content-encoding: gzip",
            "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
        ];
        assert_eq!(read(&mut decoder, coded[2]).unwrap(), third);
        assert_eq!(read(&mut decoder, "bebfc0c1").unwrap(), [third[5], third[4], third[2], "?: ?"]);
    }

    #[test]
    fn what_refers_to_unseen_fields_stays_unknown_and_the_rest_is_read() {
        let mut decoder = Decoder::default();
        decoder.lose();
        // Field 62, then a value under the name of field 63, which is kept, and that again by its number.
        assert_eq!(
            read(&mut decoder, "82be 7f00 0578 2d79 2d7a be").unwrap(),
            [":method: GET", "?: ?", "?: x-y-z", "?: x-y-z"]
        );
        assert_eq!(
            read(&mut decoder, "5004 6162 6364 be").unwrap(),
            ["accept-encoding: abcd", "accept-encoding: abcd"]
        );
    }

    #[test]
    fn broken_blocks_end_where_they_break() {
        for hex in ["80", "ffff ffff ffff 7f", "0005 6162", "4085 ffff ffff ff01 61", "3f"] {
            assert_eq!(read(&mut Decoder::default(), hex), None, "{hex}");
        }
    }
}
