//! Remembers texts in which nothing was found: a server hands out the same pages, scripts and styles
//! over and over, and what held nothing once holds nothing the next time.

use hashbrown::HashSet;

use super::text::Scan;

/// Shorter texts cost less to search than to remember.
const SHORTEST: usize = 1024;

/// Texts that are remembered, twice over: see [`Familiar::remember`].
const GENERATION: usize = 16 * 1024;

/// Half of a BLAKE3 digest. Nobody can make two texts of one digest, so nobody can hide a text behind
/// a harmless one.
type Digest = [u8; 16];

/// Texts known to hold nothing.
#[derive(Debug, Default)]
pub(super) struct Familiar {
    young: HashSet<Digest>,
    old: HashSet<Digest>,
}

impl Familiar {
    /// The digest of a text and of all that decides what is found in it; `None` for a text that is not
    /// worth it, or whose meaning depends on a text before it.
    pub(super) fn digest(scan: &Scan<'_>) -> Option<Digest> {
        if scan.text.len() < SHORTEST || scan.outer.is_some() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[scan.format as u8, scan.direction as u8]);
        hasher.update(&scan.seen.to_le_bytes());
        hasher.update(scan.protocol.as_bytes());
        hasher.update(&[0]);
        hasher.update(scan.text);
        hasher.finalize().as_bytes().first_chunk().copied()
    }

    /// Whether a text is known to hold nothing.
    pub(super) fn knows(&mut self, digest: &Digest) -> bool {
        self.young.contains(digest) || (self.old.contains(digest) && self.remember(*digest))
    }

    /// Remembers that a text holds nothing. When a generation is full, the one before it is forgotten: what
    /// is met at least once in every generation stays. True, for use in conditions.
    pub(super) fn remember(&mut self, digest: Digest) -> bool {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: usize) -> Digest {
        (n as u128).to_le_bytes()
    }

    #[test]
    fn what_is_met_again_stays_and_the_rest_is_forgotten() {
        let mut familiar = Familiar::default();
        familiar.remember(digest(0));
        familiar.remember(digest(1));
        for n in 2..3 * GENERATION {
            familiar.remember(digest(n));
            assert!(familiar.knows(&digest(0)));
        }
        assert!(!familiar.knows(&digest(1)));
        assert!(familiar.young.len() + familiar.old.len() <= 2 * GENERATION);
    }
}
