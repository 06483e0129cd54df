//! `plainsight rules bench`: what rules cost over text.

use std::cmp::Reverse;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::choice::Selection;
use super::exit::Exit;
use super::outputs::Format as Wanted;
use super::scan::nobody;
use super::screen::Screen;
use super::{clock, complain};
use crate::content::pieces::Pieces;
use crate::content::sniff;
use crate::model::event::{Event, Format, Outcome, Text as Content};
use crate::model::finding::RuleIndex;
use crate::model::flow::{Direction, Flow};
use crate::model::packet::Mark;
use crate::model::stream::{Origin, Stretch};
use crate::report::layout::{BAD, BOLD, DIM, GOOD, NAME, Text, table};
use crate::report::words;
use crate::rules::{self, Catalogue, Context, Cost, Engine, Matcher, Naive, Options};

/// Bytes over which each rule is timed: the clock slows the rest.
const TIMED: u64 = 64 << 20;

/// Bytes of the naive run, unless something else is asked for.
const NAIVE: u64 = 8 << 20;

/// How often the built-in sample is searched: it is small.
const ROUNDS: u64 = 50;

/// How deep directories are followed into each other.
const DEPTH: usize = 16;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Texts, directories of them (what is not text is left out), or - for standard input; the examples
    /// of the rules unless given
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// As if the server had sent it, not the client
    #[arg(long)]
    from_server: bool,

    /// Run the rules' expressions one by one over all of a part of the text, too, to compare
    #[arg(long)]
    naive: bool,

    /// How many rules to show, the costliest first
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    top: usize,

    /// What to write
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "terminal")]
    format: Wanted,

    #[command(flatten)]
    selection: Selection,
}

pub(super) fn run(args: &Args, mut catalogue: Catalogue, screen: &mut Screen) -> Result<Exit> {
    args.selection.apply(&mut catalogue)?;
    let mut bench = Bench::new(args, catalogue)?;
    if args.paths.is_empty() {
        let text = rules::sample_text(&bench.catalogue).into_bytes();
        bench.plan(text.len() as u64 * ROUNDS);
        (0..ROUNDS).for_each(|_| bench.text(&text, Format::Plain));
    } else {
        bench.paths(&args.paths)?;
    }
    let costs = bench.costs()?;
    let over: Vec<&str> = costs.iter().filter(|line| line.over_budget).map(|line| line.rule).collect();
    let total = bench.total(&over);
    if args.format == Wanted::Ndjson {
        costs.iter().try_for_each(|line| screen.json(line))?;
        screen.json(&total)?;
    } else {
        show(&costs, &total, args.top, screen)?;
    }
    Ok(if over.is_empty() { Exit::Done } else { Exit::Failed })
}

/// A measurement that is going on.
struct Bench {
    catalogue: Arc<Catalogue>,
    direction: Direction,
    flow: Flow,
    /// Counts.
    engine: Engine,
    /// Counts and looks at the clock.
    timed: Engine,
    naive: Option<Naive>,
    builtin: bool,
    /// One text of so many is timed, and one of so many is searched naively.
    timed_every: u64,
    naive_every: u64,
    all: Run,
    clocked: Run,
    naively: Run,
    /// The bytes of `naively`, searched as they should be.
    beside: Run,
    left_out: u64,
}

/// So many bytes of so many texts took so long.
#[derive(Clone, Copy, Default)]
struct Run {
    texts: u64,
    bytes: u64,
    time: Duration,
}

impl Run {
    fn add(&mut self, bytes: usize, time: Duration) {
        self.texts += 1;
        self.bytes += bytes as u64;
        self.time += time;
    }

    /// MB (10^6 bytes) a second.
    fn speed(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.time.as_secs_f64().max(1e-9)
    }
}

impl Bench {
    fn new(args: &Args, catalogue: Catalogue) -> Result<Self> {
        let catalogue = Arc::new(catalogue);
        let matcher = Matcher::new(Arc::clone(&catalogue), Options::default())?;
        matcher.prepare();
        let measured = |clock| {
            let mut engine = Engine::new(Arc::clone(&matcher));
            engine.measure(clock);
            engine
        };
        Ok(Self {
            direction: if args.from_server { Direction::ToClient } else { Direction::ToServer },
            flow: nobody(),
            engine: measured(None),
            timed: measured(Some(clock::nanoseconds)),
            naive: args.naive.then(|| Naive::new(&catalogue)),
            builtin: args.paths.is_empty(),
            catalogue,
            timed_every: 1,
            naive_every: 1,
            all: Run::default(),
            clocked: Run::default(),
            naively: Run::default(),
            beside: Run::default(),
            left_out: 0,
        })
    }

    /// Chooses how many texts are timed and searched naively, of so many bytes in all.
    fn plan(&mut self, bytes: u64) {
        self.timed_every = bytes.div_ceil(TIMED).max(1);
        self.naive_every = bytes.div_ceil(NAIVE).max(1);
    }

    fn paths(&mut self, paths: &[PathBuf]) -> Result<()> {
        let mut files = Vec::new();
        for path in paths {
            if path.as_os_str() == "-" {
                let mut bytes = Vec::new();
                io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
                self.plan(bytes.len() as u64);
                self.text(&bytes, sniff::format(&bytes));
            } else {
                collect(path, DEPTH, &mut files)?;
            }
        }
        self.plan(files.iter().map(|(_, size)| size).sum());
        for (path, _) in &files {
            let bytes = match fs::read(path) {
                Ok(bytes) => bytes,
                Err(error) => {
                    complain(&format!("cannot read {}: {error}", path.display()));
                    continue;
                }
            };
            if sniff::binary(&bytes).is_some() || !sniff::is_text(&bytes) {
                self.left_out += 1;
                continue;
            }
            let name = path.to_string_lossy();
            self.text(&bytes, sniff::format_of_name(&name).unwrap_or_else(|| sniff::format(&bytes)));
        }
        Ok(())
    }

    fn text(&mut self, bytes: &[u8], format: Format) {
        let n = self.all.texts;
        let (flow, direction) = (&self.flow, self.direction);
        let time = timed(|| search(&mut self.engine, flow, direction, bytes, format));
        self.all.add(bytes.len(), time);
        if n.is_multiple_of(self.timed_every) {
            let time = timed(|| search(&mut self.timed, flow, direction, bytes, format));
            self.clocked.add(bytes.len(), time);
        }
        if let Some(naive) = &self.naive
            && n.is_multiple_of(self.naive_every)
        {
            self.beside.add(bytes.len(), time);
            self.naively.add(bytes.len(), timed(|| _ = std::hint::black_box(naive.search(bytes))));
        }
    }

    /// What each rule cost, the costliest first.
    fn costs(&self) -> Result<Vec<CostLine<'_>>> {
        let (counted, text): (Vec<(RuleIndex, Cost)>, u64) = if self.builtin {
            rules::sample(&self.catalogue)?
        } else {
            let costs = self.catalogue.iter().map(|(index, _)| index).zip(self.engine.costs().iter().copied());
            (costs.collect(), self.all.bytes)
        };
        let asking = clock::overhead();
        let mut lines: Vec<CostLine<'_>> = counted
            .iter()
            .zip(self.timed.costs())
            .map(|((index, cost), timed)| {
                let work = cost.work_per_mb(text);
                let net = timed.nanoseconds.saturating_sub(timed.candidates * asking);
                CostLine {
                    r#type: "rule_cost",
                    rule: &self.catalogue.rule(*index).id,
                    candidates_per_mb: rules::per_mb(cost.candidates, text),
                    searches_per_mb: rules::per_mb(cost.windows, text),
                    searched_bytes_per_mb: rules::per_mb(cost.bytes, text),
                    work_per_mb: work,
                    budget: rules::BUDGET,
                    over_budget: work > rules::BUDGET,
                    nanoseconds_per_mb: rules::per_mb(net, self.clocked.bytes),
                }
            })
            .collect();
        lines.sort_by_key(|line| Reverse((line.work_per_mb, line.nanoseconds_per_mb)));
        Ok(lines)
    }

    fn total<'a>(&self, over: &[&'a str]) -> Total<'a> {
        let naive = self.naive.as_ref().map(|naive| NaiveRun {
            expressions: naive.len(),
            bytes: self.naively.bytes,
            mb_per_second: rounded(self.naively.speed()),
            rules_mb_per_second: rounded(self.beside.speed()),
            times_as_fast: rounded(self.beside.speed() / self.naively.speed()),
        });
        Total {
            r#type: "bench",
            texts: self.all.texts,
            bytes: self.all.bytes,
            left_out: self.left_out,
            seconds: self.all.time.as_secs_f64(),
            mb_per_second: rounded(self.all.speed()),
            naive,
            over_budget: over.to_vec(),
        }
    }
}

/// The processor time that something takes.
fn timed(what: impl FnOnce()) -> Duration {
    let start = clock::busy();
    what();
    clock::busy().saturating_sub(start)
}

/// To a tenth.
fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// Searches a text, in pieces as a long one is cut.
fn search(engine: &mut Engine, flow: &Flow, direction: Direction, bytes: &[u8], format: Format) {
    let origins = [Origin { start: 0, mark: Mark::default() }];
    let mut piece = |data: Stretch<'_>, seen: usize| {
        let (place, resource, outcome) = ("text", "", Outcome::Unknown);
        let event = Event::Text(Content { format, place, resource, direction, outcome, data, seen });
        engine.event(&Context { flow, protocol: "text", server_name: None }, &event, &mut |_| {});
    };
    let mut pieces = Pieces::default();
    pieces.push(Stretch { bytes, origins: &origins }, &mut piece);
    pieces.finish(&mut piece);
}

/// The files that a path means, with their sizes, in order of name.
fn collect(path: &Path, depth: usize, files: &mut Vec<(PathBuf, u64)>) -> Result<()> {
    let cannot = || format!("cannot read {}", path.display());
    let about = fs::metadata(path).with_context(cannot)?;
    if !about.is_dir() {
        files.push((path.to_owned(), about.len()));
        return Ok(());
    }
    let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
    let entries: io::Result<Vec<_>> = fs::read_dir(path).with_context(cannot)?.collect();
    let mut entries = entries.with_context(cannot)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // What a link leads to may be anywhere; what is neither has no end.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() || kind.is_file() => collect(&entry.path(), depth, files)?,
            _ => {}
        }
    }
    Ok(())
}

/// What one rule cost.
#[derive(Serialize)]
struct CostLine<'a> {
    r#type: &'static str,
    rule: &'a str,
    candidates_per_mb: u64,
    searches_per_mb: u64,
    searched_bytes_per_mb: u64,
    work_per_mb: u64,
    budget: u64,
    over_budget: bool,
    nanoseconds_per_mb: u64,
}

/// What all of them together cost.
#[derive(Serialize)]
struct Total<'a> {
    r#type: &'static str,
    texts: u64,
    bytes: u64,
    left_out: u64,
    seconds: f64,
    mb_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    naive: Option<NaiveRun>,
    over_budget: Vec<&'a str>,
}

/// The comparison.
#[derive(Serialize)]
struct NaiveRun {
    expressions: usize,
    bytes: u64,
    mb_per_second: f64,
    rules_mb_per_second: f64,
    times_as_fast: f64,
}

fn show(costs: &[CostLine<'_>], total: &Total<'_>, top: usize, screen: &mut Screen) -> io::Result<()> {
    let headings = ["rule", "candidates", "searches", "bytes searched", "work", "µs"];
    let mut rows = vec![headings.iter().map(|heading| Text::styled(DIM, heading)).collect::<Vec<_>>()];
    let shown = costs.iter().enumerate().filter(|(n, line)| line.over_budget || *n < top && line.work_per_mb > 0);
    rows.extend(shown.map(|(_, line)| {
        let numbers = [
            line.candidates_per_mb,
            line.searches_per_mb,
            line.searched_bytes_per_mb,
            line.work_per_mb,
            line.nanoseconds_per_mb / 1000,
        ];
        let style = if line.over_budget { BAD } else { NAME };
        let numbers = numbers.into_iter().map(|number| Text::plain(&words::count(number)));
        std::iter::once(Text::styled(style, line.rule)).chain(numbers).collect()
    }));
    let width = screen.width();
    screen.line(&Text::styled(BOLD, "for each MB of text"))?;
    screen.lines(table(rows, 0, width, &[0]))?;
    let mut said = format!(
        "{} in {}: {} MB/s on one core",
        words::bytes(total.bytes),
        words::many(total.texts, "text"),
        total.mb_per_second
    );
    if total.left_out > 0 {
        said.push_str(&format!("; {} left out that are no text", words::many(total.left_out, "file")));
    }
    screen.line(&Text::plain(&said))?;
    if let Some(naive) = &total.naive {
        screen.paragraph(
            &format!(
                "naive, {} one after the other over {}: {} MB/s; the rules there {} MB/s, {} times as fast",
                words::many(naive.expressions as u64, "expression"),
                words::bytes(naive.bytes),
                naive.mb_per_second,
                naive.rules_mb_per_second,
                naive.times_as_fast
            ),
            0,
        )?;
    }
    let budget = rules::BUDGET;
    let over = total.over_budget.len() as u64;
    let verdict = if over == 0 {
        Text::styled(GOOD, &format!("no rule makes more work than its budget of {}", words::count(budget)))
    } else {
        let verb = if over == 1 { "makes" } else { "make" };
        let over = words::many(over, "rule");
        let told = format!("{over} {verb} more work than the budget of {}: ", words::count(budget));
        Text::styled(BAD, &(told + &total.over_budget.join(", ")))
    };
    screen.line(&verdict)
}
