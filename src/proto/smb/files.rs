//! The files of a connection: which are open, and what is read from them and written to them, in the order
//! of their bytes, whatever the order it travels in.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;

use crate::content::document::Place;
use crate::content::file::File;
use crate::model::event::{Event, EventSink, Outcome, Skip};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::{Gathered, Stretch};

/// Offset of what is written to the end of a file.
const END: u64 = u64::MAX;

/// Stretches of a file that are known to have been read. Of more, some are read again.
const STRETCHES: usize = 64;

/// The files of one connection.
#[derive(Default)]
pub(super) struct Files {
    open: BTreeMap<Handle, Open>,
    /// By the server's number.
    ids: BTreeMap<u128, Handle>,
    last: u64,
    clock: u64,
    /// Bytes held of all of them.
    held: usize,
}

/// What a file is called here: the server's number is not known before it has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Handle(u64);

#[derive(Default)]
struct Open {
    id: Option<u128>,
    name: String,
    /// It is no file but a way to a service.
    pipe: bool,
    /// When it was used last.
    used: u64,
    contents: [Option<Box<Content>>; 2],
}

/// What is read from a file, or written to it.
#[derive(Default)]
struct Content {
    file: File,
    /// Offset of the next byte of `file`.
    next: u64,
    /// What came before that which stands in front of it, by its offset.
    ahead: BTreeMap<u64, Gathered>,
    ahead_bytes: usize,
    /// What has come.
    seen: Vec<Range<u64>>,
}

impl Files {
    /// A client asks for a file.
    pub(super) fn ask(&mut self, name: String, pipe: bool, out: &mut dyn EventSink) -> Handle {
        if self.open.len() >= limits::OPEN_FILES
            && let Some((oldest, _)) = self.open.iter().min_by_key(|(_, open)| open.used)
        {
            self.close(*oldest, out);
        }
        self.last += 1;
        self.clock += 1;
        let handle = Handle(self.last);
        self.open.insert(handle, Open { name, pipe, used: self.clock, ..Open::default() });
        handle
    }

    /// The server has opened it.
    pub(super) fn opened(&mut self, handle: Handle, id: u128, out: &mut dyn EventSink) {
        let Some(open) = self.open.get_mut(&handle) else { return };
        open.id = Some(id);
        if let Some(before) = self.ids.insert(id, handle).filter(|before| *before != handle) {
            self.close(before, out);
            self.ids.insert(id, handle);
        }
    }

    /// The file of this number; one without a name, if it was opened unseen.
    pub(super) fn with_id(&mut self, id: u128, out: &mut dyn EventSink) -> Handle {
        if let Some(handle) = self.ids.get(&id) {
            return *handle;
        }
        let handle = self.ask(String::new(), false, out);
        self.opened(handle, id, out);
        handle
    }

    /// Whether what stands at this offset need not come here, if it is counted by [`Files::pass`].
    pub(super) fn unwanted(&self, handle: Handle, direction: Direction, offset: u64) -> bool {
        let Some(open) = self.open.get(&handle) else { return true };
        let content = open.contents.get(direction.index()).and_then(Option::as_deref);
        open.pipe || content.is_some_and(|content| content.file.is_unwanted() && offset == content.next)
    }

    /// Counts bytes that nobody wants.
    pub(super) fn pass(&mut self, handle: Handle, direction: Direction, bytes: u64, out: &mut dyn EventSink) {
        let content =
            self.open.get_mut(&handle).and_then(|open| open.contents.get_mut(direction.index())?.as_deref_mut());
        match content {
            Some(content) => {
                content.note(content.next..content.next.saturating_add(bytes));
                content.next = content.next.saturating_add(bytes);
                content.file.pass(bytes, out);
            }
            None => out.event(Event::Skipped { reason: Skip::UnknownProtocol, bytes }),
        }
    }

    /// Bytes of a file. Gives their offset.
    pub(super) fn content(
        &mut self,
        handle: Handle,
        direction: Direction,
        offset: u64,
        data: Stretch<'_>,
        range: Range<usize>,
        out: &mut dyn EventSink,
    ) -> u64 {
        let Some(open) = self.open.get_mut(&handle) else { return offset };
        self.clock += 1;
        open.used = self.clock;
        let Some(content) = open.contents.get_mut(direction.index()) else { return offset };
        let content = content.get_or_insert_default();
        let offset = if offset == END { content.next } else { offset };
        let at = place(&open.name, direction);
        let before = content.cost();
        content.take(offset, data, range, &at, out);
        self.held = self.held - before + content.cost();
        if self.held > limits::FILES_BYTES {
            let before = content.cost();
            content.settle(&at, out);
            self.held = self.held - before + content.cost();
        }
        while self.held > limits::FILES_BYTES {
            let holding = self.open.iter().filter(|(_, open)| open.contents.iter().flatten().any(|c| c.cost() > 0));
            let Some((oldest, _)) = holding.min_by_key(|(_, open)| open.used) else { break };
            let oldest = *oldest;
            Direction::BOTH.iter().for_each(|direction| self.finish(oldest, *direction, out));
        }
        offset
    }

    /// Nothing more is read from a file, or written to it.
    pub(super) fn finish(&mut self, handle: Handle, direction: Direction, out: &mut dyn EventSink) {
        let Some(open) = self.open.get_mut(&handle) else { return };
        let content = open.contents.get_mut(direction.index()).and_then(Option::take);
        if let Some(mut content) = content {
            self.held -= content.cost();
            let at = place(&open.name, direction);
            content.settle(&at, out);
            content.file.finish(&at, out);
        }
    }

    /// A file is closed, or was never opened.
    pub(super) fn close(&mut self, handle: Handle, out: &mut dyn EventSink) {
        Direction::BOTH.iter().for_each(|direction| self.finish(handle, *direction, out));
        if let Some(id) = self.open.remove(&handle).and_then(|open| open.id) {
            self.ids.remove(&id);
        }
    }

    /// The connection is over.
    pub(super) fn end(&mut self, out: &mut dyn EventSink) {
        while let Some((handle, _)) = self.open.first_key_value() {
            self.close(*handle, out);
        }
    }
}

impl Content {
    fn take(
        &mut self,
        mut offset: u64,
        data: Stretch<'_>,
        mut range: Range<usize>,
        at: &Place<'_>,
        out: &mut dyn EventSink,
    ) {
        // Programs read the start of a file again and again.
        while let Some(seen) = self.seen.iter().find(|seen| seen.contains(&offset)) {
            let again = (seen.end - offset).min(range.len() as u64);
            offset += again;
            range.start += again as usize;
            if range.is_empty() {
                return;
            }
        }
        if range.is_empty() {
            return;
        }
        let length = range.len();
        self.note(offset..offset.saturating_add(length as u64));
        if offset != self.next {
            self.hold(offset, data, range);
            return;
        }
        self.file.push(data, range, at, out);
        self.next = offset.saturating_add(length as u64);
        while let Some(entry) = self.ahead.first_entry().filter(|entry| *entry.key() <= self.next) {
            let (start, held) = entry.remove_entry();
            self.release(start, &held, at, out);
        }
    }

    fn hold(&mut self, offset: u64, data: Stretch<'_>, range: Range<usize>) {
        self.ahead_bytes += range.len();
        match self.ahead.range_mut(..=offset).next_back() {
            Some((start, held)) if start.saturating_add(held.len() as u64) == offset => held.push_part(data, range),
            _ => self.ahead.entry(offset).or_default().push_part(data, range),
        }
    }

    fn release(&mut self, start: u64, held: &Gathered, at: &Place<'_>, out: &mut dyn EventSink) {
        self.ahead_bytes -= held.len();
        let from = usize::try_from(self.next.saturating_sub(start)).unwrap_or(usize::MAX).min(held.len());
        self.file.push(held.stretch(), from..held.len(), at, out);
        self.next = self.next.max(start.saturating_add(held.len() as u64));
    }

    /// What came too early is waited for no longer.
    fn settle(&mut self, at: &Place<'_>, out: &mut dyn EventSink) {
        for (start, held) in mem::take(&mut self.ahead) {
            if start > self.next || start.saturating_add(held.len() as u64) < self.next {
                mem::take(&mut self.file).finish(at, out);
                self.next = start;
            }
            self.release(start, &held, at, out);
        }
    }

    fn note(&mut self, range: Range<u64>) {
        match self.seen.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => {
                if self.seen.len() >= STRETCHES {
                    self.seen.remove(0);
                }
                self.seen.push(range);
            }
        }
    }

    fn cost(&self) -> usize {
        self.file.held() + self.ahead_bytes
    }
}

const fn place(name: &str, direction: Direction) -> Place<'_> {
    Place { place: "smb.file", resource: name, direction, outcome: Outcome::Unknown }
}
