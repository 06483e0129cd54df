//! Finds every keyword of every rule in one pass over a text, whatever the case of its ASCII letters.
//!
//! Of each literal four bytes are chosen that text has least often. One look into a table of bits tells
//! whether the four bytes at a place can be some literal's: nearly nowhere they are, and what is left is
//! compared in full. An automaton over the same literals would touch its tables once for each byte, one
//! after the other; here each place is looked at by itself, several at a time.

use hashbrown::HashMap;
use smallvec::SmallVec;

/// Bytes that are looked at together.
const GRAM: usize = 4;

/// Bits of the filter. It has to stay in the first-level cache.
const BITS: u32 = 18;

/// Places that are looked at before the next branch.
const STRIDE: usize = 4;

/// Makes letters lower case; what else it changes it changes in literals too.
const FOLD: u32 = 0x2020_2020;

/// What text is made of, from the most frequent byte to the least. What is not here is rarer still.
const FREQUENT: &[u8] = b" etaonisrlhdcupmfg.,\"-=:/>0b<1;ywv_2(3)n5kx4'689{}7jq&?z[]";

/// A set of literals.
#[derive(Debug)]
pub(super) struct Literals {
    /// In lower case.
    patterns: Vec<Box<[u8]>>,
    filter: Box<[u8; 1 << (BITS - 3)]>,
    /// The literals with a gram, and where in them it is.
    grams: HashMap<u32, SmallVec<[(u32, u32); 2]>>,
    /// Those shorter than a gram, by their first byte.
    short: Box<[Vec<u32>; 256]>,
}

/// A literal in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    /// Behind its last byte.
    pub(super) end: usize,
    /// Its first.
    pub(super) start: usize,
    /// Its place in the list.
    pub(super) literal: usize,
}

impl Literals {
    /// Prepares the search for `patterns`.
    pub(super) fn new(patterns: &[Vec<u8>]) -> Self {
        let patterns: Vec<Box<[u8]>> = patterns.iter().map(|p| p.to_ascii_lowercase().into()).collect();
        let filter = Box::new([0; 1 << (BITS - 3)]);
        let mut literals =
            Self { patterns, filter, grams: HashMap::new(), short: Box::new([const { Vec::new() }; 256]) };
        for (n, pattern) in (0..).zip(literals.patterns.clone()) {
            match rarest(&pattern) {
                Some((offset, gram)) => {
                    literals.grams.entry(gram).or_default().push((n, offset));
                    literals.admit(gram);
                }
                None => literals.add_short(n, &pattern),
            }
        }
        literals
    }

    /// Finds all of them, wherever they overlap, in the order of their ends.
    pub(super) fn find(&self, text: &[u8], hits: &mut Vec<Hit>) {
        hits.clear();
        let mut at = 0;
        while let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk()) {
            let mut maybe = self.maybe(u64::from_le_bytes(*bytes));
            while maybe != 0 {
                self.verify(text, at + maybe.trailing_zeros() as usize, hits);
                maybe &= maybe - 1;
            }
            at += STRIDE;
        }
        (at..text.len()).for_each(|at| self.verify(text, at, hits));
        // Where in a literal its gram is differs: the hits come nearly in order.
        hits.sort_unstable();
    }

    /// At which of the first places of eight bytes a literal's gram may be, a bit each.
    #[inline]
    fn maybe(&self, bytes: u64) -> u32 {
        let [a, b, c, d] = [0, 8, 16, 24].map(|shift| self.admits((bytes >> shift) as u32 | FOLD));
        a | b << 1 | c << 2 | d << 3
    }

    #[inline]
    #[allow(clippy::indexing_slicing, reason = "a number of so many bits is inside an array of so many")]
    const fn admits(&self, gram: u32) -> u32 {
        let bit = hash(gram);
        (self.filter[(bit >> 3) as usize] >> (bit & 7) & 1) as u32
    }

    #[allow(clippy::indexing_slicing, reason = "a number of so many bits is inside an array of so many")]
    fn admit(&mut self, gram: u32) {
        let bit = hash(gram);
        self.filter[(bit >> 3) as usize] |= 1 << (bit & 7);
    }

    #[allow(clippy::indexing_slicing, reason = "there is a list for every byte")]
    fn add_short(&mut self, literal: u32, pattern: &[u8]) {
        let Some(first) = pattern.first() else { return };
        self.short[usize::from(*first)].push(literal);
        // Whatever comes behind it: the fold leaves half of the values.
        let mut grams: Vec<Vec<u8>> = vec![pattern.to_vec()];
        for _ in pattern.len()..GRAM {
            let each = |gram: Vec<u8>| (0..=u8::MAX).filter(|b| b & 0x20 != 0).map(move |b| [&gram[..], &[b]].concat());
            grams = grams.into_iter().flat_map(each).collect();
        }
        grams
            .iter()
            .filter_map(|gram| gram.first_chunk())
            .for_each(|gram| self.admit(u32::from_le_bytes(*gram) | FOLD));
    }

    /// Adds the literals that are really there, those with a gram at `at` and the short ones.
    #[inline(never)]
    #[allow(clippy::indexing_slicing, reason = "there is a list for every byte")]
    fn verify(&self, text: &[u8], at: usize, hits: &mut Vec<Hit>) {
        let Some(rest) = text.get(at..) else { return };
        let mut check = |literal: u32, start: usize| {
            let Some(pattern) = self.patterns.get(literal as usize) else { return };
            let end = start + pattern.len();
            if text.get(start..end).is_some_and(|there| there.eq_ignore_ascii_case(pattern)) {
                hits.push(Hit { end, start, literal: literal as usize });
            }
        };
        if let Some(gram) = rest.first_chunk().map(|gram| u32::from_le_bytes(*gram) | FOLD)
            && let Some(literals) = self.grams.get(&gram)
        {
            for (literal, offset) in literals {
                if let Some(start) = at.checked_sub(*offset as usize) {
                    check(*literal, start);
                }
            }
        }
        if let Some(first) = rest.first() {
            self.short[usize::from(first.to_ascii_lowercase())].iter().for_each(|literal| check(*literal, at));
        }
    }
}

const fn hash(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1) >> (u32::BITS - BITS)
}

/// The four bytes of a literal that text has least often, folded, and where they are.
fn rarest(pattern: &[u8]) -> Option<(u32, u32)> {
    let rarity = |byte: &u8| FREQUENT.iter().position(|b| b == byte).unwrap_or(FREQUENT.len());
    let grams = (0..).zip(pattern.windows(GRAM));
    let (offset, gram) = grams.max_by_key(|(_, gram)| gram.iter().map(rarity).sum::<usize>())?;
    Some((offset, u32::from_le_bytes(*gram.first_chunk()?) | FOLD))
}

#[cfg(test)]
mod tests {
    use aho_corasick::AhoCorasick;
    use proptest::prelude::*;

    use super::*;

    fn found(patterns: &[&str], text: &[u8]) -> Vec<(usize, usize, usize)> {
        let patterns: Vec<Vec<u8>> = patterns.iter().map(|p| p.as_bytes().to_vec()).collect();
        let mut hits = Vec::new();
        Literals::new(&patterns).find(text, &mut hits);
        hits.iter().map(|hit| (hit.start, hit.end, hit.literal)).collect()
    }

    #[test]
    fn literals_are_found_in_any_case_and_inside_of_each_other() {
        let hits = found(&["password", "pass", "sword", "pwd"], b"PassWord=PWD");
        assert_eq!(hits, [(0, 4, 1), (0, 8, 0), (3, 8, 2), (9, 12, 3)]);
    }

    #[test]
    fn letters_beyond_ascii_keep_their_case_and_marks_are_not_letters() {
        assert_eq!(found(&["hasło"], "hasło".as_bytes()).len(), 1);
        assert_eq!(found(&["api_key", "a[b]"], b"api\x7fkey a{b}"), []);
    }

    proptest! {
        /// What an automaton over the same literals finds.
        #[test]
        fn every_literal_is_found_and_nothing_else(
            patterns in prop::collection::vec("[a-d_A]{2,7}", 1..20),
            text in prop::collection::vec(prop::sample::select(b"abcd_ABCD\x7f@".to_vec()), 0..300),
        ) {
            let mut patterns = patterns;
            patterns.iter_mut().for_each(|p| p.make_ascii_lowercase());
            patterns.sort();
            patterns.dedup();
            let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&patterns).unwrap();
            let mut expected: Vec<_> =
                automaton.find_overlapping_iter(&text).map(|m| (m.end(), m.start(), m.pattern().as_usize())).collect();
            expected.sort_unstable();
            let literals: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let mut hits: Vec<_> = found(&literals, &text).into_iter().map(|(start, end, n)| (end, start, n)).collect();
            hits.sort_unstable();
            prop_assert_eq!(hits, expected);
        }
    }
}
