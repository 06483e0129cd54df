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
            name: text(percent::decode(name, Plus::Space)),
            value: percent::decode(value, Plus::Space),
            range: at + pair.len() - value.len()..at + pair.len(),
        })
    })
}

/// A name. Pages in an 8-bit charset send theirs in it, and do not say so.
fn text(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
            Ok(name) => name,
            Err(error) => String::from_utf8_lossy(&Charset::LATIN.read(error.as_bytes())).into_owned(),
        }),
    }
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
    fn an_equals_sign_in_a_value_belongs_to_it() {
        let pair = pairs(b"token=YWJj=").next().unwrap();
        assert_eq!((pair.name.as_ref(), pair.value.as_ref()), ("token", &b"YWJj="[..]));
    }
}
