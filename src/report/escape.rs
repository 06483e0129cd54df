//! The only door for text from the wire to a terminal or a file: what could move a cursor, hide text
//! or turn its direction is written out as an escape.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

/// Text as a terminal may show it, on one line.
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a String cannot fail.
            c if is_hostile(c) && c.is_ascii() => _ = write!(out, "\\x{:02x}", u32::from(c)),
            c if is_hostile(c) => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// One JSON value a line. What [`terminal`] escapes is escaped here too, in JSON's own way, so that a
/// reader of the file in a terminal is as safe as a reader of the report.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonFormatter;

impl serde_json::ser::Formatter for JsonFormatter {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_hostile(*c)) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = from.split_at(c.len_utf8()).1;
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Control characters (C0, DEL, C1), line and paragraph separators, everything that turns the reading
/// direction or has no width, tags and annotations.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    const HOSTILE: &str = "a\u{1b}[2Jb\u{9b}31m\u{202e}c\u{7f}\r\n\td\u{e0041}";

    #[test]
    fn nothing_reaches_the_terminal_that_it_could_obey() {
        assert_eq!(terminal(HOSTILE), "a\\x1b[2Jb\\u{9b}31m\\u{202e}c\\x7f\\r\\n\\td\\u{e0041}");
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        assert!(matches!(terminal("Grüße, 日本, ••••••"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_is_ascii_where_it_matters_and_means_the_same() {
        let mut out = Vec::new();
        HOSTILE.serialize(&mut serde_json::Serializer::with_formatter(&mut out, JsonFormatter)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.chars().any(is_hostile), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), HOSTILE);
    }
}
