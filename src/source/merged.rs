//! Several files are one capture: packets of all of them, in the order of time.
//!
//! Files that follow each other are read one after the other, whatever they are called. Files that
//! were written at the same time are merged. A file is opened when its time comes (the next one a little before), so
//! that any number of files can be given.

use std::cmp::Ordering;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};

use super::saved::SavedCapture;
use super::{Dropped, Input, Note, Secrets, Source, SourceError};
use crate::model::packet::Packet;
use crate::model::time::Timestamp;

/// Files beside each other have different taps, and so have the interfaces of each: a tap's number is that
/// of its interface, in the lower half, and of what its file is beside of.
const INTERFACE_BITS: u32 = 16;

/// Gives the packets of all inputs in the order of time.
///
/// The time of a file is that of its packets as they come: one that goes back is given at once. With one
/// input, or with inputs that follow each other, this is the order in which they were written.
pub struct Merged {
    inputs: Vec<Input>,
    /// Not begun, in the order of their first packets.
    waiting: VecDeque<Waiting>,
    open: BinaryHeap<Head>,
    /// The packet on top was given.
    given: bool,
    /// Which numbers of taps are in use.
    lanes: Vec<bool>,
    ended: Vec<Ended>,
    failed: Vec<SourceError>,
}

/// What an input was, besides its packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Its place in [`Merged::inputs`].
    pub index: usize,
    /// What was wrong with it.
    pub notes: Vec<Note>,
    /// What its statistics say was dropped.
    pub dropped: Dropped,
    /// Keys it holds.
    pub secrets: Vec<Secrets>,
    /// Bytes that were read of it.
    pub read: u64,
}

struct Waiting {
    index: u32,
    input: Input,
    /// When its first packet was captured; `None` when it has none, or cannot be read.
    start: Option<Timestamp>,
    /// What cannot be opened twice, and what is opened before its time.
    source: Option<Box<SavedCapture>>,
}

/// An open file and its next packet.
struct Head {
    at: Timestamp,
    index: u32,
    lane: usize,
    source: Box<SavedCapture>,
}

impl Merged {
    /// Finds out when each input begins. Pipes are opened for that, and their first packets waited for.
    pub fn new(inputs: &[Input]) -> Self {
        let alone = inputs.len() == 1;
        let mut begun: Vec<_> = inputs.iter().map(|input| (input, begin(input, alone))).collect();
        begun.sort_by_key(|(_, begun)| begun.as_ref().ok().and_then(|(start, _)| *start));
        let mut merged = Self {
            inputs: begun.iter().map(|(input, _)| (*input).clone()).collect(),
            waiting: VecDeque::new(),
            open: BinaryHeap::new(),
            given: false,
            lanes: Vec::new(),
            ended: Vec::new(),
            failed: Vec::new(),
        };
        for ((input, begun), index) in begun.into_iter().zip(0..) {
            match begun {
                Ok((start, source)) => {
                    merged.waiting.push_back(Waiting { index, input: input.clone(), start, source });
                }
                Err(error) => merged.failed.push(error),
            }
        }
        merged
    }

    /// The inputs in the order of their first packets: that of [`FrameNo::file`](crate::model::packet::FrameNo).
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The next packet of all inputs.
    pub fn packet(&mut self) -> Option<Packet<'_>> {
        if std::mem::take(&mut self.given) {
            self.advance();
        }
        self.begin_due();
        let head = self.open.peek()?;
        self.given = true;
        let packet = head.source.packet()?;
        let tap = (head.lane as u32) << INTERFACE_BITS | (packet.tap & ((1 << INTERFACE_BITS) - 1));
        Some(Packet { tap, ..packet })
    }

    /// Whether the same packet may have been seen by several taps: there are several files, or the first
    /// describes several interfaces before its first packet.
    pub fn has_several_taps(&mut self) -> bool {
        self.begin_due();
        self.inputs.len() > 1 || self.open.iter().any(|head| head.source.taps() > 1)
    }

    /// Bytes read of all inputs, before decompression.
    pub fn read(&self) -> u64 {
        let ended: u64 = self.ended.iter().map(|ended| ended.read).sum();
        ended + self.open.iter().map(|head| head.source.position().read).sum::<u64>()
    }

    /// Ends reading, wherever it has come to: what the inputs were, and those of which nothing could be
    /// read.
    pub fn finish(mut self) -> (Vec<Ended>, Vec<SourceError>) {
        while let Some(head) = self.open.pop() {
            self.end(head.index, &head.source);
        }
        self.ended.sort_by_key(|ended| ended.index);
        (self.ended, self.failed)
    }

    /// Goes on in the file whose packet was given.
    fn advance(&mut self) {
        let Some(mut head) = self.open.peek_mut() else { return };
        match head.source.advance() {
            Ok(Some(mark)) => head.at = mark.at,
            outcome => {
                let head = PeekMut::pop(head);
                self.failed.extend(outcome.err());
                if let Some(taken) = self.lanes.get_mut(head.lane) {
                    *taken = false;
                }
                self.end(head.index, &head.source);
            }
        }
    }

    fn begin_due(&mut self) {
        while self.waiting.front().is_some_and(|next| self.open.peek().is_none_or(|head| next.begins_before(head.at))) {
            self.begin_next();
        }
    }

    /// Opens the file whose time has come, and the one after it ahead of its time.
    fn begin_next(&mut self) {
        let Some(Waiting { index, input, source, .. }) = self.waiting.pop_front() else { return };
        match source.map_or_else(|| open(&input, index), Ok).and_then(|source| first(source, index)) {
            Ok((Some(at), source)) => {
                let lane = self.lanes.iter().position(|taken| !taken).unwrap_or(self.lanes.len());
                match self.lanes.get_mut(lane) {
                    Some(taken) => *taken = true,
                    None => self.lanes.push(true),
                }
                self.open.push(Head { at, index, lane, source });
            }
            Ok((None, source)) => self.end(index, &source),
            Err(error) => self.failed.push(error),
        }
        if let Some(next) = self.waiting.front_mut().filter(|next| next.source.is_none()) {
            next.source = open(&next.input, next.index).ok();
        }
    }

    fn end(&mut self, index: u32, source: &SavedCapture) {
        self.ended.push(Ended {
            index: index as usize,
            notes: source.notes().to_vec(),
            dropped: source.dropped(),
            secrets: source.secrets().to_vec(),
            read: source.position().read,
        });
    }
}

impl Waiting {
    fn begins_before(&self, at: Timestamp) -> bool {
        self.start.is_none_or(|start| start < at)
    }
}

/// When an input begins, and the input where it can be opened but once.
fn begin(input: &Input, alone: bool) -> Result<(Option<Timestamp>, Option<Box<SavedCapture>>), SourceError> {
    if alone {
        return Ok((None, None));
    }
    let is_pipe = match input {
        Input::Path(path) => path.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir()),
        Input::Stdin => true,
    };
    if is_pipe {
        let (start, source) = first(open(input, 0)?, 0)?;
        return Ok((start, Some(source)));
    }
    // What is wrong with a file is told when it is read.
    Ok((open(input, 0).and_then(|source| first(source, 0)).ok().and_then(|(start, _)| start), None))
}

fn open(input: &Input, index: u32) -> Result<Box<SavedCapture>, SourceError> {
    match SavedCapture::open(input, index) {
        Ok(source) => Ok(Box::new(source)),
        Err(why) => Err(SourceError { name: super::name(input), why }),
    }
}

/// Reads the first packet, unless that was done already, and gives the source its place.
fn first(mut source: Box<SavedCapture>, index: u32) -> Result<(Option<Timestamp>, Box<SavedCapture>), SourceError> {
    if source.packet().is_none() {
        source.advance()?;
    }
    source.becomes(index);
    Ok((source.packet().map(|packet| packet.mark.at), source))
}

impl Ord for Head {
    /// The heap gives the greatest: the earliest packet, and of several the one of the earlier file.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.index).cmp(&(self.at, self.index))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}
