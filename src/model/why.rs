//! Why something is a finding: the facts that decided, kept as bits so that making a finding stays cheap.

/// A fact that spoke for a finding, or about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fact {
    /// Its field has a telling name.
    Named,
    /// The words before it name it.
    Labelled,
    /// A keyword of the rule is part of it, or introduces it.
    Keyword,
    /// A keyword of the rule is near it.
    KeywordNear,
    /// It fits an expression of the rule.
    Expression,
    /// It is written in a form of the rule.
    Form,
    /// It passed the rule's validators.
    Checked,
    /// A validator passed it with a doubt.
    Doubted,
    /// It is written in separate groups.
    Grouped,
    /// It is all there is in its place.
    Alone,
    /// A finding of a kind the rule asks for is near it.
    Company,
    /// The client sent it as the value of a field.
    HandedOver,
    /// It stands in text, and reads like no word, placeholder or schema.
    Unlike,
    /// An analyzer followed the login.
    Followed,
    /// An analyzer graded it.
    Graded,
    /// Many different values stand in one text.
    Bulk,
    /// It is published for tests and documentation.
    TestValue,
    /// It is one of the operator's own secrets.
    Known,
    /// It was written in base64.
    Base64,
    /// It was written in percent-encoding.
    Percent,
    /// It was written in hexadecimal digits.
    Hex,
    /// It was written with the escapes of JSON.
    Escaped,
    /// It was written with the entities of HTML.
    Entities,
    /// It was written in UTF-16.
    Utf16,
}

/// The facts of one finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Why {
    bits: u32,
    /// Tenths of a bit per byte; nothing where the entropy decided nothing.
    entropy: u8,
    /// The place of the keyword in the rule's list.
    keyword: u8,
}

impl Why {
    /// One fact.
    pub const fn of(fact: Fact) -> Self {
        Self { bits: 1 << fact as u8, entropy: 0, keyword: 0 }
    }

    /// With a fact.
    #[must_use]
    pub const fn and(self, fact: Fact) -> Self {
        Self { bits: self.bits | 1 << fact as u8, ..self }
    }

    /// With a fact, if it holds.
    #[must_use]
    pub const fn and_if(self, holds: bool, fact: Fact) -> Self {
        if holds { self.and(fact) } else { self }
    }

    /// With the entropy that was asked for, in bits per byte.
    #[must_use]
    pub fn with_entropy(self, bits: f64) -> Self {
        // At most 80 tenths.
        Self { entropy: (bits * 10.0).round().clamp(0.0, 255.0) as u8, ..self }
    }

    /// With a keyword, by its place in the rule's list. Those past the 256th are not told.
    #[must_use]
    pub fn with_keyword(self, place: usize, fact: Fact) -> Self {
        match u8::try_from(place) {
            Ok(keyword) => Self { keyword, ..self.and(fact) },
            Err(_) => self,
        }
    }

    /// Whether a fact is among them.
    pub const fn has(self, fact: Fact) -> bool {
        self.bits >> fact as u8 & 1 == 1
    }

    /// The entropy in bits per byte, where it decided.
    pub fn entropy(self) -> Option<f64> {
        (self.entropy > 0).then(|| f64::from(self.entropy) / 10.0)
    }

    /// The keyword's place in the rule's list.
    pub fn keyword(self) -> Option<usize> {
        (self.has(Fact::Keyword) || self.has(Fact::KeywordNear)).then_some(usize::from(self.keyword))
    }

    /// The facts of two sightings of the same thing, in either order.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            bits: self.bits | other.bits,
            entropy: self.entropy.max(other.entropy),
            keyword: self.keyword.max(other.keyword),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_two_sightings_add_up_in_either_order() {
        let one = Why::of(Fact::Named).with_entropy(4.24);
        let other = Why::of(Fact::Checked).with_keyword(2, Fact::Keyword);
        assert_eq!(one.join(other), other.join(one));
        let both = one.join(other);
        assert!(both.has(Fact::Named) && both.has(Fact::Checked) && !both.has(Fact::Bulk));
        assert_eq!((both.entropy(), both.keyword()), (Some(4.2), Some(2)));
        assert_eq!((Why::default().entropy(), Why::default().keyword()), (None, None));
    }
}
