//! Lines of a text protocol, one direction of it.

use super::cursor::Cursor;
use crate::model::event::{Event, EventSink, Skip};
use crate::model::limits;

/// Takes lines out of one direction. A line longer than [`limits::LINE_BYTES`] is passed over and
/// counted.
#[derive(Debug, Default)]
pub struct Lines {
    overlong: bool,
}

impl Lines {
    /// The next whole line, without its end. `None`: there is none yet.
    pub fn next<'a>(&mut self, cursor: &mut Cursor<'a>, out: &mut dyn EventSink) -> Option<&'a [u8]> {
        loop {
            let start = cursor.position();
            let Some(line) = cursor.line() else {
                if self.overlong || cursor.remaining() > limits::LINE_BYTES {
                    self.overlong = true;
                    skip(cursor.remaining(), out);
                    let _ = cursor.skip(cursor.remaining());
                }
                return None;
            };
            if !self.overlong && line.len() <= limits::LINE_BYTES {
                return Some(line);
            }
            self.overlong = false;
            skip(cursor.position() - start, out);
        }
    }

    /// Bytes are missing: the next line is taken as it comes.
    pub const fn gap(&mut self) {
        self.overlong = false;
    }
}

fn skip(bytes: usize, out: &mut dyn EventSink) {
    if bytes > 0 {
        out.event(Event::Skipped { reason: Skip::Limit, bytes: bytes as u64 });
    }
}

/// The first word of a line, and what follows it without the space in between.
pub fn split_word(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_start();
    let end = memchr::memchr2(b' ', b'\t', line).unwrap_or(line.len());
    let (word, rest) = line.split_at_checked(end).unwrap_or((line, b""));
    (word, rest.trim_ascii_start())
}

/// A reply of FTP (RFC 959, section 4.2) or SMTP (RFC 5321, section 4.2.1): `250-text`, `250 text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Three digits.
    pub code: u16,
    /// Whether this line ends the reply.
    pub last: bool,
    /// What follows the code.
    pub text: &'a [u8],
}

impl<'a> Reply<'a> {
    /// Reads a line. `None`: it does not start with a reply code.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let (digits, rest) = line.split_at_checked(3)?;
        if !digits.iter().all(u8::is_ascii_digit) || !matches!(digits.first(), Some(b'1'..=b'6')) {
            return None;
        }
        let code = digits.iter().fold(0u16, |n, d| n * 10 + u16::from(d - b'0'));
        match rest.split_first() {
            None => Some(Self { code, last: true, text: b"" }),
            Some((b' ', text)) => Some(Self { code, last: true, text }),
            Some((b'-', text)) => Some(Self { code, last: false, text }),
            Some(_) => None,
        }
    }

    /// 2xx.
    pub const fn is_success(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4xx and 5xx.
    pub const fn is_failure(&self) -> bool {
        matches!(self.code / 100, 4 | 5)
    }
}

/// Whether `needle` occurs in `text`, in any case. `needle` is written in upper case.
pub fn contains_word(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|w| w.eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl EventSink for Nowhere {
        fn event(&mut self, _: Event<'_>) {}
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_and_the_next_one_is_read() {
        let mut lines = Lines::default();
        let long = vec![b'x'; limits::LINE_BYTES + 1];
        let mut cursor = Cursor::new(&long);
        assert_eq!(lines.next(&mut cursor, &mut Nowhere), None);
        assert!(cursor.is_empty());
        let mut cursor = Cursor::new(b"rest\r\nQUIT\r\n");
        assert_eq!(lines.next(&mut cursor, &mut Nowhere), Some(&b"QUIT"[..]));
    }

    #[test]
    fn replies_have_three_digits_and_a_separator() {
        assert_eq!(Reply::parse(b"250-SIZE"), Some(Reply { code: 250, last: false, text: b"SIZE" }));
        assert_eq!(Reply::parse(b"354"), Some(Reply { code: 354, last: true, text: b"" }));
        assert_eq!(Reply::parse(b"2500 x"), None);
        assert_eq!(Reply::parse(b" AUTH TLS"), None);
    }
}
