//! From a name forward to its value: `"name": "value"`, `name=value`, `<name>value</name>`,
//! `Name: value`. Looks at a bounded number of bytes after the name.

use std::ops::Range;

use super::bytes::{at, backward, blank, forward, identifier, name_end, name_start, prior, quote};
use super::{apart, caption, setting};
use crate::model::event::Format;
use crate::rules::schema::Place;

/// A name with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// Where the name stands.
    pub(super) name: Range<usize>,
    /// Where the value stands, without its quotes.
    pub(super) value: Range<usize>,
    /// What kind of name it is.
    pub(super) place: Place,
    /// The value stood in quotes, or alone in its element or on its line.
    pub(super) delimited: bool,
}

/// Longest value that is looked at.
const LONGEST: usize = 4096;

/// The value of the name that the bytes `hit` are part of.
pub(super) fn value(text: &[u8], hit: Range<usize>, format: Format) -> Option<Pair> {
    let part = |b: u8| identifier(b) || matches!(b, b'[' | b']' | b'.' | b'%');
    // What leads to a name may have its quotes or its separator: `"pass"`, `&pass=`.
    let own = text.get(hit.clone())?;
    let first = hit.start + own.iter().position(|b| part(*b))?;
    let hit = first..hit.start + own.iter().rposition(|b| part(*b))? + 1;
    let name_end = name_end(text, hit.end, |b| identifier(b) || matches!(b, b'[' | b']'));
    let wide = wide_sign(text, hit.end..name_end);
    let name_end = wide.map_or(name_end, |wide| before_verb(text, hit.end..wide));
    let start = name_start(text, hit.start, part);
    // Words of a label belong to the name.
    let name = if format == Format::Plain || format == Format::Html {
        backward(text, hit.start, 48, |b| part(b) || b == b' ')..name_end
    } else {
        start..name_end
    };
    if let Some(wide) = wide {
        return assigned(text, name, wide + WIDE.len(), format, false, b':');
    }
    let mut next = name_end;
    let escapes = backslashes(text, next);
    if quote(at(text, next + escapes)) {
        next += escapes;
    }
    let mark = at(text, next);
    let quoted = quote(mark);
    if quoted {
        next += 1;
    }
    // `$config['password'] = 'x'`
    next += usize::from(quoted && at(text, next) == b']');
    let mut gap = forward(text, next, 8, blank);
    if matches!(format, Format::Plain | Format::Html) && gap > next {
        gap = over_verb(text, gap);
    }
    match at(text, gap) {
        b':' if at(text, gap + 1) == b':' => None,
        b':' => assigned(text, name, gap + 1, format, quoted, b':'),
        b'=' if at(text, gap + 1) == b'=' => None,
        b'=' if at(text, gap + 1) == b'>' => assigned(text, name, gap + 2, format, quoted, b'='),
        b'=' => assigned(text, name, gap + 1, format, quoted, b'='),
        b'>' if !quoted && matches!(format, Format::Xml | Format::Plain) => {
            let own =
                || matches!(prior(text, start), b'<' | b':').then(|| apart::of_element(text, start..name_end, start));
            inside(text, start..name_end, gap + 1).or_else(|| own()?)
        }
        b';' if quoted => serialized(text, start..name_end, gap + 1),
        b'.' if gap > next && format == Format::Plain => {
            let end = setting::leader(text, gap)?;
            assigned(text, name, end, format, false, b':')
        }
        b';' if format == Format::Plain => setting::second(text, start..name_end, gap),
        b'(' if !quoted && format == Format::Plain => setting::handed(text, start..name_end, gap),
        b'<' if matches!(format, Format::Html | Format::Plain) => cell(text, name, gap, false),
        b'<' if !quoted && format == Format::Xml => apart::element(text, start..name_end),
        // `<password type="text">value</password>`, `<password value="x"/>`
        letter if gap > next && letter.is_ascii_alphabetic() && matches!(prior(text, start), b'<' | b':') => {
            if format == Format::Html { None } else { apart::of_element(text, start..name_end, start) }
        }
        _ if quoted => apart::quoted(text, start..name_end, format),
        // XML in a string of JSON.
        b'>' if format == Format::Json && prior(text, start) == b'<' => inside(text, start..name_end, gap + 1),
        b'<' if !quoted && format == Format::Json => apart::element(text, start..name_end),
        // JSON in an attribute of a page, or in XML.
        b'&' if !quoted && matches!(format, Format::Html | Format::Xml) => in_references(text, start..name_end),
        b'\r' | b'\n' if format == Format::Plain => apart::lines(text, start..name_end),
        _ if gap > next && format == Format::Plain => setting::value(text, start..name_end, gap),
        // `<input type=password value=x>`
        _ if prior(text, start) == b'=' && matches!(format, Format::Html | Format::Xml) => {
            apart::tag(text, start..name_end, format)
        }
        _ => None,
    }
}

/// The value after a key as PHP serializes them: `s:3:"pin";s:4:"0815";`, `s:3:"pin";i:815;`.
fn serialized(text: &[u8], name: Range<usize>, from: usize) -> Option<Pair> {
    let pair = |value| Some(Pair { name: name.clone(), value, place: Place::Json, delimited: true });
    match text.get(from..from + 2)? {
        b"s:" => {
            let colon = forward(text, from + 2, 8, |b| b.is_ascii_digit());
            let length: usize = std::str::from_utf8(text.get(from + 2..colon)?).ok()?.parse().ok()?;
            let escapes = backslashes(text, colon + 1);
            let start = colon + 2 + escapes;
            let end = start + length.min(LONGEST);
            let whole = at(text, start - 1) == b'"' && at(text, end + escapes) == b'"';
            if whole && length > 0 { pair(start..end) } else { None }
        }
        b"i:" | b"d:" => {
            let end = forward(text, from + 2, 24, |b| b.is_ascii_digit() || b == b'.');
            if at(text, end) == b';' { pair(from + 2..end) } else { None }
        }
        _ => None,
    }
}

/// A sign of East Asian text.
const WIDE: &[u8] = "：".as_bytes();

/// Where in a part of a text the colon or equals sign of East Asian text stands.
fn wide_sign(text: &[u8], part: Range<usize>) -> Option<usize> {
    let found = text.get(part.clone())?.windows(WIDE.len()).position(|w| w == WIDE || w == "＝".as_bytes())?;
    Some(part.start + found)
}

/// What stands before the first comma or full stop of East Asian text: `密码：x，用户名：y。`.
fn before_wide(value: &[u8]) -> &[u8] {
    let stops = ["，", "。", "；", "、"];
    let end = value.windows(WIDE.len()).position(|sign| stops.iter().any(|stop| stop.as_bytes() == sign));
    value.get(..end.unwrap_or(value.len())).unwrap_or(value)
}

/// Where what is left of a name ends without the verb that stands before the sign: `密码是：x`.
fn before_verb(text: &[u8], rest: Range<usize>) -> usize {
    let letters = text.get(rest.clone()).unwrap_or_default();
    let verb = ["是", "为", "為", "は"].iter().find(|verb| letters.ends_with(verb.as_bytes()));
    rest.end - verb.map_or(0, |verb| verb.len())
}

/// `&quot;name&quot;:&quot;value&quot;`, after the name.
fn in_references(text: &[u8], name: Range<usize>) -> Option<Pair> {
    const MARK: &[u8] = b"&quot;";
    let mark = |from: usize| text.get(from..).filter(|rest| rest.starts_with(MARK)).map(|_| from + MARK.len());
    let colon = forward(text, mark(name.end)?, 4, blank);
    let start = mark(forward(text, colon + 1, 4, blank)).filter(|_| at(text, colon) == b':')?;
    let rest = text.get(start..)?;
    let end = start + memchr::memmem::find(rest.get(..LONGEST).unwrap_or(rest), MARK)?;
    Some(Pair { name, value: start..end, place: Place::Json, delimited: true })
}

/// Whether the quotation mark after a name closes the string that the name stands in: `t("Password:")`.
fn closes(text: &[u8], name: usize, mark: u8) -> bool {
    let first = backward(text, name, 48, |b| b.is_ascii_alphabetic() || b == b' ');
    prior(text, first) == mark && at(text, first) != b' '
}

/// `password is: x`: the offset after the verb, if a separator follows it.
fn over_verb(text: &[u8], from: usize) -> usize {
    let end = forward(text, from, 8, |b| b.is_ascii_alphabetic() || b >= 0x80);
    let word = text.get(from..end).unwrap_or_default();
    let verbs = ["is", "was", "ist", "lautet", "est", "es", "é", "jest", "now"];
    let next = forward(text, end, 2, blank);
    let verb = verbs.iter().any(|v| word.eq_ignore_ascii_case(v.as_bytes()));
    if verb && at(text, next) == b':' { next } else { from }
}

/// `name = value` from after the separator.
pub(super) fn assigned(
    text: &[u8],
    name: Range<usize>,
    from: usize,
    format: Format,
    quoted: bool,
    separator: u8,
) -> Option<Pair> {
    let from = forward(text, from, if format == Format::Plain { WIDEST } else { 8 }, blank);
    let escapes = backslashes(text, from);
    let escapes = if quote(at(text, from + escapes)) { escapes } else { 0 };
    let from = from + escapes;
    let mark = at(text, from);
    let place = if quoted { Place::Json } else { place(text, &name, format) };
    if let Some(inside) = text.get(from..).and_then(|rest| rest.strip_prefix(b"\"\"\"".as_slice())) {
        let start = from + 3;
        let end = start + memchr::memmem::find(inside.get(..LONGEST).unwrap_or(inside), b"\"\"\"")?;
        return (end > start).then_some(Pair { name, value: start..end, place, delimited: true });
    }
    if quote(mark) {
        let start = from + 1;
        if !quoted && closes(text, name.start, mark) {
            return None;
        }
        let end = string_end(text, start, mark, escapes)?;
        return Some(Pair { name, value: start..end, place, delimited: true });
    }
    if mark == b'<' && separator == b':' && format == Format::Html && !quoted {
        return cell(text, name, from, true);
    }
    if mark == b'{' && quoted && format == Format::Json {
        return member(text, name, from);
    }
    // `{'password': ['x']}`, as frameworks log a form.
    if mark == b'[' && quoted && format == Format::Plain && quote(at(text, from + 1)) {
        let end = string_end(text, from + 2, at(text, from + 1), 0)?;
        return (at(text, end + 1) == b']').then_some(Pair { name, value: from + 2..end, place, delimited: true });
    }
    if matches!(mark, b'{' | b'[' | b'(' | b'<') && (quoted || format != Format::Form) {
        return None;
    }
    let pair = |end: usize, delimited| Some(Pair { name: name.clone(), value: from..end, place, delimited });
    match format {
        // A parameter of a link.
        Format::Html if separator == b'=' && in_link(text, name.start) => {
            pair(forward(text, from, LONGEST, |b| b.is_ascii_alphanumeric() || b"-_.~%+/=".contains(&b)), true)
        }
        // `<br>Password: x<br>`
        Format::Html if separator == b':' => {
            let first = text.get(name.clone())?.iter().position(|b| *b != b' ').map_or(name.end, |n| name.start + n);
            let end = forward(text, from, LONGEST, |b| b.is_ascii_graphic() && b != b'<');
            let close = forward(text, end, 4, |b| b.is_ascii_whitespace());
            let before = backward(text, first, 16, |b| b.is_ascii_whitespace());
            if prior(text, before) == b'>' && at(text, close) == b'<' { pair(end, true) } else { None }
        }
        Format::Script | Format::Html | Format::Sql => None,
        Format::Json if quoted => {
            let end = forward(text, from, LONGEST, |b| !matches!(b, b',' | b'}' | b']' | b'\r' | b'\n' | b' ' | b'"'));
            pair(end, true)
        }
        Format::Form => pair(forward(text, from, LONGEST, |b| !matches!(b, b'&' | b'\r' | b'\n' | b' ')), true),
        _ if starts_line(text, &name) && !(separator == b'=' && has_more(text, from)) => {
            let end = forward(text, from, LONGEST, |b| !matches!(b, b'\r' | b'\n' | 0));
            let line = text.get(from..end)?;
            let comment =
                memchr::memmem::find(line, b" #").or_else(|| memchr::memmem::find(line, b" //")).unwrap_or(line.len());
            let line = before_wide(line.get(..comment)?);
            pair(from + line.trim_ascii_end().len(), true)
        }
        _ => {
            let stop = |b: u8| {
                b.is_ascii_whitespace()
                    // An escape in a string of JSON: the end of a line of what it holds.
                    || b == b'\\' && format == Format::Json
                    || matches!(
                        b,
                        b',' | b';' | b'&' | b'|' | b'"' | b'\'' | b'`' | b'<' | b'>' | b')' | b']' | b'}' | 0
                    )
            };
            let end = forward(text, from, LONGEST, |b| !stop(b));
            let end = from + before_wide(text.get(from..end)?).len();
            // `pam_unix(passwd:chauthtok)`
            let module = at(text, end) == b')'
                && (prior(text, name.start) == b'(' || text.get(name.clone()).is_some_and(|name| name.contains(&b'(')));
            if separator == b':' && format == Format::Plain && (module || goes_on(text, from..end)) {
                None
            } else if separator == b'='
                && at(text, end) == b' '
                && let Some(end) = setting::listed(text, name.start, end)
            {
                pair(end, true)
            } else {
                // `["DB_PASSWORD=x", …]`
                let mark = prior(text, name.start);
                pair(end, separator == b'=' && mark == b'"' && mark == at(text, end))
            }
        }
    }
    .filter(|pair| !pair.value.is_empty())
}

/// Whether a name begins behind the `?` or `&` of a URL.
fn in_link(text: &[u8], start: usize) -> bool {
    let name = backward(text, start, 32, identifier);
    let before = text.get(name.saturating_sub(5)..name).unwrap_or_default();
    let url = || backward(text, name, 200, |b| b.is_ascii_graphic() && !quote(b) && b != b'<' && b != b'>');
    (before.ends_with(b"?") || before.ends_with(b"&") || before.ends_with(b"&amp;"))
        && text.get(url()..name).is_some_and(|url| url.starts_with(b"http") || url.starts_with(b"/"))
}

/// `"name": {"value": "x"}`: a member of the object says no more than that it is the value.
fn member(text: &[u8], name: Range<usize>, open: usize) -> Option<Pair> {
    const SAME: &[&[u8]] = &[
        b"\"value\"",
        b"\"plain\"",
        b"\"plaintext\"",
        b"\"key\"",
        b"\"_text\"",
        b"\"_content\"",
        b"\"$t\"",
        b"\"$\"",
        b"\"#text\"",
        b"\"first\"",
        b"\"number\"",
    ];
    let end = forward(text, open + 1, OBJECT, |b| !matches!(b, b'{' | b'}' | b'['));
    let inside = text.get(open..end)?;
    let lower = inside.to_ascii_lowercase();
    let key = SAME.iter().find_map(|key| memchr::memmem::find(&lower, key).map(|n| open + n + key.len()))?;
    let colon = forward(text, key, 4, blank);
    let from = forward(text, colon + 1, 4, blank);
    if at(text, colon) != b':' || at(text, from) != b'"' {
        return None;
    }
    let end = string_end(text, from + 1, b'"', 0)?;
    Some(Pair { name, value: from + 1..end, place: Place::Json, delimited: true })
}

/// Blanks before a value in a column of its own.
const WIDEST: usize = 48;

/// Bytes of an object that are looked at for its value.
const OBJECT: usize = 240;

/// Whether a word and what follows it are running text: `password: too short`, not `password: hunter2, user: bob`.
fn goes_on(text: &[u8], word: Range<usize>) -> bool {
    let letters = |range: Range<usize>| {
        !range.is_empty() && text.get(range).is_some_and(|word| word.iter().all(u8::is_ascii_lowercase))
    };
    let next = word.end + 1;
    let end = forward(text, next, 24, |b| b.is_ascii_lowercase());
    let closed = matches!(at(text, end), b' ' | b'.' | b',' | b'!' | b'\r' | b'\n' | 0);
    at(text, word.end) == b' ' && closed && letters(word) && letters(next..end)
}

/// Whether another `name=` follows on the line: `user=alice password=x host=y`, `a=1&b=2`.
fn has_more(text: &[u8], from: usize) -> bool {
    let end = forward(text, from, LONGEST, |b| !matches!(b, b'\r' | b'\n'));
    let line = text.get(from..end).unwrap_or_default();
    line.iter().enumerate().any(|(n, b)| {
        *b == b'=' && {
            let first = backward(line, n, 32, |b| b.is_ascii_alphanumeric() || b == b'_');
            first < n && first > 0 && matches!(at(line, first - 1), b' ' | b'&' | b';' | b',')
        }
    })
}

/// Whether a name of one word has nothing but white space, a dash, `export` or `set` before it on its
/// line: then the rest of the line is its value.
pub(super) fn starts_line(text: &[u8], name: &Range<usize>) -> bool {
    let words = text.get(name.clone()).unwrap_or_default();
    let own = words.iter().rposition(|b| *b == b' ').map_or(0, |n| n + 1) + name.start;
    let line = backward(text, own, 64, |b| !matches!(b, b'\n' | b'\r'));
    let before = text.get(line..own).unwrap_or_default().trim_ascii();
    let before = before.strip_prefix(b"-").unwrap_or(before).trim_ascii();
    before.is_empty() || [b"export".as_slice(), b"set", b"ENV"].contains(&before)
}

fn place(text: &[u8], name: &Range<usize>, format: Format) -> Place {
    match (format, prior(text, name.start)) {
        (Format::Form, _) | (_, b'&' | b'?') => Place::Form,
        (Format::Json, _) => Place::Json,
        (Format::Xml, _) => Place::Xml,
        _ => Place::Label,
    }
}

/// How many backslashes stand at an offset. JSON in JSON has one before a quote, JSON in that three.
pub(super) fn backslashes(text: &[u8], from: usize) -> usize {
    forward(text, from, 7, |b| b == b'\\') - from
}

/// Where a quoted string ends, whose first quote had so many backslashes before it. One that is not closed
/// has no value here: its end may come with the next piece.
pub(super) fn string_end(text: &[u8], start: usize, mark: u8, escapes: usize) -> Option<usize> {
    let mut run = 0;
    for (n, byte) in (start..).zip(text.get(start..)?.iter().take(LONGEST)) {
        match *byte {
            b'\\' => run += 1,
            byte if byte == mark && (run == escapes || escapes == 0 && run % 2 == 0) => return Some(n - escapes),
            b'\n' => return None,
            _ => run = 0,
        }
    }
    None
}

/// `<name>value</name>`.
fn inside(text: &[u8], name: Range<usize>, from: usize) -> Option<Pair> {
    if matches!(prior(text, name.start), b'<' | b':') { content(text, name, from) } else { None }
}

/// What is in the element whose tag ends before `from`: the value of a name that stands elsewhere.
pub(super) fn content(text: &[u8], name: Range<usize>, from: usize) -> Option<Pair> {
    if let Some(inside) = text.get(from..).and_then(|rest| rest.strip_prefix(b"<![CDATA[".as_slice())) {
        let start = from + 9;
        let longest = inside.get(..LONGEST).unwrap_or(inside);
        let value = start..start + memchr::memmem::find(longest, b"]]>")?;
        return (!value.is_empty()).then_some(Pair { name, value, place: Place::Xml, delimited: true });
    }
    let end = forward(text, from, LONGEST, |b| b != b'<');
    // Some writers of JSON put a backslash before a slash.
    let closed = at(text, end) == b'<' && matches!(at(text, end + 1), b'/' | b'!' | b'\\');
    (closed && end > from).then_some(Pair { name, value: from..end, place: Place::Xml, delimited: true })
}

/// `<td>Name</td><td>value</td>`, from the first tag. After the end of a word of running text
/// (`<code>passwd</code> may be …`) only a colon leads to a value; `apart` when there was one.
pub(super) fn cell(text: &[u8], name: Range<usize>, from: usize, apart: bool) -> Option<Pair> {
    const WORDS: &[&[u8]] = &[b"a", b"code", b"em", b"i", b"kbd", b"samp", b"span", b"tt", b"var"];
    let tag = text.get(from..)?.strip_prefix(b"</".as_slice()).unwrap_or_default();
    let word = WORDS.iter().any(|word| tag.strip_prefix(*word).is_some_and(|rest| rest.starts_with(b">")));
    let mut from = from;
    let mut closing = apart;
    let mut colon = false;
    let mut cells = false;
    for _ in 0..6 {
        let next = forward(text, from, 64, |b| b.is_ascii_whitespace() || b == b':');
        colon |= text.get(from..next)?.contains(&b':');
        from = next;
        if at(text, from) != b'<' {
            break;
        }
        closing |= at(text, from + 1) == b'/';
        let close = forward(text, from, 256, |b| b != b'>');
        // A field to fill in is no value, but what is in it.
        let head = text.get(from..close)?.to_ascii_lowercase();
        if head.starts_with(b"<input") {
            return caption::value(text, name, from);
        }
        // `<span>Name</span> <span>value</span>`, and neither is a word of a sentence.
        cells |= tag.starts_with(b"span>") && head.starts_with(b"<span");
        cells |= [b"<td".as_slice(), b"<th", b"<dd", b"<div", b"<p"].iter().any(|t| head.starts_with(t));
        if at(text, close) != b'>'
            || [b"<select".as_slice(), b"<button", b"<form", b"<a ", b"<script"].iter().any(|t| head.starts_with(t))
        {
            return None;
        }
        from = close + 1;
    }
    let end = forward(text, from, 256, |b| b != b'<');
    let value = text.get(from..end)?.trim_ascii_end();
    let apart = !word || colon || cells;
    (apart && closing && !value.is_empty() && at(text, end) == b'<').then_some(Pair {
        name,
        value: from..from + value.len(),
        place: Place::Label,
        delimited: true,
    })
}

#[cfg(test)]
mod tests {
    use super::super::escapes;
    use super::*;

    fn of(text: &str, format: Format) -> Option<String> {
        let start = text.find("pass").unwrap();
        let pair = value(text.as_bytes(), start..start + 4, format)?;
        let value = escapes::decoded(&text.as_bytes()[pair.value], pair.place, format).into_owned();
        Some(String::from_utf8(value).unwrap())
    }

    #[test]
    fn a_name_finds_its_value() {
        for (text, format, expected) in [
            (r#"{"password": "hun\"ter2"}"#, Format::Json, Some("hun\"ter2")),
            (r#"a:2:{s:4:"pass";s:6:"a";b"c";s:1:"x";i:1;}"#, Format::Plain, Some("a\";b\"c")),
            (r#"a:1:{s:4:"pass";i:4711;}"#, Format::Plain, Some("4711")),
            (r#"a:1:{s:4:"pass";s:9:"a";}"#, Format::Plain, None),
            (r#"{"password":12345,"a":1}"#, Format::Json, Some("12345")),
            (r#"{\"password\":\"hunter2\"}"#, Format::Json, Some("hunter2")),
            (r#"{\\\"password\\\":\\\"hunter2\\\",\\\"a\\\":1}"#, Format::Json, Some("hunter2")),
            (r#"{"password":"hunter2\\"}"#, Format::Json, Some("hunter2\\")),
            (r#"{\"password\":\"hun\\\"ter2\"}"#, Format::Json, Some("hun\\\"ter2")),
            ("<input type=password name=x value=hunter2>", Format::Html, Some("hunter2")),
            ("<input type=password name=x>", Format::Html, None),
            ("<data>{&quot;password&quot;: &quot;a&amp;b&quot;}</data>", Format::Xml, Some("a&b")),
            ("<i data-x='{&quot;password&quot;:&quot;hunter2&quot;}'>", Format::Html, Some("hunter2")),
            ("<b>password&quot; is one</b>", Format::Html, None),
            (r#"{"x":"<a><password>hunter2<\/password></a>"}"#, Format::Json, Some("hunter2")),
            (r#"{"errors":{"password":["too short"]}}"#, Format::Json, None),
            ("user=a&password=hunter%202&x=1", Format::Form, Some("hunter 2")),
            ("<password>a&amp;b</password>", Format::Xml, Some("a&b")),
            ("<password><![CDATA[a<b]]></password>", Format::Xml, Some("a<b")),
            ("<add key=\"password\" value=\"hunter2\"/>", Format::Xml, Some("hunter2")),
            ("password = hunter 2 # mine\n", Format::Plain, Some("hunter 2")),
            ("user=a password=hunter2 host=b", Format::Plain, Some("hunter2")),
            ("my password: hunter2, thanks", Format::Plain, Some("hunter2")),
            ("<td>password</td><td>hunter2</td>", Format::Html, Some("hunter2")),
            ("<label>password</label><input type=password>", Format::Html, None),
            ("パスワードpassword：hunter2", Format::Plain, Some("hunter2")),
            ("password＝hunter2", Format::Plain, Some("hunter2")),
            ("用户：bob，password：hunter2。", Format::Plain, Some("hunter2")),
            ("if(password===x)", Format::Script, None),
            ("{password:e.value}", Format::Script, None),
            (r#"{"\u015fpassword\u0131":"hunter2"}"#, Format::Json, Some("hunter2")),
            (r#"{"password": {"temporary": false, "value": "hunter2"}}"#, Format::Json, Some("hunter2")),
            (r#"{"password": {"type": "string"}, "value": "hunter2"}"#, Format::Json, None),
            ("Your password: <b>hunter2</b><br>", Format::Html, Some("hunter2")),
            ("<dict><key>password</key><string>a&amp;b</string></dict>", Format::Xml, Some("a&b")),
            (
                "<member><name>password</name><value><string>hunter2</string></value></member>",
                Format::Xml,
                Some("hunter2"),
            ),
            ("密码password是：hunter2\n", Format::Plain, Some("hunter2")),
            (r#"[{"op":"replace","path":"/password","value":"hunter2"}]"#, Format::Json, Some("hunter2")),
            (r#"{"user_data":"a: b\npassword: hunter2\nc: d"}"#, Format::Json, Some("hunter2")),
            ("<input name=pass type=text value=\"hunter2\">", Format::Html, Some("hunter2")),
            ("$cfg['smtp_pass'] = 'hunter2';", Format::Plain, Some("hunter2")),
            ("<entry key=\"password\">hunter2</entry>", Format::Xml, Some("hunter2")),
            ("- name: db_pass\n  value: \"hunter2\"\n", Format::Plain, Some("hunter2")),
            ("- pass\n  value: 7\n", Format::Plain, None),
            ("invalid password: too short", Format::Plain, None),
            ("a password: hunter please", Format::Plain, None),
            ("the password: hunter, user: bob", Format::Plain, Some("hunter")),
        ] {
            assert_eq!(of(text, format).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_leads_to_a_name_may_be_more_than_a_part_of_it() {
        let of = |text: &str, lead: &str| {
            let start = text.find(lead).unwrap();
            let pair = value(text.as_bytes(), start..start + lead.len(), Format::Plain)?;
            Some((text[pair.value].to_owned(), pair.place))
        };
        assert_eq!(of(r#"x{"pass": "x7"}"#, "\"pass\""), Some(("x7".to_owned(), Place::Json)));
        assert_eq!(of("/a?user=bob&pass=x7&b=1", "&pass="), Some(("x7".to_owned(), Place::Form)));
        assert_eq!(of("a\npass: x7\n", "\npass:"), Some(("x7".to_owned(), Place::Label)));
    }

    #[test]
    fn pages_have_links_with_parameters() {
        let of = |text: &str| {
            let start = text.find("passwd").unwrap();
            value(text.as_bytes(), start..start + 6, Format::Html).map(|pair| text[pair.value].to_owned())
        };
        assert_eq!(of("<a href=\"https://a.b/c?x=1&amp;passwd=x7&amp;y=2\">").as_deref(), Some("x7"));
        assert_eq!(of("<a href='/c?passwd=x7'>").as_deref(), Some("x7"));
        assert_eq!(of("<p>use passwd=x7</p>"), None);
        assert_eq!(of("<p>User: a<br>FTP passwd: x7<br></p>").as_deref(), Some("x7"));
        assert_eq!(of("<p>Your passwd: must be long</p>"), None);
        assert_eq!(of("<p>Your passwd is: <b>x7</b></p>").as_deref(), Some("x7"));
    }

    #[test]
    fn running_text_after_a_word_is_no_value() {
        let of = |text: &str, format| {
            let start = text.find("asswd").unwrap();
            value(text.as_bytes(), start..start + 5, format).map(|pair| text[pair.value].to_owned())
        };
        assert_eq!(of("<code>passwd</code> may be used<br>", Format::Html), None);
        assert_eq!(of("<code>passwd</code>: may<br>", Format::Html).as_deref(), Some("may"));
        assert_eq!(of("<td><code>passwd</code></td><td>may</td>", Format::Html).as_deref(), Some("may"));
        assert_eq!(of(r#"t("Enter passwd:"),e("x")"#, Format::Script), None);
        assert_eq!(of(r#"{name:"x",passwd:"y"}"#, Format::Script).as_deref(), Some("y"));
    }

    #[test]
    fn what_is_cut_off_has_no_value_yet() {
        assert_eq!(of(r#"{"password":"hunt"#, Format::Json), None);
        assert_eq!(of("<password>hunt", Format::Xml), None);
        assert_eq!(of("<password><![CDATA[hunt", Format::Xml), None);
    }
}
