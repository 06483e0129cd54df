//! The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). It is canonical: codes of one length
//! follow each other in the order of their symbols, so that their lengths are all there is to know.

use std::sync::LazyLock;

/// Length of each byte's code, in bits, and that of the end of a string.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Lengths of codes there are.
const SHORTEST: u32 = 5;
const LONGEST: u32 = 30;

/// The codes of one length.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// The first of them.
    first: u64,
    /// How many there are.
    count: u64,
    /// Where their symbols begin.
    symbols: usize,
}

#[derive(Debug)]
struct Code {
    rows: Vec<(u32, Row)>,
    symbols: Vec<u16>,
}

static CODE: LazyLock<Code> = LazyLock::new(|| {
    let mut code = Code { rows: Vec::new(), symbols: Vec::new() };
    let mut next = 0;
    for length in SHORTEST..=LONGEST {
        let of_length = (0..).zip(LENGTHS).filter(|(_, other)| u32::from(*other) == length).map(|(symbol, _)| symbol);
        let symbols = code.symbols.len();
        code.symbols.extend(of_length);
        let count = (code.symbols.len() - symbols) as u64;
        if count > 0 {
            code.rows.push((length, Row { first: next, count, symbols }));
        }
        next = (next + count) << 1;
    }
    code
});

/// Appends what the bytes of a string stand for. `None` where they are no code.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let code = &*CODE;
    // The bits at hand are the lowest ones.
    let (mut bits, mut have) = (0u64, 0u32);
    let mut coded = coded.iter();
    loop {
        while have <= 48
            && let Some(byte) = coded.next()
        {
            bits = bits << 8 | u64::from(*byte);
            have += 8;
        }
        let fits = |(length, row): &&(u32, Row)| {
            *length <= have && (bits >> (have - length) & ((1 << length) - 1)).wrapping_sub(row.first) < row.count
        };
        let Some((length, row)) = code.rows.iter().find(fits) else { break };
        let place = (bits >> (have - length) & ((1 << length) - 1)) - row.first;
        // The end of the string is no symbol to be sent.
        out.push(u8::try_from(*code.symbols.get(row.symbols + place as usize)?).ok()?);
        have -= length;
    }
    // What is left is the beginning of the longest code, which is all ones: less than a byte of it.
    let rest = (1u64 << have) - 1;
    (have < 8 && bits & rest == rest).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(coded: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        decode(coded, &mut out)?;
        Some(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn the_strings_of_rfc_7541_are_read() {
        let strings: [(&[u8], &str); 4] = [
            (b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", "www.example.com"),
            (b"\xa8\xeb\x10\x64\x9c\xbf", "no-cache"),
            (b"\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f", "custom-key"),
            (
                b"\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff",
                "Mon, 21 Oct 2013 20:13:21 GMT",
            ),
        ];
        for (coded, plain) in strings {
            assert_eq!(read(coded).as_deref(), Some(plain));
        }
    }

    #[test]
    fn padding_is_ones_and_less_than_a_byte() {
        assert_eq!(read(b""), Some(String::new()));
        assert_eq!(read(b"\x1f"), Some("a".to_owned()));
        assert_eq!(read(b"\x18"), None, "padded with zeros");
        assert_eq!(read(b"\x1f\xff"), None, "padded with more than seven bits");
        assert_eq!(read(b"\xff\xff\xff\xff"), None, "the end of a string inside of it");
    }

    #[test]
    fn every_byte_has_a_code() {
        assert_eq!(CODE.symbols.len(), LENGTHS.len());
        let last = CODE.rows.last().unwrap().1;
        assert_eq!(last.first + last.count, 1 << LONGEST, "the code is complete");
    }
}
