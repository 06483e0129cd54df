//! Keys and addresses of coins, and what borrowed their encodings.

use sha2::{Digest as _, Sha256};

use super::{Verdict, sure};

/// Longest value that is decoded, in characters. Extended keys have 111.
const LONGEST: usize = 120;

/// Base58Check: four bytes of a double SHA-256 behind the payload, as in Bitcoin's addresses and
/// extended keys (BIP 32).
pub(super) fn base58check(v: &[u8]) -> Option<Verdict> {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    if v.len() > LONGEST {
        return None;
    }
    // The number that the digits write, least byte first.
    let mut number: Vec<u8> = Vec::with_capacity(v.len());
    for byte in v {
        let mut carry = ALPHABET.iter().position(|b| b == byte)?;
        for place in &mut number {
            carry += usize::from(*place) * 58;
            *place = u8::try_from(carry & 0xff).ok()?;
            carry >>= 8;
        }
        while carry > 0 {
            number.push(u8::try_from(carry & 0xff).ok()?);
            carry >>= 8;
        }
    }
    // Zeros at the start are written as ones.
    number.extend(v.iter().take_while(|b| **b == b'1').map(|_| 0));
    number.reverse();
    let (payload, check) = number.split_last_chunk::<4>()?;
    let digest = Sha256::digest(Sha256::digest(payload));
    if payload.len() >= 16 && digest.starts_with(check) { sure() } else { None }
}

/// Bech32 and Bech32m (BIP 173, BIP 350): a prefix, `1`, and data whose last six characters are a
/// checksum over both.
pub(super) fn bech32(v: &[u8]) -> Option<Verdict> {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let mixed = v.iter().any(u8::is_ascii_lowercase) && v.iter().any(u8::is_ascii_uppercase);
    let v = v.to_ascii_lowercase();
    let split = v.iter().rposition(|b| *b == b'1')?;
    let (prefix, data) = (v.get(..split)?, v.get(split + 1..)?);
    if mixed || prefix.is_empty() || data.len() < 6 || v.len() > LONGEST {
        return None;
    }
    let high = prefix.iter().map(|b| b >> 5);
    let low = prefix.iter().map(|b| b & 31);
    let mut values: Vec<u8> = high.chain(std::iter::once(0)).chain(low).collect();
    for byte in data {
        values.push(u8::try_from(ALPHABET.iter().position(|b| b == byte)?).ok()?);
    }
    let sum = values.iter().fold(1u32, |sum, value| {
        let top = sum >> 25;
        let shifted = (sum & 0x01ff_ffff) << 5 ^ u32::from(*value);
        GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1).fold(shifted, |sum, (_, g)| sum ^ g)
    });
    if matches!(sum, 1 | 0x2bc8_30a3) { sure() } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, refuses};

    #[test]
    fn published_keys_and_addresses_pass_and_changed_ones_do_not() {
        for (name, good, bad) in [
            ("base58check", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
            ("bech32", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T5"),
            (
                "bech32",
                "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
                "bc1p0xlxvlhemja6c4dqv22uapctq",
            ),
            ("bech32", "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5", "nsec1vl029"),
        ] {
            accepts(name, good);
            refuses(name, bad);
        }
        refuses("base58check", "");
        refuses("bech32", "bc1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4");
    }
}
