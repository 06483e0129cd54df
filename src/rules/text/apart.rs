//! Names that are values themselves, beside the value that they name: `{"name":"password","value":"x"}`,
//! `<param name="password" value="x"/>`, `<Attribute Name="mail"><AttributeValue>x</AttributeValue>`,
//! `<key>password</key><string>x</string>`. Looks at a bounded number of bytes around the name.

use std::ops::Range;

use super::after::{Pair, backslashes, content, string_end};
use super::bytes::{at, backward, forward, identifier, prior, quote};
use crate::model::event::Format;
use crate::rules::schema::Place;

/// Bytes of an object or a tag that are looked at before the name, and in all.
const BEFORE: usize = 400;
const AROUND: usize = 1024;

/// Elements that may stand between a name and its value.
const BETWEEN: usize = 3;

/// Endings of the keys, attributes and elements that say what another one of them means.
const NAMING: [&str; 21] = [
    "name",
    "key",
    "id",
    "label",
    "type",
    "field",
    "attribute",
    "param",
    "parameter",
    "property",
    "code",
    "title",
    "option",
    "setting",
    "system",
    "autocomplete",
    "placeholder",
    "variable",
    "kind",
    // JSON Patch (RFC 6902): `{"op":"replace","path":"/password","value":"x"}`.
    "path",
    "question",
];

/// Whether a key says what the value beside it means.
fn names(key: &[u8]) -> bool {
    let key = local(key);
    matches!(key, b"k" | b"n") || NAMING.iter().any(|word| ends(key, word))
}

/// Whether a key has a value that only another one gives a meaning.
pub(super) fn values(key: &[u8]) -> bool {
    let key = local(key);
    let start = key.get(..5).unwrap_or_default();
    key == b"v" || ["value", "val", "answer"].iter().any(|word| ends(key, word)) || start.eq_ignore_ascii_case(b"value")
}

/// What a key says the kind of: `identity` of `IdentityType`, nothing of `type`.
pub(super) fn kind_of(key: &[u8]) -> Option<&[u8]> {
    let of = key.get(..key.len().checked_sub(4)?).filter(|_| ends(key, "type"))?;
    Some(of.strip_suffix(b"_").or_else(|| of.strip_suffix(b"-")).unwrap_or(of))
}

/// Whether a key has the value whose kind is told as that `of` something: `Identity`, `identityNumber`, `number`.
fn numbered(key: &[u8], of: &[u8]) -> bool {
    let rest = key.get(of.len()..).filter(|_| key.get(..of.len()).is_some_and(|start| start.eq_ignore_ascii_case(of)));
    let number = |word: &[u8]| {
        let word = word.strip_prefix(b"_").or_else(|| word.strip_prefix(b"-")).unwrap_or(word);
        [b"number".as_slice(), b"no", b"num", b"value"].iter().any(|known| word.eq_ignore_ascii_case(known))
    };
    number(key) || rest.is_some_and(|rest| rest.is_empty() && !of.is_empty() || number(rest))
}

fn ends(key: &[u8], word: &str) -> bool {
    key.len()
        .checked_sub(word.len())
        .and_then(|n| key.get(n..))
        .is_some_and(|e| e.eq_ignore_ascii_case(word.as_bytes()))
}

/// An element's name without its prefix.
fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|b| *b == b':').next().unwrap_or(name)
}

/// The value beside a name in quotes, of which `name` is the end.
pub(super) fn quoted(text: &[u8], name: Range<usize>, format: Format) -> Option<Pair> {
    let first = backward(text, name.start, 64, |b| !quote(b) && !matches!(b, b'\n' | b'<' | b'>'));
    let mark = first.checked_sub(1).filter(|n| quote(at(text, *n)))?;
    let name = first..name.end;
    let before = backward(text, mark, 4, |b| b.is_ascii_whitespace() || b == b'\\');
    match prior(text, before) {
        b':' if format == Format::Plain => object(text, name.clone()).or_else(|| lines(text, name)),
        b':' => object(text, name),
        b'=' => tag(text, name, format),
        _ => None,
    }
}

/// The value beside a name that is all there is in its element, of which `name` is a part.
pub(super) fn element(text: &[u8], name: Range<usize>) -> Option<Pair> {
    let word = |b: u8| identifier(b) || matches!(b, b' ' | b'.' | b'/' | b':' | b'[' | b']');
    let first = backward(text, name.start, 64, word);
    let close = first.checked_sub(1).filter(|n| at(text, *n) == b'>')?;
    let open = backward(text, close, 256, |b| !matches!(b, b'<' | b'>'));
    let own = tag_name(text, open);
    if prior(text, open) != b'<' || !names(text.get(own)?) || at(text, name.end + 1) != b'/' {
        return None;
    }
    let end = forward(text, name.end, 80, |b| b != b'>');
    next(text, first..name.end, end + 1)
}

/// The value in one of the lines after that which holds the name, as YAML has them: `- name: password`, and
/// `value: x` in the same column.
pub(super) fn lines(text: &[u8], name: Range<usize>) -> Option<Pair> {
    let (key, column) = key_of_line(text, name.start)?;
    let space = |b: u8| matches!(b, b' ' | b'"' | b'\'');
    if !names(text.get(key.clone())?) || forward(text, key.end + 1, 64, space) < name.start {
        return None;
    }
    let mut from = name.end;
    for _ in 0..=BETWEEN {
        let line = forward(text, from, 128, |b| b != b'\n') + 1;
        let end = forward(text, line, AROUND, |b| !matches!(b, b'\r' | b'\n'));
        let (key, own) = key_of_line(text, line)?;
        if own != column || at(text, forward(text, line, 64, |b| b == b' ')) == b'-' {
            return None;
        }
        if values(text.get(key.clone())?) {
            let start = forward(text, key.end + 1, 8, |b| b == b' ');
            let mark = at(text, start);
            let value = if quote(mark) {
                start + 1..string_end(text, start + 1, mark, 0)?
            } else {
                start..start + text.get(start..end)?.trim_ascii_end().len()
            };
            return (!value.is_empty()).then_some(Pair { name, value, place: Place::Label, delimited: true });
        }
        from = end;
    }
    None
}

/// The key at the start of the line that an offset is in, and its column.
fn key_of_line(text: &[u8], offset: usize) -> Option<(Range<usize>, usize)> {
    let line = backward(text, offset, 128, |b| b != b'\n');
    let start = forward(text, line, 64, |b| matches!(b, b' ' | b'-'));
    let end = forward(text, start, 64, identifier);
    (at(text, end) == b':' && end > start).then_some((start..end, start - line))
}

/// The value in the element after the one that holds the name, which ends before `from`.
fn next(text: &[u8], name: Range<usize>, mut from: usize) -> Option<Pair> {
    for _ in 0..=BETWEEN {
        let open = forward(text, from, 128, |b| b.is_ascii_whitespace());
        if at(text, open) != b'<' || !at(text, open + 1).is_ascii_alphabetic() {
            return None;
        }
        let own = text.get(tag_name(text, open + 1))?;
        // Lists of properties of Apple's name their values by type.
        if values(own) || matches!(own, b"string" | b"data" | b"integer" | b"real" | b"date") {
            return of_element(text, name, open + 1);
        }
        // Over another element that holds no others.
        let end = forward(text, open, 256, |b| b != b'>');
        from = if prior(text, end) == b'/' {
            end + 1
        } else {
            let close = forward(text, end, 512, |b| b != b'<');
            if at(text, close + 1) != b'/' {
                return None;
            }
            forward(text, close, 80, |b| b != b'>') + 1
        };
    }
    None
}

/// What the element whose tag begins at `open` says: the value of its attribute, or what is in it.
pub(super) fn of_element(text: &[u8], name: Range<usize>, open: usize) -> Option<Pair> {
    let tag = Tag::read(text, open)?;
    if let Some((_, value)) = tag.attributes.iter().find(|(key, _)| text.get(key.clone()).is_some_and(values)) {
        return Some(Pair { name, value: value.clone(), place: Place::Xml, delimited: true });
    }
    tag.content().and_then(|from| inside(text, name, from))
}

/// Elements that hold the value of the one they stand in: `<Phone><Number>…`.
const HOLDING: [&str; 6] = ["string", "number", "date", "text", "line", "content"];

/// What is in an element, or in the one in it that holds its value, from after its tag.
fn inside(text: &[u8], name: Range<usize>, mut from: usize) -> Option<Pair> {
    for _ in 0..BETWEEN {
        let first = forward(text, from, 128, |b| b.is_ascii_whitespace());
        if at(text, first) != b'<' || !at(text, first + 1).is_ascii_alphabetic() {
            return content(text, name, from);
        }
        let own = text.get(tag_name(text, first + 1))?;
        if !values(own) && !HOLDING.iter().any(|word| local(own).eq_ignore_ascii_case(word.as_bytes())) {
            return None;
        }
        from = Tag::read(text, first + 1)?.content()?;
    }
    None
}

/// The value of another attribute of the tag that the name stands in, or what is in the element.
pub(super) fn tag(text: &[u8], name: Range<usize>, format: Format) -> Option<Pair> {
    let open = backward(text, name.start, BEFORE, |b| !matches!(b, b'<' | b'>'));
    if prior(text, open) != b'<' {
        return None;
    }
    let tag = Tag::read(text, open)?;
    let (own, _) = tag.attributes.iter().find(|(_, value)| value.start <= name.start && name.end <= value.end)?;
    let own = text.get(own.clone())?;
    if values(own) {
        // `<system value="phone"/><value value="x"/>`
        return if names(text.get(tag_name(text, open))?) { next(text, name, tag.end) } else { None };
    }
    if !names(own) {
        return None;
    }
    let meta = text.get(tag_name(text, open)).is_some_and(|name| name.eq_ignore_ascii_case(b"meta"));
    let holds = |key: &[u8]| values(key) || meta && key.eq_ignore_ascii_case(b"content");
    let value = tag.attributes.iter().find(|(key, _)| text.get(key.clone()).is_some_and(holds));
    match value {
        Some((_, value)) => Some(Pair { name, value: value.clone(), place: Place::Xml, delimited: true }),
        // Of a page such an element holds text to be read.
        None if format == Format::Xml => tag.content().and_then(|from| inside(text, name, from)),
        None => None,
    }
}

fn tag_name(text: &[u8], open: usize) -> Range<usize> {
    open..forward(text, open, 64, |b| identifier(b) || matches!(b, b':' | b'.'))
}

/// A tag.
struct Tag {
    /// Names and values of its attributes.
    attributes: Vec<(Range<usize>, Range<usize>)>,
    empty: bool,
    /// Behind it.
    end: usize,
}

impl Tag {
    /// The tag whose name begins at `open`.
    fn read(text: &[u8], open: usize) -> Option<Self> {
        let mut attributes = Vec::new();
        let mut n = tag_name(text, open).end;
        while n < open + AROUND {
            n = forward(text, n, 64, |b| b.is_ascii_whitespace());
            match at(text, n) {
                b'>' => return Some(Self { attributes, empty: prior(text, n) == b'/', end: n + 1 }),
                b'/' => n += 1,
                _ => {
                    let key = tag_name(text, n);
                    if key.is_empty() {
                        return None;
                    }
                    n = forward(text, key.end, 4, |b| b.is_ascii_whitespace());
                    if at(text, n) != b'=' {
                        continue;
                    }
                    n = forward(text, n + 1, 4, |b| b.is_ascii_whitespace());
                    // In a string of JSON quotes are escaped.
                    let escapes = backslashes(text, n);
                    let mark = at(text, n + escapes);
                    let value = if quote(mark) {
                        let start = n + escapes + 1;
                        let end = forward(text, start, AROUND, |b| b != mark);
                        n = end + 1;
                        start..end.saturating_sub(escapes).max(start)
                    } else {
                        let end = forward(text, n, AROUND, |b| !b.is_ascii_whitespace() && b != b'>');
                        std::mem::replace(&mut n, end)..end
                    };
                    attributes.push((key, value));
                }
            }
        }
        None
    }

    /// Where what is in the element begins.
    fn content(&self) -> Option<usize> {
        (!self.empty).then_some(self.end)
    }
}

/// The value in the object of which the name is a value.
fn object(text: &[u8], name: Range<usize>) -> Option<Pair> {
    let mut depth = 0u32;
    let first = name.start.saturating_sub(BEFORE);
    let open = (first..name.start).rev().find(|n| match at(text, *n) {
        b'}' | b']' => {
            depth += 1;
            false
        }
        b'{' | b'[' if depth == 0 => true,
        b'{' | b'[' => {
            depth -= 1;
            false
        }
        _ => false,
    });
    // The start of a long object may be too far, or not here.
    let from = open.map_or_else(|| backward(text, name.start, 64, |b| b != b','), |open| open + 1);
    let members = members(text, from);
    let own = members.iter().find(|m| m.value.start <= name.start && name.end <= m.value.end)?;
    if !names(text.get(own.key.clone())?) {
        return None;
    }
    let value = members.iter().find(|m| text.get(m.key.clone()).is_some_and(values));
    let value = value.or_else(|| {
        let of = kind_of(text.get(own.key.clone())?)?;
        members.iter().find(|m| m.string && text.get(m.key.clone()).is_some_and(|key| numbered(key, of)))
    })?;
    if at(text, value.value.start) == b'{' && !value.string {
        // `"value":{"stringValue":"x"}`
        let inner = self::members(text, value.value.start + 1).into_iter().next()?;
        return (inner.string && values(text.get(inner.key.clone())?)).then(|| inner.pair(name));
    }
    value.string.then(|| value.pair(name))
}

/// A member of an object.
struct Member {
    key: Range<usize>,
    value: Range<usize>,
    string: bool,
}

impl Member {
    fn pair(&self, name: Range<usize>) -> Pair {
        Pair { name, value: self.value.clone(), place: Place::Json, delimited: true }
    }
}

/// The members of the object that begins at `from`, as far as they are near.
fn members(text: &[u8], from: usize) -> Vec<Member> {
    let mut members = Vec::new();
    let space = |b: u8| b.is_ascii_whitespace();
    let mut n = from;
    while n < from + AROUND {
        n = forward(text, n, 128, |b| b.is_ascii_whitespace() || b == b',');
        let Some((key, _, after)) = token(text, n) else { break };
        n = forward(text, after, 16, space);
        if at(text, n) != b':' {
            break;
        }
        n = forward(text, n + 1, 16, space);
        let (value, string, after) = if matches!(at(text, n), b'{' | b'[') {
            let end = closed(text, n);
            (n..end, false, end)
        } else if let Some(read) = token(text, n) {
            read
        } else {
            break;
        };
        members.push(Member { key, value, string });
        n = after;
    }
    members
}

/// A string, whose quotes may be escaped, or a word; and the offset after it.
fn token(text: &[u8], from: usize) -> Option<(Range<usize>, bool, usize)> {
    let escapes = backslashes(text, from);
    let first = from + escapes;
    let mark = at(text, first);
    if quote(mark) {
        let end = string_end(text, first + 1, mark, escapes)?;
        return Some((first + 1..end, true, end + 1 + escapes));
    }
    let end = forward(text, from, 64, |b| identifier(b) || matches!(b, b'.' | b'+'));
    (end > from).then_some((from..end, false, end))
}

/// Behind the bracket that closes the one at `open`, or as far as is looked.
fn closed(text: &[u8], open: usize) -> usize {
    let mut depth = 0u32;
    for (n, byte) in (open..).zip(text.get(open..).unwrap_or_default().iter().take(AROUND)) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return n + 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    open + AROUND
}

#[cfg(test)]
mod tests {
    use crate::model::event::Format;
    use crate::rules::text::after;

    fn of(text: &str, format: Format) -> Option<&str> {
        let start = text.find("assword").unwrap();
        after::value(text.as_bytes(), start..start + 7, format).map(|pair| &text[pair.value])
    }

    #[test]
    fn a_name_that_is_a_value_finds_the_value_it_names() {
        for (text, format) in [
            (r#"{"name":"password","value":"x7"}"#, Format::Json),
            (r#"{"value":"x7","type":"string","name":"DB_Password"}"#, Format::Json),
            ("[{\n  \"name\": \"password\",\n  \"x\": [1, {}],\n  \"value\": \"x7\"\n}]", Format::Json),
            (r#"{"ParameterKey":"Password","ParameterValue":"x7"}"#, Format::Json),
            (r#"{"key":"password","value":{"stringValue":"x7"}}"#, Format::Json),
            (r#"{\"name\":\"password\",\"value\":\"x7\"}"#, Format::Json),
            (r#"{"label":"Database password","value":"x7"}"#, Format::Json),
            (r#"{"documentType":"Password","country":"DE","number":"x7"}"#, Format::Json),
            (r#"{"Identity":"x7","IdentityType":"password"}"#, Format::Json),
            (r#"{"key":"x7","key_type":"password","no":"1"}"#, Format::Json),
            (r#"{name:'password',value:'x7'}"#, Format::Script),
            (r#"<add value="x7" key="Password" />"#, Format::Xml),
            (r#"<input type="password" value="x7">"#, Format::Html),
            (r#"{"c":"<add key=\"password\" value=\"x7\"/>"}"#, Format::Json),
            (r#"<string name="password">x7</string>"#, Format::Xml),
            (r#"<property name="password"><value>x7</value></property>"#, Format::Xml),
            (r#"<a:Attribute Name="password" F="b"><a:AttributeValue x:t="s">x7</a:AttributeValue>"#, Format::Xml),
            ("<name>my.Password</name>\n  <type>s</type>\n  <value>x7</value>", Format::Xml),
            ("<key>Wi-Fi password</key>\n\t<string>x7</string>", Format::Xml),
            ("<name>password</name><value><string>x7</string></value>", Format::Xml),
            (r#"<system value="password"/><value value="x7"/>"#, Format::Xml),
            (r#"<password value="x7"/>"#, Format::Xml),
            ("env:\n- name: A\n  value: b\n- name: DB_Password\n  value: \"x7\"\n", Format::Plain),
            ("  - key: 'password'\n    type: string\n    value: x7 \n  - key: c\n", Format::Plain),
        ] {
            assert_eq!(of(text, format), Some("x7"), "{text}");
        }
    }

    #[test]
    fn other_neighbours_are_not_its_value() {
        for (text, format) in [
            (r#"{"name":"password"},{"name":"x","value":"x7"}"#, Format::Json),
            (r#"{"hint":"password","value":"x7"}"#, Format::Json),
            (r#"{"name":"password","type":"x7"}"#, Format::Json),
            (r#"{"IdentityType":"password","entity":"x7"}"#, Format::Json),
            (r#"{"name":"password","value":{"type":"x7"}}"#, Format::Json),
            (r#"<label name="password">x7</label>"#, Format::Html),
            (r#"<param name="password"/><param name="y" value="x7"/>"#, Format::Xml),
            ("<b>password</b><value>x7</value>", Format::Xml),
            ("- name: password\n- name: x\n  value: x7\n", Format::Plain),
            ("- name: password\n    value: x7\n", Format::Plain),
            ("- note: password\n  value: x7\n", Format::Plain),
            ("<name>password</name><name>x7</name>", Format::Xml),
            ("<name>password</name></a><value>x7</value>", Format::Xml),
        ] {
            assert_eq!(of(text, format), None, "{text}");
        }
    }

    #[test]
    fn text_that_is_cut_anywhere_is_no_trouble() {
        let text = r#"[{"a":{"b":[1]},"name":"password","value":"x"}]<p name="password"><value>x</value></p><key>password</key><string>y"#;
        for from in 0..text.len() {
            for to in from..text.len() {
                let part = &text.as_bytes()[from..to];
                for at in memchr::memmem::find_iter(part, b"password") {
                    for format in [Format::Json, Format::Xml, Format::Html] {
                        let _ = after::value(part, at..at + 8, format);
                    }
                }
            }
        }
    }
}
