//! Which rules are in force: the flags of every command that makes findings.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::rules::{Catalogue, Known, Matcher, Options, RuleError};

/// Where rules come from.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Sources {
    /// Add the rules of this file or directory; a rule replaces the one with its id
    #[arg(long, value_name = "PATH", global = true)]
    rules: Vec<PathBuf>,

    /// Leave out the rules that come with the program
    #[arg(long, global = true)]
    no_builtin_rules: bool,
}

impl Sources {
    /// Reads them.
    pub(super) fn catalogue(&self) -> Result<Catalogue, RuleError> {
        let mut catalogue = if self.no_builtin_rules { Catalogue::default() } else { Catalogue::builtin()? };
        self.rules.iter().try_for_each(|path| catalogue.load(path))?;
        Ok(catalogue)
    }
}

/// Which of them may make findings.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Choice {
    #[command(flatten)]
    sources: Sources,

    #[command(flatten)]
    selection: Selection,
}

/// Which of the rules that were read may make findings.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Selection {
    /// Only these rules, by id or kind; * stands for anything
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    only: Vec<String>,

    /// Not these rules, by id or kind
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    skip: Vec<String>,

    /// Look for the secrets of this file, made by `plainsight known add`, in every encoding
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
}

impl Selection {
    /// Switches off the others, and looks for known secrets if that was asked for.
    pub(super) fn apply(&self, catalogue: &mut Catalogue) -> Result<()> {
        catalogue.select(&self.only, &self.skip)?;
        if let Some(path) = &self.known {
            if !catalogue.seeks_known() {
                bail!("--known: no rule that is switched on looks for known secrets (`on = \"known\"`)");
            }
            catalogue.set_known(Arc::new(Known::load(path)?));
        }
        Ok(())
    }
}

impl Choice {
    /// Files that are read again when rules are loaded anew.
    #[cfg(all(feature = "live", unix))]
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.sources.rules.iter().chain(&self.selection.known).cloned().collect()
    }

    /// Reads and compiles the rules.
    pub(super) fn matcher(&self, options: Options) -> Result<Arc<Matcher>> {
        Ok(Matcher::new(Arc::new(self.catalogue()?), options)?)
    }

    /// Reads the rules; to load them anew, this makes the catalogue for [`Matcher::successor`].
    pub(super) fn catalogue(&self) -> Result<Catalogue> {
        let mut catalogue = self.sources.catalogue()?;
        self.selection.apply(&mut catalogue)?;
        Ok(catalogue)
    }
}
