//! What can be wrong with a rule: always the operator's to put right.

use std::path::PathBuf;

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
    #[error("{file}: {reason}")]
    Syntax {
        /// Which.
        file: String,
        /// What the TOML parser says, with line and column.
        reason: String,
    },
    /// One rule makes no sense.
    #[error("{file}: rule `{id}`: {reason}")]
    Rule {
        /// The file it is in.
        file: String,
        /// Its id.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `--only` or `--skip` names no rule.
    #[error("no rule fits `{0}`; `plainsight rules list` shows them all")]
    NoSuchRule(String),
}
