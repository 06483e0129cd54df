//! Runs of capital letters and digits that stand together, one sign between them (see `gap`): what numbers are
//! written in.
//!
//! Numbers are written in capitals: a run that a small letter or `_` touches is part of a word, and ends
//! what stands together, as does one that is too long.

use std::ops::Range;

use smallvec::SmallVec;

use super::bytes::{after_escape, at, prior};
use super::gap;
use crate::rules::forms::{RUN, RUNS, SEPARATORS};

/// Runs that are known at a time.
const KNOWN: usize = 4 * RUNS;

/// Bytes that are looked at together for a digit among them.
const BLOCK: usize = 32;

/// Groups of eight bytes that are looked at before that.
const WORDS: usize = 4;

/// What a byte may be.
const PART: u8 = 1;
const WORD: u8 = 2;
/// It may stand between two runs alone, or be a part of what does.
const SIGN: u8 = 4;
const WIDE: u8 = 8;

static CLASSES: [u8; 256] = classes();

/// Goes over a text from chain to chain: runs that stand together, a digit among them.
#[derive(Debug)]
pub(super) struct Chains<'a> {
    text: &'a [u8],
    /// The lengths of runs that matter where they stand alone, as bits.
    lone: u64,
    /// Runs of the chain, from one that was passed on.
    known: SmallVec<[Range<usize>; KNOWN]>,
    /// Which of them is next.
    next: usize,
    /// Whether the chain may have more than are known.
    open: bool,
    /// Behind all that was looked at.
    end: usize,
}

impl<'a> Chains<'a> {
    /// Looks from `from` on. Of runs that stand alone only those of the lengths `lone` are told.
    pub(super) fn new(text: &'a [u8], from: usize, lone: u64) -> Self {
        Self { text, lone, known: SmallVec::new(), next: 0, open: false, end: from }
    }

    /// Goes on to the next chain behind the runs that are known, and says whether there is one.
    pub(super) fn advance(&mut self) -> bool {
        self.known.clear();
        self.next = 0;
        while let Some(digit) = next_digit(self.text, self.end) {
            let from = self.end;
            let start = backward(self.text, digit);
            if let Some(end) = self.short(start, digit) {
                self.end = end;
                continue;
            }
            self.open = self.add(start);
            if self.open {
                self.letters(from, start);
                return true;
            }
        }
        false
    }

    /// The end of a run that stands alone and is of no length that matters: most digits of most texts.
    fn short(&self, start: usize, digit: usize) -> Option<usize> {
        let end = forward(self.text, digit, PART);
        let (before, behind) = (prior(self.text, start), at(self.text, end));
        let open = |sign: u8, next: u8| is(sign, WORD | WIDE) || is(sign, SIGN) && is(next, PART);
        let further = start.checked_sub(2).map_or(0, |n| at(self.text, n));
        let alone = !open(before, further) && !open(behind, at(self.text, end + 1));
        (alone && end - start <= RUN && self.lone >> (end - start) & 1 == 0).then_some(end)
    }

    /// Adds what stands before the first run with a digit, from `from` on.
    fn letters(&mut self, from: usize, first: usize) {
        let mut left = first;
        while self.known.len() < RUNS
            && let Some(gap) = gap::before(self.text, left)
        {
            let run = backward(self.text, left - gap)..left - gap;
            if run.is_empty() || run.start < from || !begins(self.text, &run) {
                break;
            }
            left = run.start;
            self.known.insert(0, run);
        }
    }

    /// The next run and those that follow it, as many as a number may have.
    pub(super) fn runs(&mut self) -> &[Range<usize>] {
        while self.open && self.known.len() <= self.next + RUNS {
            if self.known.len() == KNOWN {
                self.known.drain(..self.next.saturating_sub(1));
                self.next = self.next.min(1);
            }
            self.open = gap::after(self.text, self.end).is_some_and(|(gap, _)| self.add(self.end + gap));
        }
        let last = self.known.len().min(self.next + RUNS);
        self.known.get(self.next..last).unwrap_or_default()
    }

    /// So many of them, where they are known.
    pub(super) fn known(&self, runs: usize) -> &[Range<usize>] {
        self.known.get(self.next..self.next + runs).unwrap_or_default()
    }

    /// The run before the next one.
    pub(super) fn before(&self) -> Option<Range<usize>> {
        self.next.checked_sub(1).and_then(|n| self.known.get(n)).cloned()
    }

    /// The run that follows so many of [`Chains::runs`].
    pub(super) fn behind(&self, runs: usize) -> Option<Range<usize>> {
        self.known.get(self.next + runs).cloned()
    }

    /// Goes on behind so many of them.
    pub(super) const fn pass(&mut self, runs: usize) {
        self.next += runs;
    }

    /// Adds the run that begins at `start`, if one does.
    fn add(&mut self, start: usize) -> bool {
        let end = forward(self.text, start, PART);
        let run = start..end;
        let whole = !run.is_empty() && !is(at(self.text, end), WORD) && begins(self.text, &run);
        if whole {
            self.known.push(run);
            self.end = end;
        } else {
            self.end = forward(self.text, end.max(self.end), WORD);
        }
        whole
    }
}

/// Whether a run is one from its first byte on, and not too long.
fn begins(text: &[u8], run: &Range<usize>) -> bool {
    run.len() <= RUN && (!is(prior(text, run.start), WORD) || after_escape(text, run.start))
}

#[allow(clippy::indexing_slicing, reason = "there is a class for every byte")]
fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// The offset after all bytes from `from` on of a class.
fn forward(text: &[u8], from: usize, class: u8) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !is(*byte, class)).unwrap_or(rest.len())
}

/// The offset of the first of all bytes of runs before `from`; no further than any run may reach.
fn backward(text: &[u8], from: usize) -> usize {
    let rest = text.get(from.saturating_sub(RUN + 1)..from).unwrap_or_default();
    from - rest.iter().rev().position(|byte| !is(*byte, PART)).unwrap_or(rest.len())
}

#[allow(clippy::indexing_slicing, reason = "there is a class for every byte")]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' => PART | WORD,
            b'a'..=b'z' | b'_' => WORD,
            b'&' | b';' | b'%' | b'\\' | 0x80.. => WIDE,
            _ => 0,
        };
        byte += 1;
    }
    let mut n = 0;
    while n < SEPARATORS.len() {
        classes[SEPARATORS[n] as usize] = SIGN;
        n += 1;
    }
    classes
}

/// The next digit. Blocks without one are passed over at the speed of vector instructions.
fn next_digit(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let mut passed = 0;
    // Where there are numbers, the next one is near.
    for word in rest.as_chunks::<8>().0.iter().take(WORDS) {
        let digits = digits(u64::from_le_bytes(*word));
        if digits != 0 {
            return Some(from + passed + digits.trailing_zeros() as usize / 8);
        }
        passed += word.len();
    }
    for block in rest.get(passed..)?.chunks(BLOCK) {
        if block.iter().fold(false, |any, b| any | b.is_ascii_digit()) {
            return block.iter().position(u8::is_ascii_digit).map(|n| from + passed + n);
        }
        passed += block.len();
    }
    None
}

/// The highest bit of each byte that is a digit, and of no other below the first of them.
const fn digits(word: u64) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Digits become 0 to 9, and stay below 128 when 118 is added; bytes that were above 127 are told apart.
    let from_zero = word ^ 0x3030_3030_3030_3030;
    !((from_zero & !HIGH).wrapping_add(0x7676_7676_7676_7676) | from_zero) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every chain with a digit, a run after the other.
    fn chains(text: &str) -> Vec<Vec<&str>> {
        let mut all = Vec::new();
        let mut chains = Chains::new(text.as_bytes(), 0, u64::MAX);
        while chains.advance() {
            let mut runs = Vec::new();
            while let Some(run) = chains.runs().first().cloned() {
                runs.push(&text[run]);
                chains.pass(1);
            }
            all.push(runs);
        }
        all
    }

    #[test]
    fn runs_that_stand_together_are_found_from_their_first_digit() {
        assert_eq!(chains("call my SSN 536-90-4399, thanks"), [["SSN", "536", "90", "4399"]]);
        assert_eq!(chains("a 12 px or b5 or 7x"), [["12"]]);
        assert_eq!(chains("\\n536-90"), [["536", "90"]]);
        assert_eq!(chains("4539\u{a0}5787&nbsp;6362%201486\u{2011}7"), [["4539", "5787", "6362", "1486", "7"]]);
        assert_eq!(chains(&"7".repeat(500)), Vec::<Vec<&str>>::new());
        let many: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        assert_eq!(chains(&many.join(" ")), [many]);
    }

    #[test]
    fn of_runs_that_stand_alone_those_of_other_lengths_are_passed_over() {
        let text = b"1 px; 22, 333 (4 55) 4444";
        let mut chain = Chains::new(text, 0, 1 << 3);
        let mut told = Vec::new();
        while chain.advance() {
            told.push(chain.runs().to_vec());
            chain.pass(KNOWN);
        }
        assert_eq!(told.concat(), [10..13, 15..16, 17..19]);
    }

    #[test]
    fn a_run_knows_what_stands_beside_it() {
        let text = b"1 22 333 4444";
        let mut chain = Chains::new(text, 0, u64::MAX);
        assert!(chain.advance());
        assert_eq!((chain.runs().len(), chain.before()), (4, None));
        chain.pass(1);
        assert_eq!(chain.runs(), [2..4, 5..8, 9..13]);
        assert_eq!(chain.before(), Some(0..1));
        assert_eq!((chain.behind(1), chain.behind(2), chain.behind(3)), (Some(5..8), Some(9..13), None));
    }

    #[test]
    fn every_digit_is_met() {
        for pad in [0, 1, 31, 32, 33, 100] {
            let text = format!("{}7", "x".repeat(pad));
            assert_eq!(next_digit(text.as_bytes(), 0), Some(pad));
        }
        assert_eq!(next_digit(b"no digit here", 0), None);
        for byte in 0..=u8::MAX {
            let text = [&[byte][..], &[b'x'; 99], b"7"].concat();
            assert_eq!(next_digit(&text, 0), Some(if byte.is_ascii_digit() { 0 } else { 100 }), "{byte}");
        }
    }
}
