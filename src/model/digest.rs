//! Recognises content that was seen before.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use highway::{HighwayHash, HighwayHasher, Key};

/// A keyed hash of 128 bits (HighwayHash). The key is this process's alone and no digest is ever told, so
/// nobody can make a content that passes for another, harmless one. An unkeyed cryptographic hash would do
/// too, and took a tenth of the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u64; 2]);

static KEY: LazyLock<Key> = LazyLock::new(|| Key([0, 1, 2, 3].map(|n: u64| RandomState::new().hash_one(n))));

impl Digest {
    /// The digest of some parts, each with its length.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = HighwayHasher::new(*KEY);
        for part in parts {
            hasher.append(&(part.len() as u64).to_le_bytes());
            hasher.append(part);
        }
        Self(hasher.finalize128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_borders_between_parts_count() {
        assert_eq!(Digest::of(&[b"a", b"bc"]), Digest::of(&[b"a", b"bc"]));
        assert_ne!(Digest::of(&[b"a", b"bc"]), Digest::of(&[b"ab", b"c"]));
    }
}
