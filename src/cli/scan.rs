//! `plainsight rules scan`: the content rules over text that no network sent.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::exit::Exit;
use super::screen::Screen;
use crate::content::pieces::Pieces;
use crate::content::sniff;
use crate::model::event::{Event, Format, Outcome, Text as Content};
use crate::model::finding::{Finding, FindingId};
use crate::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
use crate::model::limits;
use crate::model::packet::{FrameNo, Mark};
use crate::model::stream::{Origin, Stretch};
use crate::report::layout::{self, BOLD, DIM, NAME, Text, wrap};
use crate::report::words;
use crate::rules::{Catalogue, Context, Engine, Known, Matcher, Options};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The text; - for standard input
    #[arg(value_name = "FILE")]
    path: PathBuf,

    /// As if the server had sent it, not the client
    #[arg(long)]
    from_server: bool,

    /// Look for the secrets of this file, made by `plainsight known add`, in every encoding
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,

    /// Show values in clear
    #[arg(long)]
    reveal: bool,
}

pub(super) fn run(args: &Args, catalogue: Catalogue, screen: &mut Screen) -> Result<Exit> {
    let mut catalogue = catalogue;
    if let Some(path) = &args.known {
        catalogue.set_known(Arc::new(Known::load(path)?));
    }
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
    let width = screen.width();
    for finding in &found {
        screen.lines(wrap(shown(finding, &catalogue), 2, 0, width))?;
    }
    screen.line(&Text::styled(DIM, &words::many(found.len() as u64, "finding")))?;
    Ok(Exit::Done)
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
fn nobody() -> Flow {
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
