//! `plainsight read`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result};

use super::analysis::{Analysis, SeverityName};
use super::confine::{self, Confinement};
use super::exit::Exit;
use super::outputs::{self, Typed};
use super::progress::Bar;
use super::{complain, inputs};
use crate::pipeline::{self, PipelineError, Settings};
use crate::sandbox::Plan;
use crate::source::Input;

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
    /// Captures (pcap, pcapng, snoop; gzip, zstd, xz, lz4, bzip2), directories, patterns, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Read only packets that match this libpcap filter
    #[arg(short, long, value_name = "BPF")]
    filter: Option<String>,

    #[command(flatten)]
    analysis: Analysis,

    #[command(flatten)]
    outputs: outputs::Wanted,

    /// Exit with status 1 when something at least this severe was found
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<SeverityName>,

    /// No progress bar
    #[arg(long)]
    no_progress: bool,

    #[command(flatten)]
    confine: Confinement,
}

/// Reads, and reports.
pub(super) fn run(args: &Args, typed: &Typed) -> Result<Exit> {
    let reports = typed.reports()?;
    let stop = Arc::new(AtomicBool::new(false));
    let settings = settings(args, Arc::clone(&stop))?;
    let mut sinks = outputs::open(&reports, settings.matcher.catalogue(), args.outputs.level(), args.analysis.reveal)?;
    listen(&stop).context("cannot listen for signals")?;
    let in_force = args.confine.enter(plan(&settings))?;
    if args.outputs.verbose {
        complain(&in_force.to_string());
    }
    let bar = Bar::new(&settings.inputs, !args.no_progress && !args.outputs.quiet);
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
    Ok(Settings {
        inputs: inputs::collect(&args.paths)?,
        filter: args.filter.clone(),
        jobs: args.analysis.jobs(),
        matcher: args.analysis.matcher()?,
        limits: args.analysis.limits(),
        stop,
    })
}

/// What is still to be opened once the reports are: the captures.
fn plan(settings: &Settings) -> Plan {
    let named = settings.inputs.iter().filter_map(|input| match input {
        Input::Path(path) => Some(path.clone()),
        Input::Stdin => None,
    });
    let mut read: Vec<PathBuf> = named.collect();
    if settings.filter.is_some() {
        read.extend(confine::NAMES_IN_FILTERS.map(PathBuf::from));
    }
    Plan { read, ..Plan::default() }
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
