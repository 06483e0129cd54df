//! Headers of SIP: their short names, which of them hold nothing, and what addresses say.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use crate::content::percent::{self, Plus};

/// Longest name that is looked at.
pub(super) const LONGEST_NAME: usize = 64;

/// Names of one letter (RFC 3261, section 7.3.3, and those registered since).
const SHORT: [(u8, &[u8]); 20] = [
    (b'a', b"accept-contact"),
    (b'b', b"referred-by"),
    (b'c', b"content-type"),
    (b'd', b"request-disposition"),
    (b'e', b"content-encoding"),
    (b'f', b"from"),
    (b'i', b"call-id"),
    (b'j', b"reject-contact"),
    (b'k', b"supported"),
    (b'l', b"content-length"),
    (b'm', b"contact"),
    (b'n', b"identity-info"),
    (b'o', b"event"),
    (b'r', b"refer-to"),
    (b's', b"subject"),
    (b't', b"to"),
    (b'u', b"allow-events"),
    (b'v', b"via"),
    (b'x', b"session-expires"),
    (b'y', b"identity"),
];

/// Headers by which messages find their way, and parties say what they can do.
const ROUTINE: [&[u8]; 53] = [
    b"accept",
    b"accept-contact",
    b"accept-encoding",
    b"accept-language",
    b"allow",
    b"allow-events",
    b"authentication-info",
    b"call-id",
    b"contact",
    b"content-disposition",
    b"content-id",
    b"content-language",
    b"cseq",
    b"date",
    b"event",
    b"expires",
    b"flow-timer",
    b"from",
    b"history-info",
    b"identity",
    b"identity-info",
    b"in-reply-to",
    b"max-forwards",
    b"mime-version",
    b"min-expires",
    b"min-se",
    b"p-access-network-info",
    b"p-asserted-identity",
    b"p-associated-uri",
    b"p-called-party-id",
    b"p-charging-vector",
    b"p-preferred-identity",
    b"p-visited-network-id",
    b"path",
    b"privacy",
    b"rack",
    b"reason",
    b"record-route",
    b"refer-sub",
    b"reject-contact",
    b"remote-party-id",
    b"request-disposition",
    b"require",
    b"retry-after",
    b"route",
    b"rseq",
    b"server",
    b"service-route",
    b"session-expires",
    b"subscription-state",
    b"timestamp",
    b"to",
    b"via",
];

/// As above, for names with few neighbours.
const ROUTINE_STARTS: [&[u8]; 4] = [b"supported", b"unsupported", b"user-agent", b"proxy-require"];

/// The name of a header in small letters, in full.
pub(super) fn full_name<'b>(name: &[u8], buffer: &'b mut [u8; LONGEST_NAME]) -> Option<&'b [u8]> {
    if let [letter] = name {
        let letter = letter.to_ascii_lowercase();
        return SHORT.iter().find(|(short, _)| *short == letter).map(|(_, full)| *full);
    }
    let lower = buffer.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    Some(lower)
}

/// Whether a header can hold something worth finding: names nobody listed can.
pub(super) fn can_hold_secrets(lower: &[u8]) -> bool {
    !ROUTINE.contains(&lower) && !ROUTINE_STARTS.iter().any(|start| lower.starts_with(start))
}

/// Whether a challenge says that its predecessor was too old.
pub(super) fn is_stale(challenge: &[u8]) -> bool {
    let lower = challenge.to_ascii_lowercase();
    [&b"stale=true"[..], b"stale=\"true\""].iter().any(|text| memchr::memmem::find(&lower, text).is_some())
}

/// Who an address says somebody is, and how that is proved.
#[derive(Debug)]
pub(super) struct Login<'a> {
    pub(super) user: &'a [u8],
    pub(super) password: Cow<'a, [u8]>,
}

/// `user:password@` of an address (section 19.1.1).
pub(super) fn password(value: &[u8]) -> Option<Login<'_>> {
    let rest = address(value)?;
    let end = rest.iter().position(|b| matches!(b, b'>' | b'?' | b'"' | b'<' | b',') || b.is_ascii_whitespace());
    let rest = rest.get(..end.unwrap_or(rest.len()))?;
    let (info, _) = rest.split_at_checked(memchr::memchr(b'@', rest)?)?;
    let (user, password) = info.split_at_checked(memchr::memchr(b':', info)?)?;
    let password = password.strip_prefix(b":")?;
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"-_.!~*'()%&=+$,".contains(b);
    if user.is_empty() || password.is_empty() || !password.iter().all(fits) {
        return None;
    }
    Some(Login { user, password: percent::decode(password, Plus::Plus) })
}

/// The host of an address, if it is a name.
pub(super) fn host(value: &[u8]) -> Option<&[u8]> {
    let rest = address(value)?;
    let host = rest.rsplit(|b| *b == b'@').next()?;
    let end = host.iter().position(|b| matches!(b, b':' | b';' | b'>' | b'?')).unwrap_or(host.len());
    let host = host.get(..end).filter(|host| !host.is_empty() && !host.starts_with(b"["))?;
    let text = std::str::from_utf8(host).ok()?;
    text.parse::<Ipv4Addr>().is_err().then_some(host)
}

/// What follows the scheme.
fn address(value: &[u8]) -> Option<&[u8]> {
    let scheme = |name: &[u8]| memchr::memmem::find(value, name).and_then(|n| value.get(n + name.len()..));
    scheme(b"sip:").or_else(|| scheme(b"sips:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_have_a_password() {
        let read = |value| password(value).map(|l| (l.user.to_vec(), l.password.into_owned()));
        assert_eq!(read(b"\"A\" <sip:alice:s%24cret@x.example;lr>"), Some((b"alice".to_vec(), b"s$cret".to_vec())));
        assert_eq!(read(b"sips:bob:pw@[::1]:5061"), Some((b"bob".to_vec(), b"pw".to_vec())));
        for none in [&b"<sip:alice@x.example:5060>"[..], b"sip:x.example:5060;a=b@c", b"sip::x@y", b"<tel:+1:2@x>"] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }

    #[test]
    fn hosts_are_names() {
        assert_eq!(host(b"sip:pbx.example:5060;transport=tcp"), Some(&b"pbx.example"[..]));
        assert_eq!(host(b"sip:1001@pbx.example"), Some(&b"pbx.example"[..]));
        assert_eq!(host(b"sip:10.0.0.2"), None);
        assert_eq!(host(b"sip:[::1]:5060"), None);
    }

    #[test]
    fn short_names_are_known() {
        let mut buffer = [0; LONGEST_NAME];
        assert_eq!(full_name(b"L", &mut buffer), Some(&b"content-length"[..]));
        assert_eq!(full_name(b"CSeq", &mut buffer), Some(&b"cseq"[..]));
        assert_eq!(full_name(b"q", &mut buffer), None);
        assert_eq!(full_name(&[b'x'; 100], &mut buffer), None);
    }
}
