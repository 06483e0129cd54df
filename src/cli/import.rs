//! `plainsight rules import`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};

use super::complain;
use super::exit::Exit;
use super::screen::Screen;
use crate::report::layout::Text;
use crate::report::words;
use crate::rules::import;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, clap::Subcommand)]
enum From {
    /// A configuration of gitleaks or Betterleaks, as it is
    Gitleaks {
        /// The configuration
        #[arg(value_name = "FILE")]
        path: PathBuf,

        /// Write the rules to this file instead of standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Writes the rules; what could not be carried over goes to standard error.
pub(super) fn run(args: &Args, screen: &mut Screen) -> Result<Exit> {
    let From::Gitleaks { path, output } = &args.from;
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let imported = import::gitleaks(&text).map_err(|why| anyhow!("{name}: {why}"))?;
    match output {
        Some(output) => {
            fs::write(output, &imported.text).with_context(|| format!("cannot write {}", output.display()))?;
        }
        None => imported.text.lines().try_for_each(|line| screen.line(&Text::plain(line)))?,
    }
    for (rule, what) in &imported.notes {
        complain(&if rule.is_empty() { what.clone() } else { format!("{rule}: {what}") });
    }
    complain(&format!(
        "{} carried over, {} left out; try them with `plainsight rules check`",
        words::many(imported.rules as u64, "rule"),
        imported.left,
    ));
    Ok(Exit::Done)
}
