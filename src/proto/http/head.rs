//! The header lines of a head: as `httparse` reads them, and leniently where it refuses (folded values,
//! bare line feeds inside, 8-bit names, more headers than it has room for).

use smallvec::SmallVec;

use crate::content::header::{self, Header};

/// Headers `httparse` is given room for; browsers and proxies send a few dozen.
const ROOM: usize = 64;

/// The headers of a block that ends with its empty line.
pub(super) fn headers(block: &[u8]) -> SmallVec<[Header<'_>; ROOM]> {
    let mut room = [httparse::EMPTY_HEADER; ROOM];
    match httparse::parse_headers(block, &mut room) {
        Ok(httparse::Status::Complete((_, strict))) => strict
            .iter()
            .map(|header| Header {
                name: header.name.as_bytes(),
                value: header.value,
                at: (header.value.as_ptr() as usize).saturating_sub(block.as_ptr() as usize),
            })
            .collect(),
        Ok(httparse::Status::Partial) | Err(_) => header::headers(block).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_and_lenient_reading_agree_where_both_can() {
        let block = b"Host: a.example\r\nEmpty:\r\nX-Long:   padded value  \r\n\r\n";
        let lenient: Vec<_> = header::headers(block).collect();
        let strict = headers(block);
        let key = |h: &Header<'_>| (h.name.to_vec(), h.value.to_vec());
        assert_eq!(strict.iter().map(key).collect::<Vec<_>>(), lenient.iter().map(key).collect::<Vec<_>>());
        assert!(strict.iter().all(|h| block[h.at..].starts_with(h.value)));
    }

    #[test]
    fn what_httparse_refuses_is_read_all_the_same() {
        let folded = headers(b"A: one\r\n two\r\nB\xe4: 3\r\n\r\n");
        assert_eq!(folded.iter().map(|h| h.name).collect::<Vec<_>>(), [&b"A"[..], b"B\xe4"]);
        let many: String = (0..200).map(|n| format!("H{n}: {n}\r\n")).collect();
        assert_eq!(headers(format!("{many}\r\n").as_bytes()).len(), 200);
    }
}
