//! The operator's own secrets, found anywhere without being stored.
//!
//! A file of known secrets holds keyed hashes: of the secret, and of the forms it takes in base64 (at
//! its three alignments), in hexadecimal and in UTF-16. A tag of 14 bits over the first eight bytes of
//! each form is looked up at every byte of a text; only where it is known is the whole form hashed
//! (BLAKE3, keyed). Escapes of URLs, JSON and HTML are undone first, in a second view of a text that has
//! some.
//!
//! Whoever can read the file has its key, too, and can try guesses as fast as they can be hashed: it
//! keeps long random secrets safe, not short or common ones.

mod store;
mod view;

use std::ops::Range;

use hashbrown::HashMap;
use smallvec::SmallVec;

pub use store::KnownError;

use super::engine::Matcher;
use super::text::{Hit, Scratch};
use crate::model::finding::{Confidence, RuleIndex};
use crate::model::why::{Fact, Why};

/// Shortest secret: fewer bytes are guessed from their hash in no time, and stand in text by chance.
const SHORTEST: usize = 8;

/// Bytes of a form that are compared: pieces of a text overlap by more.
const LONGEST: usize = 384;

/// Bits of a tag. It gives away no more of a secret than these.
const TAG_BITS: u32 = 14;

/// How a secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Base64,
    Hex,
    Plain,
    Utf16,
}

/// One form of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Needle {
    form: Form,
    tag: u16,
    length: u16,
    hash: [u8; 16],
}

/// One secret.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    needles: Vec<Needle>,
}

/// Known secrets.
#[derive(Clone, Debug)]
pub struct Known {
    key: Key,
    entries: Vec<Entry>,
    /// The tags that are known, as bits.
    bits: Vec<u64>,
    /// The entry and needle of each tag.
    places: HashMap<u16, SmallVec<[(u32, u32); 1]>>,
}

/// The key of one file.
#[derive(Clone)]
struct Key {
    bytes: [u8; 32],
    mask: u64,
    factor: u64,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    fn new(bytes: [u8; 32]) -> Self {
        let derived = blake3::derive_key("plainsight known secrets, tags", &bytes);
        let word = |at: usize| derived.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
        Self { bytes, mask: word(0), factor: word(8) | 1 }
    }

    /// Multiply-shift hashing of eight bytes.
    fn tag(&self, first: [u8; 8]) -> u16 {
        let mixed = (u64::from_le_bytes(first) ^ self.mask).wrapping_mul(self.factor);
        (mixed >> (64 - TAG_BITS)) as u16
    }

    fn hash(&self, bytes: &[u8]) -> [u8; 16] {
        let mut out = [0; 16];
        let digest = blake3::keyed_hash(&self.bytes, bytes);
        out.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
        out
    }

    fn needle(&self, form: Form, bytes: &[u8]) -> Option<Needle> {
        let bytes = bytes.get(..LONGEST).unwrap_or(bytes);
        let first = bytes.first_chunk::<8>()?;
        let length = u16::try_from(bytes.len()).ok()?;
        Some(Needle { form, tag: self.tag(*first), length, hash: self.hash(bytes) })
    }
}

/// Every form of a secret that is looked for.
fn forms(secret: &[u8]) -> Vec<(Form, Vec<u8>)> {
    let mut forms = vec![(Form::Plain, secret.to_vec())];
    for shift in 0..3_usize {
        let shifted = [[0_u8, 0].as_slice().get(..shift).unwrap_or_default(), secret].concat();
        let coded = crate::content::base64::encode(&shifted).into_bytes();
        // Characters that other bytes have a part in are left out.
        let (from, to) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
        let own = coded.get(from..to).unwrap_or_default().to_vec();
        let url: Vec<u8> = own
            .iter()
            .map(|b| {
                if *b == b'+' {
                    b'-'
                } else if *b == b'/' {
                    b'_'
                } else {
                    *b
                }
            })
            .collect();
        if url != own {
            forms.push((Form::Base64, url));
        }
        forms.push((Form::Base64, own));
    }
    let hex = crate::content::hex::encode(secret);
    forms.push((Form::Hex, hex.to_ascii_uppercase().into_bytes()));
    forms.push((Form::Hex, hex.to_ascii_lowercase().into_bytes()));
    if let Ok(text) = std::str::from_utf8(secret) {
        forms.push((Form::Utf16, text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
        forms.push((Form::Utf16, text.encode_utf16().flat_map(u16::to_be_bytes).collect()));
    }
    forms
}

impl Known {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    fn index(&mut self) {
        self.bits = vec![0; 1 << (TAG_BITS - 6)];
        self.places.clear();
        for (e, entry) in (0u32..).zip(&self.entries) {
            for (n, needle) in (0u32..).zip(&entry.needles) {
                if let Some(word) = self.bits.get_mut(usize::from(needle.tag >> 6)) {
                    *word |= 1 << (needle.tag & 63);
                }
                self.places.entry(needle.tag).or_default().push((e, n));
            }
        }
    }

    /// Tells every secret in `text`: where it stands, its entry, how it is written.
    fn search(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>, &Entry, Form)) {
        if self.entries.is_empty() {
            return;
        }
        let mut done = 0;
        for (at, first) in text.windows(8).enumerate() {
            let Some(first) = first.first_chunk::<8>() else { continue };
            let tag = self.key.tag(*first);
            let word = self.bits.get(usize::from(tag >> 6)).copied().unwrap_or_default();
            if word >> (tag & 63) & 1 == 1
                && at >= done
                && let Some((range, entry, form)) = self.confirm(text, at, tag)
            {
                done = range.end;
                found(range, entry, form);
            }
        }
    }

    fn confirm(&self, text: &[u8], at: usize, tag: u16) -> Option<(Range<usize>, &Entry, Form)> {
        self.places.get(&tag)?.iter().find_map(|(e, n)| {
            let entry = self.entries.get(*e as usize)?;
            let needle = entry.needles.get(*n as usize)?;
            let range = at..at + usize::from(needle.length);
            let fits = self.key.hash(text.get(range.clone())?) == needle.hash;
            fits.then_some((range, entry, needle.form))
        })
    }
}

impl Matcher {
    /// Adds the known secrets of a text to the hits. Those in its first `seen` bytes were told before.
    pub(super) fn known(&self, text: &[u8], seen: usize, scratch: &mut Scratch) {
        let (Some(known), Some(rule)) = (self.catalogue.known(), self.compiled.known) else { return };
        let mut keep = |hit: Hit| {
            let again = scratch.hits.iter().any(|h| h.rule == rule && h.note == hit.note && h.range == hit.range);
            if hit.range.end > seen && !again {
                scratch.keep(hit);
            }
        };
        known.search(text, &mut |range, entry, form| keep(self.known_hit(rule, range, None, entry, form)));
        if let Some(view) = view::unescaped(text) {
            known.search(&view.text, &mut |range, entry, form| {
                let value = view.text.get(range.clone()).map(<[u8]>::to_vec);
                let origin = view.origin(&range);
                if let Some(written) = text.get(origin.clone())
                    && value.as_deref() != Some(written)
                {
                    let mut hit = self.known_hit(rule, origin, value, entry, form);
                    hit.why = hit.why.join(view::how(written));
                    keep(hit);
                }
            });
        }
    }

    fn known_hit(
        &self,
        index: RuleIndex,
        range: Range<usize>,
        value: Option<Vec<u8>>,
        entry: &Entry,
        form: Form,
    ) -> Hit {
        let why = match form {
            Form::Plain => Why::of(Fact::Known),
            Form::Base64 => Why::of(Fact::Known).and(Fact::Base64),
            Form::Hex => Why::of(Fact::Known).and(Fact::Hex),
            Form::Utf16 => Why::of(Fact::Known).and(Fact::Utf16),
        };
        Hit {
            rule: index,
            range,
            value,
            name: None,
            severity: self.catalogue.rule(index).severity,
            confidence: Confidence::High,
            note: Some(format!("known as \"{}\"", entry.name)),
            why,
            account: None,
        }
    }
}

#[cfg(test)]
mod tests;
