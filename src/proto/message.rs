//! One whole message inside the bytes of a direction.

use super::cursor::Cursor;
use crate::model::packet::Span;
use crate::model::stream::Input;

/// The bytes of `input` from `at` to `end`: a body or payload without its header.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// What it is part of.
    pub input: Input<'a>,
    /// Where it begins.
    pub at: usize,
    /// Where it ends.
    pub end: usize,
}

impl<'a> Message<'a> {
    /// Its bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.input.bytes().get(self.at..self.end).unwrap_or_default()
    }

    /// A reader of its bytes.
    pub fn cursor(&self) -> Cursor<'a> {
        Cursor::new(self.bytes())
    }

    /// The packets that carry it.
    pub fn span(&self) -> Span {
        self.input.span(self.at..self.end)
    }
}
