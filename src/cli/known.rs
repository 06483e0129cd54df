//! `plainsight known`: hashes of the operator's own secrets.

use std::io::{self, BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};

use super::complain;
use super::exit::Exit;
use super::screen::Screen;
use crate::model::limits;
use crate::model::secret::HeldSecret;
use crate::report::layout::Text;
use crate::report::words;
use crate::rules::Known;

const EXAMPLES: &str = "\
Examples:
  plainsight known add 'payroll database'           asks for the secret, and shows nothing of it
  vault read -field=key x | plainsight known add x   from standard input
  plainsight known add < secrets.env                 many, each on a line NAME=VALUE
  plainsight read a.pcap --known known.toml          did any of them go over this wire?

The file holds keyed hashes, never the secrets. It is made readable by you alone, and should stay so: whoever
has it has its key, too, and can try guesses as fast as they can be hashed. Long random secrets stay safe even
then; short and common ones do not.";

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,

    /// The file of known secrets
    #[arg(long, value_name = "FILE", default_value = "known.toml", global = true)]
    file: PathBuf,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Add a secret, or several
    Add {
        /// What to call it in findings; without, each line of standard input is NAME=VALUE
        name: Option<String>,
    },
    /// List the names
    List,
    /// Forget a secret
    Remove {
        /// Its name
        name: String,
    },
}

pub(super) fn run(args: &Args, screen: &mut Screen) -> Result<Exit> {
    let path = args.file.as_path();
    match &args.command {
        Command::Add { name } => add(path, name.as_deref())?,
        Command::List => {
            for name in Known::load(path)?.names() {
                screen.line(&Text::plain(name))?;
            }
        }
        Command::Remove { name } => {
            let mut known = Known::load(path)?;
            known.remove(name)?;
            known.save(path)?;
        }
    }
    Ok(Exit::Done)
}

fn add(path: &Path, name: Option<&str>) -> Result<()> {
    let mut known = if path.exists() { Known::load(path)? } else { Known::new() };
    let before = known.names().count();
    let stdin = io::stdin();
    match name {
        Some(name) if stdin.is_terminal() => {
            let secret = HeldSecret::new(rpassword::prompt_password("Secret: ").context("cannot read the secret")?);
            known.add(name, secret.as_secret())?;
        }
        Some(name) => {
            let mut text = Vec::new();
            stdin.lock().take(limits::LINE_BYTES as u64).read_to_end(&mut text).context("cannot read the secret")?;
            let end = text.trim_ascii_end().len();
            text.truncate(end);
            known.add(name, HeldSecret::new(text).as_secret())?;
        }
        None if stdin.is_terminal() => bail!("give the secret a name: `plainsight known add NAME`"),
        None => {
            for (number, line) in (1..).zip(stdin.lock().lines()) {
                let line = HeldSecret::new(line.context("cannot read the secrets")?);
                let bytes = line.as_secret().expose();
                if bytes.trim_ascii().is_empty() || bytes.starts_with(b"#") {
                    continue;
                }
                let at = bytes.iter().position(|b| *b == b'=');
                let pair = at.and_then(|at| bytes.split_at_checked(at));
                let (name, value) = pair.ok_or_else(|| anyhow!("line {number} is not NAME=VALUE"))?;
                let name = String::from_utf8_lossy(name);
                let value = HeldSecret::new(value.get(1..).unwrap_or_default());
                known.add(name.trim(), value.as_secret()).with_context(|| format!("line {number}"))?;
            }
        }
    }
    known.save(path)?;
    let added = known.names().count() - before;
    complain(&format!("{} added to {}", words::many(added as u64, "secret"), path.display()));
    Ok(())
}
