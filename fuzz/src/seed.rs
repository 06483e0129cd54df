//! Makes the starting corpora of the fuzz targets out of captures and rules:
//! `cargo run --release --example seed -- CORPUS FOLDER...`

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plainsight::decode::Decoder;
use plainsight::flow::{EndReason, FlowSink, Interest, Limits, Table};
use plainsight::model::event::Event;
use plainsight::model::flow::{Direction, Flow, FlowId};
use plainsight::model::packet::{LinkType, Mark};
use plainsight::model::stream::{Origin, Stretch};
use plainsight::proto::session::{Session, SessionSink};
use plainsight::proto::{PROTOCOLS, Protocol};
use plainsight::source::{self, Input};
use plainsight_fuzz::LINK_TYPES;
use plainsight_fuzz::records::write;

/// Longer inputs slow fuzzing down and show little more.
const LONGEST: usize = 16 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let corpus = Corpus(arguments.next().ok_or("where to?")?);
    for folder in arguments {
        for path in files(&folder) {
            match path.extension().and_then(|e| e.to_str()) {
                Some("pcap" | "pcapng" | "cap") => corpus.capture(&path)?,
                Some("toml") if folder.ends_with("rules") => corpus.rules(&path)?,
                _ => {}
            }
        }
    }
    Ok(())
}

struct Corpus(PathBuf);

impl Corpus {
    fn add(&self, target: &str, seed: &[u8]) -> std::io::Result<()> {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        let folder = self.0.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{:016x}", hasher.finish())), &seed[..seed.len().min(LONGEST)])
    }

    fn rules(&self, path: &Path) -> std::io::Result<()> {
        let text = fs::read_to_string(path)?;
        for rule in text.split("[[rule]]").skip(1) {
            self.add("rules", format!("[[rule]]{rule}").as_bytes())?;
        }
        Ok(())
    }

    fn capture(&self, path: &Path) -> std::io::Result<()> {
        self.add("capture", &fs::read(path)?)?;
        let Ok(mut source) = source::open(&Input::Path(path.to_owned()), 0) else { return Ok(()) };
        let (mut decoder, mut table, mut flows) = (Decoder::default(), Table::new(Limits::default()), Flows::default());
        let mut frames: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
        while let Ok(Some(packet)) = source.next() {
            let LinkType(link) = packet.link;
            if let Some(index) = LINK_TYPES.iter().position(|known| *known == link) {
                let seed = frames.entry(link).or_insert_with(|| vec![index as u8]);
                if seed.len() + packet.bytes.len() < LONGEST / 2 {
                    write(0x40, packet.bytes, seed);
                }
            }
            if let Ok(Some(segment)) = decoder.decode(&packet) {
                table.packet(&segment, packet.mark, &mut flows);
            }
        }
        table.finish(&mut flows);
        for seed in frames.values() {
            self.add("frames", seed)?;
        }
        for talk in flows.0.values() {
            self.talk(talk)?;
        }
        Ok(())
    }

    fn talk(&self, talk: &Talk) -> std::io::Result<()> {
        let mut records = Vec::new();
        for (direction, bytes) in talk.said.iter().filter(|(_, bytes)| !bytes.is_empty()) {
            write(direction.index() as u8, bytes, &mut records);
        }
        let udp = u8::from(talk.flow.transport.is_datagram());
        self.add("conversation", &[&[udp | u8::from(talk.midstream) << 1], &records[..]].concat())?;
        if let Some(index) = talk.protocol() {
            self.add("analyzers", &[&[index as u8, 0], &records[..]].concat())?;
        }
        for direction in Direction::BOTH {
            let bytes: Vec<u8> =
                talk.said.iter().filter(|(d, _)| *d == direction).flat_map(|(_, b)| b.clone()).collect();
            if bytes.is_empty() {
                continue;
            }
            let body = bytes.windows(4).position(|w| w == b"\r\n\r\n").map_or(&[][..], |at| &bytes[at + 4..]);
            for choice in 0..6 {
                self.add("content", &[&[choice, 200], &bytes[..]].concat())?;
            }
            for choice in 1..16 {
                if !body.is_empty() {
                    self.add("content", &[&[choice, 200], body].concat())?;
                }
            }
            let content = if body.is_empty() { &bytes } else { body };
            for choice in [0, 4, 6, 32] {
                self.add("engine", &[&[choice, 8], content].concat())?;
            }
        }
        Ok(())
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

struct Talk {
    flow: Flow,
    midstream: bool,
    said: Vec<(Direction, Vec<u8>)>,
}

impl Talk {
    /// The index of the protocol it is recognised as first.
    fn protocol(&self) -> Option<usize> {
        let mut session = Session::new(self.flow, self.midstream);
        let mut first = First::default();
        let origins = [Origin { start: 0, mark: Mark::default() }];
        for (direction, bytes) in &self.said {
            session.data(*direction, Stretch { bytes, origins: &origins }, &mut first);
        }
        session.end(&mut first);
        PROTOCOLS.iter().position(|p| Some(p.name) == first.0)
    }
}

#[derive(Default)]
struct First(Option<&'static str>);

impl SessionSink for First {
    fn event(&mut self, _: &Flow, _: &'static Protocol, _: Event<'_>) {}

    fn recognised(&mut self, _: &Flow, protocol: &'static Protocol) {
        self.0.get_or_insert(protocol.name);
    }
}

#[derive(Default)]
struct Flows(BTreeMap<FlowId, Talk>);

impl FlowSink for Flows {
    fn open(&mut self, flow: &Flow, midstream: bool, _: Mark) -> Arc<Interest> {
        self.0.insert(flow.id, Talk { flow: *flow, midstream, said: Vec::new() });
        Arc::default()
    }

    fn data(&mut self, flow: FlowId, direction: Direction, bytes: &[u8], _: Mark) {
        if let Some(talk) = self.0.get_mut(&flow) {
            talk.said.push((direction, bytes.to_vec()));
        }
    }

    fn gap(&mut self, _: FlowId, _: Direction, _: u64, _: Mark) {}

    fn skipped(&mut self, _: FlowId, _: Direction, _: u64, _: Mark) {}

    fn end(&mut self, _: FlowId, _: EndReason, _: Mark) {}
}
