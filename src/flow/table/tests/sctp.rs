//! Associations packet by packet.

use super::*;

const CLIENT: u16 = 40000;
const SERVER: u16 = 3868;
/// What the two sides are addressed with.
const CLIENT_TAG: u32 = 0xc;
const SERVER_TAG: u32 = 0x5;
/// Their first numbers.
const CLIENT_TSN: u32 = u32::MAX;
const SERVER_TSN: u32 = 7;

fn chunk(kind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = (4 + body.len() as u16).to_be_bytes();
    let mut chunk = [&[kind, flags, high, low][..], body].concat();
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

fn data(tsn: u32, stream: u8, text: &str) -> Vec<u8> {
    chunk(0, 3, &[&tsn.to_be_bytes()[..], &[0, stream, 0, 0, 0, 0, 0, 0], text.as_bytes()].concat())
}

fn init(kind: u8, tag: u32, tsn: u32) -> Vec<u8> {
    chunk(kind, 0, &[&tag.to_be_bytes()[..], &[0, 1, 0, 0, 0, 9, 0, 9], &tsn.to_be_bytes()].concat())
}

fn sack(tsn: u32) -> Vec<u8> {
    chunk(3, 0, &[&tsn.to_be_bytes()[..], &[0; 8]].concat())
}

impl Wire {
    fn client_says(&mut self, tag: u32, chunks: &[Vec<u8>]) {
        self.put((CLIENT, SERVER), TransportHeader::Sctp { tag }, &chunks.concat(), 0);
    }

    fn server_says(&mut self, tag: u32, chunks: &[Vec<u8>]) {
        self.put((SERVER, CLIENT), TransportHeader::Sctp { tag }, &chunks.concat(), 0);
    }

    fn associate(&mut self) {
        self.client_says(0, &[init(1, CLIENT_TAG, CLIENT_TSN)]);
        self.server_says(CLIENT_TAG, &[init(2, SERVER_TAG, SERVER_TSN)]);
        self.client_says(SERVER_TAG, &[chunk(10, 0, b"cookie")]);
    }
}

#[test]
fn messages_come_in_the_order_in_which_they_were_sent() {
    let mut wire = Wire::new(Limits::default());
    wire.associate();
    wire.client_says(SERVER_TAG, &[data(CLIENT_TSN, 0, "a"), data(CLIENT_TSN.wrapping_add(1), 4, "b")]);
    wire.client_says(SERVER_TAG, &[data(CLIENT_TSN.wrapping_add(3), 0, "d")]);
    wire.server_says(CLIENT_TAG, &[sack(CLIENT_TSN.wrapping_add(1)), data(SERVER_TSN, 0, "A")]);
    wire.client_says(SERVER_TAG, &[data(CLIENT_TSN.wrapping_add(2), 4, "c")]);
    wire.client_says(SERVER_TAG, &[data(CLIENT_TSN.wrapping_add(2), 4, "c")]);
    wire.server_says(CLIENT_TAG, &[chunk(7, 0, &[0; 4])]);
    wire.client_says(SERVER_TAG, &[chunk(8, 0, &[])]);
    wire.server_says(CLIENT_TAG, &[chunk(14, 0, &[])]);
    let lines = ["0 open 3868", "0> a", "0> b", "0< A", "0> c", "0> d", "0 Closed"];
    assert_eq!(wire.log.lines, lines);
    let tally = wire.table.tally();
    assert_eq!((tally.sctp, tally.retransmitted_bytes, tally.midstream), (1, 1, 0));
}

#[test]
fn strangers_change_nothing() {
    let mut wire = Wire::new(Limits::default());
    wire.associate();
    wire.client_says(SERVER_TAG, &[data(CLIENT_TSN, 0, "a")]);
    wire.client_says(0xbad, &[chunk(6, 0, &[])]);
    wire.client_says(0xbad, &[data(CLIENT_TSN.wrapping_add(1), 0, "forged")]);
    wire.client_says(0, &[init(1, 0xbad, 1)]);
    wire.client_says(SERVER_TAG, &[data(CLIENT_TSN.wrapping_add(1), 0, "b")]);
    wire.server_says(SERVER_TAG, &[chunk(6, 1, &[])]);
    wire.table.finish(&mut wire.log);
    assert_eq!(wire.log.lines, ["0 open 3868", "0> a", "0> b", "0 Reset"]);
}

#[test]
fn one_seen_from_the_middle_is_followed_past_its_holes() {
    let mut wire = Wire::new(Limits::default());
    wire.server_says(CLIENT_TAG, &[data(90, 0, "from the middle")]);
    wire.server_says(CLIENT_TAG, &[data(93, 0, "after two")]);
    for _ in 0..3 {
        wire.client_says(SERVER_TAG, &[sack(93)]);
    }
    wire.table.finish(&mut wire.log);
    let lines = ["0 open 3868 midstream", "0< from the middle", "0< gap 2", "0< after two", "0 Finished"];
    assert_eq!(wire.log.lines, lines);
}

#[test]
fn ports_serve_again_and_attempts_are_only_counted() {
    let mut wire = Wire::new(Limits::default());
    wire.associate();
    wire.client_says(SERVER_TAG, &[data(CLIENT_TSN, 0, "old"), chunk(6, 0, &[])]);
    wire.client_says(0, &[init(1, 0xc2, 50)]);
    wire.server_says(0xc2, &[init(2, 0x52, 60)]);
    wire.client_says(0x52, &[chunk(10, 0, b"cookie"), data(50, 0, "new")]);
    wire.table.finish(&mut wire.log);
    assert_eq!(wire.log.lines, ["0 open 3868", "0> old", "0 Reset", "1 open 3868", "1> new", "1 Finished"]);

    let mut wire = Wire::new(Limits::default());
    wire.client_says(0, &[init(1, CLIENT_TAG, CLIENT_TSN)]);
    wire.server_says(CLIENT_TAG, &[chunk(6, 0, &[])]);
    wire.table.finish(&mut wire.log);
    assert_eq!((wire.log.lines.len(), wire.table.tally().refused), (0, 1));
}
