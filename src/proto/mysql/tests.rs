use super::*;
use crate::proto::replay::{C, S, Turn, play, play_every_cut, play_with_gap};

/// Capabilities of protocol 4.1 with plugins.
const CAPABILITIES: u32 = wire::CLIENT_MYSQL
    | wire::CLIENT_PROTOCOL_41
    | wire::CLIENT_SECURE_CONNECTION
    | wire::CLIENT_PLUGIN_AUTH
    | wire::CLIENT_CONNECT_WITH_DB;
const SCRAMBLE: &[u8; 20] = b"abcdefghijklmnopqrst";
const OK: &[u8] = b"\0\0\0\x02\0\0\0";

fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_le_bytes();
    [&length[..3], &[sequence], payload].concat()
}

fn greeting(capabilities: u32) -> Vec<u8> {
    let [a, b, c, d] = capabilities.to_le_bytes();
    let (first, second) = SCRAMBLE.split_at(8);
    let head = [b"\x0a8.0.36\0\x07\0\0\0", first, &[0, a, b, 0x2d, 2, 0, c, d, 21], &[0; 10]].concat();
    packet(0, &[&head, second, b"\0mysql_native_password\0"].concat())
}

fn response(capabilities: u32, answer: &[u8], plugin: &str) -> Vec<u8> {
    let mut payload = capabilities.to_le_bytes().to_vec();
    payload.extend_from_slice(b"\0\0\0\x01\x2d");
    payload.extend_from_slice(&[0; 23]);
    payload.extend_from_slice(b"ann\0");
    payload.push(answer.len() as u8);
    payload.extend_from_slice(answer);
    payload.extend_from_slice(b"shop\0");
    payload.extend_from_slice(plugin.as_bytes());
    payload.push(0);
    packet(1, &payload)
}

fn string(text: &[u8]) -> Vec<u8> {
    [&[text.len() as u8], text].concat()
}

fn column(name: &str, kind: u8) -> Vec<u8> {
    let names = [b"def".as_slice(), b"shop", b"p", b"people", name.as_bytes(), name.as_bytes()];
    let mut payload: Vec<u8> = names.iter().flat_map(|n| string(n)).collect();
    payload.extend_from_slice(&[12, 33, 0, 0, 1, 0, 0, kind, 0, 0, 0, 0, 0]);
    payload
}

/// Packets numbered from 1.
fn answer(payloads: &[Vec<u8>]) -> Vec<u8> {
    payloads.iter().zip(1..).flat_map(|(payload, sequence)| packet(sequence, payload)).collect()
}

fn eof() -> Vec<u8> {
    b"\xfe\0\0\x02\0".to_vec()
}

fn logged_in() -> [Vec<u8>; 3] {
    [greeting(CAPABILITIES), response(CAPABILITIES, &[7; 20], "mysql_native_password"), packet(2, OK)]
}

#[test]
fn a_native_password_becomes_the_line_a_cracker_reads() {
    let [greeting, response, ok] = logged_in();
    let said = play_every_cut(&PROTOCOL, &[(S, &greeting), (C, &response), (S, &ok)]);
    let (scramble, answer) = ("6162636465666768696a6b6c6d6e6f7071727374", "07".repeat(20));
    let line =
        |outcome| format!("login mysql_native_password ann:$mysqlna${scramble}*{answer} {outcome} @mysql.password");
    assert!(said.has(&line("accepted")), "{said:?}");
    assert!(said.has("link Upgrade(NotOffered)"));
    let refusal = packet(2, b"\xff\x15\x04#28000Access denied for user 'ann'");
    let said = play(&[(S, &greeting), (C, &response), (S, &refusal)]);
    assert!(said.has(&line("rejected")), "{said:?}");
}

#[test]
fn tls_that_is_offered_is_used_or_is_not() {
    let capabilities = CAPABILITIES | wire::CLIENT_SSL;
    let greeting = greeting(capabilities);
    let request = packet(1, &[&capabilities.to_le_bytes()[..], b"\0\0\0\x01\x2d", &[0; 23]].concat());
    let hello = b"\x16\x03\x01\0\x05\x01\0\0\x01\0";
    assert!(play(&[(S, &greeting), (C, &request), (C, hello)]).has("link Upgrade(Done)"));
    let response = response(CAPABILITIES, b"", "mysql_native_password");
    let said = play_every_cut(&PROTOCOL, &[(S, &greeting), (C, &response), (S, &packet(2, OK))]);
    assert!(said.has("link Upgrade(OfferedUnused)"));
    assert!(said.has("login mysql_native_password ann: accepted @mysql.password"), "{said:?}");
}

#[test]
fn a_password_sent_in_clear_after_the_fast_path_failed_is_reported() {
    let (greeting, ok) = (greeting(CAPABILITIES), packet(5, OK));
    let response = response(CAPABILITIES, &[9; 32], "caching_sha2_password");
    let (full, password) = (packet(2, &[1, 4]), packet(3, b"hunter2\0"));
    let said = play_every_cut(&PROTOCOL, &[(S, &greeting), (C, &response), (S, &full), (C, &password), (S, &ok)]);
    assert!(said.has("login caching_sha2_password ann:hunter2 accepted @mysql.password"), "{said:?}");
}

#[test]
fn a_switch_of_plugins_leaves_the_first_answer_undecided() {
    let (greeting, response) = (greeting(CAPABILITIES), response(CAPABILITIES, &[7; 20], "mysql_native_password"));
    let (switch, password) = (packet(2, b"\xfemysql_clear_password\0"), packet(3, b"hunter2\0"));
    let said = play(&[(S, &greeting), (C, &response), (S, &switch), (C, &password), (S, &packet(4, OK))]);
    assert!(said.has("login mysql_clear_password ann:hunter2 accepted @mysql.password"), "{said:?}");
    assert_eq!(said.all("login mysql_native_password")[0].split(' ').nth(3), Some("unknown"));
}

#[test]
fn text_rows_have_the_names_of_their_columns() {
    let [greeting, response, ok] = logged_in();
    let query = packet(0, b"\x03SELECT * FROM people");
    let row = [string(b"17"), string(b"bob"), b"\xfb".to_vec(), string(b"457-20-6619")].concat();
    let columns = [column("id", 3), column("login", 253), column("note", 253), column("ssn", 253)];
    let with_eof = [&[vec![4]], columns.as_slice(), &[eof(), row.clone(), eof()]].concat();
    let without = [&[vec![4]], columns.as_slice(), &[row, b"\xfe\0\0\x02\0\0\0".to_vec()]].concat();
    let (ping, pong) = (packet(0, &[0x0e]), packet(1, OK));
    for answered in [answer(&with_eof), answer(&without)] {
        let turns: [Turn<'_>; 7] =
            [(S, &greeting), (C, &response), (S, &ok), (C, &query), (S, &answered), (C, &ping), (S, &pong)];
        let said = play_every_cut(&PROTOCOL, &turns);
        assert_eq!(
            said.all("field"),
            ["field column mysql.row login=bob", "field column mysql.row ssn=457-20-6619 of bob"]
        );
        assert!(said.has("text mysql.query Sql  SELECT * FROM people"));
    }
}

#[test]
fn a_value_is_called_by_the_column_that_names_it() {
    let [greeting, response, ok] = logged_in();
    let query = packet(0, b"\x03SELECT option_name, option_value FROM wp_options");
    let rows = [("mailserver_pass", "x7-secret"), ("blogname", "y8-title")]
        .map(|(k, v)| [string(k.as_bytes()), string(v.as_bytes())].concat());
    let columns = [column("option_name", 253), column("option_value", 253)];
    let answered = answer(&[&[vec![2]], columns.as_slice(), &[eof()], &rows, &[eof()]].concat());
    let said = play_every_cut(&PROTOCOL, &[(S, &greeting), (C, &response), (S, &ok), (C, &query), (S, &answered)]);
    assert!(said.has("field column mysql.row option_value.mailserver_pass=x7-secret"), "{:#?}", said.lines);
}

#[test]
fn parameters_and_binary_rows_are_decoded_by_their_types() {
    let [greeting, response, ok] = logged_in();
    let prepare = packet(0, b"\x16SELECT card, name FROM people WHERE ssn = ? AND id = ?");
    let mut described = vec![b"\0\x05\0\0\0\x02\0\x02\0\0\0\0".to_vec()];
    described.extend([column("?", 253), column("?", 8), eof(), column("card", 8), column("name", 253), eof()]);
    let described = answer(&described);
    let execute = b"\x17\x05\0\0\0\0\x01\0\0\0\0\x01\xfd\0\x08\0\x0b457-20-6619\x08\x07\x06\x05\x04\x03\x02\x01";
    let execute = packet(0, execute);
    let card = 4_539_201_837_465_026i64.to_le_bytes();
    let row = [b"\0\0".as_slice(), &card, &string(b"Ida")].concat();
    let answered = answer(&[vec![2], column("card", 8), column("name", 253), eof(), row, eof()]);
    let turns: [Turn<'_>; 7] =
        [(S, &greeting), (C, &response), (S, &ok), (C, &prepare), (S, &described), (C, &execute), (S, &answered)];
    let said = play_every_cut(&PROTOCOL, &turns);
    assert_eq!(
        said.all("field"),
        [
            "field parameter mysql.execute ssn=457-20-6619",
            "field parameter mysql.execute id=72623859790382856",
            "field column mysql.row card=4539201837465026",
            "field column mysql.row name=Ida",
        ]
    );
}

#[test]
fn one_direction_alone_is_enough() {
    let said = play(&[(C, &packet(0, b"\x03SET PASSWORD FOR a = PASSWORD('x')"))]);
    assert!(said.has("text mysql.query Sql  SET PASSWORD FOR a = PASSWORD('x')"), "{said:?}");
    let said = play(&[(S, &packet(5, &[string(b"9530"), string(b"879-66-7786")].concat()))]);
    assert!(said.has("field column mysql.row =879-66-7786"), "{said:?}");
}

#[test]
fn after_a_hole_packets_are_found_again() {
    let [greeting, response, ok] = logged_in();
    let (query, next) = (packet(0, b"\x03SELECT 'lost'"), packet(0, b"\x03SELECT 'found'"));
    let torn = [&query[9..], &next].concat();
    let turns: [Turn<'_>; 5] = [(S, &greeting), (C, &response), (S, &ok), (C, &query[..9]), (C, &torn)];
    assert!(play_with_gap(&turns, 3).has("text mysql.query Sql  SELECT 'found'"));
}

#[test]
fn a_value_longer_than_a_packet_goes_by_in_pieces() {
    let [greeting, response, ok] = logged_in();
    let query = packet(0, b"\x03SELECT doc, ssn FROM people");
    let document = vec![b'x'; 17 << 20];
    let length = (document.len() as u64).to_le_bytes();
    let row = [&[0xfe], length.as_slice(), &document, &string(b"457-20-6619")].concat();
    let (first, second) = row.split_at(LONGEST as usize);
    let columns = [vec![2], column("doc", 252), column("ssn", 253), eof()];
    let answered = [answer(&columns), packet(5, first), packet(6, second), packet(7, &eof())].concat();
    let mut turns: Vec<Turn<'_>> = vec![(S, &greeting), (C, &response), (S, &ok), (C, &query)];
    turns.extend(answered.chunks(64 << 10).map(|chunk| (S, chunk)));
    let said = play(&turns);
    assert_eq!(said.all("field"), ["field column mysql.row ssn=457-20-6619"]);
    let start = "text mysql.row Plain doc ";
    assert_eq!(said.all(start).iter().map(|t| t.len() - start.len()).sum::<usize>(), document.len());
}

#[test]
fn the_compressed_protocol_is_read() {
    use std::io::Write;
    let zlib = |plain: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |plain: &[u8]| ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest);
    type Pack = fn(&[u8]) -> Vec<u8>;
    let codings: [(u32, Pack); 2] = [(wire::CLIENT_COMPRESS, zlib), (wire::CLIENT_ZSTD, zstd)];
    for (capability, coding) in codings {
        let capabilities = CAPABILITIES | capability;
        let (greeting, response) = (greeting(capabilities), response(capabilities, &[7; 20], "mysql_native_password"));
        let query = packet(0, b"\x03SELECT ssn FROM people");
        let stored = [&(query.len() as u32).to_le_bytes()[..3], &[0, 0, 0, 0], &query].concat();
        let plain = answer(&[vec![1], column("ssn", 253), eof(), string(b"457-20-6619"), eof()]);
        let coded = coding(&plain);
        let (length, full) = ((coded.len() as u32).to_le_bytes(), (plain.len() as u32).to_le_bytes());
        let coded = [&length[..3], &[1], &full[..3], &coded].concat();
        let ok = packet(2, OK);
        let said = play_every_cut(&PROTOCOL, &[(S, &greeting), (C, &response), (S, &ok), (C, &stored), (S, &coded)]);
        assert_eq!(said.all("field"), ["field column mysql.row ssn=457-20-6619"]);
        assert!(said.has("text mysql.query Sql  SELECT ssn FROM people"));
    }
}

#[test]
fn other_protocols_on_its_port_are_refused() {
    for (direction, bytes) in [
        (C, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".as_slice()),
        (S, b"SSH-2.0-OpenSSH_9.2\r\n".as_slice()),
        (S, b"220 mail.example ESMTP\r\n".as_slice()),
        (C, b"\0\0\0\x08\x04\xd2\x16\x2f".as_slice()),
        (C, b"\x3a\0\0\0\x01\0\0\0\0\0\0\0\xd4\x07\0\0\0\0\0\0admin.$cmd\0".as_slice()),
        (C, b"\x16\x03\x01\0\x05\x01\0\0\x01\0".as_slice()),
    ] {
        assert!(!play(&[(direction, bytes)]).protocols.contains(&"mysql"), "{bytes:?}");
    }
}
