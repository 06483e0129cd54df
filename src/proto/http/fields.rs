//! Says the named values of a message: headers, cookies, parameters, form fields.

use crate::content::charset::Charset;
use crate::content::{document, form, header};
use crate::model::event::{Event, EventSink, Field, FieldKind, Format, Outcome, Skip, Text};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::secret::Secret;
use crate::model::stream::Stretch;

use super::names;
use super::request::split_target;

/// Shortest value worth saying, in bytes.
const LEAST: usize = 2;

/// The fields of a form.
pub(super) const FORM: (FieldKind, &str) = (FieldKind::Form, "http.request.form");
/// The parameters of a URL.
pub(super) const QUERY: (FieldKind, &str) = (FieldKind::Query, "http.request.query");

/// What the values of a message have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    /// Path of the request, without the query.
    pub(super) resource: &'a str,
    pub(super) direction: Direction,
    pub(super) outcome: Outcome,
}

impl Origin<'_> {
    /// One value.
    pub(super) fn field(
        &self,
        (kind, place): (FieldKind, &str),
        name: &str,
        value: &[u8],
        account: Option<&[u8]>,
        span: Span,
        out: &mut dyn EventSink,
    ) {
        if value.len() < LEAST {
            return;
        }
        let Self { resource, direction, outcome } = *self;
        let value = Secret::new(value);
        out.event(Event::Field(Field { kind, place, name, value, resource, direction, account, outcome, span }));
    }

    /// A header, if it can hold anything.
    pub(super) fn header(
        &self,
        place: &str,
        lower: &[u8],
        header: &header::Header<'_>,
        span: Span,
        out: &mut dyn EventSink,
    ) {
        if names::can_hold_secrets(lower) {
            let name = String::from_utf8_lossy(lower);
            self.field((FieldKind::Header, place), &name, &header.unfolded(), None, span, out);
        }
    }

    /// The pairs of a query or a form.
    pub(super) fn pairs(
        &self,
        kind: (FieldKind, &str),
        data: Stretch<'_>,
        charset: Option<Charset>,
        out: &mut dyn EventSink,
    ) {
        let all = || form::pairs_in(data.bytes, charset);
        let short = names::short_login(all().map(|pair| pair.name));
        let message = names::text_message(all().map(|pair| pair.name));
        let login = kind.0 == FieldKind::Form && names::is_login_form(all().map(|pair| pair.name));
        let account = account(all().map(|p| (p.name, p.value)))
            .or_else(|| all().find(|p| short && p.name == "u").map(|pair| pair.value));
        for pair in all() {
            let name = match &*pair.name {
                "p" if short => "password",
                "to" if message => "sms to",
                "token" if login => "form token",
                name => name,
            };
            let own = names::is_account(name);
            let account = account.as_deref().filter(|_| !own);
            self.field(kind, name, &pair.value, account, data.span(pair.range), out);
        }
    }

    /// The cookies of a `Cookie` header, whose value starts at `at` in the data.
    pub(super) fn cookies(&self, value: &[u8], data: Stretch<'_>, at: usize, out: &mut dyn EventSink) {
        let mut start = at;
        for pair in value.split(|b| *b == b';') {
            let range = start..start + pair.len();
            start = range.end + 1;
            let Some((name, value)) = cookie(pair) else { continue };
            let name = String::from_utf8_lossy(name);
            self.field((FieldKind::Cookie, "http.request.cookie"), &name, value, None, data.span(range), out);
        }
    }

    /// The cookie a `Set-Cookie` header sets.
    pub(super) fn set_cookie(&self, value: &[u8], span: Span, out: &mut dyn EventSink) {
        let pair = value.split(|b| *b == b';').next().unwrap_or_default();
        if let Some((name, value)) = cookie(pair) {
            let name = String::from_utf8_lossy(name);
            self.field((FieldKind::SetCookie, "http.response.cookie"), &name, value, None, span, out);
        }
    }

    /// A URL in a header: its parameters one by one, and what is before them if it may hold a token.
    pub(super) fn url(&self, place: &str, name: &str, url: &[u8], span: Span, out: &mut dyn EventSink) {
        let end = url.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(url.len());
        let (base, parameters) = url.split_at_checked(end).unwrap_or((url, b""));
        let (path, _) = split_target(base);
        if names::path_can_hold_secrets(path) || memchr::memchr(b'@', base).is_some() {
            self.field((FieldKind::Header, place), name, base, None, span, out);
        }
        let whole = format!("{place}.{name}");
        for part in parameters.split(|b| matches!(b, b'?' | b'#')) {
            for pair in form::pairs(part) {
                self.field((FieldKind::Query, &whole), &pair.name, &pair.value, None, span, out);
            }
        }
    }

    /// Where a document stands.
    pub(super) const fn document<'b>(&'b self, place: &'b str) -> document::Place<'b> {
        let Self { resource, direction, outcome } = *self;
        document::Place { place, resource, direction, outcome }
    }

    /// Bytes that were not looked at.
    pub(super) fn skipped(&self, reason: Skip, bytes: usize, out: &mut dyn EventSink) {
        if bytes > 0 {
            out.event(Event::Skipped { reason, bytes: bytes as u64 });
        }
    }

    /// A run of content.
    pub(super) fn text(&self, place: &str, format: Format, data: Stretch<'_>, seen: usize, out: &mut dyn EventSink) {
        let Self { resource, direction, outcome } = *self;
        out.event(Event::Text(Text { format, place, resource, direction, outcome, data, seen }));
    }
}

/// Where content of a direction stands.
pub(super) const fn body_place(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "http.request.body",
        Direction::ToClient => "http.response.body",
    }
}

/// The first value that is an account by its name.
pub(super) fn account<'a, N: AsRef<str>, V: AsRef<[u8]> + 'a>(pairs: impl Iterator<Item = (N, V)>) -> Option<V> {
    pairs.filter(|(name, value)| !value.as_ref().is_empty() && names::is_account(name.as_ref())).map(|(_, v)| v).next()
}

/// Name and value of a cookie.
fn cookie(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = pair.split_at_checked(memchr::memchr(b'=', pair)?)?;
    let value = value.strip_prefix(b"=")?.trim_ascii();
    let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
    Some((name.trim_ascii(), value))
}

/// A header's name in small letters, for comparing.
pub(super) fn lower<'b>(header: &header::Header<'_>, buffer: &'b mut [u8; 128]) -> Option<&'b [u8]> {
    let lower = buffer.get_mut(..header.name.len())?;
    lower.copy_from_slice(header.name);
    lower.make_ascii_lowercase();
    Some(lower)
}
