//! Arbitrary segments of a few flows go through a small table: streams are told in order and what is
//! held stays within the limits.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use plainsight::decode::{Checksum, Segment, TcpFlags, TransportHeader};
use plainsight::flow::{Limits, Table};
use plainsight::model::flow::Endpoint;
use plainsight::model::packet::{FrameNo, Mark};
use plainsight::model::time::Timestamp;
use plainsight_fuzz::stage::Streams;

#[derive(Arbitrary, Debug)]
struct Input {
    picky: bool,
    start: [u32; 2],
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
struct Step {
    flow: u8,
    reverse: bool,
    flags: u8,
    seq: Number,
    ack: Number,
    length: u16,
    missing: u8,
    checksum: u8,
    time: Time,
}

#[derive(Arbitrary, Debug)]
enum Number {
    Next,
    Near(i16),
    Far(i32),
    Any(u32),
}

#[derive(Arbitrary, Debug)]
enum Time {
    Soon(u8),
    Seconds(u8),
    Back(u8),
    Any(i64),
}

static BYTES: [u8; 4096] = [b'x'; 4096];

fuzz_target!(|input: Input| {
    let limits = Limits { flows: 3, reorder_bytes: 8 << 10, reorder_total_bytes: 16 << 10, ..Limits::default() };
    let mut table = Table::new(limits);
    let mut streams = Streams::default();
    streams.picky = input.picky;
    let (mut next, mut at) = (input.start, 0_i64);
    for (n, step) in input.steps.iter().enumerate() {
        at = match step.time {
            Time::Soon(micros) => at.saturating_add(i64::from(micros) * 1000),
            Time::Seconds(seconds) => at.saturating_add(i64::from(seconds) * 1_000_000_000),
            Time::Back(seconds) => at.saturating_sub(i64::from(seconds) * 1_000_000_000),
            Time::Any(any) => any,
        };
        let ends = [(1, 40_000 + u16::from(step.flow & 7)), (2, 80)];
        let [source, destination] = if step.reverse { [ends[1], ends[0]] } else { ends };
        let end = |(host, port)| Endpoint { ip: [10, 0, 0, host].into(), port };
        let (own, other) = (usize::from(step.reverse), usize::from(!step.reverse));
        let number = |number: &Number, base: u32| match *number {
            Number::Next => base,
            Number::Near(by) => base.wrapping_add_signed(by.into()),
            Number::Far(by) => base.wrapping_add_signed(by),
            Number::Any(any) => any,
        };
        let seq = number(&step.seq, next[own]);
        let ack = number(&step.ack, next[other]);
        let payload = &BYTES[..usize::from(step.length) % BYTES.len()];
        let tcp = TransportHeader::Tcp { seq, ack, flags: TcpFlags(step.flags), window: 1000 };
        let transport = if step.flow & 0x80 == 0 { tcp } else { TransportHeader::Udp };
        let checksum = [Checksum::Good, Checksum::Bad, Checksum::Unknown][usize::from(step.checksum) % 3];
        let missing = u32::from(step.missing & 7) << (step.missing >> 3 & 15);
        let segment = Segment {
            source: end(source),
            destination: end(destination),
            transport,
            payload,
            missing,
            checksum,
            tunnel: None,
        };
        if matches!(step.seq, Number::Next) {
            next[own] = seq.wrapping_add(payload.len() as u32 + missing).wrapping_add(u32::from(step.flags & 2 != 0));
        }
        let mark = Mark { frame: FrameNo { file: 0, number: n as u64 + 1 }, at: Timestamp::from_nanos(at) };
        table.packet(&segment, mark, &mut streams);
    }
    table.finish(&mut streams);
    streams.check();
});
