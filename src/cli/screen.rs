//! Standard output for the commands that show something.

use std::io::{self, Write};

use anstream::AutoStream;
use serde::Serialize;

use crate::report::escape::JsonFormatter;
use crate::report::layout::{Text, screen_width, wrap};

/// Standard output with a known width. Colours are left out where they are not wanted.
pub(super) struct Screen {
    out: AutoStream<io::Stdout>,
    width: usize,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { out: anstream::stdout(), width: screen_width() }
    }

    /// Columns.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Writes one line.
    pub(super) fn line(&mut self, text: &Text) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Writes lines.
    pub(super) fn lines(&mut self, lines: impl IntoIterator<Item = Text>) -> io::Result<()> {
        lines.into_iter().try_for_each(|line| self.line(&line))
    }

    /// Writes a value as one line of JSON.
    pub(super) fn json(&mut self, line: &impl Serialize) -> io::Result<()> {
        line.serialize(&mut serde_json::Serializer::with_formatter(&mut self.out, JsonFormatter))?;
        writeln!(self.out)
    }

    /// Writes words, wrapped behind `indent` blanks.
    pub(super) fn paragraph(&mut self, words: &str, indent: usize) -> io::Result<()> {
        // Long lines are hard to read, however wide the screen.
        let width = self.width.min(100);
        self.lines(wrap([Text::plain(words)], 1, indent, width))
    }
}
