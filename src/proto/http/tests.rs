use std::io::Write;

use super::PROTOCOL;
use crate::proto::replay::{C, S, Said, play, play_every_cut, play_with_gap};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn with_body(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("{head}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn assert_has(said: &Said, line: &str) {
    assert!(said.has(line), "{line:?} is not in {:#?}", said.lines);
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn basic_credentials_get_the_outcome_of_their_own_request() {
    let get = b"GET /a HTTP/1.1\r\nHost: shop.example:8080\r\nAuthorization: Basic YWxpY2U6b25l\r\n\r\n";
    let again = b"GET /a HTTP/1.1\r\nHost: shop.example:8080\r\nAuthorization: Basic YWxpY2U6dHdv\r\n\r\n";
    let no = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"Lab\"\r\nContent-Length: 3\r\n\r\nNo\n";
    let said = play_every_cut(&PROTOCOL, &[(C, get), (S, no), (C, again), (S, OK)]);
    assert_has(&said, "login basic alice:one rejected @http.request.header.authorization");
    assert_has(&said, "login basic alice:two accepted @http.request.header.authorization");
    assert_has(&said, "link ServerName(\"shop.example\")");
    assert_has(&said, "text http.response.body Plain /a No\n");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let requests = b"GET /1 HTTP/1.1\r\nAuthorization: Bearer first-token\r\n\r\n\
        HEAD /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\nAuthorization: Bearer third-token\r\n\r\n";
    let answers = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\none\
        HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let said = play_every_cut(&PROTOCOL, &[(C, requests), (S, answers)]);
    assert_has(&said, "login bearer :first-token accepted @http.request.header.authorization");
    assert_has(&said, "login bearer :third-token rejected @http.request.header.authorization");
    assert_has(&said, "text http.response.body Plain /1 one");
}

#[test]
fn forms_are_read_in_the_charset_they_name() {
    let head = "POST /x HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded; charset=windows-1251";
    let said = play_every_cut(&PROTOCOL, &[(C, &with_body(head, b"%EF%E0%F0%EE%EB%FC=%E0%E1%E2"))]);
    assert_has(&said, "field form http.request.form пароль=абв");
}

#[test]
fn a_query_may_log_in_with_single_letters() {
    let said = play_every_cut(&PROTOCOL, &[(C, b"GET /query?u=bob&p=hunter2&db=x HTTP/1.1\r\n\r\n")]);
    assert_has(&said, "field query http.request.query password=hunter2 of bob");
    let said = play_every_cut(&PROTOCOL, &[(C, b"GET /list?u=bob&p=12 HTTP/1.1\r\n\r\n")]);
    assert_has(&said, "field query http.request.query p=12");
}

#[test]
fn text_that_is_said_to_be_packed_is_read() {
    let answer = with_body("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/plain", b"a plain text");
    let said = play_every_cut(&PROTOCOL, &[(C, b"GET /c HTTP/1.1\r\n\r\n"), (S, &answer)]);
    assert_has(&said, "text http.response.body Plain /c a plain text");
}

#[test]
fn an_uploaded_table_is_one() {
    let body = b"--b\r\nContent-Disposition: form-data; name=f; filename=\"u.CSV\"\r\n\r\na;b\r\n--b--\r\n";
    let head = "POST /x HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b";
    let said = play_every_cut(&PROTOCOL, &[(C, &with_body(head, body))]);
    assert_has(&said, "text http.request.file Csv /x a;b");
}

#[test]
fn a_form_login_waits_for_its_answer() {
    let post = |password: &str| {
        let body = format!("user=marta&pw_hint=x1&password={password}");
        with_body("POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded", body.as_bytes())
    };
    let answers: [(&[u8], &str); 4] = [
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", " rejected"),
        (b"HTTP/1.1 302 Found\r\nLocation: /home\r\nContent-Length: 0\r\n\r\n", " accepted"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login?again\r\nSet-Cookie: sid=abc\r\nContent-Length: 0\r\n\r\n", ""),
        (OK, ""),
    ];
    for (answer, outcome) in answers {
        let said = play_every_cut(&PROTOCOL, &[(C, &post("a%26b%2Bc")), (S, answer)]);
        assert_has(&said, &format!("field form http.request.form password=a&b+c of marta{outcome}"));
        assert_has(&said, &format!("field form http.request.form user=marta{outcome}"));
    }
}

#[test]
fn a_json_login_waits_for_its_answer() {
    let post = with_body("POST /api HTTP/1.1\r\nContent-Type: application/json", b"{\"password\":\"x\"}");
    let said = play_every_cut(&PROTOCOL, &[(C, &post), (S, OK)]);
    assert_has(&said, "text http.request.body Json /api accepted {\"password\":\"x\"}");
    let said = play(&[(C, &post)]);
    assert_has(&said, "text http.request.body Json /api {\"password\":\"x\"}");
}

#[test]
fn cookies_parameters_and_headers_are_fields() {
    let get = b"GET /bot123:ABC/x?key=qk_3%2B&empty= HTTP/1.1\r\nCookie: a=1; sid=\"eN7wq2\"\r\nX-Api-Key: k-1\r\n\
        Referer: http://h/p?code=zz9\r\nAccept: text/html\r\n\r\n";
    let answer =
        b"HTTP/1.1 200 OK\r\nSet-Cookie: sess=5C8D; Path=/\r\nX-Auth-Token:  t-77 \r\nContent-Length: 0\r\n\r\n";
    let said = play_every_cut(&PROTOCOL, &[(C, get), (S, answer)]);
    let fields = said.all("field");
    let expected = [
        "field query http.request path=/bot123:ABC/x",
        "field query http.request.query key=qk_3+",
        "field cookie http.request.cookie sid=eN7wq2",
        "field header http.request.header x-api-key=k-1",
        "field query http.request.header.referer code=zz9",
        "field set_cookie http.response.cookie sess=5C8D",
        "field header http.response.header x-auth-token=t-77",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn coded_and_chunked_content_is_decoded() {
    let coded = gzip(b"{\"card\":\"4556737586899855\"}");
    let (left, right) = coded.split_at(11);
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: x-gzip\r\n\
        Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    for part in [left, right] {
        answer.extend(format!("{:x};ext=1\r\n", part.len()).bytes());
        answer.extend_from_slice(part);
        answer.extend(b"\r\n");
    }
    answer.extend(b"0\r\nX-Trailer: 1\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    let said = play_every_cut(&PROTOCOL, &[(C, b"GET /c HTTP/1.1\r\n\r\nGET /d HTTP/1.1\r\n\r\n"), (S, &answer)]);
    assert_has(&said, "text http.response.body Json /c {\"card\":\"4556737586899855\"}");
    assert!(said.all("skipped").is_empty(), "{:?}", said.lines);
}

#[test]
fn a_bomb_ends_at_the_limit() {
    // Members of one file: made once, decoded a hundred times.
    let bomb = gzip(&vec![b'a'; 1 << 20]).repeat(100);
    let answer = with_body("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip", &bomb);
    let said = play(&[
        (C, b"GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"),
        (S, &answer),
        (S, &with_body("HTTP/1.1 200 OK", b"after")),
    ]);
    assert!(said.lines.iter().any(|l| l.starts_with("skipped over a limit")), "{:?}", said.all("skipped"));
    assert_has(&said, "text http.response.body Plain /2 after");
    let text = said.all("text http.response.body Plain / ");
    assert!(text[0].len() <= crate::model::limits::BODY_TOTAL_BYTES + (1 << 20));
}

#[test]
fn binary_content_is_counted_and_passed_over() {
    let picture = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[7; 2000]].concat();
    let answer = with_body("HTTP/1.1 200 OK\r\nContent-Type: image/png", &picture);
    let turns: &[(_, &[u8])] = &[
        (C, b"GET /p HTTP/1.1\r\n\r\nGET /t HTTP/1.1\r\n\r\n"),
        (S, &answer),
        (S, &with_body("HTTP/1.1 200 OK", b"text")),
    ];
    let said = play_every_cut(&PROTOCOL, turns);
    assert_eq!(said.all("skipped"), ["skipped binary content 2016"]);
    assert_has(&said, "text http.response.body Plain /t text");
}

#[test]
fn a_multipart_form_gives_fields_and_files() {
    let body = b"--XX\r\nContent-Disposition: form-data; name=\"login\"\r\n\r\nolga\r\n\
        --XX\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nMult1part\r\n\
        --XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n-----BEGIN KEY\r\n\
        --XX--\r\n";
    let post = with_body("POST /up HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=XX", body);
    let said = play_every_cut(&PROTOCOL, &[(C, &post), (S, b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")]);
    assert_has(&said, "field form http.request.form login=olga");
    assert_has(&said, "field form http.request.form password=Mult1part of olga");
    assert_has(&said, "text http.request.file Plain /up -----BEGIN KEY");
}

#[test]
fn a_long_upload_streams() {
    let mut file: Vec<u8> = (0..60_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
    file.extend(b"the last line");
    let mut body = b"--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n".to_vec();
    body.extend_from_slice(&file);
    body.extend(b"\r\n--XX\r\nContent-Disposition: form-data; name=\"after\"\r\n\r\nvalue\r\n--XX--\r\n");
    let post = with_body("POST /up HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=XX", &body);
    let turns: Vec<_> = post.chunks(1448).map(|piece| (C, piece)).collect();
    let said = play(&turns);
    let text = said.all("text http.request.file Plain /up ");
    assert_eq!(text.len(), 1);
    assert!(text[0].as_bytes().ends_with(&file), "{} of {} bytes", text[0].len(), file.len());
    assert_has(&said, "field form http.request.form after=value");
}

#[test]
fn early_answers_and_continue_are_no_confusion() {
    let head = b"PUT /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 12\r\n\r\n";
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (C, head),
            (S, b"HTTP/1.1 100 Continue\r\n\r\n"),
            (C, b"pass=x&user="),
            (S, OK),
            (C, b"GET /y HTTP/1.1\r\n\r\n"),
        ],
    );
    assert_has(&said, "text http.request.body Plain /x accepted pass=x&user=");
}

#[test]
fn a_tunnel_is_handed_over() {
    let connect = b"CONNECT mail.example:25 HTTP/1.1\r\nProxy-Authorization: Basic cDpxdw==\r\n\r\n";
    let said = play(&[
        (C, connect),
        (S, b"HTTP/1.1 200 Connection established\r\n\r\n"),
        (C, b"GET /in HTTP/1.1\r\nX-T: abc\r\n\r\n"),
    ]);
    assert_has(&said, "login basic p:qw accepted @http.request.header.proxy-authorization");
    assert_eq!(said.protocols, ["http", "http"]);
    assert_has(&said, "field header http.request.header x-t=abc");
}

#[test]
fn a_refused_tunnel_stays_http() {
    let connect = b"CONNECT mail.example:25 HTTP/1.1\r\n\r\n";
    let again = b"CONNECT mail.example:25 HTTP/1.1\r\nProxy-Authorization: Basic cDpxdw==\r\n\r\n";
    let no = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let said = play_every_cut(&PROTOCOL, &[(C, connect), (S, no), (C, again), (S, no)]);
    assert_has(&said, "login basic p:qw rejected @http.request.header.proxy-authorization");
}

#[test]
fn ntlm_gives_a_line_to_crack_once_the_response_is_sent() {
    let get = |token: &str| format!("GET / HTTP/1.1\r\nAuthorization: NTLM {token}\r\n\r\n").into_bytes();
    let message =
        |kind: u8, rest: &[u8]| crate::content::base64::encode(&[b"NTLMSSP\0", &[kind, 0, 0, 0][..], rest].concat());
    let challenge = message(2, &[[0; 12].as_slice(), b"\x01\x02\x03\x04\x05\x06\x07\x08", &[0; 16]].concat());
    let field = |length: u8, at: u8| [length, 0, length, 0, at, 0, 0, 0];
    let fields = [field(24, 64), field(24, 88), field(0, 64), field(3, 112), field(0, 64), field(0, 64)].concat();
    let response = message(3, &[fields, vec![0; 4], vec![0x11; 24], vec![0x22; 24], b"bob".to_vec()].concat());
    let unauthorized = format!("HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM {challenge}\r\nContent-Length: 0\r\n\r\n");
    let said = play_every_cut(
        &PROTOCOL,
        &[(C, &get(&message(1, b""))), (S, unauthorized.as_bytes()), (C, &get(&response)), (S, OK)],
    );
    let line = format!("bob:::{}:{}:0102030405060708", "11".repeat(24), "22".repeat(24));
    assert_eq!(said.all("login"), [format!("login lm bob:{line} accepted @http.request.header.authorization")]);
}

#[test]
fn lenient_messages_are_read() {
    let get = b"\r\nFROB /\xe4 b HTTP/1.1\nX-Token: one\n two\nX-Other : v\xfc\n\n";
    let said = play_every_cut(&PROTOCOL, &[(C, get), (S, b"HTTP/1.0 200\nContent-Type: text/plain\n\nuntil the end")]);
    assert_has(&said, "field header http.request.header x-token=one two");
    assert_has(&said, "text http.response.body Plain /\u{fffd} b until the end");
}

#[test]
fn the_oldest_form_of_http_is_tolerated() {
    let said = play(&[(C, b"GET /old?key=value\r\n"), (S, b"<html>old</html>")]);
    assert_has(&said, "text http.response.body Html /old <html>old</html>");
    assert_has(&said, "field query http.request.query key=value");
}

#[test]
fn one_direction_alone_is_enough() {
    let said = play(&[(C, b"GET / HTTP/1.1\r\nAuthorization: Bearer tok-1\r\n\r\n"), (C, b"GET /2 HTTP/1.1\r\n\r\n")]);
    assert_has(&said, "login bearer :tok-1 unknown @http.request.header.authorization");
    let answers = [
        &with_body("HTTP/1.1 200 OK", b"one"),
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n".as_slice(),
        OK,
    ]
    .concat();
    let said = play(&[(S, &answers)]);
    assert_has(&said, "text http.response.body Plain  one");
}

#[test]
fn an_answer_captured_before_its_request_is_still_its_answer() {
    let no = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n";
    let first = b"GET /1 HTTP/1.1\r\nAuthorization: Bearer late-1\r\n\r\n";
    let second = b"GET /2 HTTP/1.1\r\nAuthorization: Bearer next-2\r\n\r\n";
    let said = play(&[(S, no), (C, first), (C, second), (S, OK)]);
    assert_has(&said, "login bearer :late-1 rejected @http.request.header.authorization");
    assert_has(&said, "login bearer :next-2 accepted @http.request.header.authorization");
    let said = play(&[(S, no), (C, first), (S, OK), (C, second), (S, no)]);
    assert_has(&said, "login bearer :late-1 accepted @http.request.header.authorization");
    assert_has(&said, "login bearer :next-2 rejected @http.request.header.authorization");
}

#[test]
fn a_hole_in_content_is_bridged_and_one_beyond_it_found_out_of() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 30\r\n\r\n0123456789";
    let get = b"GET /1 HTTP/1.1\r\n\r\n";
    let turns: &[(_, &[u8])] = &[
        (C, get),
        (S, head),
        (S, b"0123456789"),
        (S, b"abcdefghij"),
        (C, get),
        (S, &with_body("HTTP/1.1 200 OK", b"next")),
    ];
    let said = play_with_gap(turns, 2);
    assert_has(&said, "text http.response.body Plain /1 0123456789");
    assert_has(&said, "text http.response.body Plain /1 abcdefghij");
    assert_has(&said, "text http.response.body Plain /1 next");
    let long = [0x61; 500];
    let turns: &[(_, &[u8])] = &[
        (C, get),
        (S, head),
        (S, &long),
        (S, b"rest of something"),
        (C, get),
        (S, &with_body("HTTP/1.1 200 OK", b"next")),
    ];
    let said = play_with_gap(turns, 2);
    assert_has(&said, "text http.response.body Plain /1 next");
    assert_has(&said, "skipped resynchronising after a gap 17");
}

#[test]
fn an_answer_lost_in_a_hole_is_not_taken_for_the_next() {
    let get = |n: u8| format!("GET /{n} HTTP/1.1\r\nAuthorization: Bearer token-{n}\r\n\r\n").into_bytes();
    let no = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n";
    let said = play_with_gap(&[(C, &get(1)), (S, no), (C, &get(2)), (S, OK)], 1);
    assert_has(&said, "login bearer :token-1 unknown @http.request.header.authorization");
    assert_has(&said, "login bearer :token-2 accepted @http.request.header.authorization");
}

#[test]
fn content_in_any_charset_is_read() {
    let get = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    let read = |kind: &str, body: &[u8], expected: &str| {
        let head = format!("HTTP/1.1 200 OK{kind}");
        let said = play_every_cut(&PROTOCOL, &[(C, get), (S, &with_body(&head, body))]);
        assert_has(&said, &format!("text http.response.body {expected}"));
        let packed = play(&[(C, get), (S, &with_body(&format!("{head}\r\nContent-Encoding: gzip"), &gzip(body)))]);
        assert_has(&packed, &format!("text http.response.body {expected}"));
    };
    read("\r\nContent-Type: text/plain; charset=windows-1251", b"\xef\xe0\xf0\xee\xeb\xfc: x", "Plain /x пароль: x");
    read(
        "\r\nContent-Type: text/html",
        b"<html><meta charset=Shift_JIS>\x83p\x83X",
        "Html /x <html><meta charset=Shift_JIS>パス",
    );
    read(
        "\r\nContent-Type: text/xml",
        b"<?xml version='1.0' encoding='ISO-8859-1'?>\n<a>\xfc</a>",
        "Xml /x <?xml version='1.0' encoding='ISO-8859-1'?>\n<a>ü</a>",
    );
    let wide: Vec<u8> = "{\"kennwort\":\"Grüße\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    read("\r\nContent-Type: application/json", &wide, "Json /x {\"kennwort\":\"Grüße\"}");
    read("", &[b"\xff\xfe", wide.as_slice()].concat(), "Json /x {\"kennwort\":\"Grüße\"}");
}

#[test]
fn the_parts_of_a_form_may_have_charsets() {
    let body = b"--b\r\nContent-Disposition: form-data; name=\"p\"\r\nContent-Type: text/plain; charset=latin1\r\n\r\n\
        Gr\xfc\xdfe\r\n--b\r\nContent-Disposition: form-data; name=f; filename=x.txt\r\n\
        Content-Type: text/plain; charset=koi8-r\r\n\r\n\xd0\xc1\xd2\r\n--b--\r\n";
    let post = with_body("POST /up HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b", body);
    let said = play_every_cut(&PROTOCOL, &[(C, &post), (S, OK)]);
    assert_has(&said, "field form http.request.form p=Grüße");
    assert_has(&said, "text http.request.file Plain /up пар");
}

#[test]
fn binary_content_that_is_called_text_is_counted() {
    let noise: Vec<u8> = (0..2000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let answer = with_body("HTTP/1.1 200 OK\r\nContent-Type: text/plain", &noise);
    let said = play(&[(C, b"GET /x HTTP/1.1\r\n\r\n"), (S, &answer)]);
    assert_has(&said, "skipped binary content 2000");
    assert!(said.all("text").is_empty());
}

/// A message of gRPC, and trailers that say how the call went.
fn web_answer(status: u8) -> Vec<u8> {
    let trailers = format!("grpc-status:{status}\r\ngrpc-message:why\r\n");
    [b"\0\0\0\0\x08\x0a\x06answer", [0x80, 0, 0, 0, trailers.len() as u8].as_slice(), trailers.as_bytes()].concat()
}

#[test]
fn a_call_of_grpc_web_is_settled_behind_its_content() {
    let message = b"\0\0\0\0\x13\x0a\x03eva\x12\x0cWeb-Pass-112";
    let head = "POST /lab.v1.Auth/SignIn HTTP/1.1\r\nAuthorization: Bearer web-token-1";
    for (status, outcome) in [(0, "accepted"), (16, "rejected"), (7, "rejected"), (13, "unknown")] {
        let ask = with_body(&format!("{head}\r\nContent-Type: application/grpc-web+proto"), message);
        let answer = with_body("HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web+proto", &web_answer(status));
        let said = play_every_cut(&PROTOCOL, &[(C, &ask), (S, &answer), (C, b"GET / HTTP/1.1\r\n\r\n"), (S, OK)]);
        assert_has(&said, &format!("login clear eva:Web-Pass-112 {outcome} @grpc.request.message"));
        assert_has(&said, &format!("login bearer :web-token-1 {outcome} @http.request.header.authorization"));
        assert_has(&said, "field json grpc.response.message =answer");
        // In base64, each part for itself.
        let parts = [&message[..8], &message[8..]].map(crate::content::base64::encode).concat();
        let ask = with_body(&format!("{head}\r\nContent-Type: application/grpc-web-text"), parts.as_bytes());
        let coded = crate::content::base64::encode(&web_answer(status));
        let answer = with_body("HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web-text", coded.as_bytes());
        let text = play_every_cut(&PROTOCOL, &[(C, &ask), (S, &answer), (C, b"GET / HTTP/1.1\r\n\r\n"), (S, OK)]);
        assert_eq!(text.lines, said.lines);
    }
}

#[test]
fn a_call_that_never_ends_is_settled_with_the_connection() {
    let ask = with_body(
        "POST /x/Login HTTP/1.1\r\nContent-Type: application/grpc-web+json",
        b"\0\0\0\0\x10{\"password\":\"x\"}",
    );
    let said = play(&[(C, &ask), (S, b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web+json\r\n\r\n\0\0")]);
    assert_has(&said, "text grpc.request.message Json /x/Login accepted {\"password\":\"x\"}");
    let connect =
        with_body("POST /x/Do HTTP/1.1\r\nContent-Type: application/connect+json", b"\0\0\0\0\x10{\"password\":\"x\"}");
    let end = b"\x02\0\0\0\x24{\"error\":{\"code\":\"unauthenticated\"}}";
    let said =
        play(&[(C, &connect), (S, &with_body("HTTP/1.1 200 OK\r\nContent-Type: application/connect+json", end))]);
    assert_has(&said, "text grpc.request.message Json /x/Do rejected {\"password\":\"x\"}");
}

#[test]
fn messages_go_on_behind_a_hole_in_one_of_them() {
    let message =
        |text: &str| [b"\0\0\0\0", [text.len() as u8 + 2, 0x0a, text.len() as u8].as_slice(), text.as_bytes()].concat();
    let head = b"POST /x/Do HTTP/1.1\r\nContent-Type: application/grpc-web\r\nContent-Length: 200\r\n\r\n";
    let first = [head.as_slice(), &message("one"), &message("a longer text")].concat();
    let (start, rest) = first.split_at(first.len() - 8);
    let turns: [(_, &[u8]); 4] = [(C, start), (C, &rest[..5]), (C, &rest[5..]), (C, &message("three"))];
    let said = play_with_gap(&turns, 1);
    let texts = ["one", "a lon", "three"].map(|text| format!("field json grpc.request.message ={text}"));
    assert_eq!(said.all("field json"), texts);
}
