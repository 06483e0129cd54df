//! Tells text from binary content by its first bytes.

use crate::model::event::Format;

/// How many bytes are looked at.
const SAMPLE: usize = 1024;

/// What binary content starts with, by what it is. The same bytes never begin text.
const MAGIC: &[(&[u8], Binary)] = &[
    (b"\x89PNG\r\n\x1a\n", Binary::Picture),
    (b"\xff\xd8\xff", Binary::Picture),
    (b"GIF87a", Binary::Picture),
    (b"GIF89a", Binary::Picture),
    (b"II*\0", Binary::Picture),
    (b"MM\0*", Binary::Picture),
    (b"\0\0\x01\0", Binary::Picture),
    (b"\x76\x2f\x31\x01", Binary::Picture),
    (b"8BPS\0\x01", Binary::Picture),
    (b"\x1aE\xdf\xa3", Binary::Media),
    (b"OggS\0", Binary::Media),
    (b"fLaC\0", Binary::Media),
    (b"ID3\x02", Binary::Media),
    (b"ID3\x03", Binary::Media),
    (b"ID3\x04", Binary::Media),
    (b"FLV\x01", Binary::Media),
    (b"\0\0\x01\xba", Binary::Media),
    (b"\0\0\x01\xb3", Binary::Media),
    (b"\xff\xfb", Binary::Media),
    (b"\xff\xf1", Binary::Media),
    (b"wOFF", Binary::Font),
    (b"wOF2", Binary::Font),
    (b"OTTO\0", Binary::Font),
    (b"\0\x01\0\0\0", Binary::Font),
    (b"PK\x03\x04", Binary::Archive),
    (b"PK\x05\x06", Binary::Archive),
    (b"\x1f\x8b\x08", Binary::Archive),
    (b"\x1f\x9d", Binary::Archive),
    (b"BZh91AY&SY", Binary::Archive),
    (b"\xfd7zXZ\0", Binary::Archive),
    (b"7z\xbc\xaf\x27\x1c", Binary::Archive),
    (b"Rar!\x1a\x07", Binary::Archive),
    (b"\x28\xb5\x2f\xfd", Binary::Archive),
    (b"\x04\x22\x4d\x18", Binary::Archive),
    (b"MSCF\0\0\0\0", Binary::Archive),
    (b"\xed\xab\xee\xdb", Binary::Archive),
    (b"!<arch>\n", Binary::Archive),
    (b"%PDF-", Binary::Document),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Binary::Document),
    (b"\x7fELF", Binary::Program),
    (b"MZ\x90\0", Binary::Program),
    (b"\xca\xfe\xba\xbe", Binary::Program),
    (b"\xcf\xfa\xed\xfe", Binary::Program),
    (b"\xce\xfa\xed\xfe", Binary::Program),
    (b"\0asm", Binary::Program),
    (b"dex\n03", Binary::Program),
    (b"FWS", Binary::Program),
    (b"CWS", Binary::Program),
    (b"SQLite format 3\0", Binary::Document),
    (b"PAR1\x15", Binary::Document),
    (b"Obj\x01", Binary::Document),
    (b"\x89HDF\r\n\x1a\n", Binary::Document),
    (b"\0\x01\0\0Standard ", Binary::Document),
    (b"\0\0\0\x0cjP  ", Binary::Picture),
    (b"\0\0\0\x0cJXL ", Binary::Picture),
    (b"\xff\x0a", Binary::Picture),
    (b"qoif\0", Binary::Picture),
    (b"\xff\xf3", Binary::Media),
    (b"\xff\xf2", Binary::Media),
    (b"\xff\xf9", Binary::Media),
    (b"MThd\0\0\0\x06", Binary::Media),
    (b"caff\0\x01", Binary::Media),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Binary::Media),
    (b"ttcf\0", Binary::Font),
    (b"true\0", Binary::Font),
    (b"LZIP\x01", Binary::Archive),
    (b"xar!\0", Binary::Archive),
    (b"\x60\xea", Binary::Archive),
    (b"QFI\xfb", Binary::Archive),
    (b"KDMV\x01\0", Binary::Archive),
    (b"LUKS\xba\xbe", Binary::Archive),
    (b"\x78\x9f\x3e\x22", Binary::Archive),
    (b"\xd4\xc3\xb2\xa1", Binary::Document),
    (b"\x0a\x0d\x0d\x0a", Binary::Document),
];

/// What binary content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// Packed files.
    Archive,
    /// PDF, office files, databases.
    Document,
    /// A font.
    Font,
    /// Sound and film.
    Media,
    /// A picture.
    Picture,
    /// Machine code.
    Program,
}

/// What binary content the bytes begin, by their magic number.
pub fn binary(bytes: &[u8]) -> Option<Binary> {
    match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => return Some(Binary::Picture),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W' | b'A', b'A' | b'V', ..] => return Some(Binary::Media),
        [0, 0, 0, _, b'f', b't', b'y', b'p', b'a' | b'h' | b'm', b'v' | b'e' | b'i', b'i' | b'f', ..] => {
            return Some(Binary::Picture);
        }
        [0, 0, 0, _, b'f', b't', b'y', b'p', ..] => return Some(Binary::Media),
        _ => {}
    }
    if let Some(form) = bytes.strip_prefix(b"FORM").and_then(|rest| rest.get(4..8)) {
        return matches!(form, b"AIFF" | b"AIFC").then_some(Binary::Media);
    }
    // A hive of the registry of Windows says its version.
    if bytes.starts_with(b"regf") && bytes.get(20..24) == Some(b"\x01\0\0\0") {
        return Some(Binary::Document);
    }
    // A bitmap says its size, and has four bytes of nothing.
    if let [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] = bytes {
        return Some(Binary::Picture);
    }
    let text = |magic: &[u8]| matches!(magic, b"FWS" | b"CWS");
    MAGIC
        .iter()
        .filter(|(magic, _)| bytes.starts_with(magic))
        // Three letters may begin a word: the version byte after them is no letter.
        .find(|(magic, _)| !text(magic) || bytes.get(3).is_some_and(|version| *version < 0x20))
        .map(|(_, kind)| *kind)
}

/// What binary file a stream of no known protocol carries: as [`binary`], where the magic number is long
/// enough to be no number of a message.
pub fn file(bytes: &[u8]) -> Option<Binary> {
    let long = |magic: &[u8]| magic.len() >= 4 && !magic.starts_with(b"\0\0") && bytes.starts_with(magic);
    let riff = bytes.starts_with(b"RIFF") || bytes.get(4..8) == Some(b"ftyp");
    if riff || MAGIC.iter().any(|(magic, _)| long(magic)) || bytes.starts_with(b"\xff\xd8\xff") {
        return binary(bytes);
    }
    None
}

/// The format of text, by its first bytes.
pub fn format(bytes: &[u8]) -> Format {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let starts = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    match text.first() {
        // `[section]`: settings.
        Some(b'[') if is_section(text) => plain(text),
        Some(b'{' | b'[') => Format::Json,
        // Sections of Apache's configuration.
        Some(b'<') if [&b"<virtualhost "[..], b"<directory", b"<location", b"<ifmodule"].iter().any(|s| starts(s)) => {
            plain(text)
        }
        Some(b'<') if starts(b"<!doctype html") || starts(b"<html") => Format::Html,
        // `<14>Mar  3 …`: syslog.
        Some(b'<') if text.get(1).is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'?' | b'!' | b'_')) => {
            Format::Xml
        }
        _ => plain(text),
    }
}

/// Whether what begins with a bracket is no list: `[section]`, `[host]:587`.
fn is_section(text: &[u8]) -> bool {
    let name = text.trim_ascii_start();
    let inside = name.iter().position(|b| *b != b'[').and_then(|n| name.get(n..)).unwrap_or_default();
    let word: &[u8] = inside.split(|b| !b.is_ascii_alphanumeric()).next().unwrap_or_default();
    word.first().is_some_and(u8::is_ascii_alphabetic) && !matches!(word, b"true" | b"false" | b"null")
}

/// The format of text that its carrier calls plain: a table or statements, where it begins as one.
pub fn plain(bytes: &[u8]) -> Format {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match text {
        _ if is_table(text) => Format::Csv,
        _ if is_statement(text) => Format::Sql,
        _ => Format::Plain,
    }
}

/// Whether text begins with a statement of SQL, perhaps after comments.
fn is_statement(text: &[u8]) -> bool {
    const OBJECTS: &[&[u8]] = &[
        b"table",
        b"user",
        b"login",
        b"role",
        b"database",
        b"index",
        b"view",
        b"schema",
        b"server",
        b"credential",
        b"master",
        b"symmetric",
        b"subscription",
        b"temporary",
        b"or",
        b"unique",
        b"procedure",
        b"function",
        b"trigger",
    ];
    let start = text.get(..SAMPLE).unwrap_or(text);
    let lines = start.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let Some(line) = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with(b"--")) else { return false };
    let mut words = line.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let (Some(verb), Some(second)) = (words.next(), words.next()) else { return false };
    // A sentence begins with one capital.
    if verb.len() > 8 || !(verb.iter().all(u8::is_ascii_lowercase) || verb.iter().all(u8::is_ascii_uppercase)) {
        return false;
    }
    let lower = start.to_ascii_lowercase();
    let has = |word: &str| memchr::memmem::find(&lower, word.as_bytes()).is_some();
    let is = |word: &[u8]| second.eq_ignore_ascii_case(word);
    match verb.to_ascii_lowercase().as_slice() {
        b"insert" | b"replace" | b"merge" => is(b"into"),
        b"delete" => is(b"from"),
        b"create" | b"alter" | b"drop" => OBJECTS.iter().any(|object| is(object)),
        b"update" => has(" set ") && has("="),
        b"select" => has(" from ") && (has("*") || has("=") || has(" where ")),
        b"exec" | b"execute" => has(" @") || second.get(..3).is_some_and(|name| name.eq_ignore_ascii_case(b"sp_")),
        b"grant" => has(" on ") && has(" to "),
        _ => false,
    }
}

/// Text behind the line by which a spreadsheet program is told the separator: `sep=;`.
pub fn after_separator(text: &[u8]) -> &[u8] {
    match text {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', _, b'\r', b'\n', rest @ ..]
        | [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', _, b'\n', rest @ ..] => rest,
        _ => text,
    }
}

/// Whether text begins as a table with separated columns: a line of names, and lines with as many cells.
fn is_table(text: &[u8]) -> bool {
    /// Columns of a table that two lines show; one of fewer needs more lines.
    const TELLING: usize = 3;
    let text = after_separator(text);
    let start = text.get(..SAMPLE).unwrap_or(text);
    let mut lines = start.split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n") || text.len() <= SAMPLE);
    let Some(names) = lines.next().filter(|line| line.ends_with(b"\n")).map(<[u8]>::trim_ascii) else { return false };
    let Some(separator) = [b',', b';', b'\t', b'|'].into_iter().find(|s| memchr::memchr(*s, names).is_some()) else {
        return false;
    };
    // Separators inside of quotation marks are none.
    let cells = |line: &[u8]| {
        let mut quoted = false;
        let separators = line.iter().filter(|b| {
            quoted ^= **b == b'"';
            **b == separator && !quoted
        });
        separators.count() + 1
    };
    let name = |cell: &[u8]| {
        let cell = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell);
        let word =
            |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ' | b'.' | b'#' | b'/') || *b >= 0x80;
        let begins = cell.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_' || *b >= 0x80);
        begins && cell.len() <= 40 && cell.iter().all(word) && cell.iter().filter(|b| **b == b' ').count() <= 3
    };
    let columns = cells(names);
    let rows: Vec<usize> = lines.take(3).map(<[u8]>::trim_ascii_end).filter(|row| !row.is_empty()).map(cells).collect();
    names.split(|b| *b == separator).all(name)
        && rows.len() >= if columns >= TELLING { 1 } else { 3 }
        && rows.iter().all(|row| *row == columns)
}

/// The format that a file's name gives away.
pub fn format_of_name(name: &str) -> Option<Format> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "csv" | "tsv" => Format::Csv,
        "htm" | "html" => Format::Html,
        "json" | "jsonl" | "ndjson" => Format::Json,
        "sql" => Format::Sql,
        "xml" => Format::Xml,
        "js" | "css" | "cjs" | "mjs" => Format::Script,
        _ => return None,
    })
}

/// Whether bytes are text somebody can read: UTF-8 or an 8-bit charset with few control characters.
pub fn is_text(bytes: &[u8]) -> bool {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    let high = sample.iter().filter(|b| **b >= 0x80).count();
    if is_noise(sample) {
        return false;
    }
    high * 10 < sample.len() * 3 || mostly_utf8(sample)
}

/// Whether bytes have more control characters than text in any charset of single bytes has.
pub fn is_noise(bytes: &[u8]) -> bool {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    let control = sample.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31 | 127)).count();
    control * 32 > sample.len()
}

/// Whether bytes are as even as encrypted or compressed ones: at least 256 bytes with more than 7 bits
/// of entropy a byte (256 random bytes have about 7.2).
pub fn looks_encrypted(bytes: &[u8]) -> bool {
    let sample = bytes.get(..4 * SAMPLE).unwrap_or(bytes);
    if sample.len() < 256 {
        return false;
    }
    let mut counts = [0u32; 256];
    for byte in sample {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = sample.len() as f64;
    let entropy: f64 = counts
        .iter()
        .filter(|c| **c > 0)
        .map(|c| {
            let share = f64::from(*c) / total;
            -share * share.log2()
        })
        .sum();
    entropy > 7.0
}

fn mostly_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // A character cut at the end of the sample is no fault.
        Err(error) => error.valid_up_to() + 4 > bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_any_language_is_text() {
        assert!(is_text("Пароль: не скажу\r\n".as_bytes()));
        assert!(is_text(b"GET / HTTP/1.1\r\n"));
        assert!(!is_text(&[0, 1, 2, 3, b'a', b'b', 0, 0]));
    }

    #[test]
    fn magic_numbers_tell_what_binary_content_is() {
        assert_eq!(binary(b"\x89PNG\r\n\x1a\n\0\0"), Some(Binary::Picture));
        assert_eq!(binary(b"\0\0\0\x20ftypavif"), Some(Binary::Picture));
        assert_eq!(binary(b"\0\0\0\x18ftypmp42"), Some(Binary::Media));
        assert_eq!(binary(b"PK\x03\x04\x14"), Some(Binary::Archive));
        assert_eq!(binary(b"BM\x36\x10\0\0\0\0\0\0\x36\0"), Some(Binary::Picture));
        assert_eq!(binary(b"FORM\0\0\x01\0AIFFCOMM"), Some(Binary::Media));
        assert_eq!((binary(b"FORM of words"), binary(b"BMW and others")), (None, None));
        assert_eq!(file(b"\x89PNG\r\n\x1a\n"), Some(Binary::Picture));
        assert_eq!((file(b"\xff\xfb\x01"), file(b"\0\0\x01\0\0")), (None, None));
        assert_eq!(binary(b"CWS is a word"), None);
        assert_eq!(binary(b"Rarely"), None);
    }

    #[test]
    fn text_formats_show_in_the_first_bytes() {
        assert_eq!(format(b"\xef\xbb\xbf  {\"a\":1}"), Format::Json);
        assert_eq!(format(b"<!DOCTYPE HTML>"), Format::Html);
        assert_eq!(format(b"<?xml version"), Format::Xml);
        assert_eq!(format(b"a,b,c"), Format::Plain);
        assert_eq!(format(b"id;name;card_no\r\n7;Ada;4539578763621486\r\n"), Format::Csv);
        assert_eq!(plain(b"sep=;\r\nid;name;card_no\r\n7;Ada;4539578763621486\r\n"), Format::Csv);
        assert_eq!(plain(b"login,pwd\nada,x\nben,y\n\"eva, jr\",z\n"), Format::Csv);
        assert_eq!(plain(b"Hello, world, again\nit is me, who else\n"), Format::Plain);
        assert_eq!(plain(b"user,password\nand more\n"), Format::Plain);
        assert_eq!(format(b"-- users\n\nINSERT INTO t (a) VALUES (1)"), Format::Sql);
        assert_eq!(plain(b"update t set a = 1"), Format::Sql);
        assert_eq!(plain(b"ALTER LOGIN sa ENABLE"), Format::Sql);
        assert_eq!(plain(b"Select a file from the list, where it is *"), Format::Plain);
        assert_eq!(plain(b"update the settings = good"), Format::Plain);
        assert_eq!(plain(b"create a table with columns"), Format::Plain);
        assert_eq!(format(b"[client]\nuser=app\n"), Format::Plain);
        assert_eq!(format(b"[[outputs]]\nurl = 1\n"), Format::Plain);
        assert_eq!(format(b"[\"a\"]\n[\"b\"]\n"), Format::Json);
        assert_eq!(format(b"[\n  1\n]\n"), Format::Json);
        assert_eq!(format(b"<VirtualHost *:80>\nServerName a\n"), Format::Plain);
        assert_eq!(format(b"<34>1 2026-03-03T10:00:00Z host app"), Format::Plain);
    }

    #[test]
    fn only_even_bytes_look_encrypted() {
        let even: Vec<u8> = (0..1024u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(looks_encrypted(&even));
        assert!(!looks_encrypted("the quick brown fox ".repeat(50).as_bytes()));
    }
}
