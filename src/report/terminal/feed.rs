//! A live run on a terminal: a line for each finding as it comes, and the report's head and tail at the end.

use std::io::{self, Write};
use std::sync::Arc;

use super::{View, findings, seen};
use crate::ledger::{Link, TlsFact};
use crate::model::event::Outcome;
use crate::model::finding::Finding;
use crate::model::summary::Summary;
use crate::report::layout::{self, BAD, BOLD, DIM, NAME, PLAIN, Text, wrap};
use crate::report::{Level, Sink, words};
use crate::rules::Catalogue;

/// Columns of the time and the badge: everything else stands to the right of them.
const INDENT: usize = 20;

/// Writes lines as it is told.
pub struct Feed<W> {
    out: W,
    catalogue: Arc<Catalogue>,
    view: View,
}

impl<W: Write + Send> Feed<W> {
    /// A sink that writes to `out`, which takes away the colours where they are not wanted.
    pub const fn new(out: W, catalogue: Arc<Catalogue>, view: View) -> Self {
        Self { out, catalogue, view }
    }

    fn lines(&mut self, lines: impl IntoIterator<Item = Text>) -> io::Result<()> {
        lines.into_iter().try_for_each(|line| writeln!(self.out, "{line}"))
    }
}

impl<W: Write + Send> Sink for Feed<W> {
    fn inputs(&mut self, names: &[String]) -> io::Result<()> {
        match self.view.level {
            Level::Quiet => Ok(()),
            _ => {
                self.lines([Text::styled(DIM, &format!("Watching {}; Ctrl-C ends with a summary.", names.join(", ")))])
            }
        }
    }

    fn rules(&mut self, catalogue: &Arc<Catalogue>) -> io::Result<()> {
        self.catalogue = Arc::clone(catalogue);
        Ok(())
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let rule = self.catalogue.rule(finding.rule);
        let name = finding.severity.name().to_uppercase();
        let badge = Text::styled(layout::severity(finding.severity), &format!(" {name} "));
        let time = words::time_of_day(finding.span.first.at);
        let head = Text::styled(DIM, &time).join(Text::blank(1)).join(badge).padded(INDENT);
        let ends = Text::plain(&finding.client.ip.to_string())
            .with(DIM, " → ")
            .with(PLAIN, &findings::server(finding))
            .with(NAME, &format!(" {}", finding.protocol));
        let mut items = vec![Text::styled(BOLD, &rule.title), ends];
        items.extend(finding.username.as_ref().map(|name| Text::styled(NAME, name)));
        items.extend(findings::value(finding));
        if let Some(outcome) = finding.outcome.filter(|outcome| *outcome != Outcome::Unknown) {
            items.push(Text::styled(if outcome == Outcome::Accepted { BAD } else { PLAIN }, outcome.name()));
        }
        items.extend(words::note(finding, rule).map(|note| Text::styled(DIM, &note)));
        if self.view.level == Level::Verbose {
            items.push(Text::styled(DIM, &rule.id));
            items.push(Text::styled(DIM, &finding.field));
        }
        let mut lines = wrap(items, 2, INDENT, self.view.width);
        if let Some(line) = lines.first_mut() {
            *line = head.join(std::mem::take(line).skip(INDENT));
        }
        self.lines(lines)
    }

    /// A line that was written stays as it is.
    fn update(&mut self, _: &Finding) -> io::Result<()> {
        Ok(())
    }

    fn tls(&mut self, _: &TlsFact) -> io::Result<()> {
        Ok(())
    }

    fn link(&mut self, _: &Link) -> io::Result<()> {
        Ok(())
    }

    fn status(&mut self, summary: &Summary) -> io::Result<()> {
        match self.view.level {
            Level::Verbose => self.lines([Text::styled(DIM, &state(summary))]),
            _ => Ok(()),
        }
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        if self.view.level == Level::Quiet {
            return self.out.flush();
        }
        let (width, view) = (self.view.width, self.view);
        self.lines([Text::new()])?;
        self.lines(seen::headline(summary, "", width))?;
        self.lines(seen::unseen(summary, "", view))?;
        self.lines(seen::closing(summary, width))?;
        self.out.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// How a live run stands, in a line.
pub fn state(summary: &Summary) -> String {
    let (capture, streams) = (&summary.capture, &summary.streams);
    let dropped = capture.dropped_by_kernel + capture.dropped_by_interface;
    format!(
        "{} up: {}, {}, {}, {}; {} dropped ({} by the kernel, {} by the interface)",
        words::duration(summary.elapsed),
        words::many(capture.packets(), "packet"),
        words::bytes(capture.bytes()),
        words::many(streams.all(), "stream"),
        words::many(summary.findings.total(), "finding"),
        words::count(dropped),
        words::count(capture.dropped_by_kernel),
        words::count(capture.dropped_by_interface),
    )
}
