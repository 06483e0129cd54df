//! A capture in a file or on standard input.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::buffer::Buffer;
use super::error::{SourceError, Why, describe};
use super::{Input, Note, Position, Source, pcap, pcapng};
use crate::model::packet::{FrameNo, LinkType, Mark, Packet};
use crate::model::time::Timestamp;

/// What a format's reader found next.
pub(super) enum Step {
    /// A packet.
    Packet(Record),
    /// Something that is numbered as a packet and cannot be analysed, and why.
    Unusable(&'static str),
    /// The end, where it should be.
    End,
    /// The input ends inside a record.
    Cut,
    /// What follows makes no sense.
    Damaged(&'static str),
}

/// A packet inside the buffer.
pub(super) struct Record {
    pub(super) at: Timestamp,
    pub(super) link: LinkType,
    pub(super) start: usize,
    pub(super) length: usize,
    pub(super) wire_len: u32,
}

enum Format {
    Pcap(pcap::Reader),
    Pcapng(pcapng::Reader),
}

/// A saved capture of any supported format.
pub(super) struct SavedCapture {
    name: String,
    index: u32,
    buffer: Buffer,
    format: Format,
    /// Number of the last packet.
    number: u64,
    packets: u64,
    done: bool,
    read: Arc<AtomicU64>,
    total: Option<u64>,
    notes: Vec<Note>,
}

impl SavedCapture {
    /// Opens an input and finds out what it is.
    pub(super) fn open(input: &Input, index: u32) -> Result<Self, Why> {
        let name = super::name(input);
        match input {
            Input::Stdin if io::stdin().is_terminal() => Err(Why::Terminal),
            Input::Stdin => Self::new(name, index, Box::new(io::stdin()), None),
            Input::Path(path) => {
                let file = File::open(path)?;
                let meta = file.metadata()?;
                if meta.is_dir() {
                    return Err(Why::Directory);
                }
                let total = meta.is_file().then_some(meta.len());
                Self::new(name, index, Box::new(file), total)
            }
        }
    }

    fn new(name: String, index: u32, input: Box<dyn Read + Send>, total: Option<u64>) -> Result<Self, Why> {
        let read = Arc::new(AtomicU64::new(0));
        let mut input: Box<dyn Read + Send> = Box::new(Counted { inner: input, read: Arc::clone(&read) });
        let start = opening(&mut input)?;
        let packed = start.starts_with(GZIP);
        input = Box::new(io::Cursor::new(start).chain(input));
        if packed {
            input = Box::new(MultiGzDecoder::new(input));
        }
        let mut buffer = Buffer::new(input);
        if !buffer.need(1)? {
            return Err(Why::Empty);
        }
        let format = match pcap::Reader::open(&mut buffer)? {
            Some(reader) => Format::Pcap(reader),
            None if pcapng::recognises(&mut buffer)? => Format::Pcapng(pcapng::Reader::default()),
            None => return Err(Why::NotACapture(describe(buffer.window()))),
        };
        Ok(Self { name, index, buffer, format, number: 0, packets: 0, done: false, read, total, notes: Vec::new() })
    }

    fn note(&mut self, message: String) {
        match self.notes.iter_mut().find(|note| note.message == message) {
            Some(note) => note.count += 1,
            None => self.notes.push(Note { message, count: 1 }),
        }
    }

    /// The end of what can be read, for a reason. An error when nothing was read before.
    fn broken(&mut self, what: String) -> Result<(), SourceError> {
        self.done = true;
        if self.number == 0 {
            return Err(SourceError { name: self.name.clone(), why: Why::Damaged(what) });
        }
        let plural = if self.packets == 1 { " was" } else { "s were" };
        self.note(format!("{what}; {} packet{plural} read before it", self.packets));
        Ok(())
    }
}

impl Source for SavedCapture {
    fn next(&mut self) -> Result<Option<Packet<'_>>, SourceError> {
        let record = loop {
            if self.done {
                return Ok(None);
            }
            let at = self.buffer.consumed();
            let step = match &mut self.format {
                Format::Pcap(reader) => reader.step(&mut self.buffer),
                Format::Pcapng(reader) => reader.step(&mut self.buffer),
            };
            match step {
                Ok(Step::Packet(record)) => break record,
                Ok(Step::Unusable(why)) => {
                    self.number += 1;
                    self.note(why.to_owned());
                }
                Ok(Step::End) => self.done = true,
                Ok(Step::Cut) => self.broken("cut short in the middle of a packet".to_owned())?,
                Ok(Step::Damaged(what)) => self.broken(format!("damaged at byte {at}: {what}"))?,
                Err(error) => self.broken(format!("unreadable after byte {at}: {error}"))?,
            }
        };
        self.packets += 1;
        self.number += 1;
        let mark = Mark { frame: FrameNo { file: self.index, number: self.number }, at: record.at };
        let bytes = self.buffer.passed(record.start, record.length);
        Ok(Some(Packet { mark, link: record.link, bytes, wire_len: record.wire_len }))
    }

    fn position(&self) -> Position {
        Position { read: self.read.load(Ordering::Relaxed), total: self.total }
    }

    fn notes(&self) -> &[Note] {
        &self.notes
    }
}

/// RFC 1952, section 2.3.1.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// The first bytes, as far as they are needed to tell what is compressed.
fn opening(input: &mut impl Read) -> Result<Vec<u8>, Why> {
    let mut start = Vec::new();
    input.take(GZIP.len() as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Counts what passes, so that progress can be shown in bytes of the file even if it is compressed.
struct Counted {
    inner: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
