//! Whole handshakes: real ones from `testdata/` (a line a turn: who, and the bytes in hexadecimal), and
//! ones written down here.

use super::PROTOCOL;
use crate::model::event::{Event, EventSink, Grade, LinkFact};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::packet::{FrameNo, Mark};
use crate::model::stream::{Input, Origin, Stretch};
use crate::model::time::Timestamp;
use crate::model::tls::Handshake;
use crate::proto::Progress;
use crate::proto::replay::{C, S, Turn, play, play_every_cut, play_with_gap};

const CLIENT_CERTIFICATE: &str = include_str!("testdata/client-certificate.txt");
const RETRY: &str = include_str!("testdata/retry.txt");

fn turns(text: &str) -> Vec<(Direction, Vec<u8>)> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let turn = |line: &str| {
        let (who, digits) = line.split_once(' ').unwrap();
        (if who == "C" { C } else { S }, digits.as_bytes().chunks(2).map(byte).collect())
    };
    text.lines().filter(|line| !line.starts_with('#')).map(turn).collect()
}

fn borrowed(turns: &[(Direction, Vec<u8>)]) -> Vec<Turn<'_>> {
    turns.iter().map(|(direction, bytes)| (*direction, bytes.as_slice())).collect()
}

fn record(content: u8, body: &[u8]) -> Vec<u8> {
    [&[content, 3, 1], &(body.len() as u16).to_be_bytes()[..], body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

/// A ClientHello for `a.example` that offers two suites.
fn client_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend(b"\x02ID\0\x04\x00\x0a\x00\x2f\x01\x00\0\x12\0\0\0\x0e\0\x0c\0\0\x09a.example");
    message(1, &body)
}

/// A ServerHello without extensions.
fn server_hello(version: [u8; 2], cipher: [u8; 2], session: &[u8]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([8; 32]);
    body.push(session.len() as u8);
    body.extend(session);
    body.extend(cipher);
    body.push(0);
    message(2, &body)
}

/// What one analyzer says of a conversation that takes place at `seconds`.
#[derive(Default)]
struct Told {
    handshakes: Vec<Handshake>,
    weak: Vec<(String, String, Grade, Direction)>,
    names: Vec<String>,
    stopped: bool,
}

impl EventSink for Told {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Tls(handshake) => self.handshakes.push(handshake.clone()),
            Event::Weakness(w) => self.weak.push((w.kind.to_owned(), w.note.to_owned(), w.grade, w.direction)),
            Event::Link(LinkFact::ServerName(name)) => self.names.push(name.to_owned()),
            _ => {}
        }
    }
}

impl Told {
    fn kinds(&self) -> Vec<&str> {
        self.weak.iter().map(|(kind, ..)| kind.as_str()).collect()
    }
}

fn analyze(turns: &[Turn<'_>], seconds: i64) -> Told {
    let (mut analyzer, mut told) = ((PROTOCOL.start)(), Told::default());
    for (number, (direction, bytes)) in turns.iter().enumerate() {
        let frame = FrameNo { file: 0, number: number as u64 + 1 };
        let origins = [Origin { start: 0, mark: Mark { frame, at: Timestamp::from_parts(seconds, 0) } }];
        let input = Input { direction: *direction, data: Stretch { bytes, origins: &origins } };
        match analyzer.data(input, &mut told) {
            Progress::Stop => {
                told.stopped = true;
                return told;
            }
            Progress::Continue(consumed) => assert_eq!(consumed, bytes.len()),
            other => panic!("{other:?}"),
        }
    }
    let nothing = |direction| Input { direction, data: Stretch { bytes: &[], origins: &[] } };
    analyzer.end([nothing(C), nothing(S)], &mut told);
    told
}

#[test]
fn a_full_handshake_with_a_client_certificate_is_told_once() {
    let session = turns(CLIENT_CERTIFICATE);
    let said = play_every_cut(&PROTOCOL, &borrowed(&session));
    let expected = ["tls TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 www.b.example"];
    assert_eq!(said.all("tls"), expected);

    let told = analyze(&borrowed(&session), 1_893_456_000);
    let handshake = &told.handshakes[0];
    assert_eq!(handshake.alpn.as_deref(), Some("http/1.1"));
    assert_eq!(handshake.group.as_deref(), Some("x25519"));
    assert_eq!(handshake.chain.len(), 1);
    assert_eq!(handshake.chain[0].names, ["*.a.example"]);
    assert_eq!((handshake.chain[0].key.as_str(), handshake.chain[0].key_bits), ("EC", 256));
    assert_eq!(handshake.chain[0].signature, "ecdsa-with-SHA256");
    assert!(handshake.client_certificate && !handshake.resumed && told.stopped);
    assert_eq!((handshake.span.first.frame.number, handshake.span.last.frame.number), (1, 3));
    assert_eq!(told.names, ["www.b.example"]);
    let by = |direction| -> Vec<&str> { told.weak.iter().filter(|w| w.3 == direction).map(|w| w.0.as_str()).collect() };
    assert_eq!(by(S), ["cert.self_signed", "cert.name_mismatch"]);
    assert_eq!(by(C), ["cert.expired", "cert.weak_key", "cert.weak_signature", "cert.self_signed"]);
    let note = &told.weak.iter().find(|w| w.0 == "cert.weak_key").unwrap().1;
    assert_eq!(note, "The client certificate has an RSA key of 1024 bits; 2048 is the least.");
}

#[test]
fn expiry_is_judged_at_the_time_of_the_packets() {
    let session = turns(CLIENT_CERTIFICATE);
    let kinds = |seconds| {
        let told = analyze(&borrowed(&session), seconds);
        told.kinds().into_iter().filter(|k| k.ends_with("expired") || k.ends_with("valid")).count()
    };
    assert_eq!(kinds(1_000_000_000), 2, "neither is valid yet");
    assert_eq!(kinds(3), 0, "the capture does not know when it was made");
}

#[test]
fn a_hello_retry_request_is_followed_to_the_final_answer() {
    let session = turns(RETRY);
    let said = play_every_cut(&PROTOCOL, &borrowed(&session));
    assert_eq!(said.all("tls"), ["tls TLSv1.3 TLS_AES_256_GCM_SHA384 www.b.example"]);
    let told = analyze(&borrowed(&session), 0);
    let handshake = &told.handshakes[0];
    assert_eq!(handshake.group.as_deref(), Some("secp521r1"));
    assert_eq!((handshake.offered_version, handshake.resumed), (Some("TLSv1.3"), false));
    assert_eq!(handshake.alpn.as_deref(), Some("h2"));
    assert_eq!(told.weak, []);
    assert!(told.stopped);
    let unanswered = analyze(&borrowed(&session)[..2], 0);
    assert_eq!(unanswered.handshakes[0].version, Some("TLSv1.3"));
}

#[test]
fn either_side_alone_tells_what_it_knows() {
    let session = turns(CLIENT_CERTIFICATE);
    let side = |d| borrowed(&session).into_iter().filter(|t| t.0 == d).collect::<Vec<_>>();
    let client = &analyze(&side(C), 0).handshakes[0];
    assert_eq!((client.version, client.sni.as_deref()), (None, Some("www.b.example")));
    assert!(client.client_certificate);
    let server = &analyze(&side(S), 0).handshakes[0];
    assert_eq!((server.version, server.chain.len(), server.resumed), (Some("TLSv1.2"), 1, false));
    assert_eq!(play(&side(S)).protocols, ["tls"]);
}

#[test]
fn a_hole_costs_only_what_was_in_it() {
    let session = turns(CLIENT_CERTIFICATE);
    let without_client = play_with_gap(&borrowed(&session), 0);
    assert_eq!(without_client.all("tls"), ["tls TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 -"]);
    let without_server = play_with_gap(&borrowed(&session), 1);
    assert_eq!(without_server.all("tls"), ["tls - - www.b.example"]);
}

#[test]
fn hellos_over_many_records_and_many_messages_in_one_are_read() {
    let small: Vec<u8> = client_hello().chunks(7).flat_map(|piece| record(22, piece)).collect();
    let flight = [server_hello([3, 1], [0, 10], b""), message(22, &[1; 9]), message(14, b"")].concat();
    let sealed = [record(20, &[1]), record(22, &[0xe7; 40])].concat();
    let conversation = [(C, &small[..]), (S, &record(22, &flight)), (C, &sealed), (S, &sealed)];
    let said = play_every_cut(&PROTOCOL, &conversation);
    let expected = [
        "link ServerName(\"a.example\")",
        "tls TLSv1.0 TLS_RSA_WITH_3DES_EDE_CBC_SHA a.example",
        "weak tls.version TLSv1.0",
        "weak tls.cipher TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    ];
    assert_eq!(said.lines, expected);
}

#[test]
fn resumption_is_told_by_the_session_id_or_by_the_missing_certificate() {
    let hello = record(22, &client_hello());
    let sealed = [record(20, &[1]), record(22, &[0xe7; 40])].concat();
    for session in [&b"ID"[..], b""] {
        let answer = [record(22, &server_hello([3, 3], [0xc0, 0x2f], session)), sealed.clone()].concat();
        let told = analyze(&[(C, &hello), (S, &answer), (C, &sealed)], 0);
        assert!(told.handshakes[0].resumed && told.stopped, "{session:?}");
    }
}

#[test]
fn a_refused_handshake_tells_what_was_offered() {
    let hello = record(22, &client_hello());
    let told = analyze(&[(C, &hello), (S, &record(21, &[1, 112])), (S, &record(21, &[2, 40]))], 0);
    let handshake = &told.handshakes[0];
    assert_eq!((handshake.version, handshake.offered_version), (None, Some("TLSv1.2")));
    assert_eq!(handshake.offered_ciphers, [10, 47]);
    assert!(told.stopped && told.weak.is_empty());
}

#[test]
fn the_server_of_a_connection_may_be_the_client_of_tls() {
    let hello = record(22, &client_hello());
    let answer = record(22, &[server_hello([3, 3], [0xc0, 0x2f], b""), message(14, b"")].concat());
    let said = play(&[(S, &hello), (C, &answer)]);
    assert_eq!(said.all("tls"), ["tls TLSv1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 a.example"]);
}

#[test]
fn a_session_already_running_is_tls_without_a_handshake() {
    let data = [record(23, &[0xa7; 300]), record(23, &[0x5c; 200])].concat();
    let said = play(&[(C, &data), (S, &data)]);
    assert_eq!(said.protocols, ["tls"]);
    assert_eq!(said.all("tls"), [""; 0]);
}

#[test]
fn a_side_that_was_not_captured_is_not_waited_for_forever() {
    let answer = record(22, &[server_hello([3, 3], [0xc0, 0x2f], b""), message(14, b"")].concat());
    let data = record(23, &vec![0xa7; 1 << 14]);
    let mut conversation = vec![(S, &answer[..])];
    conversation.extend(vec![(S, &data[..]); limits::HANDSHAKE_PATIENCE >> 14]);
    assert!(analyze(&conversation, 0).stopped);
}

#[test]
fn a_hello_of_ssl_2_may_lead_to_tls() {
    let hello = b"\x80\x1f\x01\x03\x01\x00\x06\x00\x00\x00\x10\x01\x00\x80\x00\x00\x04ABCDEFGHIJKLMNOP";
    let flight = [server_hello([3, 1], [0, 4], b""), message(14, b"")].concat();
    let sealed = [record(20, &[1]), record(22, &[0xe7; 40])].concat();
    let said = play_every_cut(&PROTOCOL, &[(C, hello), (S, &record(22, &flight)), (C, &sealed)]);
    assert_eq!(said.all("tls"), ["tls TLSv1.0 TLS_RSA_WITH_RC4_128_MD5 -"]);
}

#[test]
fn ssl_2_is_told_with_the_cipher_the_client_chose() {
    let hello = b"\x80\x1f\x01\x00\x02\x00\x06\x00\x00\x00\x10\x01\x00\x80\x07\x00\xc0ABCDEFGHIJKLMNOP";
    let answer = b"\x80\x25\x04\x00\x01\x00\x02\x00\x04\x00\x06\x00\x10CERT\x01\x00\x80\x07\x00\xc0ABCDEFGHIJKLMNOP";
    let key = b"\x80\x0e\x02\x07\x00\xc0\x00\x00\x00\x04\x00\x00KEYS";
    let conversation: [Turn<'_>; 4] = [(C, hello), (S, answer), (C, key), (S, b"\x80\x02??")];
    let said = play_every_cut(&PROTOCOL, &conversation);
    let expected = [
        "tls SSLv2 SSL2_DES_192_EDE3_CBC_WITH_MD5 -",
        "weak tls.version SSLv2",
        "weak tls.cipher SSL2_DES_192_EDE3_CBC_WITH_MD5",
    ];
    assert_eq!(said.lines, expected);
    assert_eq!(play_with_gap(&conversation, 1).all("tls"), expected[..1]);
}

#[test]
fn compression_and_a_small_group_are_weak() {
    let mut hello = server_hello([3, 3], [0, 0x33], b"");
    *hello.last_mut().unwrap() = 1;
    let exchange = [&[0, 96][..], &[0xff; 96], &[0, 1, 2, 0, 1, 2]].concat();
    let flight = [hello, message(12, &exchange), message(14, b"")].concat();
    let told = analyze(&[(C, &record(22, &client_hello())), (S, &record(22, &flight))], 0);
    assert_eq!(told.handshakes[0].group.as_deref(), Some("DH-768"));
    assert_eq!(told.kinds(), ["tls.compression", "tls.group"]);
    assert_eq!(told.weak[1].2, Grade::Broken);
}
