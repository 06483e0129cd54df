//! `application/x-www-form-urlencoded`: forms and the queries of URLs.

use std::borrow::Cow;
use std::ops::Range;

use super::charset::Charset;
use super::percent::{self, Plus};

/// A name and its value, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The name; empty when there is none.
    pub name: Cow<'a, str>,
    /// The value; empty when there is none.
    pub value: Cow<'a, [u8]>,
    /// Where the value stands in the form, in bytes.
    pub range: Range<usize>,
}

/// The pairs of a form, in order. Empty pairs are passed over; a cut form gives what it has.
pub fn pairs(form: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    pairs_in(form, None)
}

/// The same of a form in a charset, where that is said.
pub fn pairs_in(form: &[u8], charset: Option<Charset>) -> impl Iterator<Item = Pair<'_>> {
    let mut start = 0;
    form.split(|b| *b == b'&').filter_map(move |pair| {
        let at = start;
        start += pair.len() + 1;
        if pair.is_empty() {
            return None;
        }
        let equals = memchr::memchr(b'=', pair);
        let (name, value) = equals.and_then(|n| pair.split_at_checked(n)).unwrap_or((pair, b""));
        let value = value.strip_prefix(b"=").unwrap_or(value);
        Some(Pair {
            name: text(percent::decode(name, Plus::Space), charset),
            value: read(percent::decode(value, Plus::Space), charset),
            range: at + pair.len() - value.len()..at + pair.len(),
        })
    })
}

/// A name. Pages in an 8-bit charset send theirs in it, and mostly do not say so.
fn text(bytes: Cow<'_, [u8]>, charset: Option<Charset>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
            Ok(name) => name,
            Err(error) => {
                let charset = charset.unwrap_or(Charset::LATIN);
                String::from_utf8_lossy(&charset.read(error.as_bytes())).into_owned()
            }
        }),
    }
}

/// A value. One that is no text stays as it is.
fn read(bytes: Cow<'_, [u8]>, charset: Option<Charset>) -> Cow<'_, [u8]> {
    let control = |b: &u8| b.is_ascii_control() && !b.is_ascii_whitespace();
    if std::str::from_utf8(&bytes).is_ok() || charset.is_none() && bytes.iter().any(control) {
        return bytes;
    }
    let charset = charset.unwrap_or(Charset::LATIN);
    charset.read(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_located() {
        assert_eq!(pairs(b"contrase%F1a=x").next().unwrap().name, "contraseña");
        let form = b"user=marta&&pw=a%26b+c&flag";
        let all: Vec<_> = pairs(form).collect();
        let flat: Vec<(&str, &[u8])> = all.iter().map(|p| (p.name.as_ref(), p.value.as_ref())).collect();
        assert_eq!(flat, [("user", &b"marta"[..]), ("pw", b"a&b c"), ("flag", b"")]);
        assert_eq!(&form[all[1].range.clone()], b"a%26b+c");
    }

    #[test]
    fn forms_are_read_in_their_charset() {
        let russian = Charset::named(b"windows-1251");
        let pair = pairs_in(b"%EF%E0%F0%EE%EB%FC=%E0%E1%E2", russian).next().unwrap();
        assert_eq!((pair.name.as_ref(), pair.value.as_ref()), ("пароль", "абв".as_bytes()));
        assert_eq!(pairs(b"a=Gr%FC%DFe").next().unwrap().value.as_ref(), "Grüße".as_bytes());
        assert_eq!(pairs(b"a=%01%FC").next().unwrap().value.as_ref(), b"\x01\xfc");
        assert_eq!(pairs_in("a=é".as_bytes(), russian).next().unwrap().value.as_ref(), "é".as_bytes());
    }

    #[test]
    fn an_equals_sign_in_a_value_belongs_to_it() {
        let pair = pairs(b"token=YWJj=").next().unwrap();
        assert_eq!((pair.name.as_ref(), pair.value.as_ref()), ("token", &b"YWJj="[..]));
    }
}
