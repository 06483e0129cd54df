//! FIX (Financial Information eXchange, 4.0 to 5.0 over FIXT 1.1): logons with a password, and what
//! messages say of accounts. A message is `tag=value` pairs with 0x01 after each.

use super::login::HeldLogin;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::carrier::Carrier;
use crate::model::event::{Event, EventSink, FieldKind, LinkFact, Outcome, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::stream::Input;

/// FIX.
pub static PROTOCOL: Protocol = Protocol {
    name: "fix",
    transport: Transport::Tcp,
    ports: &[9876, 9878, 5001],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<Fix>::default(),
};

/// What a message begins with: `BeginString`.
const START: &[u8] = b"8=FIX";

/// Before the last pair of a message: `CheckSum`, three digits.
const CHECKSUM: &[u8] = b"\x0110=";

/// Values worth a look, and what they are called.
const FIELDS: [(&[u8], &str); 6] = [
    (b"1", "account number"),
    (b"58", "text"),
    (b"96", "raw data"),
    (b"448", "party"),
    (b"925", "new password"),
    (b"354", "encoded text"),
];

#[derive(Default)]
struct Fix {
    login: Option<HeldLogin>,
    violated: bool,
}

fn probe(opening: &Opening<'_>) -> Verdict {
    let sides = Direction::BOTH.map(|direction| side(opening.side(direction), opening.midstream));
    match sides {
        [Verdict::No, _] | [_, Verdict::No] => Verdict::No,
        [Verdict::Certain, _] | [_, Verdict::Certain] => Verdict::Certain,
        _ => Verdict::NeedMore,
    }
}

fn side(bytes: &[u8], midstream: bool) -> Verdict {
    let begins = |bytes: &[u8]| matches!(bytes.get(START.len()), Some(b'.' | b'T'));
    match memchr::memmem::find(bytes, START) {
        Some(at) if at == 0 || midstream => match bytes.get(at..) {
            Some(message) if begins(message) => Verdict::Certain,
            Some(message) if message.len() == START.len() => Verdict::NeedMore,
            _ => Verdict::No,
        },
        None if START.starts_with(bytes) || midstream && bytes.len() < 512 => Verdict::NeedMore,
        _ => Verdict::No,
    }
}

impl Analyzer for Fix {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match memchr::memmem::find(rest, START) {
                Some(0) => {}
                Some(passed) => {
                    self.passed_over(passed, out);
                    at += passed;
                    continue;
                }
                None if START.starts_with(rest) => break,
                None => {
                    let passed = rest.len().saturating_sub(START.len() - 1);
                    self.passed_over(passed, out);
                    at += passed;
                    break;
                }
            }
            let Some(end) = end(rest) else { break };
            self.message(rest.get(..end).unwrap_or_default(), at, input, out);
            at += end;
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, _direction: Direction, _missing: u64, _out: &mut dyn EventSink) {}

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for input in left {
            if input.bytes().starts_with(START) {
                self.message(input.bytes(), 0, input, out);
            }
        }
        self.settle(Outcome::Unknown, out);
    }
}

/// Where a message ends: after the pair of its checksum.
fn end(message: &[u8]) -> Option<usize> {
    let at = memchr::memmem::find(message, CHECKSUM)? + CHECKSUM.len();
    let close = memchr::memchr(1, message.get(at..)?)?;
    Some(at + close + 1)
}

impl Fix {
    fn passed_over(&mut self, bytes: usize, out: &mut dyn EventSink) {
        if bytes > 0 {
            if !std::mem::replace(&mut self.violated, true) {
                out.event(Event::Link(LinkFact::Violation));
            }
            out.event(Event::Skipped { reason: Skip::Malformed, bytes: bytes as u64 });
        }
    }

    fn message(&mut self, message: &[u8], at: usize, input: Input<'_>, out: &mut dyn EventSink) {
        let pairs = || message.split(|b| *b == 1).filter_map(|pair| pair.split_at_checked(memchr::memchr(b'=', pair)?));
        let value = |tag: &[u8]| pairs().find(|(own, _)| *own == tag).and_then(|(_, value)| value.get(1..));
        let span = input.span(at..at + message.len());
        let kind = value(b"35").unwrap_or_default();
        let account = value(b"553").or_else(|| value(b"49"));
        match (input.direction, kind) {
            (Direction::ToServer, b"A" | b"BE") => {
                if let Some(password) = value(b"554") {
                    self.settle(Outcome::Unknown, out);
                    self.login = Some(HeldLogin::clear("clear", account, password, span));
                }
            }
            (Direction::ToClient, b"A" | b"BF") => self.settle(Outcome::Accepted, out),
            (Direction::ToClient, b"3" | b"5" | b"j") => self.settle(Outcome::Rejected, out),
            _ => {}
        }
        let (place, direction) = ("fix.message", input.direction);
        let carrier = Carrier { place, resource: "", direction, outcome: Outcome::Unknown, span };
        for (tag, value) in pairs() {
            let value = value.get(1..).unwrap_or_default();
            if let Some((_, name)) = FIELDS.iter().find(|(own, _)| *own == tag).filter(|_| value.len() > 3) {
                carrier.field(FieldKind::Attribute, name, value, account, out);
            }
        }
    }

    fn settle(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(login) = self.login.take() {
            login.report("fix.logon.password", outcome, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PROTOCOL;
    use crate::proto::replay::{C, S, play, play_every_cut, play_with_gap};

    const LOGON: &[u8] = b"8=FIX.4.4\x019=90\x0135=A\x0149=CLIENT\x0156=BROKER\x0134=1\x0152=20260303-10:00:00\x01\
        98=0\x01108=30\x01553=trader1\x01554=Falcon99!\x0110=123\x01";

    #[test]
    fn a_logon_has_its_outcome() {
        for (answer, verdict) in [("A", "accepted"), ("5", "rejected")] {
            let answer = format!("8=FIX.4.4\u{1}9=50\u{1}35={answer}\u{1}49=BROKER\u{1}56=CLIENT\u{1}10=001\u{1}");
            let said = play_every_cut(&PROTOCOL, &[(C, LOGON), (S, answer.as_bytes())]);
            assert_eq!(said.all("login"), [format!("login clear trader1:Falcon99! {verdict} @fix.logon.password")]);
        }
    }

    #[test]
    fn one_way_traffic_and_accounts_are_read() {
        let order = b"8=FIXT.1.1\x019=60\x0135=D\x0149=CLIENT\x011=DE89370400440532013000\x0110=007\x01";
        let said = play_every_cut(&PROTOCOL, &[(C, LOGON), (C, order)]);
        assert!(said.has("login clear trader1:Falcon99! unknown @fix.logon.password"), "{:?}", said.lines);
        assert!(
            said.has("field attribute fix.message account number=DE89370400440532013000 of CLIENT"),
            "{:?}",
            said.lines
        );
        let said = play_with_gap(&[(C, LOGON), (C, b"98=0\x01"), (C, LOGON)], 1);
        assert_eq!(said.all("login").len(), 2);
    }

    #[test]
    fn others_are_not_taken_for_it() {
        assert!(!play(&[(C, b"8=FIXED\x01 and text")]).protocols.contains(&PROTOCOL.name));
    }
}
