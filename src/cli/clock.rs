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

/// Nanoseconds since the first call.
pub(super) fn nanoseconds() -> u64 {
    passed().as_nanos().try_into().unwrap_or(u64::MAX)
}

fn passed() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
