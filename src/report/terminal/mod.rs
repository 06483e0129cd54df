//! The report for a person: what was found, worst first; the links; what could not be seen.
//!
//! It is composed at the end, because its first line says what matters most of the whole. What it
//! keeps until then is bounded: it shows examples and counts, and the machine formats have all.

mod feed;
mod findings;
mod links;
mod seen;

use std::io::{self, Write};
use std::sync::Arc;

pub use feed::{Feed, state};
use findings::Groups;
use links::Rows;
use seen::Handshakes;

use super::Sink;
use super::layout::{BOLD, Text, wrap};
use crate::ledger::{Link, TlsFact};
use crate::model::finding::Finding;
use crate::model::summary::Summary;
use crate::rules::Catalogue;

/// How much is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// The findings alone.
    Quiet,
    /// What a person needs.
    #[default]
    Normal,
    /// Everything that is known about each finding, and longer lists.
    Verbose,
}

/// How a report is laid out.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Columns.
    pub width: usize,
    /// How much is shown.
    pub level: Level,
}

impl View {
    /// How many of a kind are shown before a list ends with a count of the rest.
    const fn at_most(self, usual: usize) -> usize {
        match self.level {
            Level::Quiet | Level::Normal => usual,
            Level::Verbose => usual * 10,
        }
    }
}

/// Composes the report and writes it at the end.
pub struct Terminal<W> {
    out: W,
    view: View,
    groups: Groups,
    rows: Rows,
    handshakes: Handshakes,
    /// Where all inputs are: told once.
    folder: String,
}

impl<W: Write + Send> Terminal<W> {
    /// A sink that writes to `out`, which takes away the colours where they are not wanted.
    pub fn new(out: W, catalogue: Arc<Catalogue>, view: View) -> Self {
        let groups = Groups::new(catalogue, view);
        Self { out, view, groups, rows: Rows::default(), handshakes: Handshakes::default(), folder: String::new() }
    }

    fn section(&mut self, title: &str, lines: Vec<Text>) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let title = wrap([Text::styled(BOLD, title)], 1, 0, self.view.width);
        title.iter().try_for_each(|line| writeln!(self.out, "{line}"))?;
        writeln!(self.out)?;
        lines.iter().try_for_each(|line| writeln!(self.out, "{line}"))?;
        writeln!(self.out)
    }
}

impl<W: Write + Send> Sink for Terminal<W> {
    fn inputs(&mut self, names: &[String]) -> io::Result<()> {
        self.folder = seen::common_folder(names).to_owned();
        let short = |name: &String| name.strip_prefix(&self.folder).unwrap_or(name).to_owned();
        self.groups.files = names.iter().map(short).collect();
        Ok(())
    }

    fn rules(&mut self, catalogue: &Arc<Catalogue>) -> io::Result<()> {
        self.groups.catalogue = Arc::clone(catalogue);
        Ok(())
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.groups.add(finding);
        Ok(())
    }

    fn tls(&mut self, fact: &TlsFact) -> io::Result<()> {
        self.handshakes.add(fact);
        Ok(())
    }

    fn link(&mut self, link: &Link) -> io::Result<()> {
        self.rows.add(link);
        Ok(())
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let view = self.view;
        let (found, weak) = self.groups.sections();
        if view.level != Level::Quiet {
            let mut head = seen::headline(summary, &self.folder, view.width);
            head.extend(self.groups.worst(view.width));
            self.section("PLAINSIGHT", head)?;
        }
        self.section("FINDINGS", found)?;
        self.section("WEAK ENCRYPTION", weak)?;
        if view.level != Level::Quiet {
            let title = self.rows.title();
            let table = self.rows.table(view);
            self.section(&title, table)?;
            self.section("HANDSHAKES", self.handshakes.lines(view.width))?;
            self.section("WHAT COULD NOT BE SEEN", seen::unseen(summary, &self.folder, view))?;
            seen::closing(summary, view.width).iter().try_for_each(|line| writeln!(self.out, "{line}"))?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests;
