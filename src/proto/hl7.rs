//! HL7 version 2 over MLLP (the minimal lower layer protocol: HL7 2.x appendix C.4): each message
//! stands between 0x0b and 0x1c 0x0d. What its values are, the content rules know.

use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::model::event::{Event, EventSink, Format, LinkFact, Outcome, Skip, Text};
use crate::model::flow::{Direction, Transport};
use crate::model::stream::{Gathered, Input};

/// HL7 over MLLP.
pub static PROTOCOL: Protocol = Protocol {
    name: "hl7",
    transport: Transport::Tcp,
    ports: &[2575, 6661],
    nature: Nature::Cleartext,
    probe,
    start: || Box::new(Mllp),
};

const BEGIN: u8 = 0x0b;
const END: u8 = 0x1c;

/// Headers of a message, a file and a batch.
const HEADERS: [&[u8]; 3] = [b"\x0bMSH", b"\x0bFHS", b"\x0bBHS"];

/// Bytes of a message that is not waited for any longer: a report with a document in it. Its patient
/// stands in front.
const LONGEST: usize = 512 << 10;

struct Mllp;

fn probe(opening: &Opening<'_>) -> Verdict {
    let side = |bytes: &[u8]| match () {
        () if HEADERS.iter().any(|header| bytes.starts_with(header)) => Verdict::Certain,
        () if HEADERS.iter().any(|header| header.starts_with(bytes)) => Verdict::NeedMore,
        () if opening.midstream && HEADERS.iter().any(|h| memchr::memmem::find(bytes, h).is_some()) => Verdict::Certain,
        () => Verdict::No,
    };
    match Direction::BOTH.map(|direction| side(opening.side(direction))) {
        [Verdict::No, _] | [_, Verdict::No] => Verdict::No,
        [Verdict::Certain, _] | [_, Verdict::Certain] => Verdict::Certain,
        _ => Verdict::NeedMore,
    }
}

impl Analyzer for Mllp {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(start) = memchr::memchr(BEGIN, rest) else {
                strange(rest, out);
                return Progress::Continue(bytes.len());
            };
            strange(rest.get(..start).unwrap_or_default(), out);
            at += start;
            let Some(length) = rest.get(start..).and_then(|frame| memchr::memchr(END, frame)) else {
                if bytes.len() - at > LONGEST {
                    say(input, at, bytes.len(), out);
                    at = bytes.len();
                }
                break;
            };
            say(input, at, at + length, out);
            at += length + 1;
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, _direction: Direction, _missing: u64, _out: &mut dyn EventSink) {}

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for input in left {
            say(input, 0, input.bytes().len(), out);
        }
    }
}

/// Bytes between messages. A carriage return is part of the framing.
fn strange(bytes: &[u8], out: &mut dyn EventSink) {
    let count = bytes.iter().filter(|b| !matches!(**b, b'\r' | b'\n' | END)).count();
    if count > 0 {
        out.event(Event::Link(LinkFact::Violation));
        out.event(Event::Skipped { reason: Skip::Malformed, bytes: count as u64 });
    }
}

fn say(input: Input<'_>, from: usize, to: usize, out: &mut dyn EventSink) {
    let mut message = Gathered::default();
    message.push_part(input.data, from..to);
    if message.len() > 4 {
        let (format, direction, outcome) = (Format::Plain, input.direction, Outcome::Unknown);
        let data = message.stretch();
        out.event(Event::Text(Text { format, place: "hl7.message", resource: "", direction, outcome, data, seen: 0 }));
    }
}

#[cfg(test)]
mod tests {
    use super::PROTOCOL;
    use crate::proto::replay::{C, S, play, play_every_cut};

    #[test]
    fn each_message_is_a_text_of_its_own() {
        let first = b"\x0bMSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5\rPID|1||4711^^^X^MR\r\x1c\r";
        let second = b"\x0bMSH|^~\\&|A|B|C|D|1||ADT^A04|2|P|2.5\rPID|1||4712^^^X^MR\r\x1c\r";
        let answer = b"\x0bMSH|^~\\&|C|D|A|B|1||ACK|1|P|2.5\rMSA|AA|1\r\x1c\r";
        let said = play_every_cut(&PROTOCOL, &[(C, first), (S, answer), (C, second)]);
        assert!(said.lines.iter().any(|l| l.contains("4712")), "{:?}", said.lines);
        assert!(play_every_cut(&PROTOCOL, &[(S, answer)]).protocols.contains(&"hl7"));
    }

    #[test]
    fn a_message_that_is_cut_is_read_as_far_as_it_goes() {
        let said = play(&[(C, b"\x0bMSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5\rPID|1||4711^^^X^MR")]);
        assert!(said.lines.iter().any(|l| l.contains("4711")), "{:?}", said.lines);
        assert!(!play(&[(C, b"\x0bhello there")]).protocols.contains(&"hl7"));
    }
}
