//! Finds every keyword of every rule in one pass over a text, whatever the case of its ASCII letters.
//!
//! Of each literal two grams are chosen, four bytes that text has least often: one at an even offset and
//! one at an odd one. So it is enough to look at every second place of a text: one look into a table
//! tells whether the four bytes there can be some literal's gram. Nearly nowhere they are; a second table
//! tells whether the two bytes before or behind can be the literal's, too, and what is left is compared in
//! full. An automaton over the same literals would touch its tables once for each byte, one after the other;
//! here each place is looked at by itself, several at a time, and nothing branches before the comparison.

use std::sync::LazyLock;

use hashbrown::HashMap;

/// One of so many places is looked at.
const STEP: usize = 2;

/// Places that are looked at together, the bytes until the next such block, and the bytes of their grams.
const TOGETHER: usize = 4;
const BLOCK: usize = STEP * TOGETHER;
const GRAMS: usize = BLOCK + 4;

/// Bytes in which the blocks that may hold something are noted before they are looked at once more. What is
/// met in text is no use to the processor's guess where the next one is.
const PIECE: usize = 4096;

/// Bits of a hash that lead to a byte of the filter, which has to stay in the nearest caches.
const SLOTS: u32 = 16;

/// Bits of a hash of what is around a place, that lead to a bit of the second filter.
const PRECISE: u32 = 20;

/// Of the first, the bits that lead to a list of grams.
const LISTS: u32 = 14;

/// Makes letters lower case; what else it changes it changes in literals too.
const FOLD: u8 = 0x20;

/// Where in the eight bytes of a window its gram begins.
const BEFORE: usize = 2;

/// What the second filter knows of a literal: the bytes of a window that it hashes, the most telling first.
const FOUR_AND_NEXT: u64 = 0xffff_ffff_ffff_0000;
const FOUR_AND_PRIOR: u64 = 0x0000_ffff_ffff_ffff;
const THREE_AND_PRIOR: u64 = 0x0000_00ff_ffff_ff00;
const FOUR: u64 = 0x0000_ffff_ffff_0000;
const THREE: u64 = 0x0000_00ff_ffff_0000;

/// The four folded bytes that text of the web (pages, scripts, styles, JSON, CSV, prose) has most often,
/// counted over 30 MB of manuals and packages, the most frequent first, 25 to a line. `_` is a space.
const FREQUENT: &str = include_str!("frequent.txt");

/// What text is made of, from the most frequent byte to the least. What is not here is rarer still.
const BYTES: &[u8] = b" etaonisrlhdcupmfg.,\"-=:/>0b<1;ywv_2(3)n5kx4'689{}7jq&?z[]";

/// Of a gram, the bits that the filter looks at.
const SEEN: u32 = Gram::ANY_LAST | CLASS;

/// How frequent the bits are that the filter looks at in a gram, or in one of which the last byte does not
/// count. Frequencies fall with the rank; the numbers only have to put grams in order.
static KNOWN: LazyLock<HashMap<(u32, u32), i64>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for (rank, bytes) in (0..).zip(FREQUENT.lines().flat_map(|line| line.as_bytes().as_chunks().0)) {
        let gram = u32::from_le_bytes(bytes.map(|byte| if byte == b'_' { b' ' } else { byte }));
        for seen in [SEEN, SEEN & Gram::ANY_LAST] {
            *known.entry((seen, gram & seen)).or_default() += 1_000_000 / (20 + rank);
        }
    }
    known
});

/// A set of literals.
#[derive(Debug)]
pub(super) struct Literals {
    /// In lower case.
    patterns: Vec<Box<[u8]>>,
    /// By the first three bytes of a gram, a bit for each class of its last.
    filter: Box<[u32; 1 << SLOTS]>,
    /// By a gram and what is beside it, a bit.
    precise: Box<[u64; 1 << (PRECISE - 6)]>,
    /// Where the grams of literals are in them, list by list.
    places: Vec<Place>,
    /// Where each list begins, and where the last one ends.
    lists: Vec<u32>,
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
    /// Prepares the search for `patterns`, of three bytes or more: shorter ones are not found.
    pub(super) fn new(patterns: &[Vec<u8>]) -> Self {
        let patterns: Vec<Box<[u8]>> = patterns.iter().map(|p| p.to_ascii_lowercase().into()).collect();
        let mut filter = Box::new([0; 1 << SLOTS]);
        let mut precise = Box::new([0; 1 << (PRECISE - 6)]);
        let mut listed = Vec::new();
        for (literal, pattern) in (0..).zip(&patterns) {
            for gram in (0..STEP).filter_map(|parity| Gram::rarest(literal, pattern, parity)) {
                for seen in gram.spelled() {
                    if let Some(classes) = filter.get_mut(slot(seen)) {
                        *classes |= gram.classes();
                    }
                    let (word, bit) = hash(gram.surroundings(pattern, seen));
                    if let Some(word) = precise.get_mut(word) {
                        *word |= 1 << bit;
                    }
                    listed.push((list(slot(seen)), gram));
                }
            }
        }
        listed.sort_by_key(|(list, gram)| (*list, gram.literal, gram.offset));
        listed.dedup_by_key(|(list, gram)| (*list, gram.literal, gram.offset));
        let begin = |list| listed.partition_point(|(of, _)| *of < list) as u32;
        let lists = (0..=1 << LISTS).map(begin).collect();
        let place = |gram: Gram| patterns.get(gram.literal as usize).map(|pattern| gram.place(pattern));
        let places = listed.into_iter().filter_map(|(_, gram)| place(gram)).collect();
        Self { patterns, filter, precise, places, lists }
    }

    /// Finds all of them, wherever they overlap, in the order of their ends.
    #[allow(clippy::indexing_slicing, reason = "what is left of a division is less than the divisor")]
    pub(super) fn find(&self, text: &[u8], hits: &mut Vec<Hit>) {
        hits.clear();
        let mut at = 0;
        let mut blocks = [0_u16; PIECE / BLOCK];
        let mut places = [0_u16; PIECE / STEP];
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let piece = rest.get(..PIECE + GRAMS - BLOCK).unwrap_or(rest);
            let (mut end, mut count) = (0, 0);
            while let Some(bytes) = piece.get(end..).and_then(|rest| rest.first_chunk()) {
                let any = grams(bytes).into_iter().fold(0, |any, gram| any | self.admits(gram));
                blocks[count % blocks.len()] = end as u16;
                count += (any & 1) as usize;
                end += BLOCK;
            }
            if end == 0 {
                break;
            }
            let mut admitted = 0;
            for block in blocks.iter().take(count) {
                let bytes = piece.get(usize::from(*block)..).and_then(|rest| rest.first_chunk());
                for (n, gram) in (0..).zip(bytes.map(grams).unwrap_or_default()) {
                    places[admitted % places.len()] = block + STEP as u16 * n;
                    admitted += (self.admits(gram) & 1) as usize;
                }
            }
            let mut known = 0;
            for n in 0..admitted {
                let place = places[n % places.len()];
                places[known % places.len()] = place;
                known += usize::from(inside(text, at + usize::from(place)).is_none_or(|window| self.knows(window)));
            }
            places.iter().take(known).for_each(|place| self.verify(text, at + usize::from(*place), hits));
            at += end;
        }
        (at..text.len()).step_by(STEP).for_each(|at| self.verify(text, at, hits));
        // Where in a literal its gram is differs: the hits come nearly in order.
        hits.sort_unstable();
    }

    /// The lowest bit says whether a literal may have this gram.
    #[inline]
    #[allow(clippy::indexing_slicing, reason = "a number of so many bits is inside an array of so many")]
    const fn admits(&self, gram: u32) -> u32 {
        self.filter[slot(gram)] >> class(gram)
    }

    /// Whether a literal may have what this window shows of it.
    #[inline]
    #[allow(clippy::indexing_slicing, reason = "a number of so many bits is inside an array of so many")]
    const fn knows(&self, window: u64) -> bool {
        let [a, b, c, d, e] = [FOUR_AND_NEXT, FOUR_AND_PRIOR, THREE_AND_PRIOR, FOUR, THREE];
        let [a, b, c, d, e] =
            [hash(window & a), hash(window & b), hash(window & c), hash(window & d), hash(window & e)];
        let any = self.precise[a.0] >> a.1
            | self.precise[b.0] >> b.1
            | self.precise[c.0] >> c.1
            | self.precise[d.0] >> d.1
            | self.precise[e.0] >> e.1;
        any & 1 == 1
    }

    /// Adds the literals that are really there.
    #[inline(never)]
    fn verify(&self, text: &[u8], at: usize, hits: &mut Vec<Hit>) {
        let window = inside(text, at).unwrap_or_else(|| across(text, at as isize));
        let list = list(slot((window >> (8 * BEFORE)) as u32));
        let (Some(begin), Some(end)) = (self.lists.get(list), self.lists.get(list + 1)) else { return };
        let list = self.places.get(*begin as usize..*end as usize).unwrap_or_default();
        for known in list.iter().filter(|known| window & known.mask == known.window) {
            let Some(start) = at.checked_add_signed(-isize::from(known.offset)) else { continue };
            let Some(pattern) = self.patterns.get(known.literal as usize) else { continue };
            let end = start + pattern.len();
            if text.get(start..end).is_some_and(|there| there.eq_ignore_ascii_case(pattern)) {
                hits.push(Hit { end, start, literal: known.literal as usize });
            }
        }
    }
}

/// Four folded bytes of a literal.
#[derive(Clone, Copy, Debug)]
struct Gram {
    bytes: u32,
    /// Which of them count.
    mask: u32,
    literal: u32,
    /// How far behind the first byte of the literal.
    offset: i16,
}

/// Where the gram of a literal is in it, and what is around.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The folded bytes of the literal from two before the gram to two behind it; 0 where it has none.
    window: u64,
    /// Which of them it has.
    mask: u64,
    literal: u32,
    offset: i16,
}

impl Gram {
    const WHOLE: u32 = u32::MAX;
    /// The literal ends before the last byte.
    const ANY_LAST: u32 = Self::WHOLE >> 8;
    /// The literal begins behind the first byte.
    const ANY_FIRST: u32 = Self::WHOLE << 8;

    /// The gram that text has least often, of those an even number of bytes behind `parity`.
    fn rarest(literal: u32, pattern: &[u8], parity: usize) -> Option<Self> {
        let gram = |from: usize, mask: u32| {
            let byte = |n: usize| pattern.get(from + n).map_or(0, |byte| byte | FOLD);
            let bytes = u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)]) & mask;
            Self { bytes, mask, literal, offset: from as i16 }
        };
        let last = pattern.len().checked_sub(3)?;
        // The offset has to fit.
        let inside = (parity..=last).step_by(STEP).take(128);
        let inside = inside.map(|from| gram(from, if from == last { Self::ANY_LAST } else { Self::WHOLE }));
        inside.min_by_key(Self::frequency).or_else(|| {
            let first = gram(0, Self::ANY_LAST);
            Some(Self { bytes: first.bytes << 8, mask: Self::ANY_FIRST, offset: -1, ..first })
        })
    }

    /// How frequent in text is what the filter takes for it.
    fn frequency(&self) -> i64 {
        let seen = self.mask & SEEN;
        let known = KNOWN.get(&(seen, self.bytes & seen)).copied().unwrap_or(0);
        let rarity = |byte: u8| BYTES.iter().position(|b| *b == byte).unwrap_or(BYTES.len()) as i64;
        let counting = self.bytes.to_le_bytes().into_iter().zip(self.mask.to_le_bytes()).filter(|(_, mask)| *mask != 0);
        let shorter = if self.mask == Self::WHOLE { 0 } else { 300 };
        known + shorter - counting.map(|(byte, _)| rarity(byte)).sum::<i64>()
    }

    /// What it may look like in a text, but for a last byte that does not count.
    fn spelled(self) -> impl Iterator<Item = u32> {
        let firsts = if self.mask == Self::ANY_FIRST { 0..=u8::MAX } else { 0..=0 };
        let firsts = firsts.filter(move |first| self.mask != Self::ANY_FIRST || first & FOLD != 0);
        firsts.map(move |first| self.bytes | u32::from(first))
    }

    /// What the second filter is told of it where it looks so.
    fn surroundings(self, pattern: &[u8], seen: u32) -> u64 {
        let Place { window, mask, .. } = self.place(pattern);
        let has = |all: &u64| mask & all == *all;
        let known =
            if self.mask == Self::ANY_LAST { [THREE_AND_PRIOR, THREE] } else { [FOUR_AND_NEXT, FOUR_AND_PRIOR] };
        let known = known.into_iter().find(has).unwrap_or(FOUR);
        (window & !FOUR | u64::from(seen) << (8 * BEFORE)) & known
    }

    /// Where it is in its literal.
    fn place(self, pattern: &[u8]) -> Place {
        let window = across(pattern, isize::from(self.offset));
        // A folded byte has the bit that folds.
        let mask = window.to_le_bytes().map(|byte| if byte == 0 { 0 } else { u8::MAX });
        Place { window, mask: u64::from_le_bytes(mask), literal: self.literal, offset: self.offset }
    }

    /// The classes of what its last byte may be.
    const fn classes(self) -> u32 {
        if self.mask == Self::ANY_LAST { u32::MAX } else { 1 << class(self.bytes) }
    }
}

/// The folded grams of [`TOGETHER`] places in so many bytes.
#[inline]
fn grams(bytes: &[u8; GRAMS]) -> [u32; TOGETHER] {
    const ALL: u64 = u64::from_le_bytes([FOLD; 8]);
    // Two loads: taken apart into bytes, or by value, it would be a dozen.
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes)) | ALL;
    let (front, back) = (word(bytes.first_chunk()), word(bytes.last_chunk()));
    [front as u32, (front >> 16) as u32, back as u32, (back >> 16) as u32]
}

/// The folded window around a place well inside of a text.
#[inline]
fn inside(text: &[u8], place: usize) -> Option<u64> {
    let bytes = text.get(place.checked_sub(BEFORE)?..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes) | u64::from_le_bytes([FOLD; 8]))
}

/// The folded window around a place at the edges of a text; 0 for what is outside.
fn across(text: &[u8], place: isize) -> u64 {
    let byte = |n: isize| usize::try_from(place - BEFORE as isize + n).ok().and_then(|at| text.get(at));
    u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|n| byte(n).map_or(0, |byte| byte | FOLD)))
}

/// All bytes lead to a bit of a word.
const fn hash(window: u64) -> (usize, u64) {
    let hash = window.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - PRECISE);
    ((hash >> 6) as usize, hash & 63)
}

/// The first three bytes lead to a slot.
const fn slot(gram: u32) -> usize {
    ((gram << 8).wrapping_mul(0x9e37_79b1) >> (u32::BITS - SLOTS)) as usize
}

/// Of the last one, the bits that lead to a bit of the slot.
const CLASS: u32 = 31 << 24;

const fn class(gram: u32) -> u32 {
    (gram & CLASS) >> 24
}

const fn list(slot: usize) -> usize {
    slot >> (SLOTS - LISTS)
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
            patterns in prop::collection::vec("[a-d_A]{3,7}", 1..20),
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
