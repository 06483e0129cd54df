//! `plainsight read`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use anyhow::{Context as _, Result, bail};

use super::exit::Exit;
use super::outputs::{self, Format, Typed};
use super::progress::Bar;
use super::{complain, inputs, rules};
use crate::model::finding::{Confidence, Severity};
use crate::pipeline::{self, PipelineError, Settings};
use crate::report::Level;
use crate::rules::{Key, Matcher, Options};

const EXAMPLES: &str = "\
Examples:
  plainsight read office.pcapng
  plainsight read monday.pcap tuesday.pcap.gz captures/     several files are one capture
  tcpdump -w - -i eth0 | plainsight read -                  from standard input
  plainsight read a.pcap -f 'net 10.0.0.0/8 and not port 53'
  plainsight read a.pcap --only 'cred.*' --min-severity high --reveal
  plainsight read a.pcap --format terminal --format ndjson -o findings.ndjson

Exit status: 0 done; 1 --fail-on was reached; 2 a mistake, or an input that could not be read; 130 interrupted.";

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Captures (pcap, pcapng, gzip), directories of captures, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Read only packets that match this libpcap filter
    #[arg(short, long, value_name = "BPF")]
    filter: Option<String>,

    /// Add the rules of this file or directory; a rule replaces the one with its id
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Only these rules, by id or kind; * stands for anything
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    only: Vec<String>,

    /// Not these rules, by id or kind
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    skip: Vec<String>,

    /// Only findings at least this severe
    #[arg(long, value_name = "SEVERITY", default_value = "info")]
    min_severity: SeverityName,

    /// Only findings at least this sure
    #[arg(long, value_name = "CONFIDENCE", default_value = "low")]
    min_confidence: ConfidenceName,

    /// What to write; each -o takes the --format before it
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Vec<Format>,

    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,

    /// Show values in clear: the report becomes as secret as they are
    #[arg(long)]
    reveal: bool,

    /// Hide user names too
    #[arg(long)]
    mask_users: bool,

    /// Exit with status 1 when something at least this severe was found
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<SeverityName>,

    /// Key of the fingerprints: with the same key, the same value has the same fingerprint in every run
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Workers [default: one for each processor]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Show the findings alone
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Show more of each finding, and longer lists
    #[arg(short, long)]
    verbose: bool,

    /// No progress bar
    #[arg(long)]
    no_progress: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SeverityName {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ConfidenceName {
    High,
    Medium,
    Low,
}

impl From<SeverityName> for Severity {
    fn from(name: SeverityName) -> Self {
        match name {
            SeverityName::Critical => Self::Critical,
            SeverityName::High => Self::High,
            SeverityName::Info => Self::Info,
            SeverityName::Low => Self::Low,
            SeverityName::Medium => Self::Medium,
        }
    }
}

impl From<ConfidenceName> for Confidence {
    fn from(name: ConfidenceName) -> Self {
        match name {
            ConfidenceName::High => Self::High,
            ConfidenceName::Low => Self::Low,
            ConfidenceName::Medium => Self::Medium,
        }
    }
}

/// Reads, and reports.
pub(super) fn run(args: Args, typed: &Typed) -> Result<Exit> {
    let reports = typed.reports()?;
    let stop = Arc::new(AtomicBool::new(false));
    let settings = settings(&args, Arc::clone(&stop))?;
    let level = match (args.quiet, args.verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Verbose,
        _ => Level::Normal,
    };
    let mut sinks = outputs::open(&reports, settings.matcher.catalogue(), level, args.reveal)?;
    listen(&stop).context("cannot listen for signals")?;
    let bar = Bar::new(&settings.inputs, !args.no_progress && !args.quiet);
    let done = pipeline::read(&settings, &mut sinks, &|progress| bar.show(progress));
    bar.finish();
    let run = match done {
        Ok(run) => run,
        Err(PipelineError::Output(error)) => return Err(error).context("cannot write the report"),
        Err(error) => return Err(error.into()),
    };
    for error in &run.failed {
        complain(&error.to_string());
    }
    let reached = |limit: SeverityName| run.summary.findings.worst() >= Some(limit.into());
    Ok(if run.summary.interrupted {
        Exit::Interrupted
    } else if !run.failed.is_empty() {
        Exit::Mistake
    } else if args.fail_on.is_some_and(reached) {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// What was meant.
fn settings(args: &Args, stop: Arc<AtomicBool>) -> Result<Settings> {
    let mut catalogue = rules::catalogue(&args.rules)?;
    catalogue.select(&args.only, &args.skip)?;
    let key = match &args.key_file {
        Some(path) => key(path)?,
        None => Key::random(),
    };
    let options = Options {
        reveal: args.reveal,
        mask_users: args.mask_users,
        key,
        min_severity: args.min_severity.into(),
        min_confidence: args.min_confidence.into(),
    };
    let processors = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok(Settings {
        inputs: inputs::collect(&args.paths)?,
        filter: args.filter.clone(),
        jobs: args.jobs.unwrap_or_else(processors),
        matcher: Matcher::new(Arc::new(catalogue), options)?,
        stop,
    })
}

fn key(path: &Path) -> Result<Key> {
    /// Fewer bytes than this can be guessed.
    const LEAST: usize = 16;
    let secret = std::fs::read(path).with_context(|| format!("cannot read the key file {}", path.display()))?;
    if secret.len() < LEAST {
        bail!(
            "the key file {} has {} bytes; give it at least {LEAST}, best 32 from /dev/urandom",
            path.display(),
            secret.len()
        );
    }
    Ok(Key::from_secret(&secret))
}

/// The first signal stops reading, and what was found is written; the second ends the process.
fn listen(stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(stop))?;
        signal_hook::flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}
