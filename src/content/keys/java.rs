//! Key stores of Java: JKS and JCEKS, and those of Bouncy Castle. A store of nothing but certificates holds
//! no key.

use super::super::bytes::Bytes;
use super::sniff;

/// Entries that are looked at.
const ENTRIES: u64 = 512;

/// Longest alias, in bytes.
const ALIAS: usize = 256;

/// JKS and JCEKS, versions 1 and 2: magic number, version, count, entries.
pub(super) fn key_store(bytes: &[u8]) -> Option<&'static str> {
    let mut rest = Bytes(bytes);
    rest.take(4)?;
    let version = rest.number_be(4).filter(|version| matches!(version, 1 | 2))?;
    let count = rest.number_be(4)?;
    for _ in 0..count.min(ENTRIES) {
        let kind = rest.number_be(4)?;
        name(&mut rest)?;
        // When it was made, in milliseconds.
        rest.number_be(8).filter(|at| *at < 1 << 43)?;
        match kind {
            1 | 3 => return Some("java key store"),
            2 => {
                if version == 2 {
                    name(&mut rest)?;
                }
                let length = rest.number_be(4)?;
                rest.take(usize::try_from(length).ok()?)?;
            }
            _ => return None,
        }
    }
    None
}

/// BKS: version, salt, iterations, entries. UBER has the same beginning, and the rest of it is encrypted.
pub(super) fn bouncy_castle(bytes: &[u8]) -> Option<&'static str> {
    let mut rest = Bytes(bytes);
    rest.take(8 + 20)?;
    rest.number_be(4).filter(|iterations| (1000..100_000).contains(iterations))?;
    let entries = rest.0;
    for _ in 0..ENTRIES {
        let Some(kind) = rest.u8().filter(|kind| *kind <= 4) else { break };
        let Some(()) = name(&mut rest) else { break };
        if kind >= 2 {
            return Some("bouncy castle store");
        }
        if kind == 0 || certificate(&mut rest).is_none() {
            return None;
        }
    }
    sniff::looks_encrypted(entries).then_some("bouncy castle store")
}

/// Passes over a certificate: date, chain, type, content.
fn certificate(rest: &mut Bytes<'_>) -> Option<()> {
    rest.take(8)?;
    rest.number_be(4).filter(|chain| *chain == 0)?;
    name(rest)?;
    let length = rest.number_be(4)?;
    rest.take(usize::try_from(length).ok()?).map(|_| ())
}

/// A name behind its length of two bytes.
fn name(rest: &mut Bytes<'_>) -> Option<()> {
    let length = usize::try_from(rest.number_be(2)?).ok()?;
    let name = rest.take(length)?;
    let readable = std::str::from_utf8(name).is_ok_and(|name| !name.contains(char::is_control));
    (!name.is_empty() && length <= ALIAS && readable).then_some(())
}
