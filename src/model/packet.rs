//! What a source hands to the decoder, and how evidence points back at it.

use super::time::Timestamp;

/// Which packet of which file: what an analyst types into Wireshark's "Go to packet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameNo {
    /// Index into the list of inputs, in the order they are read.
    pub file: u32,
    /// 1-based number of the packet inside its file.
    pub number: u64,
}

/// When and where a piece of evidence was seen. Ordered by time: two taps write two files at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// When its packet was captured.
    pub at: Timestamp,
    /// The packet that carries it.
    pub frame: FrameNo,
}

/// The first and the last packet that carry a piece of evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First packet.
    pub first: Mark,
    /// Last packet; equal to `first` for evidence inside one packet.
    pub last: Mark,
}

impl Span {
    /// Evidence inside one packet.
    pub const fn at(mark: Mark) -> Self {
        Self { first: mark, last: mark }
    }

    /// The smallest span that holds both.
    pub fn join(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// A `LINKTYPE_` value as registered at <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

/// One captured packet, borrowed from its source's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When and where it was captured.
    pub mark: Mark,
    /// The interface, or the file written at the same time as others, that saw it: two taps may have seen
    /// the same packet. The numbers mean nothing else.
    pub tap: u32,
    /// What the bytes start with.
    pub link: LinkType,
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// The packet's length on the wire, in bytes; larger than `bytes` when a snap length cut it.
    pub wire_len: u32,
}
