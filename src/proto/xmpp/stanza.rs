//! What is kept of one stanza until its end.

use crate::content::entity;
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;

/// Longest value that is kept of an attribute, and of a field of a query.
const LONGEST: usize = 1024;

/// An element right below the stream, and what was seen in it.
#[derive(Debug, Default)]
pub(super) struct Stanza {
    /// Its name.
    pub(super) name: Vec<u8>,
    /// `type`: of a query, `set`, `get`, `result` or `error`.
    pub(super) sort: Vec<u8>,
    pub(super) id: Vec<u8>,
    /// A namespace of TLS stands in it.
    pub(super) tls: bool,
    pub(super) query: Option<Query>,
    /// The name of the field of a form that is open.
    pub(super) form_field: Vec<u8>,
}

/// What a query is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To log in (XEP-0078).
    Auth,
    /// To register, or to change the password (XEP-0077).
    Register,
}

/// A query with a login.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) purpose: Purpose,
    pub(super) username: Vec<u8>,
    pub(super) password: Option<(HeldSecret, Span)>,
    /// SHA-1 of the stream's id and the password, in hexadecimal.
    pub(super) digest: Option<(Vec<u8>, Span)>,
}

impl Query {
    /// A query by its namespace.
    pub(super) fn of(namespace: &[u8]) -> Option<Self> {
        let purpose = match namespace {
            b"jabber:iq:auth" => Purpose::Auth,
            b"jabber:iq:register" => Purpose::Register,
            _ => return None,
        };
        Some(Self { purpose, username: Vec::new(), password: None, digest: None })
    }

    /// The text of a field. Whether it is part of a login.
    pub(super) fn note(&mut self, name: &[u8], value: &[u8], span: Span) -> bool {
        if value.len() > LONGEST {
            return false;
        }
        match name {
            b"username" => self.username = value.to_vec(),
            b"password" => self.password = Some((HeldSecret::new(value), span)),
            b"digest" if is_sha1(value) => self.digest = Some((value.to_ascii_lowercase(), span)),
            _ => return false,
        }
        true
    }
}

/// Whether a value is a SHA-1 in hexadecimal.
pub(super) fn is_sha1(value: &[u8]) -> bool {
    value.len() == 40 && value.iter().all(u8::is_ascii_hexdigit)
}

/// The value of an attribute of a tag.
pub(super) fn attribute(attributes: &[u8], wanted: &[u8]) -> Option<Vec<u8>> {
    let mut rest = attributes;
    loop {
        let (name, after) = rest.split_at_checked(memchr::memchr(b'=', rest)?)?;
        let after = after.get(1..)?.trim_ascii_start();
        let (quote, value) = after.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
        let (value, next) = value.split_at_checked(memchr::memchr(*quote, value)?)?;
        if name.trim_ascii() == wanted {
            return (value.len() <= LONGEST).then(|| entity::decode(value));
        }
        rest = next.get(1..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_by_their_whole_name() {
        let tag = b" xml:id='no' id = \"a&amp;b\" to='it=\"x\"'";
        assert_eq!(attribute(tag, b"id").as_deref(), Some(&b"a&b"[..]));
        assert_eq!(attribute(tag, b"to").as_deref(), Some(&b"it=\"x\""[..]));
        assert_eq!(attribute(tag, b"from"), None);
        assert_eq!(attribute(b" cut='", b"cut"), None);
    }
}
