//! What a run is to do, in the program's own terms: what the operator typed is turned into this by `cli`.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::rules::{Catalogue, Options};
use crate::source::Input;

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What to read.
    pub inputs: Vec<Input>,
    /// A libpcap filter expression: packets that do not match it are left out.
    pub filter: Option<String>,
    /// How many workers.
    pub jobs: NonZeroUsize,
    /// The rules, with those switched off that the operator does not want.
    pub catalogue: Arc<Catalogue>,
    /// What the operator decided about findings.
    pub options: Options,
    /// Set from outside to stop early; what was found until then is still reported.
    pub stop: Arc<AtomicBool>,
}
