//! How long things take.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The processor time of this thread, where the system tells it; else the time that passed.
pub(super) fn busy() -> Duration {
    #[cfg(target_os = "linux")]
    if let Ok(time) = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID) {
        return time.into();
    }
    passed()
}

/// [`busy`] in nanoseconds.
pub(super) fn nanoseconds() -> u64 {
    busy().as_nanos().try_into().unwrap_or(u64::MAX)
}

/// Nanoseconds that asking for the time takes.
pub(super) fn overhead() -> u64 {
    (0..1000).map(|_| nanoseconds().abs_diff(nanoseconds())).min().unwrap_or(0)
}

fn passed() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
