//! Any frames of any link type are decoded and put together. The first byte chooses the link type; of a
//! record's kind, the low half is how much the snap length cut, the high half how much time passed.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use plainsight::decode::Decoder;
use plainsight::flow::{Limits, Table};
use plainsight::model::packet::{FrameNo, LinkType, Mark, Packet};
use plainsight::model::time::Timestamp;
use plainsight_fuzz::LINK_TYPES;
use plainsight_fuzz::records::{mutate, records};
use plainsight_fuzz::stage::Streams;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { mutate(data, size, max_size, seed, 1) });

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let link = LinkType(LINK_TYPES[usize::from(first) % LINK_TYPES.len()]);
    let (mut table, mut decoder, mut streams) = (Table::new(Limits::default()), Decoder::default(), Streams::default());
    let mut nanos = 0;
    for (n, record) in records(rest).enumerate() {
        nanos += 1_i64 << (record.kind >> 4 << 1) << 10;
        let mark = Mark { frame: FrameNo { file: 0, number: n as u64 + 1 }, at: Timestamp::from_nanos(nanos) };
        let wire_len = record.bytes.len() as u32 + u32::from(record.kind & 15) * 16;
        let packet = Packet { mark, link, bytes: record.bytes, wire_len, tap: 0 };
        if let Ok(Some(segment)) = decoder.decode(&packet) {
            assert!(segment.payload.len() <= 0xffff.max(record.bytes.len()));
            table.packet(&segment, mark, &mut streams);
        }
    }
    decoder.finish();
    table.finish(&mut streams);
    streams.check();
});
