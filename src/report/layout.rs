//! Lines for a terminal: styled text with a known width, wrapping, tables. Whatever becomes a [`Text`]
//! has gone through [`escape::terminal`], so nothing here can be talked into obeying the wire.

use std::fmt;
use std::io;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escape;
use crate::ledger::Verdict;
use crate::model::finding::Severity;

/// Columns of what is not a terminal.
const PIPED_WIDTH: usize = 100;

/// Fewer columns than this nobody can read a report in.
const LEAST_WIDTH: usize = 40;

/// Plain.
pub const PLAIN: Style = Style::new();
/// What the eye should find.
pub const BOLD: Style = Style::new().bold();
/// What it may pass over.
pub const DIM: Style = Style::new().dimmed();
/// A name that can be typed somewhere.
pub const NAME: Style = AnsiColor::Cyan.on_default();
/// What is as it should be.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What is not.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What should be better.
pub const POOR: Style = AnsiColor::Yellow.on_default();

/// The style of a severity.
pub fn severity(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::BrightWhite.on(AnsiColor::Red).bold(),
        Severity::High => BAD,
        Severity::Info => DIM,
        Severity::Low => NAME,
        Severity::Medium => POOR,
    }
}

/// The style of a verdict.
pub const fn verdict(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Cleartext | Verdict::Weak => POOR,
        Verdict::Exposed => BAD,
        Verdict::Secure => GOOD,
        Verdict::Unknown => DIM,
    }
}

/// Columns of standard output.
pub fn screen_width() -> usize {
    let columns = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    columns.unwrap_or(PIPED_WIDTH).max(LEAST_WIDTH)
}

/// A piece of a line, with styles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pieces: Vec<(Style, String)>,
}

impl Text {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { pieces: Vec::new() }
    }

    /// Text without a style.
    pub fn plain(text: &str) -> Self {
        Self::styled(PLAIN, text)
    }

    /// Text in one style.
    pub fn styled(style: Style, text: &str) -> Self {
        Self::new().with(style, text)
    }

    /// So many blanks.
    pub fn blank(width: usize) -> Self {
        Self::plain(&" ".repeat(width))
    }

    /// With more at its end.
    #[must_use]
    pub fn with(mut self, style: Style, text: &str) -> Self {
        if !text.is_empty() {
            self.pieces.push((style, escape::terminal(text).into_owned()));
        }
        self
    }

    /// With another text at its end.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Columns it takes.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text.width()).sum()
    }

    /// In at most so many columns; what is left out is marked with an ellipsis.
    #[must_use]
    pub fn cut(self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let (head, _) = self.split(width.saturating_sub(1));
        head.with(PLAIN, "…")
    }

    /// In at least so many columns.
    #[must_use]
    pub fn padded(self, width: usize) -> Self {
        let missing = width.saturating_sub(self.width());
        if missing == 0 { self } else { self.join(Self::blank(missing)) }
    }

    /// Without its first `width` columns.
    #[must_use]
    pub fn skip(self, width: usize) -> Self {
        self.split(width).1
    }

    /// The longest beginning that fits into so many columns and ends before a blank, and the rest
    /// after it. Where there is no blank, the text is broken anywhere.
    fn broken(self, width: usize) -> (Self, Self) {
        let mut column = 0;
        let mut blank = None;
        for c in self.pieces.iter().flat_map(|(_, text)| text.chars()) {
            if column > width {
                break;
            }
            if c == ' ' && column > 0 {
                blank = Some(column);
            }
            column += c.width().unwrap_or(0);
        }
        match blank {
            Some(at) => {
                let (head, tail) = self.split(at);
                (head, tail.skip(1))
            }
            None => self.split(width),
        }
    }

    /// What fits into so many columns, and the rest.
    fn split(self, width: usize) -> (Self, Self) {
        let (mut head, mut tail, mut room) = (Self::new(), Self::new(), width);
        for (style, text) in self.pieces {
            let mut end = 0;
            for (at, c) in text.char_indices() {
                let columns = c.width().unwrap_or(0);
                if !tail.is_empty() || columns > room {
                    room = 0;
                    break;
                }
                room -= columns;
                end = at + c.len_utf8();
            }
            let (fits, rest) = text.split_at(end);
            head = head.with(style, fits);
            tail = tail.with(style, rest);
        }
        (head, tail)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (style, text) in &self.pieces {
            write!(f, "{style}{text}{style:#}")?;
        }
        Ok(())
    }
}

/// Puts items behind each other, `gap` columns apart, on as many lines of at most `width` columns as
/// it takes, each behind `indent` blanks. An item longer than a line is broken, between words if it can be.
pub fn wrap(items: impl IntoIterator<Item = Text>, gap: usize, indent: usize, width: usize) -> Vec<Text> {
    let room = width.saturating_sub(indent).max(1);
    let (mut lines, mut line) = (Vec::new(), Text::new());
    for item in items {
        if line.is_empty() {
            line = item;
        } else if line.width() + gap + item.width() <= room {
            line = line.join(Text::blank(gap)).join(item);
        } else {
            lines.push(std::mem::replace(&mut line, item));
        }
        while line.width() > room {
            let (head, tail) = line.broken(room);
            lines.push(head);
            line = tail;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines.into_iter().map(|line| Text::blank(indent).join(line)).collect()
}

/// Aligns rows of cells in columns two blanks apart, behind `indent` blanks, in at most `width`
/// columns. Where that is too narrow, the columns of `elastic` (by number) give way, the first of them first.
pub fn table(rows: Vec<Vec<Text>>, indent: usize, width: usize, elastic: &[usize]) -> Vec<Text> {
    /// No column that gives way becomes narrower than this.
    const LEAST: usize = 10;
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths: Vec<usize> =
        (0..count).map(|n| rows.iter().filter_map(|row| row.get(n)).map(Text::width).max().unwrap_or(0)).collect();
    let gaps = widths.iter().filter(|width| **width > 0).count().saturating_sub(1) * 2;
    let mut excess = (widths.iter().sum::<usize>() + gaps + indent).saturating_sub(width);
    for column in elastic {
        if let Some(width) = widths.get_mut(*column) {
            let given = excess.min(width.saturating_sub(LEAST));
            *width -= given;
            excess -= given;
        }
    }
    let line = |row: Vec<Text>| {
        let last = row.iter().rposition(|cell| !cell.is_empty()).unwrap_or(0);
        let cells = row.into_iter().zip(&widths).enumerate().filter(|(n, (_, width))| **width > 0 && *n <= last);
        cells.fold(Text::blank(indent), |line, (n, (cell, width))| {
            let cell = cell.cut(*width);
            let line = if line.width() > indent { line.join(Text::blank(2)) } else { line };
            line.join(if n == last { cell } else { cell.padded(*width) })
        })
    };
    rows.into_iter().map(|row| line(row).cut(width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: &[Text]) -> Vec<String> {
        lines.iter().map(|line| anstream::adapter::strip_str(&line.to_string()).to_string()).collect()
    }

    #[test]
    fn words_are_wrapped_and_what_is_too_long_is_broken() {
        let text = Text::styled(DIM, "one two ").with(BOLD, "three abcdefghijklm");
        let lines = shown(&wrap([text], 1, 2, 10));
        assert_eq!(lines, ["  one two", "  three", "  abcdefgh", "  ijklm"]);
        let items = ["one", "two", "three"].map(Text::plain);
        assert_eq!(shown(&wrap(items, 2, 0, 8)), ["one  two", "three"]);
    }

    #[test]
    fn a_text_is_cut_by_columns_not_by_bytes() {
        let text = Text::plain("日本").with(BOLD, "語の");
        assert_eq!((text.width(), shown(&[text.cut(6)])), (8, vec!["日本…".to_owned()]));
    }

    #[test]
    fn the_elastic_column_of_a_table_gives_way() {
        let row = |a: &str, b: &str| vec![Text::plain(a), Text::plain(b), Text::plain("end")];
        let rows = vec![row("a", "a short one"), row("longer", "something that is too long")];
        let lines = shown(&table(rows, 1, 30, &[1]));
        assert_eq!(lines, [" a       a short one       end", " longer  something that …  end"]);
        assert!(lines.iter().all(|line| line.width() == 30));
    }

    #[test]
    fn wire_text_loses_its_control_characters_on_the_way_in() {
        assert_eq!(shown(&[Text::plain("a\u{1b}[31mb")]), ["a\\x1b[31mb"]);
    }
}
