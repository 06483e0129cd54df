//! Forms of numbers: `999-99-9999`, `AA99X{11,30} by 4`. A form is spelled out into variants, each of
//! which is a list of runs of letters and digits with what stands between them, so that a number in
//! text is looked up by the lengths of its runs alone.

use smallvec::SmallVec;

/// Characters that may stand between two runs of one number.
pub(super) const SEPARATORS: &[u8] = b" -./+=(";

/// Longest run, and most runs of one number.
pub(super) const RUN: usize = 38;
pub(super) const RUNS: usize = 9;

/// What one character may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Digit,
    Letter,
    Either,
    Exactly(u8),
}

/// What stands between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    /// A space, hyphen or dot (or `+`, a space of a URL): the same one throughout.
    Same,
    /// This one.
    Exactly(u8),
}

/// One way to write a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Variant {
    runs: Vec<Vec<Class>>,
    between: Vec<Between>,
}

impl Variant {
    /// The lengths of its runs, packed: see [`signature`].
    pub(super) fn signature(&self) -> u64 {
        signature(self.runs.iter().map(Vec::len))
    }

    /// The lengths of its runs: at most [`RUN`] each.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.runs.iter().map(Vec::len)
    }

    /// Whether `text` (whose runs have the right lengths) is written this way.
    pub(super) fn fits(&self, text: &[u8]) -> bool {
        let mut at = 0;
        let mut same = None;
        for (n, run) in self.runs.iter().enumerate() {
            if n > 0 {
                let Some(&between) = text.get(at) else { return false };
                let fits = match self.between.get(n - 1) {
                    Some(Between::Same) => b" -.+".contains(&between) && *same.get_or_insert(between) == between,
                    // A space of a URL.
                    Some(Between::Exactly(b' ')) => matches!(between, b' ' | b'+'),
                    Some(Between::Exactly(byte)) => between == *byte,
                    None => false,
                };
                if !fits {
                    return false;
                }
                at += 1;
            }
            for class in run {
                let Some(byte) = text.get(at) else { return false };
                let fits = match class {
                    Class::Digit => byte.is_ascii_digit(),
                    Class::Letter => byte.is_ascii_alphabetic(),
                    Class::Either => byte.is_ascii_alphanumeric(),
                    Class::Exactly(exact) => byte.eq_ignore_ascii_case(exact),
                };
                if !fits {
                    return false;
                }
                at += 1;
            }
        }
        at == text.len()
    }
}

/// The lengths of runs as one number: six bits each.
pub(super) fn signature(lengths: impl Iterator<Item = usize>) -> u64 {
    lengths.fold(0, longer)
}

/// The signature with one run more.
pub(super) const fn longer(signature: u64, length: usize) -> u64 {
    signature << 6 | (length as u64 & 63)
}

/// Every way to write a form.
pub(super) fn variants(form: &str) -> Result<Vec<Variant>, String> {
    let (form, by) = match form.split_once(" by ") {
        Some((form, by)) => (form, by.parse::<usize>().ok()),
        None => (form, None),
    };
    let mut variants = Vec::new();
    for items in spell(form.as_bytes())? {
        if items.iter().any(|i| matches!(i, Item::Maybe)) {
            variants.push(build(items.iter().copied().filter(|i| !matches!(i, Item::Maybe)))?);
        }
        if let Some(by) = by.filter(|by| *by > 0) {
            let groups: Vec<Item> =
                items.chunks(by).flat_map(|g| std::iter::once(&Item::Maybe).chain(g)).copied().collect();
            variants.push(build(groups.into_iter().skip(1))?);
        }
        variants.push(build(items.into_iter())?);
    }
    Ok(variants)
}

#[derive(Clone, Copy)]
enum Item {
    One(Class),
    Maybe,
    Between(u8),
}

/// The form as lists of items, one list for each choice of its repetitions.
fn spell(form: &[u8]) -> Result<Vec<Vec<Item>>, String> {
    let mut lists: Vec<Vec<Item>> = vec![Vec::new()];
    let mut rest = form;
    while let Some((byte, after)) = rest.split_first() {
        let item = match byte {
            b'9' => Item::One(Class::Digit),
            b'A' => Item::One(Class::Letter),
            b'X' => Item::One(Class::Either),
            b'~' => Item::Maybe,
            b'!' => match after.first() {
                Some(exact) => {
                    rest = after;
                    Item::One(Class::Exactly(*exact))
                }
                None => return Err("`!` at the end of a form".to_owned()),
            },
            _ if SEPARATORS.contains(byte) => Item::Between(*byte),
            _ => return Err(format!("`{}` in a form", char::from(*byte))),
        };
        rest = rest.get(1..).unwrap_or_default();
        let mut counts: SmallVec<[usize; 2]> = SmallVec::from_slice(&[1, 1]);
        if rest.first() == Some(&b'{') {
            let end = rest.iter().position(|b| *b == b'}').ok_or("`{` without `}` in a form")?;
            let inside = std::str::from_utf8(rest.get(1..end).unwrap_or_default()).unwrap_or_default();
            counts = inside
                .split(',')
                .map(str::parse)
                .collect::<Result<_, _>>()
                .map_err(|_| "a repetition is {n} or {n,m}")?;
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        let (Some(&least), Some(&most)) = (counts.first(), counts.last()) else { continue };
        if most > 64 {
            return Err("a repetition of more than 64".to_owned());
        }
        lists = lists
            .into_iter()
            .flat_map(|list| {
                (least..=most).map(move |count| {
                    let mut longer = list.clone();
                    longer.extend(std::iter::repeat_n(item, count));
                    longer
                })
            })
            .collect();
    }
    Ok(lists)
}

fn build(items: impl Iterator<Item = Item>) -> Result<Variant, String> {
    let mut variant = Variant { runs: vec![Vec::new()], between: Vec::new() };
    for item in items {
        match (item, variant.runs.last_mut()) {
            (Item::One(class), Some(run)) => run.push(class),
            (Item::Maybe, _) => {
                variant.between.push(Between::Same);
                variant.runs.push(Vec::new());
            }
            (Item::Between(byte), _) => {
                variant.between.push(Between::Exactly(byte));
                variant.runs.push(Vec::new());
            }
            (Item::One(_), None) => {}
        }
    }
    if variant.runs.len() > RUNS || variant.runs.iter().any(|run| run.is_empty() || run.len() > RUN) {
        return Err(format!("a form has at most {RUNS} runs of 1 to {RUN} characters"));
    }
    Ok(variant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(form: &str, text: &str) -> bool {
        let lengths = |t: &str| signature(t.split([' ', '-', '.', '/', '+', '=']).map(str::len));
        variants(form).unwrap().iter().any(|v| v.signature() == lengths(text) && v.fits(text.as_bytes()))
    }

    #[test]
    fn a_form_says_how_a_number_is_written() {
        for (form, text, expected) in [
            ("999-99-9999", "536-90-4399", true),
            ("999-99-9999", "536 90 4399", false),
            ("999~999~9999", "943 476 5870", true),
            ("999~999~9999", "943-476 5870", false),
            ("999~999~9999", "9434765870", true),
            ("AA99X{11,30} by 4", "NL41 BRWX 0831 1606 53", true),
            ("AA99X{11,30} by 4", "NL41BRWX0831160653", true),
            ("AA99X{11,30} by 4", "4141 BRWX 0831 1606 53", false),
            ("!7!5!6.9999.9999.99", "756.9217.0769.85", true),
            ("!7!5!6.9999.9999.99", "757.9217.0769.85", false),
        ] {
            assert_eq!(fits(form, text), expected, "{form} {text}");
        }
    }

    #[test]
    fn a_form_nobody_can_read_is_refused() {
        for form in ["9{", "9{x}", "?", "9~", "9{99}"] {
            assert!(variants(form).is_err(), "{form}");
        }
    }
}
