//! The table against a model of what it should do: an array with a place for every sequence number, into
//! which each byte goes that is captured first.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::decode::{Checksum, TcpFlags};
use crate::model::packet::FrameNo;

const SYN: u8 = 0x02;
const FIN: u8 = 0x01;
const ACK: u8 = 0x10;

/// A piece of the stream as it is captured.
#[derive(Clone, Debug)]
struct Sent {
    /// Where it begins, from the first byte on. What is before is no part of the stream.
    start: i64,
    length: usize,
    /// Of its bytes, cut off by the snap length.
    missing: usize,
    /// When it is captured, in places among the others.
    when: u16,
    /// What it consists of: other bytes than another of the same place has.
    fill: u8,
    lost: bool,
    again: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    (-9_i64..400, 1_usize..90, 0_usize..4, 0_u16..30, any::<u8>(), prop::bool::weighted(0.1), prop::bool::weighted(0.2))
        .prop_map(|(start, length, missing, when, fill, lost, again)| Sent {
            start,
            length,
            missing: if missing == 3 { 3.min(length) } else { 0 },
            when,
            fill,
            lost,
            again,
        })
}

/// What was told of one stream: `None` for a byte that is missing.
#[derive(Default)]
struct Told(Vec<Option<u8>>);

impl FlowSink for Told {
    fn open(&mut self, _: &Flow, midstream: bool, _: Mark) -> Arc<Interest> {
        assert!(!midstream);
        Arc::default()
    }

    fn data(&mut self, _: FlowId, direction: Direction, bytes: &[u8], _: Mark) {
        assert_eq!(direction, Direction::ToServer);
        self.0.extend(bytes.iter().copied().map(Some));
    }

    fn gap(&mut self, _: FlowId, _: Direction, missing: u64, _: Mark) {
        self.0.extend((0..missing).map(|_| None));
    }

    fn skipped(&mut self, _: FlowId, _: Direction, _: u64, _: Mark) {}

    fn end(&mut self, _: FlowId, _: EndReason, _: Mark) {}
}

struct Wire {
    table: Table,
    told: Told,
    frame: u64,
}

impl Wire {
    fn segment(&mut self, from_client: bool, flags: u8, [seq, ack]: [u32; 2], payload: &[u8], missing: usize) {
        let ends = [(1, 40_000), (2, 80)].map(|(host, port)| Endpoint { ip: [10, 0, 0, host].into(), port });
        let [source, destination] = if from_client { ends } else { [ends[1], ends[0]] };
        let transport = TransportHeader::Tcp { seq, ack, flags: TcpFlags(flags), window: 1000 };
        let checksum = Checksum::Unknown;
        let missing = missing as u32;
        let segment = Segment { source, destination, transport, payload, missing, checksum, tunnel: None };
        self.frame += 1;
        let mark = Mark { frame: FrameNo { file: 0, number: self.frame }, at: Timestamp::from_nanos(0) };
        self.table.packet(&segment, mark, &mut self.told);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any cutting, overlapping (with other bytes), losing, repeating and reordering, anywhere in the
    /// space of sequence numbers, gives what the model says.
    #[test]
    fn the_table_does_what_the_model_says(
        pieces in prop::collection::vec(sent(), 1..40),
        isn in prop_oneof![any::<u32>(), (u32::MAX - 450)..=u32::MAX],
        fin in any::<bool>(),
    ) {
        let mut wire = Wire { table: Table::new(Limits::default()), told: Told::default(), frame: 0 };
        let first = isn.wrapping_add(1);
        wire.segment(true, SYN, [isn, 0], &[], 0);
        wire.segment(false, SYN | ACK, [77, first], &[], 0);

        let copies = pieces.iter().flat_map(|piece| std::iter::repeat_n(piece, 1 + usize::from(piece.again)));
        let mut captured: Vec<_> = copies.enumerate().filter(|(_, piece)| !piece.lost).collect();
        captured.sort_by_key(|(n, piece)| n + usize::from(piece.when));

        let mut model: Vec<Option<Option<u8>>> = Vec::new();
        let end = captured.iter().map(|(_, piece)| piece.start + piece.length as i64).max().unwrap_or(0);
        for (_, piece) in &captured {
            let seq = first.wrapping_add(piece.start as u32);
            let kept = piece.length - piece.missing;
            let last = fin && piece.start + piece.length as i64 == end;
            let flags = ACK | if last { FIN } else { 0 };
            wire.segment(true, flags, [seq, 78], &vec![piece.fill; kept], piece.missing);
            for n in 0..piece.length {
                let Ok(at) = usize::try_from(piece.start + n as i64) else { continue };
                model.resize(model.len().max(at + 1), None);
                model[at].get_or_insert((n < kept).then_some(piece.fill));
            }
        }
        wire.table.finish(&mut wire.told);
        let model: Vec<Option<u8>> = model.into_iter().map(Option::flatten).collect();
        prop_assert_eq!(wire.told.0, model);
    }
}
