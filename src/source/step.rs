//! What the readers of all formats say.

use super::Dropped;
use crate::model::packet::LinkType;
use crate::model::time::Timestamp;

/// What a format's reader found next.
pub(super) enum Step {
    /// A packet.
    Packet(Record),
    /// Something that is numbered as a packet and cannot be analysed, and why.
    Unusable(&'static str),
    /// Keys that open what the capture holds: their kind, and how many.
    Secrets(&'static str, u64),
    /// The end, where it should be.
    End,
    /// The input ends inside a record. It was not passed over.
    Cut,
    /// What follows makes no sense. It was not passed over.
    Damaged(&'static str),
}

/// A packet inside the buffer.
pub(super) struct Record {
    pub(super) at: Timestamp,
    pub(super) link: LinkType,
    /// Number of its interface inside the file.
    pub(super) tap: u32,
    pub(super) start: usize,
    pub(super) length: usize,
    pub(super) wire_len: u32,
}

impl Dropped {
    /// Replaces what a source had said before by what it says now: such counts go on from the beginning.
    pub(super) const fn update(&mut self, before: Self, now: Self) {
        self.by_kernel = self.by_kernel.saturating_sub(before.by_kernel).saturating_add(now.by_kernel);
        self.by_interface = self.by_interface.saturating_sub(before.by_interface).saturating_add(now.by_interface);
    }
}
