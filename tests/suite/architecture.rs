//! What `ARCHITECTURE.md` promises and a test can see.

use std::fs;
use std::path::Path;

use crate::support::files;

/// The stages in the order data flows: each may import those before it.
const STAGES: [&str; 11] =
    ["model", "content", "source", "decode", "flow", "proto", "rules", "ledger", "report", "pipeline", "sandbox"];

/// A longer file wants to be a folder.
const MOST_LINES: usize = 600;

#[test]
fn imports_go_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (place, stage) in STAGES.iter().enumerate() {
        for file in files(&source.join(stage)) {
            let text = fs::read_to_string(&file).expect("readable");
            for later in STAGES.iter().skip(place + 1).chain(["cli"].iter()) {
                let import = format!("crate::{later}");
                assert!(!text.contains(&import), "{} imports {later}", file.display());
            }
        }
    }
}

#[test]
fn no_rust_file_names_a_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let catalogue = plainsight::rules::Catalogue::builtin().expect("the built-in rules are sound");
    let sources: Vec<_> =
        files(&root.join("src")).into_iter().map(|f| (fs::read_to_string(&f).expect("readable"), f)).collect();
    for (_, rule) in catalogue.iter() {
        let quoted = format!("\"{}\"", rule.id);
        for (text, file) in &sources {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            if file.ends_with("tests.rs") || file.ends_with("samples.rs") {
                continue;
            }
            let is_kind = rule.id == rule.kind;
            assert!(is_kind || !code.contains(&quoted), "{} names rule {}", file.display(), rule.id);
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files(&source) {
        let lines = fs::read_to_string(&file).expect("readable").lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines: make it a folder", file.display());
    }
}

#[test]
fn every_protocol_has_a_fixture() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for protocol in plainsight::proto::PROTOCOLS {
        assert!(fixtures.join(protocol.name).is_dir(), "fixtures/{} is missing", protocol.name);
    }
}
