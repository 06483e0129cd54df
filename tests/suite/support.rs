//! Small vocabulary of the tests: captures, runs, findings.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use plainsight::decode::Decoder;
use plainsight::flow::{EndReason, FlowSink, Interest, Limits, Table};
use plainsight::model::flow::{Direction, Flow, FlowId};
use plainsight::model::packet::Mark;
use plainsight::pipeline::{self, Settings};
use plainsight::report::{Ndjson, Sink};
use plainsight::rules::{Catalogue, Key, Matcher, Options};
use plainsight::source::{self, Input};
use serde_json::Value;

/// How a test runs plainsight.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) jobs: usize,
    pub(crate) reveal: bool,
}

impl Default for How {
    fn default() -> Self {
        Self { jobs: 2, reveal: true }
    }
}

static REVEALING: LazyLock<Arc<Matcher>> = LazyLock::new(|| matcher(true));
static MASKING: LazyLock<Arc<Matcher>> = LazyLock::new(|| matcher(false));

/// The rules, with clear values in findings.
pub(crate) fn revealing() -> Arc<Matcher> {
    Arc::clone(&REVEALING)
}

/// The built-in rules, compiled once for all tests.
fn matcher(reveal: bool) -> Arc<Matcher> {
    let options = Options { reveal, key: Key::from_secret(b"the key of the tests, fixed"), ..Options::default() };
    let catalogue = Catalogue::builtin().expect("the built-in rules are sound");
    Matcher::new(Arc::new(catalogue), options).expect("the built-in rules compile")
}

/// Reads captures and gives the NDJSON, without what differs from run to run.
pub(crate) fn read(paths: &[&Path], how: How) -> String {
    let matcher = if how.reveal { &REVEALING } else { &MASKING };
    let inputs = paths.iter().map(|path| Input::Path(path.to_path_buf())).collect();
    let settings = Settings {
        inputs,
        filter: None,
        jobs: NonZeroUsize::new(how.jobs).expect("at least one worker"),
        matcher: Arc::clone(matcher),
        limits: Limits::default(),
        stop: Arc::default(),
    };
    let output = Shared::default();
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(Ndjson::new(output.clone(), Arc::clone(matcher.catalogue())))];
    match pipeline::read(&settings, &mut sinks, &|_| {}) {
        Ok(_) => {}
        Err(error) => return format!("error: {error}"),
    }
    let text = String::from_utf8(std::mem::take(&mut *output.0.lock().expect("no panic while writing")))
        .expect("NDJSON is UTF-8");
    text.lines().map(without_clock).collect::<Vec<_>>().join("\n")
}

/// The lines of one type.
pub(crate) fn of_type(ndjson: &str, name: &str) -> Vec<Value> {
    let lines = ndjson.lines().map(|line| serde_json::from_str::<Value>(line).expect("every line is JSON"));
    lines.filter(|value| value["type"] == name).collect()
}

/// Every capture under `fixtures/`, with the path of its truth file.
pub(crate) fn fixtures() -> Vec<(PathBuf, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found: Vec<_> = files(&root)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .filter_map(|truth| {
            let captures = ["pcap", "pcapng"].map(|extension| truth.with_extension(extension));
            captures.into_iter().find(|path| path.exists()).map(|capture| (capture, truth))
        })
        .collect();
    found.sort();
    found
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The shared folder beside a development checkout, if there is one.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not here", path.display());
    None
}

fn without_clock(line: &str) -> String {
    let mut value: Value = serde_json::from_str(line).expect("every line is JSON");
    if let Some(object) = value.as_object_mut()
        && object.get("type").is_some_and(|t| t == "summary")
    {
        object.remove("elapsed_seconds");
        object.remove("bytes_per_second");
    }
    value.to_string()
}

/// A buffer a sink can own and a test can look into.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic while writing").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What happened to a flow (the second says whether it began in the middle): data, or a hole of so many
/// bytes.
pub(crate) type Step = (Flow, bool, Direction, Vec<u8>, u64);

/// What happened to the flows of a capture.
pub(crate) fn steps(path: &Path) -> Vec<Step> {
    let mut source = source::open(&Input::Path(path.to_path_buf()), 0).expect("a fixture can be read");
    let (mut decoder, mut table, mut kept) = (Decoder::default(), Table::new(Limits::default()), Kept::default());
    while let Ok(Some(packet)) = source.next() {
        if let Ok(Some(segment)) = decoder.decode(&packet) {
            table.packet(&segment, packet.mark, &mut kept);
        }
    }
    table.finish(&mut kept);
    kept.steps
}

#[derive(Default)]
struct Kept {
    flows: BTreeMap<FlowId, (Flow, bool)>,
    steps: Vec<Step>,
}

impl FlowSink for Kept {
    fn open(&mut self, flow: &Flow, midstream: bool, _mark: Mark) -> Arc<Interest> {
        self.flows.insert(flow.id, (*flow, midstream));
        Arc::default()
    }

    fn data(&mut self, flow: FlowId, direction: Direction, bytes: &[u8], _mark: Mark) {
        let (flow, midstream) = self.flows[&flow];
        self.steps.push((flow, midstream, direction, bytes.to_vec(), 0));
    }

    fn gap(&mut self, flow: FlowId, direction: Direction, missing: u64, _mark: Mark) {
        let (flow, midstream) = self.flows[&flow];
        self.steps.push((flow, midstream, direction, Vec::new(), missing));
    }

    fn skipped(&mut self, _: FlowId, _: Direction, _: u64, _: Mark) {}

    fn end(&mut self, _: FlowId, _: EndReason, _: Mark) {}
}
