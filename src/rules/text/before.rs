//! From a value back to its name: the JSON key, the form key, the element, the label before it.
//! Looks at a bounded number of bytes right before the value, so text may begin and end anywhere.

use std::ops::Range;

use super::apart;
use super::bytes::{at, backward, blank, forward, identifier, prior, quote};
use crate::model::event::Format;
use crate::rules::names::Reading;
use crate::rules::schema::Place;

/// The name of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Near {
    /// Where it stands.
    pub(super) name: Range<usize>,
    /// What kind of name it is.
    pub(super) place: Place,
    /// How it is to be read.
    pub(super) reading: Reading,
}

/// Bytes of a label that are looked at.
const LABEL: usize = 72;

/// Bytes of an array or object that are looked at for the key it belongs to.
const STRUCTURE: usize = 400;

/// Bytes of an object that are looked at, before a key and after it, for what kind its value is of.
const KIND: usize = 240;

/// The name of the value that starts at `start`.
pub(super) fn name(text: &[u8], start: usize, format: Format) -> Option<Near> {
    let mut from = start;
    if quote(prior(text, from)) {
        from -= 1;
        from = backward(text, from, 3, |b| b == b'\\');
    }
    from = backward(text, from, 64, |b| blank(b) || (format == Format::Html && matches!(b, b'\r' | b'\n')));
    if let Some(near) = serialized(text, from) {
        return Some(near);
    }
    match prior(text, from) {
        b'>' if from >= 2 && at(text, from - 2) == b'=' => key(text, from - 2),
        b'>' => element(text, from - 1, start, format),
        b':' => key(text, from - 1),
        b'=' => attribute(text, from - 1).or_else(|| labelled(text, from - 1)).or_else(|| key(text, from - 1)),
        b',' | b'[' if matches!(format, Format::Json | Format::Script) => array(text, from),
        b',' | b'(' if format == Format::Sql => argument(text, from),
        b';' if format == Format::Plain => first_cell(text, from - 1),
        _ => label(text, from),
    }
}

/// The first cell of a line, before the sign at `end`: `ssn;x`.
fn first_cell(text: &[u8], end: usize) -> Option<Near> {
    let near = label(text, end)?;
    matches!(prior(text, near.name.start), b'\r' | b'\n' | 0).then_some(near)
}

/// The name that the events of ArcSight (CEF) give a custom field, before its value: `cs1Label=ssn cs1=…`.
fn labelled(text: &[u8], end: usize) -> Option<Near> {
    let first = backward(text, end, 32, |b| b.is_ascii_alphanumeric());
    let own = text.get(first..end).filter(|own| own.last().is_some_and(u8::is_ascii_digit))?;
    let from = first.saturating_sub(STRUCTURE);
    let label = [own, b"Label="].concat();
    let name = from + memchr::memmem::rfind(text.get(from..first)?, &label)? + label.len();
    let last = super::bytes::forward(text, name, LABEL, |b| !matches!(b, b'=' | b'|' | b'\n'));
    // The next key ends the label.
    let last = if at(text, last) == b'=' { backward(text, last, 64, |b| b != b' ') } else { last };
    Some(Near { name: name..last, place: Place::Label, reading: Reading::Key })
}

/// The key that ends before a separator.
fn key(text: &[u8], separator: usize) -> Option<Near> {
    let end = backward(text, separator, 8, blank);
    let mark = prior(text, end);
    if quote(mark) {
        let last = backward(text, end - 1, 3, |b| b == b'\\');
        let first = backward(text, last, 160, |b| b != mark && b != b'\n');
        let near = Near { name: first..last, place: Place::Json, reading: Reading::Key };
        let own = text.get(first..last)?;
        let silent = says_nothing(own);
        let near = if silent { siblings(text, first, last) } else { near };
        return Some(match kind(text, first, own) {
            // What it says counts first if it stands behind.
            Some(kind) => {
                let name = near.name.start.min(kind.start)..near.name.end.max(kind.end);
                Near { name, place: Place::Json, reading: Reading::Label }
            }
            None => near,
        });
    }
    let first = backward(text, end, 64, |b| identifier(b) || matches!(b, b'.' | b'[' | b']' | b'%' | b'/' | b'@'));
    if first == end {
        return label(text, end);
    }
    match prior(text, first) {
        b'&' | b'?' => Some(Near { name: first..end, place: Place::Form, reading: Reading::Key }),
        // `Card number: 4111…`: the words before belong to it.
        b' ' if at(text, separator) == b':' => label(text, end),
        _ => Some(Near { name: first..end, place: Place::Label, reading: Reading::Key }),
    }
    .filter(|near| !near.name.is_empty())
}

/// The name of a string as PHP serializes it, from before its quotation mark: `s:3:"ssn";s:11:`.
fn serialized(text: &[u8], end: usize) -> Option<Near> {
    let colon = end.checked_sub(1).filter(|n| at(text, *n) == b':')?;
    let digits = backward(text, colon, 8, |b| b.is_ascii_digit());
    let last = digits
        .checked_sub(5)
        .filter(|n| text.get(*n..digits) == Some(br#"";s:"#) || text.get(n + 1..digits) == Some(br#"";s:"#))?;
    let last = last + usize::from(at(text, last) != b'"');
    let first = backward(text, last, 80, |b| !quote(b) && b != b'\n');
    Some(Near { name: first..last, place: Place::Json, reading: Reading::Key })
}

/// Keys and elements that say nothing of their value.
fn says_nothing(name: &[u8]) -> bool {
    const EMPTY: [&[u8]; 26] = [
        b"str",
        b"item",
        b"identification",
        b"number",
        b"num",
        b"nr",
        b"id",
        b"text",
        b"content",
        b"data",
        b"no",
        b"code",
        b"identifier",
        b"extension",
        b"string",
        b"integer",
        b"int",
        b"long",
        b"field",
        b"param",
        b"property",
        b"attribute",
        b"entry",
        b"column",
        b"cell",
        b"arg",
    ];
    apart::values(name) || EMPTY.iter().any(|empty| name.eq_ignore_ascii_case(empty))
}

/// What another member of the object says is the kind of the one whose key is `own` and begins at `first`:
/// `{"idType":"CPF","idNumber":…`, `{"Identity":…,"IdentityType":"CPF"}`.
fn kind(text: &[u8], first: usize, own: &[u8]) -> Option<Range<usize>> {
    let stem = ["number", "no", "num", "value"].iter().find_map(|word| {
        let (stem, end) = own.split_at_checked(own.len().checked_sub(word.len())?)?;
        end.eq_ignore_ascii_case(word.as_bytes()).then_some(stem)
    });
    let stem = stem.unwrap_or(own);
    let stem = stem.strip_suffix(b"_").unwrap_or(stem);
    let brackets = |b: u8| !matches!(b, b'{' | b'}');
    let from = backward(text, first, KIND, brackets);
    let end = forward(text, first, KIND, brackets);
    let around = text.get(from..end)?;
    let mut types =
        (0..around.len()).filter(|n| around.get(*n..n + 4).is_some_and(|w| w.eq_ignore_ascii_case(b"type")));
    types.find_map(|n| {
        let last = n + 4;
        let first = backward(around, n, 64, |b| !quote(b) && b != b'\n');
        let key = around.get(first..last).filter(|_| quote(at(around, last)))?;
        // A number of which nothing else is said may be of any kind that is told.
        apart::kind_of(key).filter(|of| of.eq_ignore_ascii_case(stem) || stem.is_empty())?;
        let colon = forward(around, last + 1, 4, blank);
        let mark = forward(around, colon + 1, 4, blank);
        let value = mark + 1..forward(around, mark + 1, 64, |b| !quote(b));
        (at(around, colon) == b':' && quote(at(around, mark))).then_some(from + value.start..from + value.end)
    })
}

/// The members of the same object that stand before a key that says nothing.
fn siblings(text: &[u8], first: usize, last: usize) -> Near {
    let mut depth = 0;
    let mut from = first;
    for (n, byte) in text.get(..first).unwrap_or_default().iter().enumerate().rev().take(STRUCTURE) {
        match byte {
            b'}' | b']' => depth += 1,
            b'{' | b'[' if depth == 0 => {
                // `"ssn":{"value":…`: the key of the object.
                from = if *byte == b'{' { key_before(text, n).unwrap_or(n) } else { n };
                break;
            }
            b'{' | b'[' => depth -= 1,
            _ => {}
        }
        from = n;
    }
    Near { name: from..last, place: Place::Json, reading: Reading::Label }
}

/// The start of the key before an opening bracket at `open`.
fn key_before(text: &[u8], open: usize) -> Option<usize> {
    let colon = backward(text, open, 8, blank);
    let end = backward(text, colon.checked_sub(1).filter(|n| at(text, *n) == b':')?, 8, blank);
    let last = end.checked_sub(1).filter(|n| quote(at(text, *n)))?;
    Some(backward(text, last, 80, |b| !quote(b) && b != b'\n'))
}

/// The key of the array of scalars that a value stands in.
fn array(text: &[u8], from: usize) -> Option<Near> {
    let inside = backward(text, from, STRUCTURE, |b| !matches!(b, b'[' | b'{' | b'}' | b']'));
    let open = inside.checked_sub(1).filter(|n| at(text, *n) == b'[')?;
    let first = key_before(text, open)?;
    let last = first + text.get(first..open)?.iter().position(|b| quote(*b))?;
    Some(Near { name: first..last, place: Place::Json, reading: Reading::Key })
}

/// The procedure that a value is an argument of: `CALL add_card(7, '4111…')`.
fn argument(text: &[u8], from: usize) -> Option<Near> {
    let mut depth = 0u32;
    let open = (from.saturating_sub(STRUCTURE)..from).rev().find(|n| match at(text, *n) {
        b')' => {
            depth += 1;
            false
        }
        b'(' if depth == 0 => true,
        b'(' => {
            depth -= 1;
            false
        }
        _ => false,
    })?;
    let end = backward(text, open, 4, blank);
    let first = backward(text, end, 64, identifier);
    (first < end).then_some(Near { name: first..end, place: Place::Label, reading: Reading::Key })
}

/// `name="x"` (or `key`, `id`) of the tag whose `value=` attribute ends at `equals`; else the attribute.
fn attribute(text: &[u8], equals: usize) -> Option<Near> {
    let first = backward(text, equals, 64, identifier);
    let open = backward(text, first, 200, |b| !matches!(b, b'<' | b'>' | b'\n'));
    open.checked_sub(1).filter(|n| at(text, *n) == b'<' && at(text, open).is_ascii_alphabetic())?;
    let own = text.get(first..equals)?;
    if !says_nothing(own) {
        return Some(Near { name: first..equals, place: Place::Xml, reading: Reading::Key });
    }
    // What speaks of the value may stand before it or behind it.
    let close = forward(text, equals, 256, |b| !matches!(b, b'<' | b'>'));
    for attribute in [b"name=".as_slice(), b"key=", b"id=", b"type=", b"label=", b"root="] {
        let found = memchr::memmem::find_iter(text.get(open..close)?, attribute).map(|n| open + n);
        let mut found = found.filter(|n| prior(text, *n).is_ascii_whitespace() && !(first..equals).contains(n));
        if let Some(found) = found.next() {
            let start = found + attribute.len() + 1;
            let end = start + text.get(start..close)?.iter().position(|b| quote(*b))?;
            return Some(Near { name: start..end, place: Place::Xml, reading: Reading::Key });
        }
    }
    Some(beside(text, open - 1, equals))
}

/// The part of the element around the tag at `open` that stands before the value at `end`: of
/// `<identifier><system value="us-ssn"/><value value="…"/>` and `<Attribute Name="ssn"><AttributeValue>…`
/// it says what the value's own tag does not.
fn beside(text: &[u8], open: usize, end: usize) -> Near {
    let (mut depth, mut close) = (0u32, open);
    let mut from = open;
    for n in (open.saturating_sub(STRUCTURE)..open).rev() {
        match at(text, n) {
            b'>' => close = n,
            b'<' if at(text, n + 1) == b'/' => depth += 1,
            b'<' if prior(text, close) == b'/' || !at(text, n + 1).is_ascii_alphabetic() => {}
            b'<' if depth == 0 => {
                from = n + 1;
                let end = super::bytes::forward(text, from, 64, identifier);
                if !text.get(from..end).is_some_and(says_nothing) {
                    break;
                }
            }
            b'<' => depth -= 1,
            _ => {}
        }
    }
    Near { name: from..end, place: Place::Xml, reading: Reading::Label }
}

/// The name of the element whose tag ends at `close`, or in HTML the text before it.
fn element(text: &[u8], close: usize, start: usize, format: Format) -> Option<Near> {
    let open = backward(text, close, 256, |b| b != b'<' && b != b'>');
    open.checked_sub(1).filter(|n| at(text, *n) == b'<')?;
    let end = forward(text, open, 64, |b| identifier(b) || matches!(b, b':' | b'.'));
    let tag = text.get(open..end)?;
    if !tag.is_empty() && !generic(tag) && format != Format::Html {
        let colon = tag.iter().rposition(|b| *b == b':').map_or(0, |n| n + 1);
        // `<identifier type="SSN">`: the attributes say what the element does not.
        if says_nothing(tag.get(colon..)?) {
            return Some(beside(text, open - 1, close));
        }
        return Some(Near { name: open + colon..end, place: Place::Xml, reading: Reading::Key });
    }
    // Over tags and white space to the text before, at most one run of it.
    let mut from = open - 1;
    loop {
        from = backward(text, from, 64, |b| b.is_ascii_whitespace());
        if prior(text, from) != b'>' {
            break;
        }
        let inside = backward(text, from - 1, 256, |b| b != b'<' && b != b'>');
        if prior(text, inside) != b'<' || start - inside > 512 {
            return None;
        }
        from = inside - 1;
    }
    let first = backward(text, from, LABEL, |b| !matches!(b, b'<' | b'>'));
    (first < from).then_some(Near { name: first..start, place: Place::Label, reading: Reading::Label })
}

/// Elements that lay out and say nothing of what is in them.
fn generic(tag: &[u8]) -> bool {
    let names: &[&[u8]] = &[
        b"a", b"b", b"br", b"code", b"dd", b"div", b"dt", b"em", b"font", b"h1", b"h2", b"h3", b"h4", b"i", b"input",
        b"label", b"li", b"ol", b"p", b"pre", b"small", b"span", b"strong", b"td", b"th", b"tr", b"u", b"ul",
    ];
    names.iter().any(|name| tag.eq_ignore_ascii_case(name))
}

/// The words before a value on its line.
fn label(text: &[u8], end: usize) -> Option<Near> {
    let stop =
        |b: u8| matches!(b, b'\n' | b'\r' | b';' | b'|' | b'<' | b'>' | b'{' | b'}' | b',' | b'"' | b'&' | b'\t');
    let first = behind_sequence(text, backward(text, end, LABEL, |b| !stop(b)));
    (first < end).then_some(Near { name: first..end, place: Place::Label, reading: Reading::Label })
}

/// The offset behind a terminal's control sequence (ECMA-48, section 5.4) that reaches to `from` or over it: `\x1b[6;3H`
/// moves the cursor to where the next label begins.
fn behind_sequence(text: &[u8], from: usize) -> usize {
    const LONGEST: usize = 16;
    let before = from.saturating_sub(LONGEST);
    let escape = text.get(before..text.len().min(from + LONGEST)).and_then(|near| memchr::memrchr(0x1b, near));
    let Some(parameters) = escape.map(|n| before + n + 2).filter(|n| at(text, n - 1) == b'[') else { return from };
    let last = forward(text, parameters, LONGEST, |b| b.is_ascii_digit() || matches!(b, b';' | b'?'));
    if at(text, last).is_ascii_alphabetic() { from.max(last + 1) } else { from }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, value: &str, format: Format) -> String {
        let start = text.find(value).unwrap();
        name(text.as_bytes(), start, format).map_or_else(String::new, |near| text[near.name].trim().to_owned())
    }

    #[test]
    fn a_value_finds_its_name() {
        for (text, format, expected) in [
            (r#"{"card_no": "4111"}"#, Format::Json, "card_no"),
            (r#"{\"card_no\":\"4111\"}"#, Format::Json, "card_no"),
            (r#"{"cards":["37","4111"]}"#, Format::Json, "cards"),
            ("a=1&card=4111&b=2", Format::Form, "card"),
            ("<Card>4111</Card>", Format::Xml, "Card"),
            ("<ns:CardNo id='1'>4111</ns:CardNo>", Format::Xml, "CardNo"),
            (r#"<input name="card" type="text" value="4111">"#, Format::Html, "card"),
            (r#"<input value="4111" valid="x" name="card">"#, Format::Html, "card"),
            (r#"<id extension="4111" root="2.16.840.1.113883.4.1"/>"#, Format::Xml, "2.16.840.1.113883.4.1"),
            ("Card number: 4111", Format::Plain, "Card number"),
            ("CARD=4111", Format::Plain, "CARD"),
            ("CALL pay.add_card(7, now(), '4111', 'x')", Format::Sql, "add_card"),
            ("cs1Label=Card No cs1=4111 msg=x", Format::Plain, "Card No"),
            ("cs1=4111", Format::Plain, "cs1"),
            ("my card is 4111", Format::Plain, "my card is"),
            ("a;b\nCard no;4111\n", Format::Plain, "Card no"),
            ("Card;x;4111\n", Format::Plain, ""),
        ] {
            assert_eq!(of(text, "4111", format), expected, "{text}");
        }
        assert!(of("<td>Card</td> <td>4111</td>", "4111", Format::Html).starts_with("Card"));
        for (text, label) in [
            (r#"<identifier><use value="usual"/><system value="sid/us-ssn"/><value value="4111"/>"#, "us-ssn"),
            (r#"<a:Attribute Name="ssn" F="b"><a:AttributeValue t="s">4111"#, "ssn"),
            ("<member><name>ssn</name><value><string>4111", "value><string"),
            ("<field name=\"ssn\">4111</field>", "ssn"),
            ("<row><name>ssn</name>\n<value>4111</value></row>", "ssn"),
        ] {
            let near = of(text, "4111", Format::Xml);
            assert!(near.contains(label), "{text}: {near}");
        }
        assert!(!of("<a><name>ssn</name></a><b><value>4111", "4111", Format::Xml).contains("ssn"));
        for (text, kind) in [
            (r#"{"idType":"ssn","idNumber":"4111"}"#, "ssn"),
            (r#"{"Identity":"4111","IdentityType":"ssn","x":1}"#, "ssn"),
            (
                r#"{"card":{"number":"4111","brand":"x","type":"visa"}}"#,
                "card\":{\"number\":\"4111\",\"brand\":\"x\",\"type\":\"visa",
            ),
        ] {
            let near = of(text, "4111", Format::Json);
            assert!(near.contains(kind), "{text}: {near}");
        }
        assert_eq!(of(r#"{"Identity":"4111","entityType":"ssn"}"#, "4111", Format::Json), "Identity");
        assert_eq!(
            of(r#"{"a":{"idType":"ssn"},"id":"4111"}"#, "4111", Format::Json),
            "{\"a\":{\"idType\":\"ssn\"},\"id"
        );
        let fhir = r#"{"system":"us-ssn","value":"4111"}"#;
        assert!(of(fhir, "4111", Format::Json).contains("us-ssn"));
    }

    #[test]
    fn text_that_begins_anywhere_is_no_trouble() {
        for text in ["4111", "\"4111", ":4111", "=4111", ">4111", "<>4111", ",4111", "[4111", "\\\"4111"] {
            for format in [Format::Json, Format::Html, Format::Xml, Format::Plain] {
                let _ = of(text, "4111", format);
            }
        }
    }
}
