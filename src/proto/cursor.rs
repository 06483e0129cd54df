//! The one place that indexes network bytes. Everything it returns is bounds-checked: `None` means
//! that the bytes are not there (yet).

/// A position in bytes from the network.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

macro_rules! integers {
    ($($name:ident $type:ty, $from:ident, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            pub fn $name(&mut self) -> Option<$type> {
                self.array().map(<$type>::$from)
            }
        )*
    };
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Offset from the start, in bytes.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub const fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Whether none is left.
    pub const fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// Passes over `count` bytes.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(drop)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// The next byte, which stays.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    integers! {
        u8 u8, from_be_bytes, "The next byte.";
        u16_be u16, from_be_bytes, "A big-endian 16-bit integer.";
        u16_le u16, from_le_bytes, "A little-endian 16-bit integer.";
        u32_be u32, from_be_bytes, "A big-endian 32-bit integer.";
        u32_le u32, from_le_bytes, "A little-endian 32-bit integer.";
        u64_be u64, from_be_bytes, "A big-endian 64-bit integer.";
        u64_le u64, from_le_bytes, "A little-endian 64-bit integer.";
    }

    /// A big-endian 24-bit integer.
    pub fn u24_be(&mut self) -> Option<u32> {
        self.array().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// A little-endian 24-bit integer.
    pub fn u24_le(&mut self) -> Option<u32> {
        self.array().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    /// The bytes before the next `end`, which is passed over.
    pub fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let length = memchr::memchr(end, self.rest())?;
        let taken = self.take(length);
        self.skip(1)?;
        taken
    }

    /// A string that ends with a zero byte.
    pub fn c_string(&mut self) -> Option<&'a [u8]> {
        self.until(0)
    }

    /// A line without its end (`\n`, or `\r\n`).
    pub fn line(&mut self) -> Option<&'a [u8]> {
        let line = self.until(b'\n')?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// A part with its own bounds: the next `count` bytes.
    pub fn sub(&mut self, count: usize) -> Option<Self> {
        self.take(count).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_consumed_when_too_little_is_left() {
        let mut cursor = Cursor::new(&[1, 2, 3]);
        assert_eq!(cursor.u32_be(), None);
        assert_eq!(cursor.u24_be(), Some(0x01_02_03));
        assert_eq!(cursor.u8(), None);
    }

    #[test]
    fn lines_end_with_either_ending() {
        let mut cursor = Cursor::new(b"a\r\nb\nc");
        assert_eq!(cursor.line(), Some(&b"a"[..]));
        assert_eq!(cursor.line(), Some(&b"b"[..]));
        assert_eq!(cursor.line(), None);
        assert_eq!(cursor.rest(), b"c");
    }

    #[test]
    fn a_count_beyond_the_address_space_is_refused() {
        let mut cursor = Cursor::new(&[0; 4]);
        cursor.skip(1);
        assert_eq!(cursor.take(usize::MAX), None);
        assert_eq!(cursor.position(), 1);
    }
}
