//! The time as a worker's sweep saw it last. Limits that the sweep holds are exact to its rounds whatever clock they
//! go by, and a connection notes some time four times a request: asked of the system, each costs 130 instructions.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often the sweep comes round.
pub(crate) const SWEEP: Duration = Duration::from_millis(100);

/// Written by the sweep of one worker, and read by its connections.
#[derive(Debug)]
pub(crate) struct CoarseClock {
    began: Instant,
    swept_at: AtomicU64,
}

impl CoarseClock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), swept_at: AtomicU64::new(0) }
    }

    pub(crate) fn tick(&self) {
        self.swept_at.store(millis(self.began.elapsed()), Relaxed);
    }

    /// Milliseconds, up to one round behind.
    pub(crate) fn now(&self) -> u64 {
        self.swept_at.load(Relaxed)
    }

    /// The next round, never 0. What counts from there is never ended early.
    pub(crate) fn soon(&self) -> u64 {
        self.now() + millis(SWEEP)
    }

    #[cfg(test)]
    pub(crate) fn pass(&self, time: Duration) {
        self.swept_at.fetch_add(millis(time), Relaxed);
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
