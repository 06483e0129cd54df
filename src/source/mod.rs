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
mod pcap;
mod pcapng;
mod saved;

use std::path::PathBuf;

pub use error::{SourceError, Why};

use crate::model::packet::Packet;

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A saved capture: pcap or pcapng, plain or gzip-compressed.
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
