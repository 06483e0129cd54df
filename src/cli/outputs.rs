//! From `--format` and `-o`, in the order they were typed, to sinks.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context as _, Result, bail};
use clap::ArgMatches;

use crate::pipeline::target::{Target, WholeLines};
#[cfg(all(feature = "live", unix))]
use crate::pipeline::{spool::Spool, watch::Board};
#[cfg(all(feature = "live", unix))]
use crate::report::Feed;
use crate::report::{Level, Ndjson, Sink, Terminal, View, layout};
use crate::rules::Catalogue;

/// What a report is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Terminal,
    /// For programs: one JSON object a line.
    Ndjson,
}

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Wanted {
    /// What to write; each -o takes the --format before it
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Vec<Format>,

    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,

    /// Show the findings alone
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Show more of each finding, and longer lists
    #[arg(short, long)]
    pub(super) verbose: bool,
}

impl Wanted {
    /// How much a report for people shows.
    pub(super) const fn level(&self) -> Level {
        match (self.quiet, self.verbose) {
            (true, _) => Level::Quiet,
            (_, true) => Level::Verbose,
            _ => Level::Normal,
        }
    }
}

/// `--format` and `-o` with their places on the command line, which clap's structs do not tell.
#[derive(Debug, Default)]
pub(super) struct Typed {
    formats: Vec<(usize, Format)>,
    files: Vec<(usize, PathBuf)>,
}

impl Typed {
    pub(super) fn new(matches: &ArgMatches) -> Self {
        Self { formats: placed(matches, "format"), files: placed(matches, "output") }
    }

    /// Each `-o` takes the format before it. A format without `-o` goes to standard output.
    pub(super) fn reports(&self) -> Result<Vec<(Format, Target)>> {
        let mut reports = Vec::new();
        let mut formats = self.formats.iter().peekable();
        let first = formats.peek().map_or(usize::MAX, |(at, _)| *at);
        let target = |path: &PathBuf| if path.as_os_str() == "-" { Target::Stdout } else { Target::File(path.clone()) };
        let between = |from: usize, to: usize| self.files.iter().filter(move |(at, _)| (from..to).contains(at));
        reports.extend(between(0, first).map(|(_, path)| (Format::default(), target(path))));
        while let Some((at, format)) = formats.next() {
            let next = formats.peek().map_or(usize::MAX, |(at, _)| *at);
            let before = reports.len();
            reports.extend(between(*at, next).map(|(_, path)| (*format, target(path))));
            if reports.len() == before {
                reports.push((*format, Target::Stdout));
            }
        }
        if reports.is_empty() {
            reports.push((Format::default(), Target::Stdout));
        }
        if reports.iter().filter(|(_, target)| *target == Target::Stdout).count() > 1 {
            bail!("two reports for standard output; give all but one of them a file with -o after its --format");
        }
        Ok(reports)
    }
}

fn placed<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, id: &str) -> Vec<(usize, T)> {
    let places = matches.indices_of(id).into_iter().flatten();
    let typed = matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
    let values = matches.get_many::<T>(id).filter(|_| typed).into_iter().flatten();
    places.zip(values.cloned()).collect()
}

/// Opens the sinks of `reports`. `private`: the files will hold clear secrets.
pub(super) fn open(
    reports: &[(Format, Target)],
    catalogue: &Arc<Catalogue>,
    level: Level,
    private: bool,
) -> Result<Vec<Box<dyn Sink>>> {
    reports.iter().map(|(format, target)| sink(*format, target, catalogue, level, private)).collect()
}

fn sink(
    format: Format,
    target: &Target,
    catalogue: &Arc<Catalogue>,
    level: Level,
    private: bool,
) -> Result<Box<dyn Sink>> {
    let out = WholeLines::create(target, private).with_context(|| format!("cannot write {target}"))?;
    let catalogue = Arc::clone(catalogue);
    let view = View { width: layout::screen_width(), level };
    Ok(match format {
        Format::Ndjson => Box::new(Ndjson::new(out, catalogue)),
        Format::Terminal => Box::new(Terminal::new(
            AutoStream::new(Box::new(out) as Box<dyn Write + Send>, colours(target)),
            catalogue,
            view,
        )),
    })
}

/// Opens the reports of a live run, each with a thread that writes it.
#[cfg(all(feature = "live", unix))]
pub(super) fn boards(
    reports: &[(Format, Target)],
    catalogue: &Arc<Catalogue>,
    level: Level,
    private: bool,
) -> Result<Vec<Board>> {
    let board = |(format, target): &(Format, Target)| {
        let opened = Spool::open(target.clone(), private);
        let (spool, outlet) = opened.with_context(|| format!("cannot write {target}"))?;
        let (out, catalogue): (Box<dyn Write + Send>, _) = (Box::new(spool), Arc::clone(catalogue));
        let view = View { width: layout::screen_width(), level };
        let sink: Box<dyn Sink> = match format {
            Format::Ndjson => Box::new(Ndjson::new(out, catalogue)),
            Format::Terminal => Box::new(Feed::new(AutoStream::new(out, colours(target)), catalogue, view)),
        };
        Ok(Board { sink, outlet })
    };
    reports.iter().map(board).collect()
}

/// A file is no terminal: it gets colours only on demand.
fn colours(target: &Target) -> ColorChoice {
    match target {
        Target::Stdout => AutoStream::choice(&io::stdout()),
        Target::File(_) if ColorChoice::global() == ColorChoice::Always => ColorChoice::Always,
        Target::File(_) => ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports(formats: &[(usize, Format)], files: &[(usize, &str)]) -> Result<Vec<(Format, Target)>> {
        let files = files.iter().map(|(at, path)| (*at, PathBuf::from(path))).collect();
        Typed { formats: formats.to_vec(), files }.reports()
    }

    fn file(path: &str) -> Target {
        Target::File(path.into())
    }

    #[test]
    fn without_anything_people_read_it_on_standard_output() {
        assert_eq!(reports(&[], &[]).unwrap(), [(Format::Terminal, Target::Stdout)]);
    }

    #[test]
    fn each_file_takes_the_format_before_it() {
        let typed = reports(&[(1, Format::Terminal), (3, Format::Ndjson)], &[(5, "a"), (7, "b")]).unwrap();
        let expected = [(Format::Terminal, Target::Stdout), (Format::Ndjson, file("a")), (Format::Ndjson, file("b"))];
        assert_eq!(typed, expected);
        assert_eq!(reports(&[], &[(1, "a")]).unwrap(), [(Format::Terminal, file("a"))]);
        assert_eq!(reports(&[(1, Format::Ndjson)], &[(3, "-")]).unwrap(), [(Format::Ndjson, Target::Stdout)]);
    }

    #[test]
    fn standard_output_takes_one_report() {
        assert!(reports(&[(1, Format::Terminal), (3, Format::Ndjson)], &[]).is_err());
    }
}
