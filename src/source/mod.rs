//! Where packets come from: saved captures and standard input.
//!
//! A [`Source`] hands out one [`Packet`] at a time, borrowed from its own buffer. What is wrong with a
//! file is told in two ways: a file of which nothing can be read is a [`SourceError`]; a file that is
//! damaged further on gives everything before the damage, and then a [`Note`].
//!
//! The file's kind follows from its first bytes, never from its name.

mod buffer;
mod error;
pub mod filter;
#[cfg(all(feature = "live", unix))]
pub mod live;
mod merged;
mod packed;
mod pcap;
mod pcapng;
mod resync;
mod saved;
mod snoop;
mod step;

use std::path::PathBuf;

pub use error::{SourceError, Why};
pub use merged::{Ended, Merged};

use crate::model::packet::{FrameNo, Packet};
use crate::model::time::Timestamp;

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A saved capture: pcap, pcapng or snoop, plain or compressed. A file or a FIFO.
    Path(PathBuf),
    /// The same on standard input.
    Stdin,
}

/// Gives packets, one after the other.
pub trait Source: Send {
    /// The next packet; `None` at the end.
    fn next(&mut self) -> Result<Option<Packet<'_>>, SourceError>;

    /// How far reading has got.
    fn position(&self) -> Position;

    /// What was wrong with the source and did not stop it from being read up to there.
    fn notes(&self) -> &[Note];

    /// What its statistics say was dropped, up to there.
    fn dropped(&self) -> Dropped {
        Dropped::default()
    }

    /// Keys it holds that open what was encrypted, up to there.
    fn secrets(&self) -> &[Secrets] {
        &[]
    }

    /// How many interfaces it describes, up to there.
    fn taps(&self) -> u32 {
        1
    }
}

/// Packets that were not captured, as a source itself says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// For want of buffer in the operating system.
    pub by_kernel: u64,
    /// By the network interface.
    pub by_interface: u64,
}

/// Keys that stand in a capture beside the packets they decrypt. The keys themselves are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// What they are: `TLS key log`.
    pub kind: &'static str,
    /// How many.
    pub count: u64,
    /// The packet that follows them.
    pub frame: FrameNo,
    /// When the packet before them was captured, if there is one.
    pub at: Option<Timestamp>,
}

/// How far reading has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Bytes read from the file, before decompression.
    pub read: u64,
    /// Size of the file in bytes, when it is known (not for pipes).
    pub total: Option<u64>,
}

/// Something wrong with a source that the operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What, in words that follow the source's name.
    pub message: String,
    /// How many times.
    pub count: u64,
}

/// Opens an input. `index` is its place in the list of inputs: it becomes part of every frame number.
pub fn open(input: &Input, index: u32) -> Result<Box<dyn Source>, SourceError> {
    match saved::SavedCapture::open(input, index) {
        Ok(source) => Ok(Box::new(source)),
        Err(why) => Err(SourceError { name: name(input), why }),
    }
}

/// How messages call an input.
fn name(input: &Input) -> String {
    match input {
        Input::Path(path) => path.display().to_string(),
        Input::Stdin => "standard input".to_owned(),
    }
}

#[cfg(test)]
mod tests;
