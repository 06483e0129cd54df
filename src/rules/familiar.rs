//! Remembers what content held: a server hands out the same pages, scripts and styles over and over, and
//! what was found in one once is found there the next time.

use hashbrown::HashMap;

use super::text::{Hit, Scan};
use crate::model::digest::Digest;
use crate::model::event::Format;

/// Shorter texts cost less to search than to remember.
const SHORTEST: usize = 1024;

/// Contents that are remembered, twice over: see [`Familiar::remember`].
const GENERATION: usize = 16 * 1024;

/// Hits of them, twice over.
const HITS: usize = 32 * 1024;

/// What contents are known to hold. Whoever asks makes everything that decides what is found part of the
/// digest.
#[derive(Debug, Default)]
pub struct Familiar {
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    contents: HashMap<Digest, Box<[Hit]>>,
    hits: usize,
}

impl Familiar {
    /// Whether content is known to hold nothing.
    pub fn knows(&mut self, digest: &Digest) -> bool {
        self.hits(digest).is_some_and(<[Hit]>::is_empty)
    }

    /// Remembers that content holds nothing. When a generation is full, the one before it is forgotten:
    /// what is met at least once in every generation stays.
    pub fn remember(&mut self, digest: Digest) {
        self.keep(digest, Box::default());
    }

    /// What is known to be in a text.
    pub(super) fn hits(&mut self, digest: &Digest) -> Option<&[Hit]> {
        if !self.young.contents.contains_key(digest) {
            let known = self.old.contents.remove(digest)?;
            self.keep(*digest, known);
        }
        self.young.contents.get(digest).map(|hits| &**hits)
    }

    /// Remembers what is in a text. Hits with a value of their own are none of it: a secret is not kept, and
    /// where it stands only as long as nothing is said of it that changes with the time.
    pub(super) fn remember_hits(&mut self, digest: Digest, hits: &[Hit], lasting: impl Fn(&Hit) -> bool) {
        if hits.len() <= HITS / 64
            && hits.iter().all(|hit| hit.value.is_none() && hit.account.is_none() && lasting(hit))
        {
            self.keep(digest, hits.into());
        }
    }

    fn keep(&mut self, digest: Digest, hits: Box<[Hit]>) {
        if self.young.contents.len() >= GENERATION || self.young.hits + hits.len() > HITS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.hits += hits.len();
        self.young.contents.insert(digest, hits);
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
    use crate::model::finding::{Confidence, RuleIndex, Severity};
    use crate::model::why::Why;

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
        assert!(familiar.young.contents.len() + familiar.old.contents.len() <= 2 * GENERATION);
    }

    #[test]
    fn no_secret_is_remembered_and_no_more_hits_than_there_is_room_for() {
        let hit = |value: Option<Vec<u8>>| Hit {
            rule: RuleIndex(0),
            range: 0..4,
            value,
            name: None,
            severity: Severity::Low,
            confidence: Confidence::Low,
            note: None,
            why: Why::default(),
            account: None,
        };
        let mut familiar = Familiar::default();
        familiar.remember_hits(number(0), &[hit(Some(b"1234".to_vec()))], |_| true);
        familiar.remember_hits(number(1), &[hit(None)], |_| false);
        assert!(familiar.hits(&number(0)).is_none() && familiar.hits(&number(1)).is_none());
        for n in 2..4 * HITS {
            familiar.remember_hits(number(n), &[hit(None), hit(None)], |_| true);
            assert_eq!(familiar.hits(&number(n)).map(<[Hit]>::len), Some(2));
        }
        assert!(familiar.young.hits + familiar.old.hits <= 2 * HITS);
    }
}
