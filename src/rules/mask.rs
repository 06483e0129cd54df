//! What of a value may be seen: its masked form, its keyed fingerprint.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::schema::Mask;
use crate::model::finding::Value;

/// Stands for what is hidden, whatever its length.
const HIDDEN: &str = "••••••";

/// Key of the fingerprints (HMAC-SHA-256). With one key, equal values have equal fingerprints; without
/// the key, nobody can try guesses against them.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// A key made from what the operator gave.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// A key for this run alone, from the operating system's randomness.
    pub fn random() -> Self {
        let mut seed = Sha256::new();
        for n in 0..8u64 {
            seed.update(RandomState::new().hash_one(n).to_le_bytes());
        }
        Self(seed.finalize().into())
    }

    /// The key itself, for who makes others of it.
    pub(super) const fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// The first eight bytes of the HMAC of `parts` (each with its length).
    pub(super) fn digest(&self, parts: &[&[u8]]) -> u64 {
        // HMAC takes a key of any length, so this cannot fail.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return 0 };
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// A value as it may be shown.
pub(super) fn value(secret: &[u8], mask: Mask, key: &Key, reveal: bool) -> Value {
    let text = String::from_utf8_lossy(secret);
    Value {
        masked: masked(&text, mask),
        fingerprint: format!("hmac:{:016x}", key.digest(&[secret])),
        length: secret.len(),
        clear: reveal.then(|| text.into_owned()),
    }
}

/// A text with its secret part replaced by a mark of fixed length. At least half of it, and at least
/// four characters, stay hidden.
pub(super) fn masked(text: &str, mask: Mask) -> String {
    let length = text.chars().count();
    let shown = |n: usize| n.min(length / 2).min(length.saturating_sub(4));
    match mask {
        Mask::All => HIDDEN.to_owned(),
        Mask::Shown => text.to_owned(),
        Mask::Email => match text.split_once('@') {
            Some((user, domain)) => {
                let first = user.chars().next().filter(|_| user.chars().count() > 1);
                format!("{}{HIDDEN}@{domain}", first.map(String::from).unwrap_or_default())
            }
            None => HIDDEN.to_owned(),
        },
        Mask::KeepLast(n) => format!("{HIDDEN}{}", text.chars().skip(length - shown(n)).collect::<String>()),
        Mask::KeepPrefix(n) => format!("{}{HIDDEN}", text.chars().take(shown(n)).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_never_shows_more_than_half() {
        assert_eq!(masked("4111111111111111", Mask::KeepLast(4)), "••••••1111");
        assert_eq!(masked("ghp_abcdefgh", Mask::KeepPrefix(4)), "ghp_••••••");
        assert_eq!(masked("abcde", Mask::KeepLast(4)), "••••••e");
        assert_eq!(masked("abc", Mask::KeepPrefix(4)), HIDDEN);
        assert_eq!(masked("alice@shop.example", Mask::Email), "a••••••@shop.example");
        assert_eq!(masked("hunter2", Mask::All), masked("hunter2hunter2", Mask::All));
    }

    #[test]
    fn fingerprints_depend_on_the_key() {
        let (one, two) = (Key::from_secret(b"1"), Key::from_secret(b"2"));
        let print = |key: &Key| value(b"hunter2", Mask::All, key, false).fingerprint;
        assert_eq!(print(&one), print(&one));
        assert_ne!(print(&one), print(&two));
        assert_eq!(print(&one).len(), 21);
        assert_ne!(Key::random(), Key::random());
    }
}
