use super::*;
use crate::proto::replay::{C, S, Turn, play, play_every_cut, play_with_gap};

const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const ASK_CLEAR: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
const WELCOME: &[u8] =
    b"R\0\0\0\x08\0\0\0\0S\0\0\0\x16server_version\x0015\0K\0\0\0\x0c\0\0\x12\x34\0\0\x56\x78Z\0\0\0\x05I";
const REFUSAL: &[u8] = b"E\0\0\0\x24SFATAL\0C28P01\0Mno such password\0\0";

fn startup() -> Vec<u8> {
    let parameters = b"\0\x03\0\0user\0ann\0database\0shop\0\0";
    [&(parameters.len() as u32 + 4).to_be_bytes(), parameters.as_slice()].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], (body.len() as u32 + 4).to_be_bytes().as_slice(), body].concat()
}

fn row(values: &[&[u8]]) -> Vec<u8> {
    let mut body = (values.len() as u16).to_be_bytes().to_vec();
    for value in values {
        body.extend_from_slice(&(value.len() as u32).to_be_bytes());
        body.extend_from_slice(value);
    }
    message(b'D', &body)
}

fn description(columns: &[(&str, u32, u16)]) -> Vec<u8> {
    let mut body = (columns.len() as u16).to_be_bytes().to_vec();
    for (name, oid, format) in columns {
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(&[0; 7]);
        body.extend_from_slice(&oid.to_be_bytes());
        body.extend_from_slice(&[0; 6]);
        body.extend_from_slice(&format.to_be_bytes());
    }
    message(b'T', &body)
}

/// Parse, Bind with text parameters, Describe the portal if `describe`, Execute, Sync.
fn extended(statement: Option<&str>, values: &[&[u8]], describe: bool) -> Vec<u8> {
    let mut sent = Vec::new();
    if let Some(statement) = statement {
        sent.extend(message(b'P', &[b"s1\0", statement.as_bytes(), b"\0\0\0"].concat()));
        sent.extend(message(b'D', b"Ss1\0"));
    }
    let values = row(values);
    sent.extend(message(b'B', &[b"\0s1\0\0\0", &values[HEADER..], b"\0\x01\0\x01"].concat()));
    if describe {
        sent.extend(message(b'D', b"P\0"));
    }
    sent.extend(message(b'E', b"\0\0\0\0\0"));
    sent.extend(message(b'S', b""));
    sent
}

#[test]
fn a_password_is_reported_with_the_servers_verdict() {
    let (startup, password) = (startup(), message(b'p', b"hunter2\0"));
    let turns = [(C, &*startup), (S, ASK_CLEAR), (C, &*password), (S, WELCOME)];
    let said = play_every_cut(&PROTOCOL, &turns);
    assert!(said.has("login clear ann:hunter2 accepted @postgresql.password"), "{said:?}");
    let said = play(&[(C, &startup), (S, ASK_CLEAR), (C, &password), (S, REFUSAL)]);
    assert!(said.has("login clear ann:hunter2 rejected @postgresql.password"), "{said:?}");
    assert!(said.all("link Upgrade").is_empty());
}

#[test]
fn an_md5_response_becomes_the_line_a_cracker_reads() {
    let (startup, response) = (startup(), message(b'p', b"md50123456789abcdef0123456789abcdef\0"));
    let ask = b"R\0\0\0\x0c\0\0\0\x05\xde\xad\xbe\xef";
    let said = play_every_cut(&PROTOCOL, &[(C, &startup), (S, ask), (C, &response), (S, WELCOME)]);
    let line = "login md5 ann:$postgres$ann*deadbeef*0123456789abcdef0123456789abcdef accepted @postgresql.password";
    assert!(said.has(line), "{said:?}");
}

#[test]
fn a_refused_upgrade_is_a_fact_of_the_link() {
    let startup = startup();
    let said = play_every_cut(&PROTOCOL, &[(C, SSL), (S, b"N"), (C, &startup), (S, WELCOME)]);
    assert!(said.has("link Upgrade(Refused)"));
    assert!(said.has("link Auth(\"trust\")"));
    let said = play(&[(C, SSL), (S, b"S"), (C, b"\x16\x03\x01\0\x05\x01\0\0\x01\0")]);
    assert!(said.has("link Upgrade(Done)"));
    let said = play(&[(C, SSL), (C, b"\x16\x03\x01\0\x05\x01\0\0\x01\0")]);
    assert!(said.has("link Upgrade(Done)"), "the answer was lost: {said:?}");
}

#[test]
fn rows_have_the_names_of_their_columns() {
    let (startup, query) = (startup(), message(b'Q', b"SELECT * FROM people\0"));
    let answer = [
        description(&[("id", 23, 0), ("login", 25, 0), ("card", 20, 1)]),
        row(&[b"17", b"bob", &4_539_201_837_465_026i64.to_be_bytes()]),
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat();
    let said = play_every_cut(&PROTOCOL, &[(C, &startup), (S, WELCOME), (C, &query), (S, &answer)]);
    assert_eq!(
        said.all("field"),
        ["field column postgresql.row login=bob", "field column postgresql.row card=4539201837465026 of bob"]
    );
    assert!(said.has("text postgresql.query Sql  SELECT * FROM people"));
}

#[test]
fn a_value_is_called_by_the_column_that_names_it() {
    let (startup, query) = (startup(), message(b'Q', b"SELECT * FROM settings\0"));
    let answer = [
        description(&[("value", 25, 0), ("key", 25, 0)]),
        row(&[b"x7-secret", b"smtp_password"]),
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat();
    let said = play_every_cut(&PROTOCOL, &[(C, &startup), (S, WELCOME), (C, &query), (S, &answer)]);
    assert!(said.has("field column postgresql.row value.smtp_password=x7-secret"), "{:#?}", said.lines);
}

#[test]
fn a_statement_described_once_names_the_rows_of_every_execution() {
    let (startup, first) = (startup(), extended(Some("SELECT ssn FROM p WHERE name = $1"), &[b"Ida"], false));
    let described = [
        message(b'1', b""),
        message(b't', b"\0\x01\0\0\0\x19"),
        description(&[("ssn", 25, 0)]),
        message(b'2', b""),
        row(&[b"457-20-6619"]),
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat();
    let second = extended(None, &[b"Per"], false);
    let answered =
        [message(b'2', b""), row(&[b"461-53-9008"]), message(b'C', b"SELECT 1\0"), message(b'Z', b"I")].concat();
    let turns: [Turn<'_>; 6] =
        [(C, &startup), (S, WELCOME), (C, &first), (S, &described), (C, &second), (S, &answered)];
    let said = play_every_cut(&PROTOCOL, &turns);
    assert_eq!(
        said.all("field"),
        [
            "field parameter postgresql.bind name=Ida",
            "field column postgresql.row ssn=457-20-6619",
            "field parameter postgresql.bind name=Per",
            "field column postgresql.row ssn=461-53-9008",
        ]
    );
}

#[test]
fn copied_lines_are_split_into_their_columns() {
    let (startup, query) = (startup(), message(b'Q', b"COPY t (note, card) FROM stdin\0"));
    let data =
        [message(b'd', b"a\\tb c\t45392018"), message(b'd', b"37465026\n\\N\t12\n"), message(b'c', b"")].concat();
    let done = [message(b'C', b"COPY 2\0"), message(b'Z', b"I")].concat();
    let begin = message(b'G', b"\0\0\x02\0\0\0\0");
    let turns: [Turn<'_>; 6] = [(C, &startup), (S, WELCOME), (C, &query), (S, &begin), (C, &data), (S, &done)];
    let said = play_every_cut(&PROTOCOL, &turns);
    assert_eq!(
        said.all("field"),
        ["field column postgresql.copy note=a\tb c", "field column postgresql.copy card=4539201837465026"]
    );
}

#[test]
fn one_direction_alone_is_enough() {
    let said = play(&[(C, &message(b'p', b"hunter2\0"))]);
    assert!(said.has("login clear :hunter2 unknown @postgresql.password"), "{said:?}");
    let said = play(&[(S, &row(&[b"4244", b"Nicole Franklin", b"879-66-7786"]))]);
    assert!(said.has("field column postgresql.row =879-66-7786"), "{said:?}");
    let said = play(&[(C, &message(b'Q', b"ALTER ROLE r PASSWORD 'x'\0"))]);
    assert!(said.has("text postgresql.query Sql  ALTER ROLE r PASSWORD 'x'"), "{said:?}");
}

#[test]
fn after_a_hole_messages_are_found_again() {
    let (startup, query) = (startup(), message(b'Q', b"SELECT 1 FROM lost\0"));
    let torn = [&query[7..], &message(b'Q', b"SELECT 2 FROM found\0"), &message(b'Q', b"SELECT 3\0")].concat();
    let said = play_with_gap(&[(C, &startup), (S, WELCOME), (C, &query[..7]), (C, &torn)], 2);
    assert!(said.has("text postgresql.query Sql  SELECT 2 FROM found"), "{said:?}");
    assert!(said.has("text postgresql.query Sql  SELECT 3"), "{said:?}");
}

#[test]
fn a_message_damaged_by_a_hole_ends_where_its_header_said() {
    let startup = startup();
    let query = message(b'Q', &[b"SELECT '".as_slice(), &[b'x'; 500], b"'\0"].concat());
    let (head, rest) = query.split_at(100);
    let (lost, rest) = rest.split_at(300);
    let rest = [rest, &message(b'X', b""), &message(b'Q', b"SELECT 2\0")].concat();
    let said = play_with_gap(&[(C, &startup), (S, WELCOME), (C, head), (C, lost), (C, &rest)], 3);
    assert!(said.has("text postgresql.query Sql  SELECT 2"), "{said:?}");
}

#[test]
fn a_row_of_megabytes_goes_by_in_pieces() {
    let startup = startup();
    let document = [b"{\"note\":\"".as_slice(), &[b'x'; 3 << 20], b"\"}"].concat();
    let answer = [description(&[("doc", 114, 0), ("mail", 25, 0)]), row(&[&document, b"ann@example.org"])].concat();
    let mut turns: Vec<Turn<'_>> = vec![(C, &startup), (S, WELCOME)];
    turns.extend(answer.chunks(1448).map(|chunk| (S, chunk)));
    let said = play(&turns);
    assert!(said.has("field column postgresql.row mail=ann@example.org"));
    let texts = said.all("text postgresql.row Json doc");
    assert_eq!(texts.iter().map(|t| t.len() - "text postgresql.row Json doc ".len()).sum::<usize>(), document.len());
}

#[test]
fn other_protocols_on_its_port_are_refused() {
    for (direction, bytes) in [
        (C, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".as_slice()),
        (S, b"J\0\0\0\x0a5.7.29\0\x08\0\0\0aaaaaaaa\0".as_slice()),
        (S, b"S\0\0\0\x0a5.5.5-10.11\0\x08\0\0\0aaaaaaaa\0".as_slice()),
        (S, b"SSH-2.0-OpenSSH_9.2\r\n".as_slice()),
        (C, b"\0\0\0\x20\0\x12\0\x03\0\0\0\x01\0\x07console".as_slice()),
        (C, b"\0\0\0\x2a\0\x02\0\0user\0".as_slice()),
    ] {
        assert!(!play(&[(direction, bytes)]).protocols.contains(&"postgresql"), "{bytes:?}");
    }
}
