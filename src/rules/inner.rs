//! Content inside of content: messages whose values are named by position, the claims of tokens, SAML
//! assertions, documents in base64 that a field carries.

use super::engine::{Context, Engine};
use crate::content::coding::{Coding, Decoder};
use crate::content::dialect::Dialect;
use crate::content::percent::{self, Plus};
use crate::content::{base64, sniff};
use crate::model::event::{Field, FieldKind, Format, Outcome, Text};
use crate::model::finding::Finding;
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::packet::Span;
use crate::model::secret::Secret;
use crate::model::stream::{Origin, Stretch};

/// How deep content inside of content is followed.
const DEPTH: usize = 3;

/// Longest value that is decoded, in bytes.
const LONGEST: usize = 256 << 10;

/// Shortest value in base64 that can hold a name and a value.
const SHORTEST: usize = 16;

/// How a string begins that holds JSON, a list of objects, or XML in base64; and members that hold files in it.
pub(super) const BEGINNINGS: [&[u8]; 12] = [
    b"\"eyJ",
    b"\"W3si",
    b"\"PD94",
    b"\"PHNh",
    b"\"content\":\"",
    b"\"content\": \"",
    b"\"data\":\"",
    b"\"data\": \"",
    b"\"user_data\":\"",
    b"\"user_data\": \"",
    b"\"userData\":\"",
    b"\"userData\": \"",
];

/// Where content stands that something was found in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outside<'a> {
    /// The path so far.
    pub(super) path: &'a str,
    pub(super) resource: &'a str,
    pub(super) direction: Direction,
    pub(super) outcome: Outcome,
    pub(super) span: Span,
}

impl Engine {
    /// The fields of a message that a text is, if it is one.
    pub(super) fn dialect(&mut self, at: &Context<'_>, text: &Text<'_>, out: &mut dyn FnMut(Finding)) -> bool {
        let written = matches!(text.format, Format::Plain | Format::Csv | Format::Json) && text.seen == 0;
        let Some(dialect) = Dialect::of(text.data.bytes).filter(|_| written) else { return false };
        dialect.values(text.data.bytes, &mut |value| {
            let bytes = text.data.bytes.get(value.range.clone()).unwrap_or_default();
            let field = Field {
                kind: FieldKind::Attribute,
                place: text.place,
                name: &value.name,
                value: Secret::new(bytes),
                resource: text.resource,
                direction: text.direction,
                account: None,
                outcome: text.outcome,
                span: text.data.span(value.range),
            };
            self.field(at, &field, out);
        });
        true
    }

    /// What a value holds that is a token with claims, or a document in base64.
    pub(super) fn inside(&mut self, at: &Context<'_>, value: &[u8], from: Outside<'_>, out: &mut dyn FnMut(Finding)) {
        if value.len() > LONGEST || self.depth >= DEPTH {
            return;
        }
        let (part, content) = match claims(value) {
            Some(claims) => (".jwt.payload", claims),
            None => match packed(value) {
                Some(content) => ("", content),
                None => return,
            },
        };
        let path = format!("{}{part}", from.path);
        let last = Origin { start: content.len().saturating_sub(1), mark: from.span.last };
        let origins = [Origin { start: 0, mark: from.span.first }, last];
        let text = Text {
            format: sniff::format(&content),
            place: &path,
            resource: from.resource,
            direction: from.direction,
            outcome: from.outcome,
            data: Stretch { bytes: &content, origins: &origins },
            seen: 0,
        };
        self.depth += 1;
        self.text(at, &text, out);
        self.depth -= 1;
    }
}

/// JSON that a value holds in the encoding of URLs, as scripts put it into cookies: `%7B%22id%22%3A1%7D`.
pub(super) fn unescaped(value: &[u8]) -> Option<Vec<u8>> {
    // Frameworks put `j:` before it.
    let value = value.strip_prefix(b"j%3A").or_else(|| value.strip_prefix(b"j:")).unwrap_or(value);
    let (first, rest) = value.split_at_checked(3)?;
    let opens = [b"%7B".as_slice(), b"%5B"].iter().any(|open| first.eq_ignore_ascii_case(open));
    let name = [b"%22".as_slice(), b"%7B", b"%5B"]
        .iter()
        .any(|next| rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(next)));
    (opens && name).then(|| percent::decode(value, Plus::Space).into_owned())
}

/// Whether a value may hold content of its own: base64 of `{"`, `[{`, `<?xml` and `<`, or a packed assertion.
pub(super) fn may_hold(name: &str, value: &[u8]) -> bool {
    value.len() >= SHORTEST
        && (matches!(value, [b'e', b'y', b'J' | b'A', ..] | [b'W', b'3', b's', ..] | [b'P', b'D' | b'H', ..])
            || name.starts_with("SAML"))
}

/// The claims of a JSON Web Token (RFC 7519): its second part.
fn claims(token: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memmem::find(token, b"eyJ")?;
    let mut parts = token.get(start..)?.splitn(3, |b| *b == b'.');
    let (head, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let json = |part: &[u8]| decoded(part).filter(|text| text.starts_with(b"{"));
    json(head)?;
    json(payload)
}

/// A document in base64, or an assertion as SAML's redirect binding packs it (SAML bindings 2.0,
/// section 3.4.4.1).
fn packed(value: &[u8]) -> Option<Vec<u8>> {
    let bytes = decoded(value.trim_ascii())?;
    // A file of settings has several lines.
    let begins = matches!(bytes.first(), Some(b'{' | b'[' | b'<'));
    if (begins || bytes.contains(&b'\n')) && sniff::is_text(&bytes) && std::str::from_utf8(&bytes).is_ok() {
        return Some(bytes);
    }
    let mut plain = Vec::new();
    Decoder::new(std::iter::once(Coding::Deflate)).decode(&bytes, &mut plain, limits::BODY_BYTES);
    (plain.starts_with(b"<") && sniff::is_text(&plain)).then_some(plain)
}

/// Either alphabet of base64, with line ends in it or without.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    // The line ends of a string of JSON.
    let lines = memchr::memmem::find(text, b"\\n").map(|_| text.split(|b| *b == b'\\'));
    let joined = lines.map(|lines| {
        let rest =
            |(n, line): (usize, &[u8])| if n == 0 { line.to_vec() } else { line.get(1..).unwrap_or_default().to_vec() };
        lines.enumerate().map(rest).collect::<Vec<_>>().concat()
    });
    let text = joined.as_deref().unwrap_or(text);
    let plain: Vec<u8> = text
        .iter()
        .filter(|b| !b.is_ascii_whitespace())
        .map(|b| match b {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    base64::decode(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_of_a_token_are_its_second_part() {
        let part =
            |text: &str| base64::encode(text.as_bytes()).trim_end_matches('=').replace('+', "-").replace('/', "_");
        let token = format!("Bearer {}.{}.c2ln", part("{\"alg\":\"none\"}"), part("{\"email\":\"a@b.example?>\"}"));
        assert_eq!(claims(token.as_bytes()).unwrap(), b"{\"email\":\"a@b.example?>\"}");
        assert_eq!(claims(b"eyJhbGciOiJub25lIn0.bm90IGpzb24.c2ln"), None);
    }

    #[test]
    fn json_of_a_cookie_is_read_without_its_escapes() {
        assert_eq!(unescaped(b"%7B%22a%22%3A%22b+c%22%7D").unwrap(), br#"{"a":"b c"}"#);
        assert_eq!(unescaped(b"j%3A%5b%7b%22a%22%3A1%7D%5D").unwrap(), br#"[{"a":1}]"#);
        assert_eq!((unescaped(b"%7Bx%7D"), unescaped(b"%7"), unescaped(b"a%7B%22")), (None, None, None));
    }

    #[test]
    fn assertions_are_unpacked_from_both_bindings() {
        use std::io::Write as _;
        let xml = b"<samlp:Response><saml:NameID>eva@b.example</saml:NameID></samlp:Response>";
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(xml).unwrap();
        let redirect = base64::encode(&encoder.finish().unwrap());
        assert_eq!(packed(redirect.as_bytes()).unwrap(), xml);
        let post = base64::encode(xml);
        assert_eq!(packed(post.as_bytes()).unwrap(), xml);
        assert!(may_hold("SAMLResponse", redirect.as_bytes()) && may_hold("x", post.as_bytes()));
        assert_eq!(packed(b"bm90aGluZyBvZiBpbnRlcmVzdA=="), None);
    }
}
