use super::{HELD, PROTOCOL};
use crate::proto::replay::{C, S, Turn, play, play_every_cut, play_with_gap};

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn packets(kind: u8, body: &[u8], size: usize) -> Vec<u8> {
    let pieces: Vec<_> = if body.is_empty() { vec![body] } else { body.chunks(size).collect() };
    let mut out = Vec::new();
    for (n, piece) in pieces.iter().enumerate() {
        let last = u8::from(n + 1 == pieces.len());
        out.extend([kind, last]);
        out.extend((piece.len() as u16 + 8).to_be_bytes());
        out.extend([0, 51, (n as u8).wrapping_add(1), 0]);
        out.extend_from_slice(piece);
    }
    out
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    packets(kind, body, 4000)
}

fn prelogin(kind: u8, encryption: u8) -> Vec<u8> {
    let options = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, encryption];
    packet(kind, &options)
}

fn login(user: &str, password: &str) -> Vec<u8> {
    let hidden: Vec<u8> = wide(password).iter().map(|b| b.rotate_left(4) ^ 0xa5).collect();
    let texts = [wide("pc"), wide(user), hidden, wide("app"), wide("sql"), vec![], wide("lib"), vec![], wide("shop")];
    let mut body = vec![0; 4];
    body.extend(0x7400_0004u32.to_le_bytes());
    body.extend([0; 28]);
    let mut at = 94u16;
    for text in &texts {
        body.extend(at.to_le_bytes());
        body.extend((text.len() as u16 / 2).to_le_bytes());
        at += text.len() as u16;
    }
    body.extend([0; 22]);
    body.extend(texts.concat());
    let length = body.len() as u32;
    body[..4].copy_from_slice(&length.to_le_bytes());
    packet(0x10, &body)
}

fn short(text: &str) -> Vec<u8> {
    [&[text.chars().count() as u8][..], &wide(text)].concat()
}

fn error(number: u32) -> Vec<u8> {
    let text = "Login failed for user 'bob'.";
    let body = [
        &number.to_le_bytes()[..],
        &[1, 14],
        &(text.len() as u16).to_le_bytes(),
        &wide(text),
        &short("srv"),
        &short(""),
        &[1, 0, 0, 0],
    ]
    .concat();
    [&[0xaa][..], &(body.len() as u16).to_le_bytes(), &body].concat()
}

const DONE: [u8; 13] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const COLLATION: [u8; 5] = [9, 4, 0xd0, 0, 0x34];

fn ack() -> Vec<u8> {
    let body = [&[1, 0x74, 0, 0, 4][..], &short("SQL"), &[16, 0, 0, 0]].concat();
    packet(4, &[&[0xad][..], &(body.len() as u16).to_le_bytes(), &body, &DONE].concat())
}

fn nvarchar(value: &str) -> Vec<u8> {
    [&(value.len() as u16 * 2).to_le_bytes()[..], &wide(value)].concat()
}

fn columns(names: &[&str]) -> Vec<u8> {
    let column = |name: &&str| [&[0, 0, 0, 0, 9, 0, 0xe7, 0xc8, 0][..], &COLLATION, &short(name)].concat();
    [&[0x81][..], &(names.len() as u16).to_le_bytes(), &names.iter().flat_map(column).collect::<Vec<_>>()].concat()
}

fn row(values: &[&str]) -> Vec<u8> {
    [&[0xd1][..], &values.iter().flat_map(|value| nvarchar(value)).collect::<Vec<_>>()].concat()
}

fn request(kind: u8, body: &[u8]) -> Vec<u8> {
    let headers = [22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    packets(kind, &[&headers[..], body].concat(), 60)
}

#[test]
fn a_login_in_the_clear_gets_its_outcome_and_rows_their_columns() {
    let query = request(1, &wide("SELECT * FROM people -- größte"));
    let rows =
        [columns(&["login", "ssn"]), row(&["bob", "457-20-6619"]), [0xd2, 2].to_vec(), nvarchar("eva"), DONE.to_vec()];
    let answer = packets(4, &rows.concat(), 31);
    let turns: [Turn<'_>; 6] = [
        (C, &prelogin(0x12, 2)),
        (S, &prelogin(4, 2)),
        (C, &login("bob", "x7-Geheim-ß")),
        (S, &ack()),
        (C, &query),
        (S, &answer),
    ];
    let said = play_every_cut(&PROTOCOL, &turns);
    assert_eq!(
        said.lines,
        [
            "link Upgrade(NotOffered)",
            "link Auth(\"clear\")",
            "login clear bob:x7-Geheim-ß accepted @tds.login",
            "field column tds.row login=bob",
            "field column tds.row ssn=457-20-6619 of bob",
            "field column tds.row login=eva",
            "text tds.query Sql  SELECT * FROM people -- größte",
        ]
    );
}

#[test]
fn a_refused_login_and_a_lone_side_are_told() {
    let refused = packet(4, &[error(18_456), DONE.to_vec()].concat());
    let turns: [Turn<'_>; 4] =
        [(C, &prelogin(0x12, 0)), (S, &prelogin(4, 2)), (C, &login("bob", "x7-guess")), (S, &refused)];
    let said = play_every_cut(&PROTOCOL, &turns);
    assert!(said.has("login clear bob:x7-guess rejected @tds.login"), "{:#?}", said.lines);
    assert!(said.has("text tds.message Plain  Login failed for user 'bob'."));
    let alone = play(&[(C, &login("bob", "x7-guess"))]);
    assert!(alone.has("login clear bob:x7-guess unknown @tds.login"));
    let answer = packet(4, &[columns(&["ssn"]), row(&["457-20-6619"]), DONE.to_vec()].concat());
    assert!(play(&[(S, &answer)]).has("field column tds.row ssn=457-20-6619"));
}

#[test]
fn parameters_are_called_by_the_columns_they_go_into() {
    let text =
        |name: &str, value: &str| [short(name), vec![0, 0xe7, 0xc8, 0], COLLATION.to_vec(), nvarchar(value)].concat();
    let statement = "INSERT INTO [dbo].[users] ([login], [password]) VALUES (@P1, @P2)";
    let call = [
        vec![0xff, 0xff, 10, 0, 0, 0],
        text("", statement),
        text("", "@P1 nvarchar(9),@P2 nvarchar(9)"),
        text("@P1", "mira"),
        text("@P2", "x7-secret"),
        vec![0xff],
        vec![5, 0],
        wide("usp_X"),
        vec![0, 0],
        text("@Password", "y8-secret"),
        [short("@Number"), vec![0, 0x26, 8, 8], 4_539_578_763_621_486u64.to_le_bytes().to_vec()].concat(),
    ]
    .concat();
    let said = play_every_cut(&PROTOCOL, &[(C, &request(3, &call))]);
    assert_eq!(
        said.lines,
        [
            "field parameter tds.parameter login=mira",
            "field parameter tds.parameter password=x7-secret of mira",
            "field parameter tds.parameter Password=y8-secret",
            "field parameter tds.parameter Number=4539578763621486",
            &format!("text tds.query Sql  {statement}"),
        ]
    );
}

#[test]
fn a_login_of_sybase_is_read() {
    let field = |text: &str| {
        let mut field = [0u8; 31];
        field[..text.len()].copy_from_slice(text.as_bytes());
        field[30] = text.len() as u8;
        field
    };
    let body = [&field("host")[..], &field("bob"), &field("x7-sybase"), &[0; 420]].concat();
    let login = packets(2, &body, 504);
    let answer = packet(4, &[0xad, 10, 0, 5, 5, 0, 0, 0, 1, b'x', 0, 0, 0, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0]);
    let ask = packet(0x0f, b"\x21\x12\0\0\0\0select 1 from acc");
    let said = play_every_cut(&PROTOCOL, &[(C, &login), (S, &answer), (C, &ask)]);
    assert!(said.has("login clear bob:x7-sybase accepted @tds.login"), "{:#?}", said.lines);
    assert!(said.has("text tds.query Sql  select 1 from acc"));
}

#[test]
fn tls_that_stands_alone_for_the_login_only_is_told() {
    let hello = packet(0x12, b"\x16\x03\x01\0\x02\x01\0");
    let record = b"\x17\x03\x03\0\x03abc";
    let query = request(1, &wide("SELECT 1 FROM people"));
    let turns: [Turn<'_>; 6] =
        [(C, &prelogin(0x12, 0)), (S, &prelogin(4, 0)), (C, &hello), (C, record), (S, &ack()), (C, &query)];
    let said = play_every_cut(&PROTOCOL, &turns);
    assert!(said.has("link Upgrade(Done)") && said.has("weak link.login_only TDS"), "{:#?}", said.lines);
    assert!(said.has("text tds.query Sql  SELECT 1 FROM people"));
    let good: [Turn<'_>; 5] =
        [(C, &prelogin(0x12, 1)), (S, &prelogin(4, 1)), (C, &hello), (C, record), (S, b"\x17\x03\x03\0\x03abc")];
    let said = play(&good);
    assert_eq!(said.protocols, ["tds", "tls"]);
}

#[test]
fn what_is_not_understood_gives_its_text() {
    let odd = [columns(&["a"]), vec![0xd1, 4, 0], wide("hi"), vec![0xf7], wide("password=x7-secret")].concat();
    let said = play(&[(S, &packet(4, &odd))]);
    assert!(said.lines.iter().any(|line| line.contains("password=x7-secret")), "{:#?}", said.lines);
}

#[test]
fn after_a_hole_the_next_message_is_read() {
    let query = request(1, &wide("SELECT 1 FROM one"));
    let rows = |value: &str| packets(4, &[columns(&["ssn"]), row(&[value]), DONE.to_vec()].concat(), 20);
    let (first, second) = (rows("457-20-6619"), rows("536-90-4399"));
    let (left, right) = first.split_at(30);
    let turns: [Turn<'_>; 5] = [(C, &query), (S, left), (S, &right[..10]), (S, &right[10..]), (S, &second)];
    let said = play_with_gap(&turns, 2);
    assert!(said.has("field column tds.row ssn=536-90-4399"), "{:#?}", said.lines);
}

#[test]
fn a_message_that_is_too_long_is_passed_over() {
    let long = [columns(&["a"]), vec![0xd1, 0xff, 0xff], vec![7; HELD + 10]].concat();
    let long = [&long[..], &[0; 10]].concat();
    let picture = [
        vec![0x81, 1, 0, 0, 0, 0, 0, 9, 0, 0xa5, 0xff, 0xff],
        short("pic"),
        vec![0xd1],
        vec![0xfe; 8],
        ((HELD as u32) * 2).to_le_bytes().to_vec(),
        long,
    ]
    .concat();
    let answers = [packet(4, &picture), packet(4, &[columns(&["ssn"]), row(&["457-20-6619"]), DONE.to_vec()].concat())];
    let turns: Vec<Turn<'_>> = answers.iter().flat_map(|answer| answer.chunks(1400)).map(|piece| (S, piece)).collect();
    let said = play(&turns);
    assert!(said.has("field column tds.row ssn=457-20-6619"), "{:?}", said.all("skipped"));
    assert!(!said.all("skipped over a limit").is_empty());
}

#[test]
fn changed_bytes_do_no_harm() {
    let rows = packet(4, &[columns(&["login", "ssn"]), row(&["bob", "457-20-6619"]), DONE.to_vec()].concat());
    let call =
        request(3, &[vec![0xff, 0xff, 10, 0, 0, 0], short(""), vec![0, 0xe7, 9, 0], COLLATION.to_vec()].concat());
    let turns =
        [(C, prelogin(0x12, 0)), (S, prelogin(4, 0)), (C, login("bob", "x7")), (S, ack()), (C, call), (S, rows)];
    for turn in 0..turns.len() {
        for n in 0..turns[turn].1.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = turns.clone();
                changed[turn].1[n] ^= change;
                let pieces: Vec<Turn<'_>> =
                    changed.iter().map(|(direction, bytes)| (*direction, bytes.as_slice())).collect();
                play(&pieces);
            }
        }
    }
}
