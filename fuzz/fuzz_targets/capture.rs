//! Any file goes through reading, decoding and reassembly without harm.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use plainsight::decode::Decoder;
use plainsight::flow::{Limits, Table};
use plainsight::source::{self, Input};
use plainsight_fuzz::stage::Streams;

fuzz_target!(|data: &[u8]| {
    let path = std::env::temp_dir().join(format!("plainsight-fuzz-{}", std::process::id()));
    if std::fs::File::create(&path).and_then(|mut file| file.write_all(data)).is_err() {
        return;
    }
    let Ok(mut source) = source::open(&Input::Path(path), 0) else { return };
    let (mut table, mut decoder, mut streams) = (Table::new(Limits::default()), Decoder::default(), Streams::default());
    while let Ok(Some(packet)) = source.next() {
        if let Ok(Some(segment)) = decoder.decode(&packet) {
            table.packet(&segment, packet.mark, &mut streams);
        }
    }
    decoder.finish();
    table.finish(&mut streams);
    streams.check();
});
