//! What was read and what could not be seen: the first lines of the report and the last.

use std::collections::BTreeMap;
use std::time::Duration;

use super::View;
use crate::ledger::{TlsFact, Verdict};
use crate::model::finding::Severity;
use crate::model::summary::Summary;
use crate::report::layout::{self, BOLD, DIM, GOOD, NAME, PLAIN, POOR, Text, table, wrap};
use crate::report::words;

/// Inputs that are named in the headline; more of them are counted.
const FILES: usize = 3;

/// Notes about inputs before they are only counted.
const NOTES: usize = 10;

/// Counts handshakes by version.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    versions: BTreeMap<&'static str, u64>,
    unanswered: u64,
}

impl Handshakes {
    pub(super) fn add(&mut self, fact: &TlsFact) {
        match fact.handshake.version {
            Some(version) => *self.versions.entry(version).or_default() += fact.flows,
            None => self.unanswered += fact.flows,
        }
    }

    pub(super) fn lines(&self, width: usize) -> Vec<Text> {
        let each = self.versions.iter().map(|(version, flows)| {
            let style = if version.ends_with("v1.2") || version.ends_with("v1.3") { GOOD } else { POOR };
            Text::styled(style, version).with(DIM, &format!(" ×{}", words::count(*flows)))
        });
        let unanswered = (self.unanswered > 0)
            .then(|| Text::plain("unanswered").with(DIM, &format!(" ×{}", words::count(self.unanswered))));
        wrap(each.chain(unanswered), 3, 1, width)
    }
}

/// The folder that all of several inputs are in, with its final slash; empty for none.
pub(super) fn common_folder(names: &[String]) -> &str {
    let [first, others @ ..] = names else { return "" };
    if others.is_empty() {
        return "";
    }
    let folders = first.match_indices('/').filter_map(|(at, _)| first.get(..=at));
    folders.rev().find(|folder| others.iter().all(|name| name.starts_with(folder))).unwrap_or("")
}

/// What was read, and what it comes to.
pub(super) fn headline(summary: &Summary, folder: &str, width: usize) -> Vec<Text> {
    let capture = &summary.capture;
    let mut items = Vec::new();
    if capture.files.len() > FILES {
        let under = if folder.is_empty() { String::new() } else { format!(" under {folder}") };
        let captures = words::many(capture.files.len() as u64, "capture");
        items.push(Text::styled(BOLD, &format!("{captures}{under}")));
    } else {
        items.extend(capture.files.iter().map(|file| Text::styled(BOLD, &file.name)));
    }
    items.push(Text::plain(&words::many(capture.packets(), "packet")));
    items.push(Text::plain(&words::bytes(capture.bytes())));
    if let Some((from, to)) = capture.span() {
        let nanos = u64::try_from(to.since(from)).unwrap_or(0);
        let span = format!("{} from {}", words::duration(Duration::from_nanos(nanos)), words::time(from));
        items.push(Text::styled(DIM, &span));
    }
    let mut lines = wrap(items, 2, 2, width);
    lines.extend(wrap(verdict(summary), 2, 2, width));
    lines
}

/// The counts that matter, in colour.
fn verdict(summary: &Summary) -> Vec<Text> {
    let links: u64 = summary.links.values().sum();
    let mut items = severities(summary);
    if items.is_empty() {
        items.push(Text::styled(BOLD, "No findings"));
    }
    for verdict in [Verdict::Exposed, Verdict::Cleartext, Verdict::Weak] {
        if let Some(count) = summary.links.get(verdict.name()).filter(|count| **count > 0) {
            let said = format!("{} of {} {}", words::count(*count), words::many(links, "link"), verdict.name());
            items.push(Text::styled(layout::verdict(verdict), &said));
        }
    }
    let unknown = summary.links.get(Verdict::Unknown.name()).copied().unwrap_or(0);
    if summary.findings.total() == 0 && unknown > 0 {
        items.push(Text::plain(&format!("{} could not be judged", words::many(unknown, "link"))));
    }
    items
}

fn severities(summary: &Summary) -> Vec<Text> {
    let count = |severity: &Severity| summary.findings.by_severity.get(severity).copied().unwrap_or(0);
    let found = Severity::WORST_FIRST.into_iter().filter(|severity| count(severity) > 0);
    found
        .map(|severity| {
            let words = format!("{} {}", words::count(count(&severity)), severity.name());
            Text::styled(layout::severity(severity), &words)
        })
        .collect()
}

/// Whatever was not analysed, and why.
pub(super) fn unseen(summary: &Summary, folder: &str, view: View) -> Vec<Text> {
    let rows = summary.skipped.iter().map(|(reason, volume)| {
        vec![
            Text::plain(reason),
            Text::styled(DIM, &words::count(volume.packets)),
            Text::styled(DIM, &words::bytes(volume.bytes)),
        ]
    });
    let mut lines = table(rows.collect(), 1, view.width, &[0]);
    let streams = &summary.streams;
    let capture = &summary.capture;
    let facts = [
        (
            streams.gaps,
            format!("{} in streams ({} missing)", words::many(streams.gaps, "gap"), words::bytes(streams.gap_bytes)),
        ),
        (streams.midstream, format!("{} began before the capture", words::many(streams.midstream, "stream"))),
        (streams.one_way, format!("{} seen in one direction only", words::many(streams.one_way, "stream"))),
        (streams.half_open, format!("{} never completed", words::many(streams.half_open, "TCP handshake"))),
        (streams.refused, format!("{} refused", words::many(streams.refused, "TCP connection"))),
        (
            streams.conflicting_bytes,
            format!("{} sent twice with different content", words::bytes(streams.conflicting_bytes)),
        ),
        (streams.corrupt, format!("{} left out for a wrong checksum", words::many(streams.corrupt, "segment"))),
        (streams.tiny_fragments, words::many(streams.tiny_fragments, "tiny IP fragment")),
        (streams.evicted, format!("{} given up for want of room", words::many(streams.evicted, "stream"))),
        (streams.capped, format!("{} over a limit", words::many(streams.capped, "stream"))),
        (
            capture.duplicates,
            format!("{} seen by a second tap and taken once", words::many(capture.duplicates, "packet")),
        ),
        (capture.truncated, format!("{} cut by the snap length", words::many(capture.truncated, "packet"))),
        (
            capture.dropped_by_kernel,
            format!("{} dropped by the kernel", words::many(capture.dropped_by_kernel, "packet")),
        ),
        (
            capture.dropped_by_interface,
            format!("{} dropped by the interface", words::many(capture.dropped_by_interface, "packet")),
        ),
    ];
    for (count, fact) in facts {
        if count > 0 {
            lines.extend(wrap([Text::plain(&fact)], 1, 1, view.width));
        }
    }
    for (limit, count) in summary.limits.iter() {
        let said = format!("limit reached: {limit}, {}", words::count(count));
        lines.extend(wrap([Text::styled(POOR, &said)], 1, 1, view.width));
    }
    let most = view.at_most(NOTES);
    for note in summary.notes.iter().take(most) {
        let times = if note.count > 1 { format!(" ({})", words::many(note.count, "time")) } else { String::new() };
        let name = note.file.strip_prefix(folder).unwrap_or(&note.file);
        let said = Text::styled(POOR, name).with(PLAIN, &format!(": {}{times}", note.message));
        lines.extend(wrap([said], 1, 1, view.width));
    }
    let more = summary.notes.len().saturating_sub(most);
    if more > 0 {
        lines.push(Text::styled(DIM, &format!(" … and {}", words::many(more as u64, "more note"))));
    }
    if summary.interrupted {
        lines.push(Text::styled(POOR, " stopped before the end of the input"));
    }
    lines
}

/// The last lines: what to do next, and what it took.
pub(super) fn closing(summary: &Summary, width: usize) -> Vec<Text> {
    let capture = &summary.capture;
    let streams = summary.streams.all();
    let mut lines = Vec::new();
    if summary.findings.total() > 0 {
        let hint = Text::styled(NAME, "plainsight explain RULE").with(DIM, " tells more about a finding.");
        lines.extend(wrap([hint], 1, 0, width));
    }
    let speed = match summary.bytes_per_second() {
        0 => String::new(),
        speed => format!(", {}/s", words::bytes(speed)),
    };
    let done = format!(
        "{} in {} and {}; {}{speed}.",
        words::many(summary.findings.total(), "finding"),
        words::many(capture.packets(), "packet"),
        words::many(streams, "stream"),
        words::duration(summary.elapsed),
    );
    lines.extend(wrap([Text::styled(DIM, &done)], 1, 0, width));
    lines
}
