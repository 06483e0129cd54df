//! Cassandra's native protocol (CQL, versions 3 and 4): logins, statements, and the rows that answer them. What
//! version 5 wraps its frames in, and what is compressed, is passed over.

use super::cursor::Cursor;
use super::login::HeldLogin;
use super::sasl::Exchange;
use super::value::{Columns, Named};
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::sniff;
use crate::model::event::{Event, EventSink, FieldKind, Format, LinkFact, Outcome, Skip, Text};
use crate::model::flow::{Direction, Transport};
use crate::model::stream::{Input, Origin, Stretch};

/// Cassandra and what speaks like it: ScyllaDB, YugabyteDB.
pub static PROTOCOL: Protocol = Protocol {
    name: "cassandra",
    transport: Transport::Tcp,
    ports: &[9042],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<Cassandra>::default(),
};

/// Version, flags, stream, opcode, length.
const HEAD: usize = 9;

/// Frames longer than this are passed over.
const LONGEST: usize = 256 << 10;

/// Columns of a result that are named, and types inside of a type.
const COLUMNS: u32 = 512;
const DEPTH: usize = 8;

const STARTUP: u8 = 1;
const READY: u8 = 2;
const QUERY: u8 = 7;
const RESULT: u8 = 8;
const PREPARE: u8 = 9;
const AUTH_RESPONSE: u8 = 0x0f;
const AUTH_SUCCESS: u8 = 0x10;

#[derive(Default)]
struct Cassandra {
    login: Option<HeldLogin>,
    lost: [bool; 2],
}

fn probe(opening: &Opening<'_>) -> Verdict {
    match (client(opening.to_server), server(opening.to_client)) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Certain, _) => Verdict::Certain,
        (Verdict::Likely, _) | (_, Verdict::Likely) => Verdict::Likely,
        _ => Verdict::NeedMore,
    }
}

/// The opcode and the body of the first frame of a side, as far as it is here. `None`: it is no frame.
fn first(bytes: &[u8], answer: bool) -> Option<(u8, &[u8], usize)> {
    let mut cursor = Cursor::new(bytes);
    let version = cursor.u8()?;
    let flags = cursor.u8()?;
    cursor.skip(2)?;
    let opcode = cursor.u8()?;
    let length = cursor.u32_be()? as usize;
    let fits =
        matches!(version & 0x7f, 3 | 4) && (version & 0x80 != 0) == answer && flags & 0xe0 == 0 && opcode <= 0x10;
    (fits && length <= 16 << 20).then_some((opcode, cursor.rest(), length))
}

fn client(bytes: &[u8]) -> Verdict {
    if bytes.len() < HEAD + 4 {
        return if matches!(bytes.first(), None | Some(3 | 4)) { Verdict::NeedMore } else { Verdict::No };
    }
    let Some((opcode, body, length)) = first(bytes, false) else { return Verdict::No };
    let mut cursor = Cursor::new(body);
    match opcode {
        STARTUP if memchr::memmem::find(body, b"CQL_VERSION").is_some() => Verdict::Certain,
        STARTUP if body.len() < length.min(64) => Verdict::NeedMore,
        // `OPTIONS`, and another frame behind it.
        5 if length == 0 => client(body),
        QUERY | PREPARE => {
            let inner = cursor.u32_be().map_or(usize::MAX, |inner| inner as usize);
            let word = body.get(4..8).is_some_and(|word| word.iter().all(|b| b.is_ascii_alphabetic() || *b == b' '));
            if inner <= length && word { Verdict::Likely } else { Verdict::No }
        }
        AUTH_RESPONSE => {
            let fits = cursor.u32_be().is_some_and(|inner| inner as usize + 4 == length) && cursor.peek() == Some(0);
            if fits { Verdict::Likely } else { Verdict::No }
        }
        _ => Verdict::No,
    }
}

fn server(bytes: &[u8]) -> Verdict {
    if bytes.len() < HEAD {
        return if matches!(bytes.first(), None | Some(0x83 | 0x84)) { Verdict::NeedMore } else { Verdict::No };
    }
    match first(bytes, true) {
        Some((0 | READY | 3 | 6 | RESULT | 0x0c | 0x0e | AUTH_SUCCESS, ..)) => Verdict::Likely,
        _ => Verdict::No,
    }
}

fn string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.u16_be()?;
    cursor.take(length.into())
}

impl Analyzer for Cassandra {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let answer = input.direction == Direction::ToClient;
            if self.lost.get(input.direction.index()).is_some_and(|lost| *lost) {
                out.event(Event::Skipped { reason: Skip::Gap, bytes: rest.len() as u64 });
                return Progress::Continue(bytes.len());
            }
            if rest.len() < HEAD {
                return Progress::Continue(at);
            }
            let Some((opcode, body, length)) = first(rest, answer) else {
                out.event(Event::Link(LinkFact::Violation));
                self.lose(input.direction);
                continue;
            };
            if length > LONGEST {
                out.event(Event::Skipped { reason: Skip::Limit, bytes: (HEAD + length) as u64 });
                let here = body.len().min(length);
                return Progress::Skip(at + HEAD + here, (length - here) as u64);
            }
            let Some(content) = body.get(..length) else { return Progress::Continue(at) };
            if rest.get(1).is_some_and(|flags| flags & 1 == 1) {
                out.event(Event::Skipped { reason: Skip::Coding, bytes: length as u64 });
            } else {
                let _ = self.frame(opcode, content, input, at + HEAD, out);
            }
            at += HEAD + length;
        }
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        self.lose(direction);
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.settle(Outcome::Unknown, out);
    }
}

impl Cassandra {
    fn lose(&mut self, direction: Direction) {
        if let Some(lost) = self.lost.get_mut(direction.index()) {
            *lost = true;
        }
    }

    fn settle(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(login) = self.login.take() {
            login.report("cassandra.auth_response", outcome, out);
        }
    }

    fn frame(
        &mut self,
        opcode: u8,
        content: &[u8],
        input: Input<'_>,
        at: usize,
        out: &mut dyn EventSink,
    ) -> Option<()> {
        let mut cursor = Cursor::new(content);
        match (opcode, input.direction) {
            (AUTH_RESPONSE, Direction::ToServer) => {
                let length = cursor.u32_be()?;
                let token = cursor.take(length as usize)?;
                self.settle(Outcome::Unknown, out);
                // Its password authenticator speaks PLAIN, without saying so.
                let mut exchange = Exchange::new(b"PLAIN");
                exchange.client(token, input.span(at..at + content.len()));
                self.login = Some(exchange.into_login());
            }
            (AUTH_SUCCESS | READY, Direction::ToClient) => self.settle(Outcome::Accepted, out),
            (0, Direction::ToClient) => {
                // Code 0x0100: bad credentials.
                let refused = cursor.u32_be()? == 0x0100;
                self.settle(if refused { Outcome::Rejected } else { Outcome::Unknown }, out);
            }
            (QUERY | PREPARE, Direction::ToServer) => {
                let length = cursor.u32_be()? as usize;
                let from = at + cursor.position();
                let statement = cursor.take(length)?;
                let origins = input.data.span(from..from + length);
                let ends = [
                    Origin { start: 0, mark: origins.first },
                    Origin { start: length.saturating_sub(1), mark: origins.last },
                ];
                let data = Stretch { bytes: statement, origins: &ends };
                out.event(Event::Text(Text {
                    format: Format::Sql,
                    place: "cassandra.query",
                    resource: "",
                    direction: input.direction,
                    outcome: Outcome::Unknown,
                    data,
                    seen: 0,
                }));
            }
            (RESULT, Direction::ToClient) if cursor.u32_be()? == 2 => rows(&mut cursor, input, at, out)?,
            _ => {}
        }
        Some(())
    }
}

/// The rows of a result, whose kind was read.
fn rows(cursor: &mut Cursor<'_>, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Option<()> {
    let (flags, count) = (cursor.u32_be()?, cursor.u32_be()?);
    if count == 0 || count > COLUMNS {
        return None;
    }
    if flags & 2 != 0 {
        let state = cursor.u32_be()?;
        cursor.skip(state as usize)?;
    }
    let mut table = Vec::new();
    if flags & 1 != 0 {
        string(cursor)?;
        table = string(cursor)?.to_vec();
    }
    let mut names = Vec::new();
    if flags & 4 == 0 {
        for _ in 0..count {
            if flags & 1 == 0 {
                string(cursor)?;
                table = string(cursor)?.to_vec();
            }
            names.push(String::from_utf8_lossy(string(cursor)?).into_owned());
            pass_type(cursor, DEPTH)?;
        }
    }
    let table = String::from_utf8_lossy(&table).into_owned();
    let columns = Columns::new(names, |name| name.as_str());
    let rows = cursor.u32_be()?;
    for _ in 0..rows {
        let mut row = Vec::new();
        for _ in 0..count {
            let length = cursor.u32_be()?;
            // Negative: null.
            let value = if length > i32::MAX as u32 { &b""[..] } else { cursor.take(length as usize)? };
            row.push((at + cursor.position() - value.len(), value));
        }
        let account = columns.account.and_then(|n| row.get(n)).map(|(_, value)| *value).filter(|v| !v.is_empty());
        for (index, (from, value)) in row.iter().enumerate() {
            if value.len() < 2 || !sniff::is_text(value) {
                continue;
            }
            let plain = columns.columns.get(index).map_or("", String::as_str);
            let called = columns.called(index, plain, |n| row.get(n).map(|(_, value)| *value));
            let named = Named {
                kind: FieldKind::Column,
                place: "cassandra.row",
                name: called.as_deref().unwrap_or(plain),
                resource: &table,
                direction: input.direction,
                account: account.filter(|_| columns.account != Some(index)),
            };
            named.say(value, input.span(*from..*from + value.len()), out);
        }
    }
    Some(())
}

/// Passes over the type of a column.
fn pass_type(cursor: &mut Cursor<'_>, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match cursor.u16_be()? {
        0 => drop(string(cursor)?),
        0x20 | 0x22 => pass_type(cursor, depth)?,
        0x21 => {
            pass_type(cursor, depth)?;
            pass_type(cursor, depth)?;
        }
        0x30 => {
            string(cursor)?;
            string(cursor)?;
            for _ in 0..cursor.u16_be()? {
                string(cursor)?;
                pass_type(cursor, depth)?;
            }
        }
        0x31 => {
            for _ in 0..cursor.u16_be()? {
                pass_type(cursor, depth)?;
            }
        }
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::PROTOCOL;
    use crate::proto::replay::{C, S, play_every_cut};

    fn frame(version: u8, opcode: u8, body: &[u8]) -> Vec<u8> {
        [&[version, 0, 0, 1, opcode][..], &(body.len() as u32).to_be_bytes(), body].concat()
    }

    fn startup() -> Vec<u8> {
        frame(4, 1, b"\0\x01\0\x0bCQL_VERSION\0\x053.0.0")
    }

    #[test]
    fn a_login_gets_the_servers_verdict() {
        let asks = frame(0x84, 3, b"\0\x04Auth");
        let login = frame(4, 0x0f, b"\0\0\0\x0d\0bob\0hunter22");
        for (answer, outcome) in
            [(frame(0x84, 0x10, b"\xff\xff\xff\xff"), "accepted"), (frame(0x84, 0, b"\0\0\x01\0\0\x03bad"), "rejected")]
        {
            let said = play_every_cut(&PROTOCOL, &[(C, &startup()), (S, &asks), (C, &login), (S, &answer)]);
            assert!(said.has(&format!("login plain bob:hunter22 {outcome} @cassandra.auth_response")), "{said:?}");
        }
        let said = play_every_cut(&PROTOCOL, &[(C, &login)]);
        assert!(said.has("login plain bob:hunter22 unknown @cassandra.auth_response"), "{said:?}");
    }

    #[test]
    fn statements_and_rows_are_read() {
        let query = frame(4, 7, b"\0\0\0\x0fSELECT * FROM t\0\x01\0");
        let columns = b"\0\x05login\0\x0d\0\x02pw\0\x0d";
        let head = b"\0\0\0\x02\0\0\0\x01\0\0\0\x02\0\x02ks\0\x01t";
        let row = b"\0\0\0\x01\0\0\0\x03bob\0\0\0\x08hunter22";
        let result = frame(0x84, 8, &[&head[..], columns, row].concat());
        let said = play_every_cut(&PROTOCOL, &[(C, &startup()), (C, &query), (S, &result)]);
        assert!(said.has("text cassandra.query Sql  SELECT * FROM t"), "{said:?}");
        assert!(said.has("field column cassandra.row pw=hunter22 of bob"), "{said:?}");
    }

    #[test]
    fn what_is_compressed_is_counted() {
        let mut packed = frame(4, 7, b"\0\0\0\x04junk");
        packed[1] = 1;
        let said = play_every_cut(&PROTOCOL, &[(C, &startup()), (C, &packed)]);
        assert_eq!(said.all("text").len(), 0, "{said:?}");
        assert_eq!(said.all("skipped").len(), 1, "{said:?}");
    }
}
