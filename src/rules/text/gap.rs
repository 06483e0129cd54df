//! What stands between the groups of a number: a sign of ASCII, or a blank or hyphen that keeps a line
//! from breaking, as a character, an entity of HTML or a code of a URL.

use super::bytes::{at, prior};
use crate::rules::forms::SEPARATORS;

/// Gaps of more than one byte, and the sign of ASCII they stand for.
const WIDE: &[(&[u8], u8)] = &[
    // Spaces: no-break, narrow no-break, figure, thin.
    ("\u{a0}".as_bytes(), b' '),
    ("\u{202f}".as_bytes(), b' '),
    ("\u{2007}".as_bytes(), b' '),
    ("\u{2009}".as_bytes(), b' '),
    // Hyphens and dashes.
    ("\u{2010}".as_bytes(), b'-'),
    ("\u{2011}".as_bytes(), b'-'),
    ("\u{2012}".as_bytes(), b'-'),
    ("\u{2013}".as_bytes(), b'-'),
    (b"&nbsp;", b' '),
    (b"&#160;", b' '),
    (b"%20", b' '),
    (br"\u00a0", b' '),
    (br"\u202f", b' '),
    (br"\u2011", b'-'),
    (br"\u2013", b'-'),
];

/// The length of the gap at an offset, and the sign it stands for.
pub(super) fn after(text: &[u8], offset: usize) -> Option<(usize, u8)> {
    let first = at(text, offset);
    if SEPARATORS.contains(&first) {
        return Some((1, first));
    }
    if !matches!(first, 0xc2 | 0xe2 | b'&' | b'%' | b'\\') {
        return None;
    }
    let rest = text.get(offset..)?;
    WIDE.iter().find(|(gap, _)| rest.starts_with(gap)).map(|(gap, sign)| (gap.len(), *sign))
}

/// The length of the gap that ends at an offset.
pub(super) fn before(text: &[u8], offset: usize) -> Option<usize> {
    let last = prior(text, offset);
    if SEPARATORS.contains(&last) {
        return Some(1);
    }
    if !(last >= 0x80 || last == b';') {
        return None;
    }
    let before = text.get(..offset)?;
    WIDE.iter().find(|(gap, _)| before.ends_with(gap)).map(|(gap, _)| gap.len())
}
