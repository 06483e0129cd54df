//! What `read` and `watch` have in common: which rules, which findings, shown how, by how many workers.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result, bail};

use super::choice::Choice;
use super::nearest;
use crate::model::finding::{Confidence, Severity};
use crate::model::limits::{Limit, Limits, TABLE};
use crate::rules::{Key, Matcher, Options};

/// What was typed.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Analysis {
    #[command(flatten)]
    pub(super) choice: Choice,

    /// Only findings at least this severe
    #[arg(long, value_name = "SEVERITY", default_value = "info")]
    min_severity: SeverityName,

    /// Only findings at least this sure
    #[arg(long, value_name = "CONFIDENCE", default_value = "low")]
    min_confidence: ConfidenceName,

    /// Show values in clear: the report becomes as secret as they are
    #[arg(long)]
    pub(super) reveal: bool,

    /// Hide user names too
    #[arg(long)]
    mask_users: bool,

    /// Key of the fingerprints: with the same key, the same value has the same fingerprint in every run
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Set a limit, `flows=2M` or `udp-idle=10m` (repeatable; `plainsight limits` lists them)
    #[arg(long, value_name = "NAME=VALUE", value_parser = set)]
    limit: Vec<Set>,

    /// Workers [default: one for each processor]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum SeverityName {
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

impl Analysis {
    /// The rules that are wanted, compiled, with what was decided about findings.
    pub(super) fn matcher(&self) -> Result<Arc<Matcher>> {
        let key = match &self.key_file {
            Some(path) => key(path)?,
            None => Key::random(),
        };
        let options = Options {
            reveal: self.reveal,
            mask_users: self.mask_users,
            key,
            min_severity: self.min_severity.into(),
            min_confidence: self.min_confidence.into(),
        };
        self.choice.matcher(options)
    }

    /// What is held at most.
    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for Set { limit, value } in &self.limit {
            // It was read before.
            let _ = limit.set(&mut limits, value);
        }
        limits
    }

    /// How many workers.
    pub(super) fn jobs(&self) -> NonZeroUsize {
        let processors = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.jobs.unwrap_or_else(processors)
    }
}

/// A limit and what it is to be.
#[derive(Clone, Debug)]
struct Set {
    limit: &'static Limit,
    value: String,
}

fn set(typed: &str) -> Result<Set, String> {
    let (name, value) = typed.split_once('=').ok_or("a limit is set by NAME=VALUE")?;
    let limit = Limit::named(name).ok_or_else(|| match nearest(name, TABLE, |limit| limit.name) {
        Some(limit) => format!("there is no limit of this name; do you mean {}?", limit.name),
        None => "there is no limit of this name; `plainsight limits` lists them".to_owned(),
    })?;
    match limit.set(&mut Limits::default(), value) {
        Ok(()) => Ok(Set { limit, value: value.to_owned() }),
        Err(wanted) => Err(format!("{name} is {wanted}")),
    }
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
