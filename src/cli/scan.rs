//! `plainsight rules scan`: the content rules over text that no network sent.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::choice::Selection;
use super::exit::Exit;
use super::outputs::Format as Wanted;
use super::screen::Screen;
use crate::content::pieces::Pieces;
use crate::content::sniff;
use crate::model::event::{Event, Format, Outcome, Text as Content};
use crate::model::finding::{Finding, FindingId, Severity};
use crate::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
use crate::model::limits;
use crate::model::packet::{FrameNo, Mark};
use crate::model::stream::{Origin, Stretch};
use crate::report::layout::{self, BOLD, DIM, NAME, Text, wrap};
use crate::report::words;
use crate::rules::{Catalogue, Context, Engine, Matcher, Options, why};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The text; - for standard input
    #[arg(value_name = "FILE")]
    path: PathBuf,

    /// As if the server had sent it, not the client
    #[arg(long)]
    from_server: bool,

    #[command(flatten)]
    selection: Selection,

    /// What to write
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "terminal")]
    format: Wanted,

    /// Show values in clear
    #[arg(long)]
    reveal: bool,
}

pub(super) fn run(args: &Args, catalogue: Catalogue, screen: &mut Screen) -> Result<Exit> {
    let mut catalogue = catalogue;
    args.selection.apply(&mut catalogue)?;
    let catalogue = Arc::new(catalogue);
    let options = Options { reveal: args.reveal, ..Options::default() };
    let engine = Engine::new(Matcher::new(Arc::clone(&catalogue), options)?);
    let mut scan = Scan { engine, flow: nobody(), args, format: None, found: BTreeMap::new() };
    let name = args.path.display();
    if args.path.as_os_str() == "-" {
        scan.lines(io::stdin().lock()).context("cannot read standard input")?;
    } else {
        let file = File::open(&args.path).with_context(|| format!("cannot read {name}"))?;
        scan.lines(BufReader::new(file)).with_context(|| format!("cannot read {name}"))?;
    }
    let mut found: Vec<Finding> = scan.found.into_values().collect();
    found.sort_by(|a, b| a.span.first.cmp(&b.span.first).then_with(|| a.id.cmp(&b.id)));
    if args.format == Wanted::Ndjson {
        for finding in &found {
            screen.json(&Line::new(finding, &catalogue))?;
        }
        return Ok(Exit::Done);
    }
    let width = screen.width();
    for finding in &found {
        screen.lines(wrap(shown(finding, &catalogue), 2, 0, width))?;
    }
    screen.line(&Text::styled(DIM, &words::many(found.len() as u64, "finding")))?;
    Ok(Exit::Done)
}

/// What was found in a text, for programs.
#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    rule: &'a str,
    category: &'a str,
    kind: &'a str,
    severity: Severity,
    confidence: &'static str,
    /// The first and the last line of the text that it stands in.
    lines: [u64; 2],
    field: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clear: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    count: u64,
    why: Vec<String>,
}

impl<'a> Line<'a> {
    fn new(finding: &'a Finding, catalogue: &'a Catalogue) -> Self {
        let rule = catalogue.rule(finding.rule);
        let value = finding.value.as_ref();
        Self {
            r#type: "match",
            rule: &rule.id,
            category: rule.category(),
            kind: &rule.kind,
            severity: finding.severity,
            confidence: finding.confidence.name(),
            lines: [finding.span.first.frame.number, finding.span.last.frame.number],
            field: &finding.field,
            username: finding.username.as_deref(),
            masked: value.map(|value| value.masked.as_str()),
            clear: value.and_then(|value| value.clear.as_deref()),
            length: value.map(|value| value.length),
            note: finding.note.as_deref(),
            count: finding.count,
            why: why(finding, rule),
        }
    }
}

struct Scan<'a> {
    engine: Engine,
    flow: Flow,
    args: &'a Args,
    /// What the text is written in, by its beginning.
    format: Option<Format>,
    found: BTreeMap<FindingId, Finding>,
}

impl Scan<'_> {
    /// Scans all there is, in overlapping pieces. Lines take the place of packets, so that a finding
    /// knows its line.
    fn lines(&mut self, mut input: impl BufRead) -> io::Result<()> {
        let mut pieces = Pieces::default();
        let (mut line, mut number) = (Vec::new(), 1);
        loop {
            line.clear();
            // A line without an end must not fill the memory.
            let most = limits::LINE_BYTES as u64;
            let read = io::Read::take(&mut input, most).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            let mark = Mark { frame: FrameNo { file: 0, number }, ..Mark::default() };
            let origins = [Origin { start: 0, mark }];
            pieces.push(Stretch { bytes: &line, origins: &origins }, &mut |data, seen| self.piece(data, seen));
            number += u64::from(line.ends_with(b"\n"));
        }
        pieces.finish(&mut |data, seen| self.piece(data, seen));
        Ok(())
    }

    fn piece(&mut self, data: Stretch<'_>, seen: usize) {
        let Self { engine, flow, args, format, found } = self;
        let context = Context { flow, protocol: "text", server_name: None };
        let event = Event::Text(Content {
            format: *format.get_or_insert_with(|| sniff::format(data.bytes)),
            place: "text",
            resource: "",
            direction: if args.from_server { Direction::ToClient } else { Direction::ToServer },
            outcome: Outcome::Unknown,
            data,
            seen,
        });
        engine.event(&context, &event, &mut |finding| match found.get_mut(&finding.id) {
            Some(known) => known.merge(finding),
            None => _ = found.insert(finding.id, finding),
        });
    }
}

/// A text has no flow.
pub(super) fn nobody() -> Flow {
    let end = Endpoint { ip: [0; 4].into(), port: 0 };
    Flow {
        id: FlowId::default(),
        transport: Transport::Tcp,
        client: end,
        server: end,
        roles: Roles::Guessed,
        tunnel: None,
    }
}

fn shown(finding: &Finding, catalogue: &Catalogue) -> Vec<Text> {
    let rule = catalogue.rule(finding.rule);
    let severity = finding.severity;
    let mut items = vec![
        Text::styled(DIM, &format!("line {}", finding.span.first.frame.number)),
        Text::styled(layout::severity(severity), severity.name()),
        Text::styled(NAME, &rule.id),
    ];
    if let Some(value) = &finding.value {
        items.push(Text::styled(BOLD, value.clear.as_ref().unwrap_or(&value.masked)));
    }
    if finding.count > 1 {
        items.push(Text::styled(DIM, &words::many(finding.count, "time")));
    }
    items.push(Text::styled(DIM, &format!("{} confidence", finding.confidence.name())));
    items
}
