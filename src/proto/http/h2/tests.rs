use std::io::Write;

use super::{PREFACE, PROTOCOL};
use crate::model::limits;
use crate::proto::replay::{C, S, Said, play, play_every_cut, play_with_gap};

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

const SETTINGS: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
const ACKNOWLEDGED: &[u8] = b"\0\0\0\x04\x01\0\0\0\0";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A block of literals that are kept in the table.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0x40);
        for text in [name, value] {
            assert!(text.len() < 127 + 128);
            match text.len().checked_sub(127) {
                None => block.push(text.len() as u8),
                Some(more) => block.extend([127, more as u8]),
            }
            block.extend(text.bytes());
        }
    }
    block
}

fn headers(stream: u32, last: bool, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(1, END_HEADERS | u8::from(last), stream, &block(fields))
}

fn data(stream: u32, last: bool, content: &[u8]) -> Vec<u8> {
    frame(0, u8::from(last), stream, content)
}

/// A request of gRPC without its content.
fn call(stream: u32, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let all = [&[(":method", "POST"), (":path", path), ("content-type", "application/grpc")], more].concat();
    headers(stream, false, &all)
}

fn message(flag: u8, content: &[u8]) -> Vec<u8> {
    [&[flag], (content.len() as u32).to_be_bytes().as_slice(), content].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn begin_client(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE, SETTINGS, &frames.concat()].concat()
}

fn begin_server(frames: &[Vec<u8>]) -> Vec<u8> {
    [SETTINGS, ACKNOWLEDGED, &frames.concat()].concat()
}

fn assert_has(said: &Said, line: &str) {
    assert!(said.has(line), "{line:?} is not in {:#?}", said.lines);
}

const LOGIN: &[u8] = b"\x0a\x05marta\x12\x0cGrpc-Pass-77";
const FIELD: &str = "http.request.header.authorization";

#[test]
fn each_stream_is_a_request_with_its_answer() {
    let basic = ("authorization", "Basic YWxpY2U6b25l");
    let first = [(":method", "GET"), (":path", "/a"), (":authority", "shop.example:8080"), basic];
    let post = [
        (":method", "POST"),
        (":path", "/api?key=qk_37"),
        ("content-type", "application/json"),
        ("cookie", "sid=eN7wq2"),
    ];
    let asked = begin_client(&[
        headers(1, true, &first),
        headers(3, false, &post),
        data(3, false, b"{\"password\":"),
        // Refers to the credentials of the first request: field 62 is the newest of eight.
        frame(1, END_HEADERS | END_STREAM, 5, &[0x82, 0x84, 0xc2]),
        data(3, true, b"\"x\"}"),
    ]);
    let answered = begin_server(&[
        headers(5, true, &[(":status", "200")]),
        headers(1, false, &[(":status", "401"), ("www-authenticate", "Basic realm=\"Lab\"")]),
        headers(3, false, &[(":status", "200"), ("set-cookie", "sess=5C8D; Path=/"), ("content-type", "text/plain")]),
        data(3, false, b"wel"),
        data(1, true, b"No\n"),
        data(3, true, b"come"),
    ]);
    let said = play_every_cut(&PROTOCOL, &[(C, &asked), (S, &answered)]);
    for line in [
        "login basic alice:one accepted @http.request.header.authorization",
        "login basic alice:one rejected @http.request.header.authorization",
        "link ServerName(\"shop.example\")",
        "field query http.request.query key=qk_37",
        "field cookie http.request.cookie sid=eN7wq2",
        "field set_cookie http.response.cookie sess=5C8D",
        "text http.request.body Json /api accepted {\"password\":\"x\"}",
        "text http.response.body Plain /api welcome",
        "text http.response.body Plain /a No\n",
    ] {
        assert_has(&said, line);
    }
    assert!(said.all("skipped").is_empty() && !said.has("link Violation"), "{:#?}", said.lines);
}

#[test]
fn padding_priorities_continuations_and_other_frames_are_no_content() {
    let fields = block(&[(":method", "GET"), (":path", "/padded"), ("x-api-key", "k-padded-77")]);
    let (start, rest) = fields.split_at(20);
    let (middle, end) = rest.split_at(9);
    let first = [&[3, 0, 0, 0, 0, 16], start, &[0; 3]].concat();
    let asked = begin_client(&[
        frame(2, 0, 3, &[0, 0, 0, 0, 7]),
        frame(1, PADDED | PRIORITY, 1, &first),
        frame(9, 0, 1, middle),
        frame(9, END_HEADERS, 1, end),
        frame(0xbe, 0xff, 77, b"an extension"),
        frame(0, PADDED | END_STREAM, 1, b"\x04content\0\0\0\0"),
        frame(6, 0, 0, b"pingpong"),
    ]);
    let answered = begin_server(&[
        headers(1, false, &[(":status", "103"), ("link", "</style.css>")]),
        headers(1, false, &[(":status", "200")]),
        frame(5, END_HEADERS, 1, &[&[0, 0, 0, 2], block(&[(":path", "/pushed")]).as_slice()].concat()),
        headers(2, false, &[(":status", "200")]),
        data(2, true, b"pushed text"),
        frame(0, PADDED, 1, b"\x02answer\0\0"),
        headers(1, true, &[("x-auth-token", "t-trailer-9")]),
        frame(7, 0, 0, &[0; 8]),
    ]);
    let said = play_every_cut(&PROTOCOL, &[(C, &asked), (S, &answered)]);
    for line in [
        "field header http.request.header x-api-key=k-padded-77",
        "text http.request.body Plain /padded content",
        "text http.response.body Plain /pushed pushed text",
        "text http.response.body Plain /padded answer",
        "field header http.response.header x-auth-token=t-trailer-9",
    ] {
        assert_has(&said, line);
    }
    assert!(!said.has("link Violation"));
}

#[test]
fn http_1_is_upgraded_and_its_request_answered_in_frames() {
    let get = b"GET /up HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
        HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nAuthorization: Bearer tok-upgrade-1\r\n\r\n";
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let answered =
        [switch.to_vec(), begin_server(&[headers(1, false, &[(":status", "403")]), data(1, true, b"no")])].concat();
    let again = headers(3, true, &[(":method", "GET"), (":path", "/2"), ("authorization", "Bearer tok-2")]);
    let ok = headers(3, true, &[(":status", "204")]);
    let said = play_every_cut(&PROTOCOL, &[(C, get), (S, &answered), (C, &begin_client(&[again])), (S, &ok)]);
    assert_eq!(said.protocols, ["http", "http2"]);
    assert_has(&said, &format!("login bearer :tok-upgrade-1 rejected @{FIELD}"));
    assert_has(&said, &format!("login bearer :tok-2 accepted @{FIELD}"));
    assert_has(&said, "text http.response.body Plain /up no");
    let refused = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let said = play(&[(C, get), (S, refused), (C, b"GET /2 HTTP/1.1\r\n\r\n"), (S, refused)]);
    assert_eq!(said.protocols, ["http"]);
    assert_has(&said, &format!("login bearer :tok-upgrade-1 accepted @{FIELD}"));
}

#[test]
fn an_upgrade_whose_answer_is_missing_shows_by_what_the_client_says() {
    let get = b"GET /up HTTP/1.1\r\nUpgrade: h2c\r\nAuthorization: Bearer tok-upgrade-1\r\n\r\n";
    let again = headers(3, true, &[(":method", "GET"), (":path", "/2"), ("authorization", "Bearer tok-2")]);
    let said = play(&[(C, get), (C, &begin_client(&[again]))]);
    assert_eq!(said.protocols, ["http", "http2"]);
    assert_eq!(said.all("login").len(), 2, "{:#?}", said.lines);
}

#[test]
fn one_direction_alone_is_enough() {
    let get = headers(1, true, &[(":method", "GET"), (":path", "/"), ("authorization", "Bearer tok-1")]);
    let said = play(&[(C, &begin_client(&[get]))]);
    assert_has(&said, &format!("login bearer :tok-1 unknown @{FIELD}"));
    let answer =
        [headers(1, false, &[(":status", "200"), ("content-encoding", "gzip")]), data(1, true, &gzip(b"packed text"))];
    let said = play(&[(S, &begin_server(&answer))]);
    assert_has(&said, "text http.response.body Plain  packed text");
}

#[test]
fn a_hole_in_content_is_bridged() {
    let get = begin_client(&[headers(1, true, &[(":method", "GET"), (":path", "/1")])]);
    let content = data(1, false, b"0123456789abcdefghij");
    let (left, right) = content.split_at(19);
    let head = begin_server(&[headers(1, false, &[(":status", "200"), ("x-next", "kept")]), left.to_vec()]);
    let (missing, rest) = right.split_at(5);
    // Field 62, which was seen before the hole.
    let last = frame(1, END_HEADERS | END_STREAM, 1, &[0xbe]);
    let said = play_with_gap(&[(C, &get), (S, &head), (S, missing), (S, &[rest, &last].concat())], 2);
    assert_has(&said, "text http.response.body Plain /1 0123456789");
    assert_has(&said, "text http.response.body Plain /1 fghij");
    assert_eq!(said.all("field").len(), 2, "{:#?}", said.lines);
}

#[test]
fn after_a_hole_frames_are_found_again_and_what_headers_referred_to_is_unknown() {
    let get =
        |stream, token: &str| headers(stream, true, &[(":method", "GET"), (":path", "/x"), ("authorization", token)]);
    let first = begin_client(&[get(1, "Bearer tok-1")]);
    let lost = get(3, "Bearer tok-3");
    let update = frame(8, 0, 0, &[0, 0, 1, 0]);
    // Everything of the fifth request was said before the hole, of the seventh after it.
    let fifth = frame(1, END_HEADERS | END_STREAM, 5, &[0x82, 0x84, 0xbe]);
    let turns = [
        first,
        lost,
        [b"end of something".to_vec(), update.clone(), fifth, update, get(7, "Bearer tok-7")].concat(),
        frame(1, END_HEADERS | END_STREAM, 9, &[0x82, 0x84, 0xbe]),
    ];
    let turns: Vec<_> = turns.iter().map(|bytes| (C, bytes.as_slice())).collect();
    let said = play_with_gap(&turns, 1);
    let logins = ["1", "7", "7"].map(|n| format!("login bearer :tok-{n} unknown @{FIELD}"));
    assert_eq!(said.all("login"), logins);
    assert_has(&said, "skipped resynchronising after a gap 17");
}

#[test]
fn a_call_of_grpc_is_settled_by_its_trailers() {
    for (status, outcome) in [("0", "accepted"), ("16", "rejected"), ("14", "unknown")] {
        let asked = begin_client(&[
            call(1, "/lab.v1.Auth/Login", &[("authorization", "Bearer tok-grpc-1"), ("te", "trailers")]),
            data(1, true, &message(0, LOGIN)),
        ]);
        let answered = begin_server(&[
            headers(1, false, &[(":status", "200"), ("content-type", "application/grpc")]),
            data(1, false, &message(0, b"\x0a\x0bsome-answer")),
            headers(1, true, &[("grpc-status", status), ("grpc-message", "said why")]),
        ]);
        let said = play_every_cut(&PROTOCOL, &[(C, &asked), (S, &answered)]);
        assert_has(&said, &format!("login bearer :tok-grpc-1 {outcome} @{FIELD}"));
        assert_has(&said, &format!("login clear marta:Grpc-Pass-77 {outcome} @grpc.request.message"));
        assert_has(&said, "field json grpc.response.message =some-answer");
        // An answer may consist of trailers alone.
        let only = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", status)];
        let said = play_every_cut(&PROTOCOL, &[(C, &asked), (S, &begin_server(&[headers(1, true, &only)]))]);
        assert_has(&said, &format!("login clear marta:Grpc-Pass-77 {outcome} @grpc.request.message"));
    }
}

#[test]
fn messages_of_a_stream_are_read_when_they_are_whole() {
    let asked = begin_client(&[
        call(1, "/lab.Feed/Watch", &[("grpc-encoding", "gzip")]),
        data(1, false, &[message(0, b"\x0a\x05first"), message(1, &gzip(b"\x0a\x06packed"))].concat()[..9]),
    ]);
    let whole = [message(0, b"\x0a\x05first"), message(1, &gzip(b"\x0a\x06packed"))].concat();
    let rest = [data(1, false, &whole[9..]), data(1, false, &message(0, b"{\"password\":\"json\"}"))].concat();
    let said = play_every_cut(&PROTOCOL, &[(C, &asked), (C, &rest)]);
    assert_eq!(
        said.all("field json"),
        ["first", "packed"].map(|text| format!("field json grpc.request.message ={text}"))
    );
    assert_has(&said, "text grpc.request.message Json /lab.Feed/Watch {\"password\":\"json\"}");
}

#[test]
fn a_message_that_was_not_announced_is_known_by_its_length() {
    let asked =
        begin_client(&[data(1, false, &message(0, b"\x0a\x04text")), data(1, true, &message(0, b"\x0a\x04more"))]);
    let said = play(&[(C, &asked)]);
    assert_eq!(said.all("field json").len(), 2, "{:#?}", said.lines);
}

#[test]
fn a_stream_that_is_reset_is_over() {
    let asked = begin_client(&[
        headers(1, false, &[(":method", "POST"), (":path", "/1"), ("authorization", "Bearer tok-1")]),
        data(1, false, b"half of it"),
        frame(3, 0, 1, &[0, 0, 0, 8]),
        headers(3, true, &[(":method", "GET"), (":path", "/3"), ("authorization", "Bearer tok-3")]),
    ]);
    let said = play_every_cut(&PROTOCOL, &[(C, &asked)]);
    assert_has(&said, "text http.request.body Plain /1 half of it");
    assert_eq!(said.all("login"), ["1", "3"].map(|n| format!("login bearer :tok-{n} unknown @{FIELD}")));
}

#[test]
fn streams_without_number_are_forgotten_one_by_one() {
    let request = |n| headers(n * 2 + 1, false, &[(":method", "POST"), (":path", "/x")]);
    let content = |n| data(n * 2 + 1, false, &[b'a'; 16 << 10]);
    let many = limits::STREAMS as u32 + 10;
    let turns: Vec<_> = (0..many).flat_map(|n| [request(n), content(n)]).collect();
    let turns: Vec<_> = std::iter::once(begin_client(&[])).chain(turns).collect();
    let turns: Vec<_> = turns.iter().map(|bytes| (C, bytes.as_slice())).collect();
    let said = play(&turns);
    assert_eq!(said.all("beyond").len(), 10, "{:?}", said.all("beyond"));
    let read: usize = said.all("text").iter().map(|line| line.matches('a').count()).sum();
    let skipped: usize =
        said.all("skipped over a limit").iter().filter_map(|l| l.rsplit(' ').next()?.parse::<usize>().ok()).sum();
    assert!(read + skipped >= many as usize * (16 << 10) && read > limits::STREAMS_BYTES / 3);
}

#[test]
fn frames_that_cannot_be_are_a_violation_and_frames_are_found_again() {
    let get = |n: u32| headers(n, true, &[(":method", "GET"), (":path", "/x"), ("authorization", "Bearer tok")]);
    let update = frame(8, 0, 0, &[0, 0, 1, 0]);
    for wrong in [frame(8, 0, 0, b"five!"), frame(0, 0, 0, b"of no stream"), frame(4, 0, 3, &[0; 6])] {
        let asked = begin_client(&[get(1), wrong, get(3), update.clone(), get(5)]);
        let said = play_every_cut(&PROTOCOL, &[(C, &asked)]);
        assert_has(&said, "link Violation");
        assert_eq!(said.all("login").len(), 3, "{:#?}", said.lines);
    }
}

#[test]
fn a_short_block_that_refers_to_a_long_field_costs_little() {
    let long = "x".repeat(200);
    let bomb = [block(&[(":path", "/x"), ("x-long", &long)]), vec![0xbe; 200_000]].concat();
    let asked = begin_client(&[frame(1, END_HEADERS | END_STREAM, 1, &bomb)]);
    let fields = play(&[(C, &asked)]).all("field header").len();
    assert!(fields > 1000 && fields * 206 <= limits::HEAD_BYTES, "{fields}");
}
