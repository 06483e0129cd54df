//! The chunked transfer coding (RFC 9112 section 7.1), incrementally: sizes with extensions, data,
//! trailers. Tolerates bare line feeds and spaces around the size.

use std::ops::Range;

use super::percent;

/// Longest line between chunks: a size with its extensions, or a trailer.
const LINE: usize = 16 << 10;

/// Where in the coding the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chunked {
    /// Before a size line.
    #[default]
    Size,
    /// Inside a chunk that has so many bytes left.
    Data(u64),
    /// After a chunk's data, before its line end.
    DataEnd,
    /// After the last chunk.
    Trailers,
}

/// What comes next. Ranges and counts are of the bytes given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Content.
    Data(Range<usize>),
    /// A trailer line, without its end, and where the next step begins.
    Trailer(Range<usize>, usize),
    /// The coding ended before this offset.
    End(usize),
    /// All up to this offset is done with; the rest needs more bytes to be understood.
    More(usize),
    /// This is not the chunked coding.
    Broken(usize),
}

impl Chunked {
    /// The next step, beginning at `from`.
    pub fn step(&mut self, bytes: &[u8], mut from: usize) -> Step {
        loop {
            let rest = bytes.get(from..).unwrap_or_default();
            match *self {
                Self::Data(0) => *self = Self::DataEnd,
                Self::Data(left) => {
                    if rest.is_empty() {
                        return Step::More(from);
                    }
                    let here = left.min(rest.len() as u64) as usize;
                    *self = Self::Data(left - here as u64);
                    return Step::Data(from..from + here);
                }
                Self::DataEnd => match rest {
                    [b'\r', b'\n', ..] => (*self, from) = (Self::Size, from + 2),
                    [b'\n', ..] => (*self, from) = (Self::Size, from + 1),
                    [] | [b'\r'] => return Step::More(from),
                    _ => return Step::Broken(from),
                },
                Self::Size => {
                    let Some(end) = line_end(rest) else { return unfinished(from, rest.len()) };
                    let Some(size) = rest.get(..end).and_then(size) else { return Step::Broken(from) };
                    from += end + 1;
                    *self = if size == 0 { Self::Trailers } else { Self::Data(size) };
                }
                Self::Trailers => {
                    let Some(end) = line_end(rest) else { return unfinished(from, rest.len()) };
                    let line = rest.get(..end).unwrap_or_default();
                    let length = line.strip_suffix(b"\r").unwrap_or(line).len();
                    let next = from + end + 1;
                    return if length == 0 { Step::End(next) } else { Step::Trailer(from..from + length, next) };
                }
            }
        }
    }

    /// Takes note that `count` bytes were not seen. Whether the stream's place is still known.
    pub const fn pass_over(&mut self, count: u64) -> bool {
        match *self {
            Self::Data(left) if count <= left => {
                *self = Self::Data(left - count);
                true
            }
            _ => false,
        }
    }
}

fn line_end(rest: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', rest.get(..LINE).unwrap_or(rest))
}

const fn unfinished(from: usize, length: usize) -> Step {
    if length >= LINE { Step::Broken(from) } else { Step::More(from) }
}

/// The size of a size line; extensions after `;` say nothing that matters here.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|b| *b == b';').next()?.trim_ascii();
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    digits.iter().try_fold(0u64, |size, digit| Some(size << 4 | u64::from(percent::hex(*digit)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_and_trailers_are_understood() {
        let bytes = b"5;name=\"x\"\r\nhello\r\n 6 \n world\n0\r\nX-Sum: 1\r\n\r\nNEXT";
        let (mut chunked, mut from, mut data, mut trailers) = (Chunked::default(), 0, Vec::new(), Vec::new());
        let end = loop {
            match chunked.step(bytes, from) {
                Step::Data(range) => {
                    from = range.end;
                    data.extend_from_slice(&bytes[range]);
                }
                Step::Trailer(range, next) => {
                    trailers.push(&bytes[range]);
                    from = next;
                }
                Step::End(at) => break at,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(data, b"hello world");
        assert_eq!(trailers, [b"X-Sum: 1"]);
        assert_eq!(&bytes[end..], b"NEXT");
    }

    #[test]
    fn what_is_no_size_is_refused() {
        assert_eq!(Chunked::default().step(b"<html>\n", 0), Step::Broken(0));
        assert_eq!(Chunked::default().step(b"fffffffffffffffff\r\n", 0), Step::Broken(0));
        assert_eq!(Chunked::default().step(b"5;x", 0), Step::More(0));
    }

    #[test]
    fn a_hole_inside_a_chunk_is_passed_over() {
        let mut chunked = Chunked::Data(10);
        assert!(chunked.pass_over(4));
        assert_eq!(chunked.step(b"abcdef\r\n", 0), Step::Data(0..6));
        assert!(!chunked.pass_over(1));
    }
}
