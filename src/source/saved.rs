//! A capture in a file or on standard input.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::buffer::Buffer;
use super::error::{SourceError, Why, describe};
use super::packed::{self, Packing};
use super::resync::{self, Looks};
use super::step::{Record, Step};
use super::{Dropped, Input, Note, Position, Secrets, Source, pcap, pcapng, snoop};
use crate::model::packet::{FrameNo, Mark, Packet};

enum Format {
    Pcap(pcap::Reader),
    Pcapng(pcapng::Reader),
    Snoop(snoop::Reader),
}

/// A saved capture of any supported format.
pub(super) struct SavedCapture {
    name: String,
    index: u32,
    buffer: Buffer,
    format: Format,
    /// The packet that was read last.
    packet: Option<(Mark, Record)>,
    /// Number of the last packet.
    number: u64,
    packets: u64,
    done: bool,
    read: Arc<AtomicU64>,
    total: Option<u64>,
    /// What was passed over to get on; the first note tells it.
    damage: Option<Damage>,
    notes: Vec<Note>,
    secrets: Vec<Secrets>,
}

struct Damage {
    /// Where it begins, and why.
    first: (u64, &'static str),
    /// All bytes of all places.
    bytes: u64,
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
        let packing = Packing::of(&start);
        input = Box::new(io::Cursor::new(start).chain(input));
        if let Some(packing) = packing {
            input = Box::new(packing.unpack(input)?);
        }
        let mut buffer = Buffer::new(input);
        if !buffer.need(1)? {
            return Err(Why::Empty);
        }
        let format = if let Some(reader) = pcap::Reader::open(&mut buffer)? {
            Format::Pcap(reader)
        } else if pcapng::recognises(&mut buffer)? {
            Format::Pcapng(pcapng::Reader::default())
        } else if let Some(reader) = snoop::Reader::open(&mut buffer)? {
            Format::Snoop(reader)
        } else {
            return Err(Why::NotACapture(describe(buffer.window())));
        };
        Ok(Self {
            name,
            index,
            buffer,
            format,
            packet: None,
            number: 0,
            packets: 0,
            done: false,
            read,
            total,
            damage: None,
            notes: Vec::new(),
            secrets: Vec::new(),
        })
    }

    /// Goes on to the next packet, and says when it was captured. `None`: there is no more.
    pub(super) fn advance(&mut self) -> Result<Option<Mark>, SourceError> {
        let record = loop {
            if self.done {
                self.packet = None;
                return Ok(None);
            }
            let at = self.buffer.consumed();
            let step = match &mut self.format {
                Format::Pcap(reader) => reader.step(&mut self.buffer),
                Format::Pcapng(reader) => reader.step(&mut self.buffer),
                Format::Snoop(reader) => reader.step(&mut self.buffer),
            };
            match step {
                Ok(Step::Packet(record)) => break record,
                Ok(Step::Unusable(why)) => {
                    self.number += 1;
                    self.note(why.to_owned());
                }
                Ok(Step::Secrets(kind, count)) => self.secret(kind, count),
                Ok(Step::End) => self.done = true,
                Ok(Step::Cut) if !self.is_truncated() && self.resume(at, "a length makes no sense") => {}
                Ok(Step::Cut) => self.broken("cut short in the middle of a packet".to_owned())?,
                Ok(Step::Damaged(why)) if self.resume(at, why) => {}
                Ok(Step::Damaged(why)) => self.broken(format!("damaged at byte {at}: {why}"))?,
                Err(error) => self.broken(format!("unreadable after byte {at}: {error}"))?,
            }
        };
        self.packets += 1;
        self.number += 1;
        let mark = Mark { frame: FrameNo { file: self.index, number: self.number }, at: record.at };
        self.packet = Some((mark, record));
        Ok(Some(mark))
    }

    /// Gives the file another place in the list of inputs.
    pub(super) fn becomes(&mut self, index: u32) {
        self.index = index;
        let frames = self.packet.iter_mut().map(|(mark, _)| &mut mark.frame);
        frames.chain(self.secrets.iter_mut().map(|secrets| &mut secrets.frame)).for_each(|frame| frame.file = index);
    }

    /// The packet that [`Self::advance`] went to.
    pub(super) fn packet(&self) -> Option<Packet<'_>> {
        let (mark, Record { link, tap, start, length, wire_len, .. }) = self.packet.as_ref()?;
        let bytes = self.buffer.passed(*start, *length);
        Some(Packet { mark: *mark, tap: *tap, link: *link, bytes, wire_len: *wire_len })
    }

    fn note(&mut self, message: String) {
        match self.notes.iter_mut().find(|note| note.message == message) {
            Some(note) => note.count += 1,
            None => self.notes.push(Note { message, count: 1 }),
        }
    }

    fn secret(&mut self, kind: &'static str, count: u64) {
        match self.secrets.iter_mut().find(|secrets| secrets.kind == kind) {
            Some(secrets) => secrets.count += count,
            None => {
                let frame = FrameNo { file: self.index, number: self.number + 1 };
                let at = self.packet.as_ref().map(|(mark, _)| mark.at);
                self.secrets.push(Secrets { kind, count, frame, at });
            }
        }
    }

    /// Whether a record that the input ends inside of is a sound one: what follows its header is its content,
    /// however much it looks like records. A block of pcapng is told from content by its two lengths.
    fn is_truncated(&self) -> bool {
        matches!(&self.format, Format::Pcap(reader) if reader.looks(self.buffer.window()) != Looks::Wrong)
    }

    /// Finds the next sound record after damage at byte `at`. `false`: there is none.
    fn resume(&mut self, at: u64, why: &'static str) -> bool {
        let buffer = &mut self.buffer;
        let found = match &self.format {
            Format::Pcap(reader) => resync::find(buffer, |bytes| reader.looks(bytes)),
            Format::Pcapng(reader) => resync::find(buffer, |bytes| reader.looks(bytes)),
            Format::Snoop(_) => return false,
        };
        if !matches!(found, Ok(true)) {
            return false;
        }
        if self.damage.is_none() {
            self.notes.insert(0, Note { message: String::new(), count: 0 });
        }
        let damage = self.damage.get_or_insert(Damage { first: (at, why), bytes: 0 });
        damage.bytes += self.buffer.consumed() - at;
        if let Some(note) = self.notes.first_mut() {
            let (at, why) = damage.first;
            note.message = format!("damaged at byte {at}: {why}; {} bytes passed over", damage.bytes);
            note.count += 1;
        }
        true
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
        self.advance()?;
        Ok(self.packet())
    }

    fn position(&self) -> Position {
        Position { read: self.read.load(Ordering::Relaxed), total: self.total }
    }

    fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn dropped(&self) -> Dropped {
        match &self.format {
            Format::Pcap(_) => Dropped::default(),
            Format::Pcapng(reader) => reader.dropped(),
            Format::Snoop(reader) => reader.dropped(),
        }
    }

    fn secrets(&self) -> &[Secrets] {
        &self.secrets
    }

    fn taps(&self) -> u32 {
        match &self.format {
            Format::Pcapng(reader) => reader.interfaces(),
            Format::Pcap(_) | Format::Snoop(_) => 1,
        }
    }
}

/// The first bytes, as far as they are needed to tell what is compressed.
fn opening(input: &mut impl Read) -> Result<Vec<u8>, Why> {
    let mut start = Vec::new();
    input.take(packed::MAGIC as u64).read_to_end(&mut start)?;
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
