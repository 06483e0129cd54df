//! DICOM's data sets (PS3.5 section 7), in messages and in files (PS3.10): elements of a tag, perhaps a type, a
//! length and a value.

use super::bytes::Bytes;

/// Of an element: its group and its number in it.
type Tag = (u16, u16);

/// How elements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
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
const NAMES: [(Tag, &str); 12] = [
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

/// What stands before the mark of a file, and the mark.
const PREAMBLE: usize = 128;
const MARK: &[u8] = b"DICM";

/// Where a file says how its data set is written.
const SYNTAX: Tag = (0x0002, 0x0010);

/// The group of what a file says of itself. Its elements always have types.
const META: u16 = 0x0002;

/// The last group that speaks of persons; what is behind it is the image.
const LAST_GROUP: u16 = 0x0040;

/// Items of a sequence, and the marks at its end.
const SEQUENCE: u16 = 0xfffe;

impl Syntax {
    /// By its identifier (PS3.6 annex A).
    pub fn named(name: &[u8]) -> Self {
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

/// Whether bytes are the start of a file.
pub fn is_file(bytes: &[u8]) -> bool {
    bytes.get(PREAMBLE..).is_some_and(|rest| rest.starts_with(MARK))
}

/// Gives what a file says of a patient, or a data set without the header of one.
pub fn read_file(bytes: &[u8], say: &mut dyn FnMut(&str, &[u8])) {
    let header = if is_file(bytes) { PREAMBLE + MARK.len() } else { 0 };
    let Some(mut rest) = bytes.get(header..).map(Bytes) else { return };
    let mut syntax = None;
    while let Some([group, 0, ..]) = rest.0.first_chunk::<2>()
        && u16::from(*group) == META
    {
        let mut named = |tag: Tag, value: &[u8]| {
            if tag == SYNTAX {
                syntax = Some(Syntax::named(value));
            }
        };
        if element(&mut rest, Syntax::Explicit, &mut named).is_none() {
            return;
        }
    }
    read(rest.0, syntax, say);
}

/// Gives what a data set says of a patient.
pub fn read(data: &[u8], syntax: Option<Syntax>, say: &mut dyn FnMut(&str, &[u8])) {
    let syntax = syntax.unwrap_or_else(|| Syntax::guessed(data));
    if syntax == Syntax::Other {
        return;
    }
    let mut rest = Bytes(data);
    for _ in 0..ELEMENTS {
        let mut named = |tag: Tag, value: &[u8]| {
            if let Some((_, name)) = NAMES.iter().find(|(own, _)| *own == tag) {
                let value = value.strip_suffix(b"\0").unwrap_or(value).trim_ascii();
                if value.len() > 2 {
                    say(name, value);
                }
            }
        };
        if element(&mut rest, syntax, &mut named).is_none() {
            break;
        }
    }
}

fn element(rest: &mut Bytes<'_>, syntax: Syntax, take: &mut dyn FnMut(Tag, &[u8])) -> Option<()> {
    let tag = (rest.u16_le()?, rest.u16_le()?);
    if tag.0 == SEQUENCE {
        return rest.take(4).map(drop);
    }
    if tag.0 > LAST_GROUP {
        return None;
    }
    let (sequence, length) = match syntax {
        Syntax::Explicit => {
            let kind = rest.take(2)?;
            match kind {
                b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"SQ" | b"UC" | b"UN" | b"UR" | b"UT" | b"SV"
                | b"UV" => {
                    rest.take(2)?;
                    (kind == b"SQ", rest.u32_le()?)
                }
                _ => (false, rest.u16_le()?.into()),
            }
        }
        _ => (false, rest.u32_le()?),
    };
    // What is inside of a sequence comes as elements of its own.
    if sequence || length == u32::MAX {
        return Some(());
    }
    let value = rest.take(length as usize)?;
    take(tag, value);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(syntax: &[u8], set: &[u8]) -> Vec<u8> {
        let meta = [b"\x02\0\x10\0UI".as_slice(), &(syntax.len() as u16).to_le_bytes(), syntax].concat();
        [&[0; PREAMBLE], MARK, &meta, set].concat()
    }

    #[test]
    fn the_patient_of_a_file_is_read_as_the_file_says_it_is_written() {
        let explicit = b"\x08\0\x16\0UI\x04\x001.2\0\x10\0\x20\0LO\x06\0A12345";
        let implicit = b"\x08\0\x16\0\x04\0\0\x001.2\0\x10\0\x20\0\x06\0\0\0A12345";
        for bytes in [file(b"1.2.840.10008.1.2.1\0", explicit), file(b"1.2.840.10008.1.2\0", implicit)] {
            assert!(is_file(&bytes));
            let mut said = Vec::new();
            read_file(&bytes, &mut |name, value| said.push((name.to_owned(), value.to_vec())));
            assert_eq!(said, [("patient id".to_owned(), b"A12345".to_vec())]);
            for cut in 0..bytes.len() {
                read_file(&bytes[..cut], &mut |_, _| {});
            }
        }
        assert!(!is_file(b"DICM") && !is_file(&[0; 200]));
    }
}
