//! What a run is to do, in the program's own terms: what the operator typed is turned into this by `cli`.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
#[cfg(all(feature = "live", unix))]
use std::time::Duration;

use crate::model::limits::Limits;
use crate::rules::Matcher;
use crate::source::Input;
#[cfg(all(feature = "live", unix))]
use crate::source::live::Interface;

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
    /// What is held at most.
    pub limits: Limits,
    /// Set from outside to stop early; what was found until then is still reported.
    pub stop: Arc<AtomicBool>,
}

/// What a live run is to do.
#[cfg(all(feature = "live", unix))]
pub struct Watching {
    /// What each lane listens to: the same interfaces in the same order, open.
    pub lanes: Vec<Vec<Interface>>,
    /// How many workers.
    pub jobs: NonZeroUsize,
    /// The rules to begin with.
    pub matcher: Arc<Matcher>,
    /// What is held at most.
    pub limits: Limits,
    /// How often the state is told, and findings that were seen again.
    pub interval: Duration,
    /// When to stop unasked.
    pub duration: Option<Duration>,
    /// What may be asked meanwhile.
    pub controls: Controls,
}

/// What may be asked of a live run from outside (by signals).
#[cfg(all(feature = "live", unix))]
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// Stop, and tell what was found.
    pub stop: Arc<AtomicBool>,
    /// Open the reports anew, and load the rules again.
    pub reload: Arc<AtomicBool>,
    /// Tell the state now.
    pub status: Arc<AtomicBool>,
}
