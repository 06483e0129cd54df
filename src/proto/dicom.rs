//! DICOM's upper layer protocol (PS3.8 section 9): who associates with whom and with what password
//! (PS3.7 annex D.3.3.7), and the patients of the data sets that are stored and found.

use super::cursor::Cursor;
use super::login::HeldLogin;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::carrier::Carrier;
use crate::content::dicom::{self, Syntax};
use crate::model::event::{Event, EventSink, FieldKind, LinkFact, Outcome, Proof, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;
use crate::model::stream::Input;

/// DICOM.
pub static PROTOCOL: Protocol = Protocol {
    name: "dicom",
    transport: Transport::Tcp,
    ports: &[104, 11112, 4242],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<Dicom>::default(),
};

/// Bytes before the content of a unit: type, a reserved byte, length.
const HEADER: usize = 6;

/// Bytes of a unit that are read: the patient stands at the start of a data set, before the image.
const WHOLE: usize = 64 << 10;

/// Longest unit that is believed.
const LONGEST: u32 = 256 << 20;

/// Where the items of an association begin.
const ITEMS: usize = 68;

const ASSOCIATE: u8 = 1;
const ACCEPT: u8 = 2;
const REJECT: u8 = 3;
const DATA: u8 = 4;

#[derive(Default)]
struct Dicom {
    login: Option<HeldLogin>,
    /// The application entity that calls.
    caller: String,
    /// Transfer syntaxes of the presentation contexts that were agreed on.
    syntaxes: Vec<(u8, Syntax)>,
    /// A data set is under way in a direction: what comes is not its start.
    within: [bool; 2],
}

fn probe(opening: &Opening<'_>) -> Verdict {
    match (side(opening.to_server, ASSOCIATE), side(opening.to_client, ACCEPT)) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Certain, _) | (_, Verdict::Certain) => Verdict::Certain,
        _ => Verdict::NeedMore,
    }
}

/// Whether a direction begins with a unit of this kind, whose first item is the application context.
fn side(bytes: &[u8], kind: u8) -> Verdict {
    let fits = |at: usize, wanted: u8| bytes.get(at).is_none_or(|b| *b == wanted);
    if kind == ACCEPT && bytes.first() == Some(&REJECT) {
        return if fits(1, 0) && fits(2, 0) && fits(5, 4) { Verdict::NeedMore } else { Verdict::No };
    }
    let item = HEADER + ITEMS;
    let head =
        fits(0, kind) && fits(1, 0) && fits(2, 0) && fits(6, 0) && fits(7, 1) && fits(item, 0x10) && fits(item + 1, 0);
    match bytes.get(item + 4..) {
        _ if !head => Verdict::No,
        Some(name) if name.len() >= 13 => match name.starts_with(b"1.2.840.10008") {
            true => Verdict::Certain,
            false => Verdict::No,
        },
        _ => Verdict::NeedMore,
    }
}

impl Analyzer for Dicom {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let mut cursor = Cursor::new(rest);
            let (Some(kind), Some(_), Some(length)) = (cursor.u8(), cursor.u8(), cursor.u32_be()) else { break };
            if !(1..=7).contains(&kind) || length > LONGEST {
                out.event(Event::Link(LinkFact::Violation));
                out.event(Event::Skipped { reason: Skip::Malformed, bytes: rest.len() as u64 });
                return Progress::Continue(bytes.len());
            }
            let length = length as usize;
            let wanted = length.min(WHOLE);
            let Some(content) = cursor.take(wanted) else { break };
            let end = at + HEADER + wanted;
            self.unit(kind, content, input.direction, input.span(at..end), out);
            at = end;
            if length > wanted {
                let more = (length - wanted) as u64;
                out.event(Event::Skipped { reason: Skip::Binary, bytes: more });
                return Progress::Skip(at, more);
            }
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        if let Some(within) = self.within.get_mut(direction.index()) {
            *within = true;
        }
    }

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for input in left {
            // A unit that was cut says what it has.
            if let Some(content) = input.bytes().get(HEADER..).filter(|_| input.bytes().first() == Some(&DATA)) {
                self.unit(DATA, content, input.direction, input.data.whole(), out);
            }
        }
        self.settle(Outcome::Unknown, out);
    }
}

impl Dicom {
    fn unit(&mut self, kind: u8, content: &[u8], direction: Direction, span: Span, out: &mut dyn EventSink) {
        match kind {
            ASSOCIATE => {
                let title = content.get(20..36).unwrap_or_default();
                self.caller = String::from_utf8_lossy(title).trim().to_owned();
                self.items(content.get(ITEMS..).unwrap_or_default(), span, out);
            }
            ACCEPT => {
                self.items(content.get(ITEMS..).unwrap_or_default(), span, out);
                self.settle(Outcome::Accepted, out);
            }
            REJECT => self.settle(Outcome::Rejected, out),
            DATA => self.values(content, direction, span, out),
            _ => {}
        }
    }

    /// The items of an association: type, a reserved byte, length, content.
    fn items(&mut self, items: &[u8], span: Span, out: &mut dyn EventSink) {
        for (kind, content) in parts(items) {
            match kind {
                // A presentation context that was agreed on: its number, and the syntax of its data.
                0x21 => {
                    let syntax = content.get(4..).and_then(|inside| parts(inside).next());
                    if let (Some(number), Some((0x40, name))) = (content.first(), syntax)
                        && self.syntaxes.len() < 128
                    {
                        self.syntaxes.push((*number, Syntax::named(name)));
                    }
                }
                0x50 => {
                    for (_, identity) in parts(content).filter(|(kind, _)| *kind == 0x58) {
                        self.identity(identity, span, out);
                    }
                }
                _ => {}
            }
        }
    }

    /// A user identity: its type, then who it is, then a password.
    fn identity(&mut self, identity: &[u8], span: Span, out: &mut dyn EventSink) {
        let mut cursor = Cursor::new(identity);
        let (Some(kind), Some(_)) = (cursor.u8(), cursor.u8()) else { return };
        let mut field = || cursor.u16_be().and_then(|length| cursor.take(length.into())).unwrap_or_default();
        let (first, second) = (field(), field());
        self.settle(Outcome::Unknown, out);
        let token = |mechanism| HeldLogin {
            mechanism,
            proof: Proof::Token,
            username: None,
            secret: HeldSecret::new(first),
            span,
        };
        self.login = match kind {
            1 | 2 => Some(HeldLogin::clear("clear", Some(first), second, span)),
            4 => Some(token("saml")),
            5 => Some(token("bearer")),
            _ => None,
        };
    }

    /// The values of a unit of data: length, presentation context, flags (1: a command, 2: the last).
    fn values(&mut self, mut content: &[u8], direction: Direction, span: Span, out: &mut dyn EventSink) {
        loop {
            let mut cursor = Cursor::new(content);
            let Some(length) = cursor.u32_be() else { return };
            let (Some(context), Some(flags)) = (cursor.u8(), cursor.u8()) else { return };
            let rest = cursor.rest();
            let length = (length as usize).saturating_sub(2);
            let data = rest.get(..length).unwrap_or(rest);
            if flags & 1 == 0
                && let Some(within) = self.within.get_mut(direction.index())
            {
                let first = !std::mem::replace(within, flags & 2 == 0);
                if first {
                    let syntax = self.syntaxes.iter().find(|(number, _)| *number == context).map(|(_, syntax)| *syntax);
                    let (place, resource, outcome) = ("dicom.dataset", self.caller.as_str(), Outcome::Unknown);
                    let carrier = Carrier { place, resource, direction, outcome, span };
                    dicom::read(data, syntax, &mut |name, value| {
                        carrier.field(FieldKind::Attribute, name, value, None, out);
                    });
                }
            }
            match rest.get(length..) {
                Some(after) if !after.is_empty() => content = after,
                _ => return,
            }
        }
    }

    fn settle(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(login) = self.login.take() {
            let note = (!self.caller.is_empty()).then(|| format!("application entity {}", self.caller));
            login.report_with_note("dicom.associate.identity", outcome, note.as_deref(), out);
        }
    }
}

/// Items one after the other: type, a reserved byte, length, content.
fn parts(items: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut cursor = Cursor::new(items);
    std::iter::from_fn(move || {
        let kind = cursor.u8()?;
        cursor.u8()?;
        let length = cursor.u16_be()?;
        Some((kind, cursor.take(length.into())?))
    })
}

#[cfg(test)]
mod tests {
    use super::PROTOCOL;
    use crate::proto::replay::{C, S, play_every_cut};

    fn item(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[kind, 0], (content.len() as u16).to_be_bytes().as_slice(), content].concat()
    }

    fn unit(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[kind, 0], (content.len() as u32).to_be_bytes().as_slice(), content].concat()
    }

    fn associate(kind: u8, items: &[Vec<u8>]) -> Vec<u8> {
        let head = [b"\0\x01\0\0PACS            MODALITY        ".as_slice(), &[0; 32]].concat();
        let context = item(0x10, b"1.2.840.10008.3.1.1.1");
        unit(kind, &[head, context, items.concat()].concat())
    }

    fn agreed(syntax: &[u8]) -> Vec<u8> {
        associate(2, &[item(0x21, &[b"\x01\0\0\0".as_slice(), &item(0x40, syntax)].concat())])
    }

    fn data(set: &[u8]) -> Vec<u8> {
        unit(4, &[(set.len() as u32 + 2).to_be_bytes().as_slice(), b"\x01\x02", set].concat())
    }

    const EXPLICIT: &[u8] = b"\x08\0\x18\0UI\x04\x001.2\0\x10\0\x10\0PN\x08\0Doe^John\x10\0\x20\0LO\x06\0A12345\
        \x10\0\x30\0DA\x08\x0019800102";
    const IMPLICIT: &[u8] = b"\x10\0\x10\0\x08\0\0\0Doe^John\x10\0\x20\0\x06\0\0\0A12345";

    #[test]
    fn an_association_with_a_password_has_its_outcome() {
        let identity = item(0x58, b"\x02\x01\0\x03bob\0\x07hunter2");
        let request = associate(1, &[item(0x50, &identity)]);
        for (answer, verdict) in
            [(agreed(b"1.2.840.10008.1.2.1"), "accepted"), (unit(3, b"\0\x01\x01\x01"), "rejected")]
        {
            let said = play_every_cut(&PROTOCOL, &[(C, &request), (S, &answer)]);
            assert_eq!(said.all("login"), [format!("login clear bob:hunter2 {verdict} @dicom.associate.identity")]);
        }
    }

    #[test]
    fn patients_are_read_in_every_syntax() {
        let request = associate(1, &[]);
        for (syntax, set) in [(b"1.2.840.10008.1.2.1".as_slice(), EXPLICIT), (b"1.2.840.10008.1.2", IMPLICIT)] {
            let said = play_every_cut(&PROTOCOL, &[(C, &request), (S, &agreed(syntax)), (C, &data(set))]);
            assert!(said.has("field attribute dicom.dataset patient id=A12345"), "{:?}", said.lines);
            // Without the answer, the first element shows the syntax.
            let said = play_every_cut(&PROTOCOL, &[(C, &request), (C, &data(set))]);
            assert!(said.has("field attribute dicom.dataset patient id=A12345"), "{:?}", said.lines);
        }
    }
}
