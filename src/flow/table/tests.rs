//! Conversations segment by segment, and what the sink was told of them.

mod room;
mod sctp;

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::decode::{Checksum, TcpFlags};
use crate::model::flow::TunnelKind;
use crate::model::packet::FrameNo;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const FIN: u8 = 0x11;
const RST: u8 = 0x14;
/// Not a flag of TCP: makes a segment with a wrong checksum.
const BAD: u8 = 0x40;

/// Writes down what it is told.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    flows: Vec<Arc<Interest>>,
    roles: Vec<Flow>,
    /// Offset up to which a new flow's bytes are not wanted.
    skip: u64,
}

impl Log {
    fn line(&mut self, flow: FlowId, direction: Direction, what: &str) {
        let way = if direction == Direction::ToServer { '>' } else { '<' };
        self.lines.push(format!("{}{way} {what}", flow.0));
    }
}

impl FlowSink for Log {
    fn open(&mut self, flow: &Flow, midstream: bool, _: Mark) -> Arc<Interest> {
        let how = if midstream { " midstream" } else { "" };
        self.lines.push(format!("{} open {}{how}", flow.id.0, flow.server.port));
        self.roles.push(*flow);
        let interest = Arc::new(Interest::default());
        interest.skip_to(Direction::ToServer, self.skip);
        self.flows.push(Arc::clone(&interest));
        interest
    }

    fn data(&mut self, flow: FlowId, direction: Direction, bytes: &[u8], _: Mark) {
        self.line(flow, direction, &String::from_utf8_lossy(bytes));
    }

    fn gap(&mut self, flow: FlowId, direction: Direction, missing: u64, _: Mark) {
        self.line(flow, direction, &format!("gap {missing}"));
    }

    fn skipped(&mut self, flow: FlowId, direction: Direction, bytes: u64, _: Mark) {
        self.line(flow, direction, &format!("skipped {bytes}"));
    }

    fn end(&mut self, flow: FlowId, reason: EndReason, _: Mark) {
        self.lines.push(format!("{} {reason:?}", flow.0));
    }
}

/// A table with two hosts in front of it: a client at port 40000 and a server at port 80.
struct Wire {
    table: Table,
    log: Log,
    seconds: i64,
    frame: u64,
    tunnel: Option<Tunnel>,
}

/// Numbers are relative to these: both streams pass the wrap of the sequence number.
const CLIENT_ISN: u32 = 0xffff_fffd;
const SERVER_ISN: u32 = 0xffff_ffff;

impl Wire {
    fn new(limits: Limits) -> Self {
        Self { table: Table::new(limits), log: Log::default(), seconds: 1000, frame: 0, tunnel: None }
    }

    fn put(&mut self, ports: (u16, u16), transport: TransportHeader, payload: &[u8], missing: u32) {
        let endpoint = |port| Endpoint { ip: IpAddr::from([10, 0, 0, if port < 40000 { 2 } else { 1 }]), port };
        self.send(endpoint(ports.0), endpoint(ports.1), transport, payload, missing);
    }

    fn segment(&mut self, source: Endpoint, destination: Endpoint, header: TransportHeader) {
        self.send(source, destination, header, &[], 0);
    }

    fn datagram(&mut self, source: Endpoint, destination: Endpoint, payload: &[u8]) {
        self.send(source, destination, TransportHeader::Udp, payload, 0);
    }

    fn send(
        &mut self,
        source: Endpoint,
        destination: Endpoint,
        transport: TransportHeader,
        payload: &[u8],
        missing: u32,
    ) {
        self.frame += 1;
        let at = Timestamp::from_parts(self.seconds, 0);
        let mark = Mark { frame: FrameNo { file: 0, number: self.frame }, at };
        let bad = matches!(transport, TransportHeader::Tcp { flags, .. } if flags.has(TcpFlags(BAD)));
        let checksum = if bad { Checksum::Bad } else { Checksum::Good };
        let segment = Segment { source, destination, transport, payload, missing, checksum, tunnel: self.tunnel };
        self.table.packet(&segment, mark, &mut self.log);
    }

    /// A segment from the client; `seq` and `ack` count from 0 at the first byte of each stream.
    fn client(&mut self, flags: u8, seq: u32, ack: u32, payload: &str) -> &mut Self {
        let seq = CLIENT_ISN.wrapping_add(if flags & SYN == 0 { seq + 1 } else { seq });
        let ack = SERVER_ISN.wrapping_add(ack + 1);
        let header = TransportHeader::Tcp { seq, ack, flags: TcpFlags(flags), window: 1000 };
        self.put((40000, 80), header, payload.as_bytes(), 0);
        self
    }

    /// The same from the server.
    fn server(&mut self, flags: u8, seq: u32, ack: u32, payload: &str) -> &mut Self {
        let seq = SERVER_ISN.wrapping_add(if flags & SYN == 0 { seq + 1 } else { seq });
        let ack = CLIENT_ISN.wrapping_add(ack + 1);
        let header = TransportHeader::Tcp { seq, ack, flags: TcpFlags(flags), window: 1000 };
        self.put((80, 40000), header, payload.as_bytes(), 0);
        self
    }

    fn handshake(&mut self) -> &mut Self {
        self.client(SYN, 0, 0, "").server(SYN | ACK, 0, 0, "").client(ACK, 0, 0, "")
    }

    fn wait(&mut self, seconds: i64) -> &mut Self {
        self.seconds += seconds;
        self
    }

    fn udp(&mut self, ports: (u16, u16), payload: &str) -> &mut Self {
        self.put(ports, TransportHeader::Udp, payload.as_bytes(), 0);
        self
    }

    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log.lines)
    }

    fn finished(&mut self) -> Vec<String> {
        self.table.finish(&mut self.log);
        self.told()
    }
}

fn wire() -> Wire {
    Wire::new(Limits::default())
}

#[test]
fn a_conversation_is_told_in_order() {
    let mut wire = wire();
    wire.handshake().client(ACK, 0, 0, "get").server(ACK, 0, 3, "ok").client(FIN, 3, 2, "").server(FIN, 2, 4, "bye");
    wire.client(ACK, 4, 6, "");
    assert_eq!(wire.told(), ["0 open 80", "0> get", "0< ok", "0< bye", "0 Closed"]);
    assert_eq!(wire.finished(), [""; 0]);
    assert_eq!(wire.log.roles[0].roles, Roles::Handshake);
    assert_eq!(wire.table.tally(), StreamTally { tcp: 1, ..StreamTally::default() });
}

#[test]
fn repeats_keep_alives_and_probes_are_left_out() {
    let mut wire = wire();
    wire.handshake().client(SYN, 0, 0, "").client(ACK, 0, 0, "abc").client(ACK, 0, 0, "abc").client(ACK, 1, 0, "bcd");
    wire.client(ACK, 3, 0, "\0").client(ACK, 3, 0, "").client(ACK, 4, 0, "e").client(ACK, 4, 0, "ef");
    assert_eq!(wire.told(), ["0 open 80", "0> abc", "0> d", "0> e", "0> f"]);
    assert_eq!(wire.table.tally().retransmitted_bytes, 3 + 2 + 1 + 1);
}

#[test]
fn a_hole_is_filled_by_a_late_segment() {
    let mut wire = wire();
    wire.handshake().client(ACK, 3, 0, "def").client(ACK, 6, 0, "ghi").client(ACK, 0, 0, "abc");
    assert_eq!(wire.told(), ["0 open 80", "0> abc", "0> def", "0> ghi"]);
}

#[test]
fn a_hole_is_given_up_after_enough_acknowledgements_past_it() {
    let mut wire = wire();
    wire.handshake().client(ACK, 3, 0, "def").server(ACK, 0, 6, "").server(ACK, 0, 6, "x").server(ACK, 1, 0, "");
    assert_eq!(wire.told(), ["0 open 80", "0< x"]);
    wire.wait(1).server(ACK, 1, 6, "y");
    assert_eq!(wire.told(), ["0> gap 3", "0> def", "0< y"], "the gap comes before what was said after it");
    assert_eq!((wire.table.tally().gaps, wire.table.tally().gap_bytes), (1, 3));
}

#[test]
fn acknowledgements_before_the_hole_do_not_count() {
    let mut wire = wire();
    wire.handshake();
    for _ in 0..5 {
        wire.server(ACK, 0, 6, "");
    }
    wire.client(ACK, 3, 0, "def").client(ACK, 0, 0, "abc");
    assert_eq!(wire.told(), ["0 open 80", "0> abc", "0> def"]);
}

#[test]
fn acknowledgements_in_quick_succession_may_have_overtaken_the_data() {
    let mut wire = wire();
    wire.handshake().client(ACK, 3, 0, "def");
    for _ in 0..20 {
        wire.server(ACK, 0, 6, "");
    }
    wire.client(ACK, 0, 0, "abc").client(ACK, 9, 0, "jkl");
    assert_eq!(wire.told(), ["0 open 80", "0> abc", "0> def"]);
    for _ in 0..32 {
        wire.server(ACK, 0, 12, "");
    }
    assert_eq!(wire.told(), ["0> gap 3", "0> jkl"]);
}

#[test]
fn what_is_missing_when_both_sides_are_done_is_waited_for_shortly() {
    let mut wire = wire();
    wire.handshake().client(FIN, 3, 0, "def").server(FIN, 0, 7, "").client(ACK, 0, 1, "abc");
    assert_eq!(wire.told(), ["0 open 80", "0> abc", "0> def", "0 Closed"]);
    let mut wire = self::wire();
    wire.handshake().client(FIN, 3, 0, "def").server(FIN, 0, 7, "").wait(5);
    wire.udp((50000, 53), "").udp((50000, 53), "");
    assert_eq!(wire.told(), ["0 open 80", "0> gap 3", "0> def", "0 Closed"]);
}

#[test]
fn what_the_receiver_does_not_take_is_left_out() {
    let mut wire = wire();
    wire.handshake().client(ACK | BAD, 0, 0, "XXX").client(ACK, 0, 0, "abc").server(RST | BAD, 0, 3, "");
    wire.client(ACK, 3, 0, "d");
    assert_eq!(wire.finished(), ["0 open 80", "0> abc", "0> d", "0 Finished"]);
    assert_eq!(wire.table.tally().corrupt, 2);
}

#[test]
fn checksums_that_are_all_wrong_were_captured_on_the_sender() {
    let mut wire = wire();
    wire.client(SYN | BAD, 0, 0, "").server(SYN | ACK, 0, 0, "").client(ACK | BAD, 0, 0, "abc");
    wire.client(ACK | BAD, 3, 0, "d");
    assert_eq!(wire.told(), ["0 open 80", "0> abc", "0> d"]);
    assert_eq!(wire.table.tally().corrupt, 0);
}

#[test]
fn a_hole_is_given_up_when_too_much_is_held_or_at_the_end() {
    let mut wire = Wire::new(Limits { reorder_bytes: 300, ..Limits::default() });
    wire.handshake().client(ACK, 1, 0, "b").client(ACK, 3, 0, "d").client(ACK, 5, 0, "f");
    assert_eq!(wire.told(), [""; 0]);
    wire.client(ACK, 7, 0, "h");
    assert_eq!(wire.told(), ["0 open 80", "0> gap 1", "0> b"]);
    let end = ["0> gap 1", "0> d", "0> gap 1", "0> f", "0> gap 1", "0> h", "0 Finished"];
    assert_eq!(wire.finished(), end);
}

#[test]
fn the_total_of_what_is_held_is_bounded() {
    let mut wire = Wire::new(Limits { reorder_total_bytes: 200, ..Limits::default() });
    wire.handshake().client(ACK, 1, 0, "b").client(ACK, 3, 0, "d");
    assert_eq!(wire.told(), [""; 0]);
    wire.client(ACK, 5, 0, "f");
    assert_eq!(wire.told(), ["0 open 80", "0> gap 1", "0> b", "0> gap 1", "0> d", "0> gap 1", "0> f"]);
    assert_eq!(wire.table.tally().capped, 1);
}

#[test]
fn a_stream_met_in_the_middle_may_begin_a_little_earlier() {
    let mut wire = wire();
    wire.client(ACK, 103, 50, "def").client(ACK, 100, 50, "abc").client(ACK, 106, 50, "ghi").server(ACK, 50, 109, "ok");
    assert_eq!(wire.told(), ["0 open 80 midstream", "0> abc", "0> def", "0> ghi", "0< ok"]);
    assert_eq!(wire.table.tally().midstream, 1);
    assert_eq!(wire.log.roles[0].roles, Roles::Guessed);
}

#[test]
fn an_answer_met_in_the_middle_has_no_hole_unless_bytes_are_missing() {
    let mut wire = wire();
    wire.client(ACK, 100, 50, "abc").client(ACK, 103, 50, "").server(ACK, 52, 103, "x");
    wire.wait(1);
    for _ in 0..3 {
        wire.client(ACK, 103, 53, "");
    }
    assert_eq!(wire.told(), ["0 open 80 midstream", "0> abc", "0< gap 2", "0< x"]);
}

#[test]
fn a_handshake_captured_after_its_data_still_counts() {
    let mut wire = wire();
    wire.server(SYN | ACK, 0, 0, "").client(ACK, 0, 0, "abc").client(SYN, 0, 0, "").client(ACK, 3, 0, "d");
    assert_eq!(wire.told(), ["0 open 80", "0> abc", "0> d"]);
    let mut wire = self::wire();
    wire.client(ACK, 0, 0, "abc").server(SYN | ACK, 0, 0, "").server(ACK, 0, 3, "ok");
    assert_eq!(wire.told(), ["0 open 80 midstream", "0> abc", "0< ok"]);
}

#[test]
fn data_on_a_syn_belongs_to_the_stream() {
    let mut wire = wire();
    wire.client(SYN, 0, 0, "fast").server(SYN | ACK, 0, 4, "").client(ACK, 4, 0, "er").client(SYN, 0, 0, "fast");
    assert_eq!(wire.told(), ["0 open 80", "0> fast", "0> er"]);
}

#[test]
fn one_direction_alone_is_enough() {
    let mut wire = wire();
    wire.server(SYN | ACK, 0, 0, "").server(ACK, 0, 0, "hello").server(ACK, 5, 9, "you").server(FIN, 8, 9, "");
    assert_eq!(wire.told(), ["0 open 80", "0< hello", "0< you"]);
    wire.wait(61).udp((50000, 53), "").udp((50000, 53), "");
    assert_eq!(wire.told(), ["0 Idle"]);
    assert_eq!(wire.table.tally().one_way, 1);
}

#[test]
fn with_one_direction_alone_a_hole_is_given_up_after_a_while() {
    let mut wire = wire();
    wire.client(SYN, 0, 0, "").client(ACK, 3, 0, "def").wait(2).client(ACK, 6, 0, "g");
    assert_eq!(wire.told(), [""; 0]);
    wire.wait(1).client(ACK, 7, 0, "h");
    assert_eq!(wire.told(), ["0 open 80", "0> gap 3", "0> def", "0> g", "0> h"]);
}

#[test]
fn a_new_syn_on_a_closed_or_silent_connection_begins_a_new_one() {
    let mut wire = wire();
    wire.handshake().client(FIN, 0, 0, "").server(FIN, 0, 1, "");
    assert_eq!(wire.told(), ["0 open 80", "0 Closed"]);
    wire.client(ACK, 0, 1, "").server(FIN, 0, 1, "").client(SYN, 5000, 0, "").client(ACK, 5000, 0, "again");
    assert_eq!(wire.told(), ["1 open 80", "1> again"]);
    wire.client(SYN, 90000, 0, "").client(ACK, 5005, 0, "!");
    assert_eq!(wire.told(), ["1> !"], "a SYN in the middle is not believed");
    wire.wait(100).client(SYN, 9000, 0, "").client(ACK, 9000, 0, "third");
    assert_eq!(wire.told(), ["1 Replaced", "2 open 80", "2> third"]);
}

#[test]
fn the_answer_to_an_unseen_syn_begins_a_new_connection() {
    let mut wire = wire();
    wire.handshake().client(ACK, 0, 0, "old").server(SYN | ACK, 7000, 8000, "").client(ACK, 8000, 7000, "new");
    assert_eq!(wire.finished(), ["0 open 80", "0> old", "0 Replaced", "1 open 80", "1> new", "1 Finished"]);
}

#[test]
fn a_second_attempt_to_connect_is_the_same_flow() {
    let mut wire = wire();
    wire.client(SYN, 0, 0, "").client(SYN, 700, 0, "").server(SYN | ACK, 0, 700, "").client(ACK, 700, 0, "abc");
    assert_eq!(wire.finished(), ["0 open 80", "0> abc", "0 Finished"]);
}

#[test]
fn a_reset_counts_inside_the_window_and_lets_stragglers_in() {
    let mut wire = wire();
    wire.handshake().client(ACK, 0, 0, "abc").server(RST, 0x1000_0000, 3, "").wait(20).client(ACK, 3, 0, "d");
    assert_eq!(wire.told(), ["0 open 80", "0> abc", "0> d"]);
    wire.server(RST, 0, 4, "refused").client(ACK, 4, 0, "e").wait(6);
    wire.udp((50000, 53), "").udp((50000, 53), "");
    assert_eq!(wire.told(), ["0> e", "0 Reset"]);
    wire.client(ACK, 4, 0, "e");
    assert_eq!(wire.told(), [""; 0], "a repeat of what was said opens nothing");
    wire.client(ACK, 5, 0, "f").client(ACK, 6, 0, "");
    assert_eq!(wire.finished(), ["1 open 53", "1 Finished", "2 open 80 midstream", "2> f", "2 Finished"]);
}

#[test]
fn what_the_snap_length_cut_is_a_gap() {
    let mut wire = wire();
    wire.handshake();
    let header = |seq: u32| TransportHeader::Tcp {
        seq: CLIENT_ISN.wrapping_add(1 + seq),
        ack: SERVER_ISN.wrapping_add(1),
        flags: TcpFlags(ACK),
        window: 9,
    };
    wire.put((40000, 80), header(0), b"ab", 8);
    wire.put((40000, 80), header(10), b"cd", 0);
    assert_eq!(wire.told(), ["0 open 80", "0> ab", "0> gap 8", "0> cd"]);
}

#[test]
fn what_is_not_wanted_is_counted_instead() {
    let mut wire = wire();
    wire.log.skip = 5;
    wire.handshake().client(ACK, 0, 0, "abc").client(ACK, 6, 0, "ghi").client(ACK, 3, 0, "def");
    assert_eq!(wire.told(), ["0 open 80", "0> skipped 3", "0> skipped 2", "0> f", "0> ghi"]);
    wire.log.flows[0].stop();
    wire.client(ACK, 9, 0, "jkl").server(ACK, 0, 9, "xyz");
    assert_eq!(wire.told(), ["0> skipped 3", "0< skipped 3"]);
}

#[test]
fn datagrams_flow_until_they_are_silent() {
    let mut wire = wire();
    wire.udp((50000, 53), "who?").udp((53, 50000), "me").udp((50000, 53), "");
    assert_eq!(wire.told(), ["0 open 53", "0> who?", "0< me"]);
    wire.wait(180).udp((50001, 53), "a").udp((50001, 53), "b").udp((50000, 53), "c");
    assert_eq!(wire.told(), ["1 open 53", "1> a", "0 Idle", "1> b", "2 open 53", "2> c"]);
    assert_eq!(wire.table.tally().udp, 3);
}

#[test]
fn a_single_wrong_timestamp_ends_nothing() {
    let mut wire = wire();
    wire.handshake()
        .wait(1_000_000)
        .client(ACK, 0, 0, "a")
        .wait(-999_999)
        .client(ACK, 1, 0, "b")
        .client(ACK, 2, 0, "c");
    assert_eq!(wire.told(), ["0 open 80", "0> a", "0> b", "0> c"]);
    wire.wait(3600).udp((50000, 53), "").udp((50000, 53), "").udp((50000, 53), "");
    assert_eq!(wire.told(), ["0 Idle"]);
}

#[test]
fn older_packets_end_what_came_before_them() {
    let mut wire = wire();
    wire.handshake().wait(-5000).udp((50000, 53), "").udp((50000, 53), "");
    assert_eq!(wire.told(), ["0 open 80", "0 Idle"]);
}

#[test]
fn the_same_addresses_in_two_networks_are_two_flows() {
    let mut wire = Wire::new(Limits::default());
    let network = |number| Some(Tunnel::inside(None, TunnelKind::Vxlan, Some(number)));
    for (tunnel, text) in [(network(1), "one"), (network(2), "two"), (network(1), "more"), (None, "bare")] {
        wire.tunnel = tunnel;
        let seq = if text == "more" { 3 } else { 0 };
        wire.client(ACK, seq, 0, text);
    }
    wire.table.finish(&mut wire.log);
    let tunnels: Vec<_> = wire.log.roles.iter().map(|flow| flow.tunnel).collect();
    assert_eq!(tunnels, [network(1), network(2), None]);
    assert_eq!(wire.table.tally().retransmitted_bytes, 0);
}

proptest! {
    /// Two streams cut, repeated and shuffled within a window arrive whole, however the capture
    /// interleaves them; what was lost is a gap of that size. Interest changes nothing but the names.
    #[test]
    fn a_shuffled_capture_gives_both_streams(
        sizes in prop::collection::vec((any::<bool>(), 1_usize..9, 0_u8..20), 1..60),
        seed in any::<u64>(),
        skip in 0_u64..200,
    ) {
        let mut state = seed;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % below
        };
        let mut sent = [String::new(), String::new()];
        let mut packets: Vec<(u64, usize, u32, String, bool)> = Vec::new();
        for (n, (from_client, size, fate)) in sizes.iter().enumerate() {
            let side = usize::from(!from_client);
            let seq = sent[side].len() as u32;
            let payload: String = (0..*size).map(|k| char::from(b'a' + ((n + k) % 26) as u8)).collect();
            sent[side].push_str(&payload);
            let copies = match fate { 0 => 0, 1..=3 => 2, _ => 1 };
            for _ in 0..copies {
                packets.push((n as u64 * 2 + random(6), side, seq, payload.clone(), copies > 0));
            }
        }
        packets.sort_by_key(|packet| packet.0);
        let run = |skip: u64| {
            let mut wire = wire();
            wire.log.skip = skip;
            wire.handshake();
            for (_, side, seq, payload, _) in &packets {
                match side {
                    0 => wire.client(ACK, *seq, 0, payload),
                    _ => wire.server(ACK, *seq, 0, payload),
                };
            }
            let told = wire.finished();
            (told, wire.table.tally())
        };
        let (told, tally) = run(0);
        let mut streams = [String::new(), String::new()];
        for line in &told {
            let Some((way, what)) = line.strip_prefix('0').and_then(|line| line.split_once(' ')) else { continue };
            let side = match way { ">" => 0, "<" => 1, _ => continue };
            match what.strip_prefix("gap ") {
                Some(missing) => streams[side].push_str(&"?".repeat(missing.parse().unwrap())),
                None => streams[side].push_str(what),
            }
        }
        for (side, stream) in streams.iter().enumerate() {
            let mut expected = vec![b'?'; sent[side].len()];
            let mut end = 0;
            for (_, _, seq, payload, _) in packets.iter().filter(|packet| packet.1 == side) {
                let at = *seq as usize;
                expected[at..at + payload.len()].copy_from_slice(payload.as_bytes());
                end = end.max(at + payload.len());
            }
            prop_assert_eq!(stream.as_bytes(), &expected[..end]);
        }
        prop_assert_eq!(tally.conflicting_bytes, 0);
        let (_, with_skips) = run(skip);
        prop_assert_eq!(tally, with_skips);
    }
}
