//! Secret keys of OpenPGP in binary (RFC 4880 section 5.5, RFC 9580 section 5.5).

use super::super::bytes::Bytes;

/// Whether the first packet is a secret key, and how it is kept.
pub(super) fn secret_key(bytes: &[u8]) -> Option<&'static str> {
    let mut rest = Bytes(bytes);
    let length = match rest.u8()? {
        0x94 => rest.number_be(1),
        0x95 => rest.number_be(2),
        _ => match rest.u8()? {
            short @ 0..=191 => Some(u64::from(short)),
            high @ 192..=223 => Some(((u64::from(high) - 192) << 8) + u64::from(rest.u8()?) + 192),
            255 => rest.number_be(4),
            _ => None,
        },
    }?;
    let length = usize::try_from(length).ok().filter(|length| (32..16_384).contains(length))?;
    let after = rest.0.get(length..).and_then(|rest| rest.first());
    let mut key = Bytes(rest.at_most(length));
    let version = key.u8().filter(|version| matches!(version, 4..=6))?;
    // Made between 1991, the year of PGP, and 2106.
    key.number_be(4).filter(|made| *made > 660_000_000)?;
    let algorithm = key.u8()?;
    if version > 4 {
        key.take(4)?;
    }
    match algorithm {
        1..=3 => numbers(&mut key, 2)?,
        16 | 20 => numbers(&mut key, 3)?,
        17 => numbers(&mut key, 4)?,
        18 | 19 | 22 => {
            let oid = key.u8().filter(|length| (3..=12).contains(length))?;
            key.take(usize::from(oid))?;
            numbers(&mut key, 1)?;
            // How keys are derived, of those that encrypt.
            if algorithm == 18 {
                let length = key.u8()?;
                key.take(usize::from(length))?;
            }
        }
        25 | 27 => key.take(32).map(|_| ())?,
        26 => key.take(56).map(|_| ())?,
        28 => key.take(57).map(|_| ())?,
        _ => return None,
    }
    // What follows is who it belongs to, another key, a signature, or nothing.
    if after.is_some_and(|tag| !matches!(tag, 0xb0..=0xb7 | 0xcd | 0x9c..=0x9f | 0xc7 | 0x88..=0x8b | 0xc2 | 0xd1)) {
        return None;
    }
    match key.u8()? {
        0 => Some("pgp secret key"),
        253..=255 => Some("pgp protected key"),
        _ => None,
    }
}

/// Passes over numbers, each behind its length in bits.
fn numbers(key: &mut Bytes<'_>, count: usize) -> Option<()> {
    for _ in 0..count {
        let bits = key.number_be(2).filter(|bits| (1..=16_384).contains(bits))?;
        let number = key.take(usize::try_from(bits.div_ceil(8)).ok()?)?;
        // The first byte has as many bits as are left of the whole ones.
        let top = u64::from(8 - number.first()?.leading_zeros());
        if (bits - 1) % 8 + 1 != top {
            return None;
        }
    }
    Some(())
}
