//! What the operator talks to: one file for each command. What was typed is turned into what is meant
//! ([`crate::pipeline::Settings`]) before anything is done.

mod analysis;
mod bench;
mod choice;
mod clock;
mod confine;
mod exit;
mod explain;
mod import;
mod inputs;
mod interfaces;
mod known;
mod limits;
mod outputs;
#[cfg(feature = "live")]
mod permission;
mod progress;
mod protocols;
mod read;
mod rules;
mod scan;
mod screen;
#[cfg(all(feature = "live", unix))]
mod watch;

use std::io;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::Exit;
use screen::Screen;

/// Shows what a network says in plain sight: credentials, tokens and personal data in cleartext, TLS
/// that is too weak, and every link that should be encrypted and is not.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES, infer_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colours; `auto` follows the terminal, NO_COLOR and CLICOLOR
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

const EXAMPLES: &str = "\
Examples:
  plainsight read office.pcapng                       what is wrong in this capture?
  plainsight read day/ --fail-on high -q              for a nightly job: only findings, exit 1 from high
  plainsight read a.pcap --format ndjson | jq .       one JSON object a line
  plainsight explain http.basic-auth                  what a finding means, and how to fix it";

#[derive(Debug, Subcommand)]
enum Command {
    /// Analyse saved captures
    Read(Box<read::Args>),
    /// Analyse live traffic until stopped
    #[cfg(all(feature = "live", unix))]
    Watch(Box<watch::Args>),
    /// List, show and try the rules that make findings
    Rules(rules::Args),
    /// Keep hashes of your own secrets, to find them in traffic
    Known(known::Args),
    /// Say what a finding means, why it matters and how to put it right
    Explain(explain::Args),
    /// List the interfaces one can listen on
    Interfaces(interfaces::Args),
    /// List what is bounded, and how far
    Limits,
    /// List the protocols that are recognised
    Protocols,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let color = match cli.color {
        Color::Always => ColorChoice::Always,
        Color::Auto => ColorChoice::Auto,
        Color::Never => ColorChoice::Never,
    };
    color.write_global();
    let done = match cli.command {
        Command::Read(args) => read::run(&args, &typed(&matches)),
        #[cfg(all(feature = "live", unix))]
        Command::Watch(args) => watch::run(&args, &typed(&matches)),
        Command::Rules(args) => rules::run(args, &mut Screen::new()),
        Command::Known(args) => known::run(&args, &mut Screen::new()),
        Command::Explain(args) => explain::run(&args, &mut Screen::new()),
        Command::Interfaces(args) => interfaces::run(&args, &mut Screen::new()),
        Command::Limits => limits::run(&mut Screen::new()).map_err(Into::into),
        Command::Protocols => protocols::run(&mut Screen::new()).map_err(Into::into),
    };
    let exit = done.unwrap_or_else(|error| {
        if is_broken_pipe(&error) {
            return Exit::Done;
        }
        complain(&format!("{error:#}"));
        Exit::Mistake
    });
    exit.into()
}

/// In which order a command's reports were typed.
fn typed(matches: &clap::ArgMatches) -> outputs::Typed {
    matches.subcommand().map(|(_, matches)| outputs::Typed::new(matches)).unwrap_or_default()
}

/// Tells the operator, on standard error, each line of `message` under the program's name.
#[expect(clippy::print_stderr, reason = "the one place that talks to standard error")]
fn complain(message: &str) {
    for line in message.lines() {
        eprintln!("plainsight: {}", crate::report::escape::terminal(line));
    }
}

/// The one of `known` that was meant by `typed`, if one is like enough.
fn nearest<'a, T>(typed: &str, known: impl IntoIterator<Item = &'a T>, name: impl Fn(&T) -> &str) -> Option<&'a T> {
    /// Names less alike than this were not meant.
    const ALIKE: f64 = 0.7;
    let alike = |known: &T| strsim::jaro_winkler(name(known), typed);
    known.into_iter().max_by(|a, b| alike(a).total_cmp(&alike(b))).filter(|known| alike(known) > ALIKE)
}

/// Whether whoever read the output has had enough: `plainsight … | head` did what was asked.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }
}
