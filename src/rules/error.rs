//! What can be wrong with a rule: always the operator's to put right.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a catalogue could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A file or folder could not be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not TOML, or not a list of rules.
    #[error("{at}: {reason}")]
    Syntax {
        /// Where.
        at: Place,
        /// What the TOML parser says.
        reason: String,
    },
    /// One rule makes no sense.
    #[error("{at}: rule `{id}`: {reason}")]
    Rule {
        /// Where.
        at: Place,
        /// Its id.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `--only` or `--skip` names no rule.
    #[error("no rule fits `{0}`; `plainsight rules list` shows them all")]
    NoSuchRule(String),
}

/// A place in a file of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<str>,
    /// The line, from one.
    pub line: usize,
    /// The column in characters, from one.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
