//! What a run is to do, in the program's own terms: what the operator typed is turned into this by `cli`.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::rules::Matcher;
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
    /// The rules the operator wants, compiled, with what was decided about findings.
    pub matcher: Arc<Matcher>,
    /// Set from outside to stop early; what was found until then is still reported.
    pub stop: Arc<AtomicBool>,
}
