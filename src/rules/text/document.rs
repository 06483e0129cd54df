//! What a server publishes to be read: pages, scripts, manuals. A value in their running text or in one
//! of their examples is seldom anybody's; the value of a name, or all of a cell, is data wherever it is.

use std::ops::Range;

use super::Scan;
use super::bytes::{at, backward, forward, prior, quote};
use crate::model::event::Format;
use crate::model::flow::Direction;

/// How far before a value the word `example` counts, in bytes.
const EXAMPLE: usize = 320;

/// How far the tag or the line around a value is looked at, in bytes.
const AROUND: usize = 256;

/// How much of a string is looked at for where it begins, in bytes and in quotation marks.
const PACKED: usize = 1024;

/// Whether a text is such a document. Values of fields, and what other protocols carry, are data.
pub(super) fn published(scan: &Scan<'_>) -> bool {
    scan.direction == Direction::ToClient && scan.outer.is_none() && scan.protocol.starts_with("http")
}

/// Whether a text is a Secret of Kubernetes, or tells of one: its values are in base64.
pub(super) fn is_cluster_secret(scan: &Scan<'_>) -> bool {
    const MARKS: [&[u8]; 4] =
        [b"kind: Secret", b"\"kind\":\"Secret\"", b"\"kind\": \"Secret\"", b"\"resource\":\"secrets\""];
    matches!(scan.format, Format::Json | Format::Plain)
        && MARKS.iter().any(|mark| memchr::memmem::find(scan.text, mark).is_some())
}

/// Where the whole of a match stands: without the byte behind it that an expression may take to see where
/// the value ends, and with the rest of a URL.
pub(super) fn extent(text: &[u8], whole: &Range<usize>, secret: &Range<usize>) -> Range<usize> {
    let part = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'<' | b'>' | b',' | b';' | b'&' | b')');
    let last = prior(text, whole.end);
    let end = whole.end - usize::from(secret.end < whole.end && !part(last));
    let url = text.get(whole.clone()).is_some_and(|whole| memchr::memmem::find(whole, b"://").is_some());
    whole.start..if url && end == whole.end { forward(text, end, AROUND, part) } else { end }
}

/// Whether a value stands in running or program text, and is not the value of a name nor alone in its
/// cell, string or line.
pub(super) fn prose(text: &[u8], range: &Range<usize>, format: Format) -> bool {
    let space = |b: u8| matches!(b, b' ' | b'\t') || format != Format::Plain && matches!(b, b'\r' | b'\n');
    let start = backward(text, range.start, 64, space);
    let end = forward(text, range.end, 64, space);
    let (left, right) = (prior(text, start), at(text, end));
    let quoted = start == range.start && end == range.end && quote(left) && left == right;
    match format {
        Format::Csv | Format::Form | Format::Sql => false,
        Format::Json if left == b'"' && right == b'\\' && at(text, end + 1) == b'"' => !packed(text, start - 2),
        Format::Json => !(quoted && left == b'"' && prior(text, start - 1) != b'\\'),
        Format::Script => !(quoted && member(text, start - 1)) || commented(text, start),
        Format::Html | Format::Xml if quoted && member(text, start - 1) => false,
        Format::Html | Format::Xml if quoted => {
            let name = backward(text, start - 1, AROUND, |b| b == b'=' || b == b' ');
            let first = backward(text, name, AROUND, |b| b.is_ascii_alphanumeric() || b == b'-');
            format == Format::Html && !text.get(first..name).is_some_and(|name| name.eq_ignore_ascii_case(b"value"))
        }
        // A line of a vCard in an element.
        Format::Xml if left == b':' && matches!(at(text, range.end), b'\r' | b'\n') => false,
        Format::Html | Format::Xml => !(matches!(left, b'>' | b':') && right == b'<') || in_words(text, start),
        Format::Plain if left == b'<' && right == b'>' && prior(text, start - 1) == b' ' => true,
        Format::Plain if commented(text, start) => true,
        Format::Plain => !(named_or_alone(text, start..end, range) || logged(text, range.start)),
    }
}

/// Whether the string of JSON around an offset is itself JSON, and data as such.
fn packed(text: &[u8], offset: usize) -> bool {
    let mut end = offset;
    for _ in 0..PACKED {
        let start = backward(text, end, PACKED, |b| b != b'"');
        let Some(mark) = start.checked_sub(1) else { return false };
        if prior(text, mark) != b'\\' {
            let first = forward(text, start, 8, |b| b.is_ascii_whitespace());
            return matches!(at(text, first), b'{' | b'[');
        }
        end = mark;
    }
    false
}

/// Whether a string that begins at an offset is the value of a member: `{mail: "x"}`.
fn member(text: &[u8], offset: usize) -> bool {
    let end = backward(text, offset, 8, |b| b.is_ascii_whitespace());
    prior(text, end) == b':'
}

/// Whether the tag before `offset` opens a link or a piece of program text.
fn in_words(text: &[u8], offset: usize) -> bool {
    const TAGS: &[&[u8]] = &[b"a", b"code", b"em", b"i", b"kbd", b"pre", b"samp", b"tt", b"var"];
    let tag = backward(text, offset, AROUND, |b| b != b'<');
    let end = forward(text, tag, 8, |b| b.is_ascii_alphanumeric());
    let name = text.get(tag..end).unwrap_or_default();
    prior(text, tag) == b'<' && TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag))
}

/// Whether the line is a comment.
fn commented(text: &[u8], offset: usize) -> bool {
    let start = backward(text, offset, AROUND, |b| b != b'\n');
    let line = text.get(start..offset).unwrap_or_default().trim_ascii_start();
    [b"#".as_slice(), b"//", b"* ", b"-- "].iter().any(|mark| line.starts_with(mark))
}

/// Whether a value, with the blanks around it in `outer`, fills its line, its column or the place of a
/// named value.
fn named_or_alone(text: &[u8], outer: Range<usize>, own: &Range<usize>) -> bool {
    let (left, right) = (prior(text, outer.start), at(text, outer.end));
    let line = |b: u8| matches!(b, 0 | b'\r' | b'\n' | b'\t' | b'|' | b'&');
    // A sentence has a blank after its commas.
    let column = |b: u8| matches!(b, b',' | b';');
    let opened = line(left) || column(left) && outer.start == own.start;
    let closed = line(right) || column(right) && !at(text, outer.end + 1).is_ascii_whitespace();
    let quoted = quote(left) && left == right;
    let arrow = left == b'>' && prior(text, outer.start - 1) == b'=';
    let named =
        matches!(left, b':' | b'=') || arrow || quoted && matches!(prior(text, outer.start - 1), b':' | b'=' | b' ');
    (named && (quoted || line(right) || column(right) || right == b'}')) || (opened && closed)
}

/// Whether the line says a time of day: a log tells of somebody.
fn logged(text: &[u8], offset: usize) -> bool {
    let start = backward(text, offset, AROUND, |b| b != b'\n');
    let line = text.get(start..offset).unwrap_or_default();
    line.windows(8).any(|window| {
        window.iter().enumerate().all(|(n, b)| if n == 2 || n == 5 { *b == b':' } else { b.is_ascii_digit() })
    })
}

/// Whether the words before a value call it an example. `example.com` is a name.
pub(super) fn example(text: &[u8], offset: usize, format: Format) -> bool {
    const WORD: &[u8] = b"example";
    if !matches!(format, Format::Html | Format::Plain | Format::Script | Format::Xml) {
        return false;
    }
    let from = offset.saturating_sub(EXAMPLE);
    let before = text.get(from..offset).unwrap_or_default();
    let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@' | b'/');
    before.windows(WORD.len()).enumerate().any(|(n, window)| {
        let (first, last) = (from + n, from + n + WORD.len());
        let last = last + usize::from(matches!(at(text, last), b's' | b'S'));
        let closed = !part(at(text, last)) || at(text, last) == b'.' && !part(at(text, last + 1));
        window.eq_ignore_ascii_case(WORD) && !part(prior(text, first)) && closed
    })
}

/// Whether a path of JSON leads through the examples of a description: OpenAPI and JSON Schema keep
/// them under these names, too.
pub(in crate::rules) fn example_path(path: &str) -> bool {
    path.split('.').any(|part| {
        matches!(part.trim_end_matches("[]").trim_start_matches("x-"), "example" | "examples" | "Example" | "Examples")
    })
}

/// Whether a number is one of a series, as the path of a drawing is: `2 0 0 1 21.763.258Z`.
pub(super) fn in_series(text: &[u8], start: usize) -> bool {
    let number = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-');
    let mut from = start;
    for _ in 0..2 {
        let end = backward(text, from, 2, |b| matches!(b, b' ' | b','));
        let first = backward(text, end, 16, number);
        if end == from || first == end {
            return false;
        }
        from = first;
    }
    true
}

/// The host of a URL.
pub(super) fn host(url: &[u8]) -> Option<&str> {
    let after = url.get(memchr::memrchr(b'@', url)? + 1..)?;
    let end =
        after.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))).unwrap_or(after.len());
    std::str::from_utf8(after.get(..end)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(text: &str, value: &str, format: Format) -> bool {
        let start = text.find(value).unwrap();
        prose(text.as_bytes(), &(start..start + value.len()), format)
    }

    #[test]
    fn a_value_of_a_name_is_no_prose() {
        for (text, format) in [
            (r#"{"mail": "a@b.c"}"#, Format::Json),
            (r#"{"body": "{\"x\":1,\"mail\":\"a@b.c\"}"}"#, Format::Json),
            ("<td> a@b.c </td>", Format::Html),
            ("<p>E-mail: a@b.c</p>", Format::Html),
            (r#"<input name="m" value="a@b.c">"#, Format::Html),
            (r#"<user mail="a@b.c"/>"#, Format::Xml),
            ("var user = {mail: 'a@b.c'};", Format::Script),
            (r#"<script>var user = {"mail":"a@b.c"}</script>"#, Format::Html),
            ("mail: a@b.c\n", Format::Plain),
            ("MAIL='a@b.c'\n", Format::Plain),
            ("1,a@b.c,x\n", Format::Plain),
            ("a@b.c\n", Format::Plain),
            ("12:01:07 login of a@b.c failed", Format::Plain),
        ] {
            assert!(!running(text, "a@b.c", format), "{text}");
        }
    }

    #[test]
    fn a_url_is_looked_at_to_its_end() {
        let text = b"URL=ftp://u:p@h/in/\nx";
        assert_eq!(extent(text, &(4..16), &(12..13)), 4..19);
        assert_eq!(extent(b"URL=ftp://u:p@h\nx", &(4..16), &(12..13)), 4..15);
    }

    #[test]
    fn authors_and_descriptions_are_prose() {
        for (text, format) in [
            (r#"{"doc": "such as a@b.c."}"#, Format::Json),
            (r#"{"doc": "use {\"a\": \"a@b.c\"}"}"#, Format::Json),
            (r#"<a href="mailto:a@b.c">write</a>"#, Format::Html),
            ("<a href='x'>a@b.c</a>", Format::Html),
            ("/* Bob <a@b.c> */", Format::Script),
            ("<!-- by Bob <a@b.c> -->", Format::Xml),
            ("Bob <a@b.c>\n", Format::Plain),
            ("write to a@b.c, please", Format::Plain),
            ("the list,\na@b.c, or", Format::Plain),
            ("# mail: a@b.c\n", Format::Plain),
            (" * mail('a@b.c')", Format::Script),
            ("var author='a@b.c';", Format::Script),
            ("<p>Such as <code>a@b.c</code></p>", Format::Html),
            (r#"{"doc": "such as `a@b.c`."}"#, Format::Json),
        ] {
            assert!(running(text, "a@b.c", format), "{text}");
        }
    }

    #[test]
    fn an_example_says_that_it_is_one() {
        for text in ["<div class=\"example\"><pre>", "For example:\n\n  ", "EXAMPLES: |\n  ", "An example. "] {
            assert!(example(text.as_bytes(), text.len(), Format::Html), "{text}");
        }
        for text in ["host=db.example.com ", "bob@example ", "/example/ ", "counterexample ", "example-app: "] {
            assert!(!example(text.as_bytes(), text.len(), Format::Plain), "{text}");
        }
        assert!(example_path("paths.x-examples[].value") && !example_path("sample.exampled"));
    }

    #[test]
    fn a_drawing_is_a_series_of_numbers() {
        assert!(in_series(b"c1 0 0 21.7", 7) && !in_series(b"no 7 21.7", 5) && !in_series(b"21.7", 0));
    }
}
