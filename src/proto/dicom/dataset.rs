//! Data sets (PS3.5 section 7): elements of a tag, perhaps a type, a length and a value.

use crate::proto::cursor::Cursor;

/// How elements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// With their types.
    Explicit,
    /// Without.
    Implicit,
    /// The high byte first, or packed: not read.
    Other,
}

/// Elements of one data set that are read.
const ELEMENTS: usize = 4096;

/// What speaks of a patient (PS3.6), by tag.
const NAMES: [((u16, u16), &str); 12] = [
    ((0x0010, 0x0010), "patient name"),
    ((0x0010, 0x0020), "patient id"),
    ((0x0010, 0x0030), "birth date"),
    ((0x0010, 0x1000), "patient id"),
    ((0x0010, 0x1001), "patient name"),
    ((0x0010, 0x1040), "address"),
    ((0x0010, 0x1060), "mother's name"),
    ((0x0010, 0x2154), "phone"),
    ((0x0010, 0x2155), "telecom"),
    ((0x0010, 0x21b0), "history"),
    ((0x0010, 0x4000), "comments"),
    ((0x0038, 0x0010), "admission id"),
];

/// The last group that speaks of persons; what is behind it is the image.
const LAST_GROUP: u16 = 0x0040;

/// Items of a sequence, and the marks at its end.
const SEQUENCE: u16 = 0xfffe;

impl Syntax {
    /// By its identifier (PS3.6 annex A).
    pub(super) fn named(name: &[u8]) -> Self {
        match name.trim_ascii_end() {
            b"1.2.840.10008.1.2" | b"1.2.840.10008.1.2\0" => Self::Implicit,
            b"1.2.840.10008.1.2.2" | b"1.2.840.10008.1.2.1.99" => Self::Other,
            _ => Self::Explicit,
        }
    }

    /// By the first element: a type is two capitals.
    fn guessed(data: &[u8]) -> Self {
        match data.get(4..6) {
            Some(kind) if kind.iter().all(u8::is_ascii_uppercase) => Self::Explicit,
            _ => Self::Implicit,
        }
    }
}

/// Gives what a data set says of a patient.
pub(super) fn read(data: &[u8], syntax: Option<Syntax>, say: &mut dyn FnMut(&str, &[u8])) {
    let syntax = syntax.unwrap_or_else(|| Syntax::guessed(data));
    if syntax == Syntax::Other {
        return;
    }
    let mut cursor = Cursor::new(data);
    for _ in 0..ELEMENTS {
        if element(&mut cursor, syntax, say).is_none() {
            break;
        }
    }
}

fn element(cursor: &mut Cursor<'_>, syntax: Syntax, say: &mut dyn FnMut(&str, &[u8])) -> Option<()> {
    let tag = (cursor.u16_le()?, cursor.u16_le()?);
    if tag.0 == SEQUENCE {
        return cursor.skip(4);
    }
    if tag.0 > LAST_GROUP {
        return None;
    }
    let (sequence, length) = match syntax {
        Syntax::Explicit => {
            let kind = cursor.array::<2>()?;
            match &kind {
                b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"SQ" | b"UC" | b"UN" | b"UR" | b"UT" | b"SV"
                | b"UV" => {
                    cursor.skip(2)?;
                    (&kind == b"SQ", cursor.u32_le()?)
                }
                _ => (false, cursor.u16_le()?.into()),
            }
        }
        _ => (false, cursor.u32_le()?),
    };
    // What is inside of a sequence comes as elements of its own.
    if sequence || length == u32::MAX {
        return Some(());
    }
    let value = cursor.take(length as usize)?;
    if let Some((_, name)) = NAMES.iter().find(|(own, _)| *own == tag) {
        let value = value.strip_suffix(b"\0").unwrap_or(value).trim_ascii();
        if value.len() > 2 {
            say(name, value);
        }
    }
    Some(())
}
