//! Remembers content in which nothing was found: a server hands out the same pages, scripts and styles
//! over and over, and what held nothing once holds nothing the next time.

use hashbrown::HashSet;

use super::text::Scan;
use crate::model::digest::Digest;
use crate::model::event::Format;

/// Shorter texts cost less to search than to remember.
const SHORTEST: usize = 1024;

/// Contents that are remembered, twice over: see [`Familiar::remember`].
const GENERATION: usize = 16 * 1024;

/// Contents known to hold nothing. Whoever asks makes everything that decides what is found part of the
/// digest.
#[derive(Debug, Default)]
pub struct Familiar {
    young: HashSet<Digest>,
    old: HashSet<Digest>,
}

impl Familiar {
    /// Whether content is known to hold nothing.
    pub fn knows(&mut self, digest: &Digest) -> bool {
        if self.young.contains(digest) {
            return true;
        }
        let known = self.old.contains(digest);
        if known {
            self.remember(*digest);
        }
        known
    }

    /// Remembers that content holds nothing. When a generation is full, the one before it is forgotten:
    /// what is met at least once in every generation stays.
    pub fn remember(&mut self, digest: Digest) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest);
    }
}

/// The digest of a text and of all that decides what is found in it; `None` for a text that is not
/// worth it (JSON is made anew for each answer), or whose meaning depends on a text before it.
pub(super) fn digest(scan: &Scan<'_>, resource: &str) -> Option<Digest> {
    if scan.text.len() < SHORTEST || scan.outer.is_some() || scan.format == Format::Json {
        return None;
    }
    let kind = [scan.format as u8, scan.direction as u8];
    let (seen, protocol) = (scan.seen.to_le_bytes(), scan.protocol.as_bytes());
    Some(Digest::of(&[&kind, &seen, protocol, resource.as_bytes(), scan.text]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: usize) -> Digest {
        Digest::of(&[&n.to_le_bytes()])
    }

    #[test]
    fn what_is_met_again_stays_and_the_rest_is_forgotten() {
        let mut familiar = Familiar::default();
        familiar.remember(number(0));
        familiar.remember(number(1));
        for n in 2..3 * GENERATION {
            familiar.remember(number(n));
            assert!(familiar.knows(&number(0)));
        }
        assert!(!familiar.knows(&number(1)));
        assert!(familiar.young.len() + familiar.old.len() <= 2 * GENERATION);
    }
}
