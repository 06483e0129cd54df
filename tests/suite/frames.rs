//! Every packet of every capture of the corpus is read, and its number is the one others give it.

use std::fs;

use plainsight::source::{self, Input};
use serde_json::Value;

use crate::support::shared;

#[test]
fn every_capture_has_as_many_packets_as_others_count() {
    let Some(corpus) = shared("corpus/truth.jsonl") else { return };
    let folder = corpus.parent().expect("it has a folder");
    let mut compared = 0;
    for line in fs::read_to_string(&corpus).expect("readable").lines() {
        let truth: Value = serde_json::from_str(line).expect("every line is JSON");
        let (Some(file), Some(frames)) = (truth["file"].as_str(), truth["frames"].as_u64()) else { continue };
        // Solaris' own format: told so instead.
        if file.ends_with(".snoop") {
            continue;
        }
        let mut source = source::open(&Input::Path(folder.join(file)), 0).expect(file);
        let mut last = 0;
        while let Some(packet) = source.next().expect(file) {
            last = packet.mark.frame.number;
        }
        assert_eq!(last, frames, "{file}");
        compared += 1;
    }
    assert!(compared > 0, "the corpus names no capture");
}
