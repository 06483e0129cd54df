//! Looking at bytes of text without falling off its ends.

/// Longest name in text, in bytes.
const NAME: usize = 128;

/// Bytes of `\uXXXX`.
const ESCAPE: usize = 6;

/// The byte at an offset; zero outside.
pub(super) fn at(text: &[u8], offset: usize) -> u8 {
    text.get(offset).copied().unwrap_or(0)
}

/// The byte before an offset; zero at the start.
pub(super) fn prior(text: &[u8], offset: usize) -> u8 {
    offset.checked_sub(1).map_or(0, |n| at(text, n))
}

/// The offset after all bytes from `from` on that satisfy `what`, at most `most` of them.
pub(super) fn forward(text: &[u8], from: usize, most: usize, what: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take(most).take_while(|b| what(**b)).count()
}

/// The offset of the first of all bytes right before `from` that satisfy `what`, at most `most` of them.
pub(super) fn backward(text: &[u8], from: usize, most: usize, what: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(..from).unwrap_or_default();
    from - rest.iter().rev().take(most).take_while(|b| what(**b)).count()
}

/// Space or tab.
pub(super) const fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A quotation mark of program text.
pub(super) const fn quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// Part of an identifier; bytes of other scripts than ASCII are.
pub(super) const fn identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$') || byte >= 0x80
}

/// The offset after the name that `from` is in: bytes that satisfy `more`, and letters written as `\uXXXX`.
pub(super) fn name_end(text: &[u8], from: usize, more: impl Fn(u8) -> bool) -> usize {
    let mut end = forward(text, from, NAME, &more);
    while letter_escape(text, end) && end - from < NAME {
        end = forward(text, end + ESCAPE, NAME, &more);
    }
    end
}

/// The offset of the first byte of a name that ends at `from`; see [`name_end`].
pub(super) fn name_start(text: &[u8], from: usize, more: impl Fn(u8) -> bool) -> usize {
    let mut start = backward(text, from, NAME, &more);
    if prior(text, start) == b'\\' && matches!(at(text, start), b'n' | b'r' | b't') && start < from {
        // The end of a line, in a string of JSON.
        return start + 1;
    }
    // The escape's letters and digits were taken for a part of the name.
    while prior(text, start) == b'\\' && letter_escape(text, start - 1) && from - start < NAME {
        start = backward(text, start - 1, NAME, &more);
    }
    start
}

/// Whether a letter beyond ASCII begins at an offset, as JSON escapes it.
fn letter_escape(text: &[u8], offset: usize) -> bool {
    let digits = text.get(offset..offset + ESCAPE).and_then(|escape| escape.strip_prefix(b"\\u"));
    let code = digits.and_then(|digits| u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
    code.is_some_and(|code| code > 0x7f)
}

/// Whether what stands before `offset` ends in an escape (`\n`, `\t`, `%3D`, `\u0022`) whose last
/// letter or digit would otherwise look like the start of a word.
pub(super) fn after_escape(text: &[u8], offset: usize) -> bool {
    let back = |n: usize| offset.checked_sub(n).map_or(0, |i| at(text, i));
    (back(2) == b'\\' && matches!(back(1), b'n' | b't' | b'r'))
        || (back(3) == b'%' && back(2).is_ascii_hexdigit() && back(1).is_ascii_hexdigit())
        || (back(6) == b'\\' && back(5) == b'u')
}
