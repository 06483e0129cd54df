//! Files of keys, as they are on a disk: what the bytes are is told by their structure, never by a few
//! first bytes alone, as random content must not look like a key.

mod der;
mod java;
mod pgp;
#[cfg(test)]
mod tests;

use super::bytes::Bytes;
use super::sniff;

/// What a file of keys is: the name it is reported under. The first ones hold a key as it is, the others
/// need a password.
pub fn of_file(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x30, ..] => der::of_file(bytes),
        [0x05, 0x02, rest @ ..] => keytab(rest).map(|()| "kerberos keytab"),
        [0x05, 0x04, rest @ ..] => ticket_cache(rest).map(|()| "kerberos ticket cache"),
        [b'o', b'p', b'e', b'n', b's', b's', b'h', ..] => openssh(bytes),
        [0x03, 0xd9, 0xa2, 0x9a, 0x65..=0x67, 0xfb, 0x4b, 0xb5, ..] => Some("keepass database"),
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => java::key_store(bytes),
        [0, 0, 0, 1 | 2, 0, 0, 0, 0x14, ..] => java::bouncy_castle(bytes),
        [b'k', b'y', b'c', b'h', 0, 1, 0, 0, ..] => Some("apple keychain"),
        [b'(', b'1' | b'2', ..] => agent(bytes),
        [b'S', b'Q', b'L', ..] | [0, 6, 0x15, 0x61, ..] => mozilla(bytes),
        [0x94 | 0x95 | 0xc5, ..] => pgp::secret_key(bytes),
        _ => None,
    }
}

/// Whether bytes may begin such a file: of some the beginning does not tell.
pub fn begins(bytes: &[u8]) -> bool {
    match bytes {
        [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 1 | 2, ..] | [0xce, 0xce, 0xce, 0xce, 0, 0, 0, 1 | 2, ..] => true,
        [0, 6, 0x15, 0x61, 0, 0, 0, 2, ..] => true,
        _ => bytes.starts_with(b"SQLite format 3\0") || of_file(bytes).is_some(),
    }
}

/// Bytes of a database in which its tables are described.
const DESCRIBED: usize = 64 << 10;

/// The databases of keys of Firefox and Thunderbird: SQLite, and before that Berkeley's.
fn mozilla(bytes: &[u8]) -> Option<&'static str> {
    let head = bytes.get(..DESCRIBED).unwrap_or(bytes);
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    let found = match bytes.first() {
        Some(b'S') => has(b"CREATE TABLE nssPrivate") || has(b"CREATE TABLE metaData (id PRIMARY KEY"),
        _ => has(b"global-salt") && has(b"password-check"),
    };
    found.then_some("mozilla key database")
}

/// What is inside of the PEM lines of OpenSSH (its PROTOCOL.key, section 1).
fn openssh(bytes: &[u8]) -> Option<&'static str> {
    let mut rest = Bytes(bytes);
    rest.expect(b"openssh-key-v1\0")?;
    match string(&mut rest)? {
        b"none" => Some("openssh private key"),
        cipher => (cipher.len() <= 64 && cipher.is_ascii()).then_some("openssh protected key"),
    }
}

/// Keys of GnuPG's agent: canonical S-expressions (RFC 9804).
fn agent(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"(11:private-key(") {
        return Some("pgp secret key");
    }
    bytes.starts_with(b"(21:protected-private-key(").then_some("pgp protected key")
}

/// The first entry of a keytab of MIT's or Heimdal's, version 2: numbers are big-endian.
fn keytab(rest: &[u8]) -> Option<()> {
    let mut rest = Bytes(rest);
    let size = rest.number_be(4).filter(|size| (16..4096).contains(size))?;
    let mut entry = Bytes(rest.at_most(usize::try_from(size).ok()?));
    let components = entry.number_be(2).filter(|n| (1..=8).contains(n))?;
    // The realm and the components of the principal.
    for _ in 0..=components {
        let length = entry.number_be(2)?;
        let name = entry.take(usize::try_from(length).ok()?)?;
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return None;
        }
    }
    // Name type, time stamp, version; then the type and the length of the key.
    entry.take(9)?;
    let (kind, length) = (entry.number_be(2)?, entry.number_be(2)?);
    ((1..=26).contains(&kind) && matches!(length, 8 | 16 | 24 | 32)).then_some(())
}

/// A file of tickets with their session keys, version 4: a header with the clock's offset, and whose it is.
fn ticket_cache(rest: &[u8]) -> Option<()> {
    let mut rest = Bytes(rest);
    let header = rest.number_be(2).filter(|n| *n <= 64)?;
    rest.take(usize::try_from(header).ok()?)?;
    rest.number_be(4).filter(|kind| *kind <= 10)?;
    let components = rest.number_be(4).filter(|n| (1..=8).contains(n))?;
    for _ in 0..=components {
        let name = string(&mut rest)?;
        if name.is_empty() || name.len() > 256 || !name.iter().all(u8::is_ascii_graphic) {
            return None;
        }
    }
    Some(())
}

/// A string behind its length of four bytes.
fn string<'a>(bytes: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let length = bytes.number_be(4)?;
    bytes.take(usize::try_from(length).ok()?)
}
