//! `plainsight watch`.

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::analysis::{Analysis, SeverityName};
use super::complain;
use super::confine::{self, Confinement};
use super::exit::Exit;
use super::outputs::{self, Format, Typed};
use super::permission;
use crate::pipeline::settings::{Controls, Watching};
use crate::pipeline::target::Target;
use crate::pipeline::watch::{self, Operator};
use crate::rules::Catalogue;
use crate::sandbox::Plan;
use crate::source::live::{Interface, LiveError, Options, Side, Trouble};

const EXAMPLES: &str = "\
Examples:
  plainsight watch -i eth1                                  a line for each finding as it comes
  plainsight watch -i eth1 -i eth2 -f 'not port 22'         two taps are one capture
  plainsight watch -i any --format ndjson -o /var/log/plainsight.ndjson
  plainsight watch -i eth1 --lanes 4 --buffer 256           a busy mirror port
  plainsight watch -i eth1 --for 10m --fail-on high         ten minutes, exit 1 from high

Signals: INT and TERM end with a summary, HUP opens the reports anew (for log rotation) and loads the rules again, USR1
tells the state on standard error.

Exit status: 0 done; 1 --fail-on was reached; 2 a mistake, or an interface that cannot be listened to.";

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Listen to this interface (repeatable; `any` is all of them; `plainsight interfaces` lists them)
    #[arg(short, long, required = true, value_name = "NAME")]
    interface: Vec<String>,

    /// Take only packets that match this libpcap filter
    #[arg(short, long, value_name = "BPF")]
    filter: Option<String>,

    /// Share the packets among so many capture threads, each connection on one of them
    #[arg(long, value_name = "N", default_value = "1")]
    lanes: NonZeroU16,

    /// Kernel buffer of each interface and lane, in MiB
    #[arg(long, value_name = "MIB", default_value = "64", value_parser = clap::value_parser!(u32).range(1..=2047))]
    buffer: u32,

    /// Bytes of each packet that are captured
    #[arg(long, value_name = "BYTES", default_value = "262144", value_parser = clap::value_parser!(u32).range(64..=262144))]
    snap_len: u32,

    /// Which way: what this machine receives, what it sends, or both
    #[arg(long, value_name = "WAY", default_value = "both")]
    direction: SideName,

    /// Take only what is addressed to this machine
    #[arg(long)]
    no_promiscuous: bool,

    /// How often to tell the state (ndjson; -v on a terminal) and what was seen again
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    interval: Duration,

    /// Stop after this time
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    duration: Option<Duration>,

    #[command(flatten)]
    analysis: Analysis,

    #[command(flatten)]
    outputs: outputs::Wanted,

    #[command(flatten)]
    confine: Confinement,

    /// Exit with status 1 when something at least this severe was found
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<SeverityName>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SideName {
    Both,
    In,
    Out,
}

/// Watches, and reports.
pub(super) fn run(args: &Args, typed: &Typed) -> Result<Exit> {
    let reports = typed.reports()?;
    let matcher = args.analysis.matcher()?;
    let controls = listen().context("cannot listen for signals")?;
    // Once confined, a limit on processors could no longer be read.
    let jobs = args.analysis.jobs();
    let lanes = open(args)?;
    let in_force = args.confine.enter(plan(args, &reports, &lanes))?;
    if args.outputs.verbose {
        complain(&in_force.to_string());
    }
    // Opened by the user that may have to open them again.
    let boards = outputs::boards(&reports, matcher.catalogue(), args.outputs.level(), args.analysis.reveal)?;
    let watching = Watching {
        lanes,
        jobs,
        matcher,
        limits: args.analysis.limits(),
        interval: args.interval,
        duration: args.duration,
        controls,
    };
    let summary = watch::watch(watching, boards, &Console { analysis: &args.analysis });
    let reached = |limit: SeverityName| summary.findings.worst() >= Some(limit.into());
    Ok(if args.fail_on.is_some_and(reached) { Exit::Failed } else { Exit::Done })
}

/// What is needed from here on: rules that may be loaded again, the places of the reports, and the right
/// to listen to an interface that comes back.
fn plan(args: &Args, reports: &[(Format, Target)], lanes: &[Vec<Interface>]) -> Plan {
    let write = reports.iter().filter_map(|(_, target)| match target {
        Target::File(path) if path.is_file() || !path.exists() => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            Some(folder.map_or_else(|| PathBuf::from("."), Path::to_owned))
        }
        Target::File(path) => Some(path.clone()),
        Target::Stdout => None,
    });
    let capture = lanes.iter().flatten().filter_map(Interface::descriptor);
    let mut read = args.analysis.choice.paths();
    if args.filter.is_some() {
        // It is compiled again for an interface that comes back.
        read.extend(confine::NAMES_IN_FILTERS.map(PathBuf::from));
    }
    Plan { read, write: write.collect(), keep_capture: true, capture: capture.collect(), ..Plan::default() }
}

/// The interfaces, once for each lane.
fn open(args: &Args) -> Result<Vec<Vec<Interface>>> {
    let options = Options {
        filter: args.filter.clone(),
        promiscuous: !args.no_promiscuous,
        side: match args.direction {
            SideName::Both => Side::Both,
            SideName::In => Side::In,
            SideName::Out => Side::Out,
        },
        snap_len: args.snap_len,
        buffer_bytes: args.buffer << 20,
        lanes: args.lanes.get(),
    };
    let mut names = args.interface.clone();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let lane = || names.iter().zip(0..).map(|(name, index)| Interface::open(name, index, &options)).collect();
    (0..args.lanes.get()).map(|_| lane()).collect::<Result<_, LiveError>>().map_err(explained)
}

/// With what the operator can do about it.
fn explained(error: LiveError) -> anyhow::Error {
    let said = error.to_string();
    match said.strip_prefix(&format!("{}: ", error.interface)) {
        Some(said) if error.trouble != Trouble::Filter => anyhow!(permission::advice(&error.interface, said)),
        _ => error.into(),
    }
}

struct Console<'a> {
    analysis: &'a Analysis,
}

impl Operator for Console<'_> {
    fn tell(&self, message: &str) {
        complain(message);
    }

    fn rules(&self) -> Result<Catalogue, String> {
        self.analysis.choice.catalogue().map_err(|error| error.to_string())
    }
}

fn listen() -> std::io::Result<Controls> {
    let controls = Controls::default();
    for signal in [SIGINT, SIGTERM] {
        // The second of them ends the process.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&controls.stop))?;
        signal_hook::flag::register(signal, Arc::clone(&controls.stop))?;
    }
    signal_hook::flag::register(SIGHUP, Arc::clone(&controls.reload))?;
    signal_hook::flag::register(SIGUSR1, Arc::clone(&controls.status))?;
    Ok(controls)
}

/// `90`, `90s`, `10m`, `2h`, `1d`.
fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) => (number, text.chars().next_back()),
        None => (text, None),
    };
    let factor = match unit {
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86400,
        _ => 1,
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)) {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("a time is a number of seconds, or a number with s, m, h or d behind it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(time("90"), Ok(Duration::from_secs(90)));
        assert_eq!(time("2h"), Ok(Duration::from_secs(7200)));
        for wrong in ["", "s", "0", "-1", "5w", "99999999999999999d"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
