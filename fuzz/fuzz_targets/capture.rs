//! Any file goes through reading, decoding and reassembly without harm.
#![no_main]

use std::io::Write;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use plainsight::decode::Decoder;
use plainsight::flow::{EndReason, FlowSink, Interest, Limits, Table};
use plainsight::model::flow::{Direction, Flow, FlowId};
use plainsight::model::packet::Mark;
use plainsight::source::{self, Input};

struct Nobody;

impl FlowSink for Nobody {
    fn open(&mut self, _: &Flow, _: bool, _: Mark) -> Arc<Interest> {
        Arc::default()
    }
    fn data(&mut self, _: FlowId, _: Direction, _: &[u8], _: Mark) {}
    fn gap(&mut self, _: FlowId, _: Direction, _: u64, _: Mark) {}
    fn skipped(&mut self, _: FlowId, _: Direction, _: u64, _: Mark) {}
    fn end(&mut self, _: FlowId, _: EndReason, _: Mark) {}
}

fuzz_target!(|data: &[u8]| {
    let path = std::env::temp_dir().join(format!("plainsight-fuzz-{}", std::process::id()));
    if std::fs::File::create(&path).and_then(|mut file| file.write_all(data)).is_err() {
        return;
    }
    let Ok(mut source) = source::open(&Input::Path(path), 0) else { return };
    let mut table = Table::new(Limits::default());
    let mut decoder = Decoder::default();
    while let Ok(Some(packet)) = source.next() {
        if let Ok(Some(segment)) = decoder.decode(&packet) {
            table.packet(&segment, packet.mark, &mut Nobody);
        }
    }
    decoder.finish();
    table.finish(&mut Nobody);
});
