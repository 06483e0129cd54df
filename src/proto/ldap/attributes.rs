//! Named values: attributes of entries, filters, passwords that are set.

use super::START_TLS;
use crate::content::sniff;
use crate::model::event::{Event, EventSink, Field, FieldKind, Outcome, Skip};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::packet::Span;
use crate::model::secret::Secret;
use crate::proto::ber::{ENUMERATED, Elements, OCTET_STRING, SEQUENCE};

/// Tag of a SET OF values.
const SET: u8 = 0x31;
/// A value with fewer bytes cannot hold anything.
const SHORTEST: usize = 4;

/// Where the values of a filter stand: the entry is the one to search under, whose values they are not.
const SEARCH: &str = "ldap.search";

/// Where values stand, and whose they are.
struct Context<'a> {
    place: &'static str,
    /// The entry's name.
    entry: &'a [u8],
    direction: Direction,
    span: Span,
}

/// The entry of a search result or of an add request. Says whether it is the server's own entry and
/// lists StartTLS.
pub(super) fn entry(
    mut elements: Elements<'_>,
    direction: Direction,
    place: &'static str,
    span: Span,
    out: &mut dyn EventSink,
) -> bool {
    let Some(entry) = elements.expect(OCTET_STRING) else { return false };
    let context = Context { place, entry, direction, span };
    let mut lists_tls = false;
    for (_, attribute) in Elements::of(elements.expect(SEQUENCE).unwrap_or_default()) {
        lists_tls |= values(&context, attribute, out);
    }
    lists_tls
}

/// RFC 4511, section 4.6.
pub(super) fn modify(mut elements: Elements<'_>, span: Span, out: &mut dyn EventSink) {
    let Some(entry) = elements.expect(OCTET_STRING) else { return };
    let context = Context { place: "ldap.modify", entry, direction: Direction::ToServer, span };
    for (_, change) in Elements::of(elements.expect(SEQUENCE).unwrap_or_default()) {
        let mut change = Elements::of(change);
        if let Some(attribute) = change.number(ENUMERATED).and_then(|_| change.expect(SEQUENCE)) {
            values(&context, attribute, out);
        }
    }
}

/// RFC 4511, section 4.10.
pub(super) fn compare(mut elements: Elements<'_>, span: Span, out: &mut dyn EventSink) {
    let Some(entry) = elements.expect(OCTET_STRING) else { return };
    let context = Context { place: "ldap.compare", entry, direction: Direction::ToServer, span };
    assertion(&context, elements.expect(SEQUENCE).unwrap_or_default(), out);
}

/// The values a search asks for (RFC 4511, section 4.5.1).
pub(super) fn search(mut elements: Elements<'_>, span: Span, out: &mut dyn EventSink) {
    let Some(entry) = elements.expect(OCTET_STRING) else { return };
    let context = Context { place: SEARCH, entry, direction: Direction::ToServer, span };
    // Scope, aliases, size limit, time limit, types only.
    let filter = elements.nth(5);
    let mut open: Vec<_> = filter.into_iter().collect();
    let mut seen = 0;
    while let Some((tag, content)) = open.pop() {
        seen += 1;
        match tag {
            _ if seen > limits::NESTING * 4 => return out.beyond(limits::Cap::Nesting),
            // and, or, not
            0xa0..=0xa2 => open.extend(Elements::of(content).take(limits::NESTING)),
            // equal, at least, at most, approximately
            0xa3 | 0xa5 | 0xa6 | 0xa8 => assertion(&context, content, out),
            _ => {}
        }
    }
}

/// RFC 3062, section 2: whose, the old one, the new one.
pub(super) fn password_modify(mut elements: Elements<'_>, span: Span, out: &mut dyn EventSink) {
    let Some(mut request) = elements.expect(0x81).and_then(|v| Elements::of(v).expect(SEQUENCE)).map(Elements::of)
    else {
        return;
    };
    let mut context = Context { place: "ldap.password_modify", entry: b"", direction: Direction::ToServer, span };
    while let Some((tag, value)) = request.any() {
        match tag {
            0x80 => context.entry = value,
            0x81 => say(&context, "oldPasswd", value, out),
            0x82 => say(&context, "newPasswd", value, out),
            _ => {}
        }
    }
}

/// RFC 3062, section 2: the password that the server made up.
pub(super) fn generated_password(mut elements: Elements<'_>, span: Span, out: &mut dyn EventSink) {
    let value = elements.find(|(tag, _)| *tag == 0x8b).and_then(|(_, v)| Elements::of(v).expect(SEQUENCE));
    let Some(password) = value.and_then(|v| Elements::of(v).expect(0x80)) else { return };
    let context = Context { place: "ldap.password_modify", entry: b"", direction: Direction::ToClient, span };
    say(&context, "genPasswd", password, out);
}

/// An attribute's description and its set of values. Says whether StartTLS is among them.
fn values(context: &Context<'_>, attribute: &[u8], out: &mut dyn EventSink) -> bool {
    let mut attribute = Elements::of(attribute);
    let Some(name) = attribute.expect(OCTET_STRING) else { return false };
    let name = String::from_utf8_lossy(name);
    let mut lists_tls = false;
    for (_, value) in Elements::of(attribute.expect(SET).unwrap_or_default()) {
        lists_tls |= value == START_TLS;
        say(context, &name, value, out);
    }
    lists_tls && name.eq_ignore_ascii_case("supportedExtension")
}

/// A description and one value.
fn assertion(context: &Context<'_>, content: &[u8], out: &mut dyn EventSink) {
    let mut content = Elements::of(content);
    let (Some(name), Some(value)) = (content.expect(OCTET_STRING), content.expect(OCTET_STRING)) else { return };
    say(context, &String::from_utf8_lossy(name), value, out);
}

fn say(context: &Context<'_>, name: &str, value: &[u8], out: &mut dyn EventSink) {
    let decoded = if name.eq_ignore_ascii_case("unicodePwd") { unicode_password(value) } else { None };
    let value = decoded.as_ref().map_or(value, String::as_bytes);
    if value.len() < SHORTEST {
        return;
    }
    if !sniff::is_text(value) {
        out.event(Event::Skipped { reason: Skip::Binary, bytes: value.len() as u64 });
        return;
    }
    out.event(Event::Field(Field {
        kind: FieldKind::Attribute,
        place: context.place,
        name,
        value: Secret::new(value),
        resource: &String::from_utf8_lossy(context.entry),
        direction: context.direction,
        account: Some(context.entry).filter(|entry| !entry.is_empty() && context.place != SEARCH),
        outcome: Outcome::Unknown,
        span: context.span,
    }));
}

/// MS-ADTS, section 3.1.1.3.1.5: UTF-16 in quotation marks.
fn unicode_password(value: &[u8]) -> Option<String> {
    let units = value.chunks_exact(2).filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}
