//! ISO 8583: messages between terminals, acquirers and issuers of payment cards, in ASCII or packed
//! digits. Over TCP each has its length before it, in bytes or in digits, and often a header.

mod fields;

use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::carrier::Carrier;
use crate::content::hex;
use crate::model::event::{Event, EventSink, FieldKind, LinkFact, Outcome, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::stream::Input;
use fields::{CODINGS, Coding};

/// ISO 8583.
pub static PROTOCOL: Protocol = Protocol {
    name: "iso8583",
    transport: Transport::Tcp,
    ports: &[5000, 8583],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<Iso8583>::default(),
};

/// Bytes of a message. The longest that networks allow have some thousand.
const LENGTHS: std::ops::RangeInclusive<usize> = 20..=9999;

/// How the length stands before a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    /// In two bytes, the higher first.
    Short,
    /// In four bytes, the highest first.
    Long,
    /// In four digits.
    Digits,
}

/// How messages stand in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Framing {
    prefix: Prefix,
    /// The length counts its own bytes, too.
    inclusive: bool,
    coding: Coding,
}

/// Every framing.
fn framings() -> impl Iterator<Item = Framing> {
    [Prefix::Short, Prefix::Long, Prefix::Digits].into_iter().flat_map(|prefix| {
        [false, true]
            .into_iter()
            .flat_map(move |inclusive| CODINGS.into_iter().map(move |coding| Framing { prefix, inclusive, coding }))
    })
}

impl Framing {
    /// Where the first message begins and ends. `None` while its length is not there, or when it can be none.
    fn frame(self, bytes: &[u8]) -> Option<(usize, usize)> {
        let (width, length) = match self.prefix {
            Prefix::Short => (2, usize::from(u16::from_be_bytes(*bytes.first_chunk()?))),
            Prefix::Long => (4, usize::try_from(u32::from_be_bytes(*bytes.first_chunk()?)).ok()?),
            Prefix::Digits => (4, std::str::from_utf8(bytes.get(..4)?).ok()?.parse().ok()?),
        };
        let end = if self.inclusive { length } else { length.checked_add(width)? };
        LENGTHS.contains(&length).then_some((width, end))
    }

    /// The message in a frame, without the header that many networks have: the transport's (five bytes,
    /// the first 0x60) or a host's (`ISO` and nine digits).
    fn message(self, frame: &[u8]) -> &[u8] {
        match frame {
            [b'I'] | [b'I', b'S'] | [b'I', b'S', b'O', ..] => frame.get(12..).unwrap_or_default(),
            [0x60, ..] => frame.get(5..).unwrap_or_default(),
            _ => frame,
        }
    }

    fn fits(self, frame: &[u8]) -> bool {
        fields::read(self.message(frame), self.coding, &mut |_, _| {})
    }
}

/// What the beginning of a stream is.
enum Found {
    Framing(Framing),
    /// There may be a message once more of it is there.
    Perhaps,
    Nothing,
}

fn find(bytes: &[u8]) -> Found {
    let mut perhaps = bytes.len() < 4;
    for framing in framings() {
        let Some((start, end)) = framing.frame(bytes) else { continue };
        match bytes.get(start..end) {
            Some(frame) if framing.fits(frame) => return Found::Framing(framing),
            Some(_) => {}
            None => perhaps |= begins(framing, bytes.get(start..).unwrap_or_default()),
        }
    }
    if perhaps { Found::Perhaps } else { Found::Nothing }
}

/// Whether a message may begin so: with a header, or with a type.
fn begins(framing: Framing, frame: &[u8]) -> bool {
    let message = framing.message(frame);
    match (framing.coding, message) {
        (_, []) => true,
        (Coding::Packed, [kind, rest @ ..]) => {
            let function = rest.first().is_none_or(|b| b >> 4 <= 4 && b & 15 <= 5);
            function && matches!(kind, 0x01..=0x06 | 0x08 | 0x11..=0x16 | 0x18)
        }
        (_, kind) => kind.iter().take(4).all(u8::is_ascii_digit) && matches!(kind.first(), Some(b'0'..=b'2')),
    }
}

fn probe(opening: &Opening<'_>) -> Verdict {
    let judge = |direction| match opening.side(direction) {
        [] => Verdict::NeedMore,
        bytes => match find(bytes) {
            Found::Framing(_) => Verdict::Certain,
            Found::Perhaps => Verdict::NeedMore,
            Found::Nothing => Verdict::No,
        },
    };
    match Direction::BOTH.map(judge) {
        [Verdict::No, _] | [_, Verdict::No] => Verdict::No,
        [Verdict::Certain, _] | [_, Verdict::Certain] => Verdict::Certain,
        _ => Verdict::NeedMore,
    }
}

#[derive(Default)]
struct Iso8583 {
    framing: Option<Framing>,
}

impl Analyzer for Iso8583 {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            // Both sides write in the same way; after a gap, or by accident, it is found anew.
            let known = self.framing.filter(|framing| match framing.frame(rest) {
                Some((start, end)) => rest.get(start..end).map_or_else(
                    || begins(*framing, rest.get(start..).unwrap_or_default()),
                    |frame| framing.fits(frame),
                ),
                None => rest.len() < 4,
            });
            let framing = match known.map_or_else(|| find(rest), Found::Framing) {
                Found::Framing(framing) => framing,
                Found::Perhaps => break,
                Found::Nothing => {
                    out.event(Event::Link(LinkFact::Violation));
                    out.event(Event::Skipped { reason: Skip::Malformed, bytes: rest.len() as u64 });
                    return Progress::Continue(bytes.len());
                }
            };
            self.framing = Some(framing);
            let Some((start, end)) = framing.frame(rest).filter(|(_, end)| *end <= rest.len()) else { break };
            say(framing, rest.get(start..end).unwrap_or_default(), input, at..at + end, out);
            at += end;
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, _direction: Direction, _missing: u64, _out: &mut dyn EventSink) {}

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        let Some(framing) = self.framing else { return };
        for input in left {
            let bytes = input.bytes();
            if let Some((start, _)) = framing.frame(bytes) {
                say(framing, bytes.get(start..).unwrap_or_default(), input, 0..bytes.len(), out);
            }
        }
    }
}

/// The fields of a message that name a card, an account or a person.
fn say(framing: Framing, frame: &[u8], input: Input<'_>, range: std::ops::Range<usize>, out: &mut dyn EventSink) {
    let (place, direction, span) = ("iso8583.message", input.direction, input.span(range));
    let carrier = Carrier { place, resource: "", direction, outcome: Outcome::Unknown, span };
    fields::read(framing.message(frame), framing.coding, &mut |field, value| {
        let mut tell = |name, value: &[u8]| carrier.field(FieldKind::Attribute, name, value, None, out);
        match field {
            2 | 34 => tell("primary account number", &value),
            35 => tell("track 2", &value),
            36 => tell("track 3", &value),
            45 => tell("track 1", &[b"%", value.as_ref()].concat()),
            52 if framing.coding == Coding::Hex => tell("pin block", &value),
            52 => tell("pin block", hex::encode(&value).as_bytes()),
            102 | 103 => tell("account number", &value),
            _ => {}
        }
    });
}

#[cfg(test)]
mod tests;
