//! Names of several words, of which a literal is only a part: `Birth date: x`, `{"Birth date": "x"}`,
//! `<p><b>Date of birth:</b> x</p>`. Looks at a bounded number of bytes around the part.

use std::ops::Range;

use super::after::{Pair, assigned, cell, string_end};
use super::bytes::{at, backward, forward, identifier, prior, quote};
use crate::model::event::Format;
use crate::rules::schema::Place;

/// Bytes before and after a part of a name that may belong to it.
const BESIDE: usize = 48;

/// The same where each letter may take six.
const ESCAPED: usize = 160;

/// Longest value on a line.
const LINE: usize = 256;

/// The value of the name of several words that the bytes `hit` are part of.
pub(super) fn value(text: &[u8], hit: Range<usize>, format: Format) -> Option<Pair> {
    // What leads to a name may have its quotes or its separator: `"tel":`.
    let own = text.get(hit.clone())?;
    let first = hit.start + own.iter().position(|b| identifier(*b))?;
    let hit = first..hit.start + own.iter().rposition(|b| identifier(*b))? + 1;
    match format {
        Format::Json | Format::Script => key(text, hit, format),
        Format::Plain if quote(at(text, hit.end)) => {
            let first = backward(text, hit.start, BESIDE, |b| identifier(b) || word(b));
            serialized(text, first..hit.end, hit.end + 1)
        }
        Format::Html | Format::Plain => label(text, hit, format),
        Format::Csv | Format::Form | Format::Sql | Format::Xml => None,
    }
}

/// A key in quotes with blanks in it, or with letters that are escaped.
pub(super) fn key(text: &[u8], hit: Range<usize>, format: Format) -> Option<Pair> {
    let part = |b: u8| identifier(b) || word(b) || b == b'\\';
    let start = backward(text, hit.start, ESCAPED, part);
    let end = forward(text, hit.end, ESCAPED, part);
    let mark = at(text, start.checked_sub(1)?);
    if !quote(mark) || at(text, end) != mark {
        return None;
    }
    let colon = forward(text, end + 1, 8, |b| b.is_ascii_whitespace());
    let name = start..backward(text, end, 2, |b| b == b'\\');
    if at(text, colon) != b':' {
        return None;
    }
    let inside = forward(text, colon + 1, 8, |b| b.is_ascii_whitespace());
    match at(text, inside) {
        b'[' => string(text, name, forward(text, inside + 1, 64, |b| b.is_ascii_whitespace())),
        b'{' => member(text, name, inside + 1),
        _ => assigned(text, name, colon + 1, format, true, b':'),
    }
}

/// The string that begins at an offset.
fn string(text: &[u8], name: Range<usize>, from: usize) -> Option<Pair> {
    let mark = at(text, from);
    let end = if quote(mark) { string_end(text, from + 1, mark, 0)? } else { return None };
    Some(Pair { name, value: from + 1..end, place: Place::Json, delimited: true })
}

/// The string that follows a value in the same list: `{"tokens": ["x", "y"]}`.
pub(super) fn next(text: &[u8], pair: &Pair) -> Option<Pair> {
    let blank = |b: u8| b.is_ascii_whitespace();
    let open = pair.value.start.checked_sub(1).map(|mark| backward(text, mark, 64, blank))?;
    let comma = forward(text, pair.value.end + 1, 64, blank);
    let listed =
        pair.place == Place::Json && matches!(prior(text, open), b'[' | b',') && quote(at(text, pair.value.end));
    let from = (listed && at(text, comma) == b',').then(|| forward(text, comma + 1, 64, blank))?;
    string(text, pair.name.clone(), from)
}

/// The string that an object says is the value: `{"type":"mobile","value":"x"}`, from after its bracket.
fn member(text: &[u8], name: Range<usize>, from: usize) -> Option<Pair> {
    let end = forward(text, from, LINE, |b| !matches!(b, b'{' | b'}' | b'[' | b']'));
    let object = text.get(from..end)?;
    let found = [b"\"value\"".as_slice(), b"\"val\"", b"\"number\"", b"\"text\""].into_iter();
    let key = found.filter_map(|key| memchr::memmem::find(object, key).map(|at| from + at + key.len())).min()?;
    let colon = forward(text, key, 8, |b| b.is_ascii_whitespace());
    let value = forward(text, colon + 1, 8, |b| b.is_ascii_whitespace());
    if at(text, colon) == b':' { string(text, name, value) } else { None }
}

/// A string as PHP serializes it, from after the quotation mark of its name: `;s:11:"x"`.
fn serialized(text: &[u8], name: Range<usize>, from: usize) -> Option<Pair> {
    let rest = text.get(from..)?.strip_prefix(b";s:")?;
    let digits = rest.iter().take(8).take_while(|b| b.is_ascii_digit()).count();
    let mark = from + 3 + digits + 1;
    if at(text, mark - 1) == b':' { string(text, name, mark) } else { None }
}

/// The words before a colon, an equals sign or the end of an element.
fn label(text: &[u8], hit: Range<usize>, format: Format) -> Option<Pair> {
    let start = backward(text, hit.start, BESIDE, |b| identifier(b) || word(b));
    let end = forward(text, hit.end, BESIDE, |b| identifier(b) || word(b));
    let name = start..end;
    let hard = [b"&nbsp;".as_slice(), b"&#160;", "\u{a0}".as_bytes()];
    let blank = hard.into_iter().find(|blank| text.get(end..).is_some_and(|rest| rest.starts_with(blank)));
    let end = end + blank.map_or(0, <[u8]>::len);
    match at(text, end) {
        b'<' => cell(text, name, end, false),
        b':' if format == Format::Html => cell(text, name, end, true),
        b':' if at(text, end + 1) != b':' && begins(text, start) => line(text, name, end + 1),
        mark @ (b':' | b'=') if at(text, end + 1) != mark => assigned(text, name, end + 1, format, false, mark),
        _ => None,
    }
}

/// Whether a line begins at an offset, but for white space and the mark of a list, or a part of one after a
/// semicolon, a bar or a dash.
fn begins(text: &[u8], offset: usize) -> bool {
    let first = backward(text, offset, 8, |b| matches!(b, b' ' | b'\t' | b'*' | b'>' | b'-'));
    let dash = text.get(first..offset).unwrap_or_default().contains(&b'-');
    dash || matches!(prior(text, first), 0 | b'\n' | b'\r' | b';' | b'|')
}

/// The rest of the line, or of the part of it before a semicolon or a bar.
fn line(text: &[u8], name: Range<usize>, from: usize) -> Option<Pair> {
    let from = forward(text, from, 16, |b| matches!(b, b' ' | b'\t'));
    let end = forward(text, from, LINE, |b| !matches!(b, b'\r' | b'\n' | b';' | b'|' | 0));
    let value = from..from + text.get(from..end)?.trim_ascii_end().len();
    (!value.is_empty()).then_some(Pair { name, value, place: Place::Label, delimited: false })
}

/// What may stand between the words of a name.
const fn word(byte: u8) -> bool {
    matches!(byte, b' ' | b'.' | b'/' | b'(' | b')' | b'#' | b'+')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, format: Format) -> Option<(String, String)> {
        let start = text.find("irth").unwrap();
        value(text.as_bytes(), start..start + 4, format)
            .map(|pair| (text[pair.name].trim().to_owned(), text[pair.value].to_owned()))
    }

    #[test]
    fn a_list_under_a_name_has_several_values() {
        let text = r#"{"births": ["x1", "x2" , "x3"], "other": "x4"}"#;
        let mut pair = value(text.as_bytes(), 2..7, Format::Json);
        let mut values = Vec::new();
        while let Some(found) = pair {
            values.push(&text[found.value.clone()]);
            pair = next(text.as_bytes(), &found);
        }
        assert_eq!(values, ["x1", "x2", "x3"]);
        let single = value(br#"{"births":"x1","x2":1}"#, 2..7, Format::Json);
        assert_eq!(single.and_then(|pair| next(br#"{"births":"x1","x2":1}"#, &pair)), None);
    }

    #[test]
    fn names_of_several_words_have_values() {
        for (text, format, name) in [
            ("{\"Birth date\": \"x1\"}", Format::Json, "Birth date"),
            (r#"{"\u00e9birth date": "x1"}"#, Format::Json, r"\u00e9birth date"),
            ("{\"birth\": [\"x1\"]}", Format::Json, "birth"),
            ("{\"birth\": {\"v\": 1, \"value\": \"x1\"}}", Format::Json, "birth"),
            ("s:5:\"birth\";s:2:\"x1\";", Format::Plain, "birth"),
            ("<p><b>Birth date:</b> x1</p>", Format::Html, "Birth date"),
            ("<li>Date of birth: <b>x1</b></li>", Format::Html, "Date of birth"),
            ("<tr><th>Birth date (UTC)</th><td>x1</td></tr>", Format::Html, "Birth date (UTC)"),
            ("Birth date: x1\n", Format::Plain, "Birth date"),
            ("Birth date = x1\n", Format::Plain, "Birth date"),
            ("a: b; Birth date: x1; c: d\n", Format::Plain, "Birth date"),
            ("<td>Birth date&nbsp;</td><td>x1</td>", Format::Html, "Birth date"),
        ] {
            assert_eq!(of(text, format), Some((name.to_owned(), "x1".to_owned())), "{text}");
        }
        for (text, format) in [
            ("{\"Birth date\"", Format::Json),
            ("Birth of a nation", Format::Plain),
            ("Birth", Format::Html),
            ("a birth == b", Format::Plain),
        ] {
            assert_eq!(of(text, format), None, "{text}");
        }
    }
}
