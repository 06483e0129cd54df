//! The header lines of a head: as `httparse` reads them, and leniently where it refuses (folded values,
//! bare line feeds inside, 8-bit names, more headers than it has room for).

use std::ops::Range;

use smallvec::SmallVec;

use crate::content::header::{self, Header};

/// Headers `httparse` is given room for; browsers and proxies send a few dozen.
const ROOM: usize = 64;

/// The headers of a block that ends with its empty line, with their places in all of the bytes.
pub(super) fn headers(bytes: &[u8], block: Range<usize>) -> SmallVec<[Header<'_>; ROOM]> {
    let start = block.start;
    let block = bytes.get(block).unwrap_or_default();
    let mut room = [httparse::EMPTY_HEADER; ROOM];
    match httparse::parse_headers(block, &mut room) {
        Ok(httparse::Status::Complete((_, strict))) => strict
            .iter()
            .map(|header| Header {
                name: header.name.as_bytes(),
                value: header.value,
                at: start + (header.value.as_ptr() as usize).saturating_sub(block.as_ptr() as usize),
            })
            .collect(),
        Ok(httparse::Status::Partial) | Err(_) => {
            header::headers(block).map(|header| Header { at: start + header.at, ..header }).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_and_lenient_reading_agree_where_both_can() {
        let bytes = b"GET /\r\nHost: a.example\r\nEmpty:\r\nX-Long:   padded value  \r\n\r\n";
        let lenient: Vec<_> = header::headers(&bytes[7..]).collect();
        let strict = headers(bytes, 7..bytes.len());
        let key = |h: &Header<'_>| (h.name.to_vec(), h.value.to_vec());
        assert_eq!(strict.iter().map(key).collect::<Vec<_>>(), lenient.iter().map(key).collect::<Vec<_>>());
        assert!(strict.iter().all(|h| bytes[h.at..].starts_with(h.value)));
    }

    #[test]
    fn what_httparse_refuses_is_read_all_the_same() {
        let folded = headers(b"- A: one\r\n two\r\nB\xe4: 3\r\n\r\n", 2..23);
        assert_eq!(folded.iter().map(|h| h.name).collect::<Vec<_>>(), [&b"A"[..], b"B\xe4"]);
        assert_eq!(folded[0].at, 5);
        let many: String = (0..200).map(|n| format!("H{n}: {n}\r\n")).collect();
        let many = format!("{many}\r\n");
        assert_eq!(headers(many.as_bytes(), 0..many.len()).len(), 200);
    }
}
