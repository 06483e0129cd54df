use std::io::Write;

use super::PROTOCOL;
use super::frame::unmask;
use crate::proto::replay::{C, S, Said, Turn, play, play_every_cut, play_with_gap};

const ASK: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n";
const AGREE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n";

fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut out = vec![first];
    match payload.len() {
        short @ 0..=125 => out.push(bit | short as u8),
        long @ 126..=0xffff => {
            out.push(bit | 126);
            out.extend((long as u16).to_be_bytes());
        }
        long => {
            out.push(bit | 127);
            out.extend((long as u64).to_be_bytes());
        }
    }
    let mut payload = payload.to_vec();
    if let Some(mask) = mask {
        out.extend(mask);
        unmask(&mut payload, mask, 0);
    }
    [out, payload].concat()
}

fn to_server(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, payload, Some([0x11, 0x9a, 0x5c, 0xe3]))
}

fn to_client(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, payload, None)
}

fn texts(said: &Said) -> Vec<&str> {
    said.all("text websocket")
}

#[test]
fn messages_follow_an_upgrade() {
    let login = to_server(0x81, br#"{"user":"rita","password":"x7"}"#);
    let ping = to_client(0x89, b"are you there");
    let parts = [to_client(0x01, b"{\"a\":"), ping, to_client(0x00, b"[1,"), to_client(0x80, b"2]}")].concat();
    let binary =
        [to_server(0x82, b"{\"b\":1}"), to_server(0x82, &[0, 1, 2, 3, 0xff, 0xfe]), to_server(0x88, b"\x03\xe8")]
            .concat();
    let said = play_every_cut(&PROTOCOL, &[(C, ASK), (S, AGREE), (C, &login), (S, &parts), (C, &binary)]);
    assert_eq!(said.protocols, ["http", "websocket"]);
    assert_eq!(
        texts(&said),
        [
            r#"text websocket.message Json  {"user":"rita","password":"x7"}"#,
            r#"text websocket.message Json  {"a":[1,2]}"#,
            r#"text websocket.message Json  {"b":1}"#,
        ]
    );
    assert!(said.has("skipped binary content 6"));
}

#[test]
fn deflated_messages_refer_to_those_before() {
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    let mut packed = |text: &[u8]| {
        let mut out = Vec::with_capacity(1000);
        deflate.compress_vec(text, &mut out, flate2::FlushCompress::Sync).unwrap();
        out.truncate(out.len() - 4);
        out
    };
    let long = r#"{"user":"rita","password":"x7","note":"once more, with feeling"}"#;
    let first = to_client(0xc1, &packed(long.as_bytes()));
    let again = packed(long.as_bytes());
    assert!(again.len() < 20, "it refers to the first");
    let (left, right) = again.split_at(3);
    let second = [to_client(0x41, left), to_client(0x80, right), to_client(0x81, b"plain")].concat();
    let said = play_every_cut(&PROTOCOL, &[(C, ASK), (S, AGREE), (S, &first), (S, &second)]);
    let expected = format!("text websocket.message Json  {long}");
    assert_eq!(texts(&said), [expected.as_str(), &expected, "text websocket.message Plain  plain"]);
}

#[test]
fn a_bomb_and_a_damaged_message_are_counted() {
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflate.write_all(&vec![b'a'; 50 << 20]).unwrap();
    let bomb = to_client(0xc1, &deflate.finish().unwrap());
    let said = play(&[(C, ASK), (S, AGREE), (S, &bomb), (S, &to_client(0x81, b"after it"))]);
    let length: usize = texts(&said).iter().map(|t| t.len()).sum();
    assert!(length < 2 << 20, "{length}");
    assert!(texts(&said).contains(&"text websocket.message Plain  after it"));
    let said = play(&[(C, ASK), (S, AGREE), (S, &to_client(0xc1, &[0xff; 40]))]);
    assert!(said.lines.iter().any(|line| line.starts_with("skipped unreadable coding")) || texts(&said).is_empty());
}

#[test]
fn long_and_binary_messages_go_by_without_being_held() {
    let long = "a line of text that goes on\n".repeat(40_000);
    let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0x9c; 70_000]].concat();
    let frames = [to_client(0x81, long.as_bytes()), to_client(0x82, &picture), to_client(0x81, b"after it")].concat();
    let turns: Vec<Turn<'_>> =
        [(C, ASK), (S, AGREE)].into_iter().chain(frames.chunks(1400).map(|piece| (S, piece))).collect();
    let said = play(&turns);
    let all = texts(&said);
    assert_eq!(all[0].len(), "text websocket.message Plain  ".len() + long.len());
    assert_eq!(all.last(), Some(&"text websocket.message Plain  after it"));
    assert!(said.has(&format!("skipped binary content {}", picture.len())));
}

#[test]
fn one_direction_alone_and_the_middle_of_a_conversation_are_enough() {
    let login = to_server(0x81, br#"{"user":"rita","password":"x7"}"#);
    let expected = [r#"text websocket.message Json  {"user":"rita","password":"x7"}"#];
    assert_eq!(texts(&play(&[(C, ASK), (C, &login)])), expected);
    assert_eq!(texts(&play(&[(S, AGREE), (C, &login)])), expected);
    let turns: [Turn<'_>; 4] = [(C, ASK), (S, AGREE), (C, b"\x81\xfe\x01"), (C, &login)];
    assert_eq!(texts(&play_with_gap(&turns, 2)), expected);
}

#[test]
fn what_is_no_frame_is_not_read_as_one() {
    let said = play(&[(C, ASK), (S, AGREE), (S, b"\x83\x05hello"), (C, b"\xf1\x00")]);
    assert!(texts(&said).is_empty());
    assert!(said.has("link Violation"));
}

#[test]
fn changed_bytes_do_no_harm() {
    let frames =
        [to_client(0x01, b"{\"a\":"), to_client(0x80, b"1}"), to_client(0xc2, &[0x4a, 0x4c, 0x4a, 0x06, 0])].concat();
    for n in 0..frames.len() {
        for change in 1..=255 {
            let mut changed = frames.clone();
            changed[n] ^= change;
            play(&[(C, ASK), (S, AGREE), (S, &changed)]);
        }
    }
}
