//! Remembers what content held: a server hands out the same pages, scripts and styles over and over, and
//! what was found in one once is found there the next time.

use hashbrown::HashMap;

use super::text::Scan;
use crate::model::digest::Digest;
use crate::model::event::Format;

/// Shorter texts cost less to search than to remember.
const SHORTEST: usize = 1024;

/// Things that are found in a content, on the whole.
const EACH: usize = 2;

/// What contents are known to hold. Whoever asks makes everything that decides what is found part of the
/// digest.
#[derive(Debug)]
pub struct Familiar<T> {
    /// Contents of a generation.
    room: usize,
    young: Generation<T>,
    old: Generation<T>,
}

#[derive(Debug)]
struct Generation<T> {
    contents: HashMap<Digest, Box<[T]>>,
    found: usize,
}

impl<T> Default for Generation<T> {
    fn default() -> Self {
        Self { contents: HashMap::new(), found: 0 }
    }
}

impl<T> Familiar<T> {
    /// Things found in one content that are remembered: it is a listing that has more.
    pub const MOST: usize = 256;

    /// Remembers so many contents, in two generations: see [`Familiar::remember`].
    pub fn of(contents: usize) -> Self {
        Self { room: contents.div_ceil(2), young: Generation::default(), old: Generation::default() }
    }

    /// Forgets them all.
    pub fn forget(&mut self) {
        *self = Self { room: self.room, young: Generation::default(), old: Generation::default() };
    }

    /// What content is known to hold.
    pub fn found(&mut self, content: &Digest) -> Option<&[T]> {
        if !self.young.contents.contains_key(content) {
            let known = self.old.contents.remove(content)?;
            self.remember(*content, known);
        }
        self.young.contents.get(content).map(|found| &**found)
    }

    /// Remembers what content holds, if that is not too much. When a generation is full, the one before it is
    /// forgotten: what is met at least once in every generation stays.
    pub fn remember(&mut self, content: Digest, found: Box<[T]>) {
        if self.room == 0 || found.len() > Self::MOST.min(EACH * self.room) {
            return;
        }
        if self.young.contents.len() >= self.room || self.young.found + found.len() > EACH * self.room {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.found += found.len();
        self.young.contents.insert(content, found);
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
        const GENERATION: usize = 100;
        let mut familiar = Familiar::of(2 * GENERATION);
        familiar.remember(number(0), [7].into());
        familiar.remember(number(1), [].into());
        for n in 2..3 * GENERATION {
            familiar.remember(number(n), [].into());
            assert_eq!(familiar.found(&number(0)), Some(&[7][..]));
        }
        assert_eq!(familiar.found(&number(1)), None);
        assert!(familiar.young.contents.len() + familiar.old.contents.len() <= 2 * GENERATION);
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        const CONTENTS: usize = 1000;
        let mut familiar = Familiar::of(CONTENTS);
        let most = Familiar::<u8>::MOST;
        for n in 0..CONTENTS {
            familiar.remember(number(n), vec![0; most].into());
        }
        familiar.remember(number(CONTENTS), vec![0; most + 1].into());
        assert_eq!(familiar.found(&number(CONTENTS)), None);
        assert!(familiar.young.found + familiar.old.found <= EACH * CONTENTS);
    }
}
