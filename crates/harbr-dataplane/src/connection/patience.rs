//! How much housekeeping a connection of HTTP/2 may ask for: a bucket that empties with frames that ask for
//! nothing, and fills again with time and with each piece of an answer. A client that only makes work finds
//! its end; one that downloads, and so sends window updates, does not.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// What a client can ask for at once: above what any makes of a burst of requests.
const MOST: u32 = 1_000;
/// What comes back in a second.
const A_SECOND: u64 = 100;

/// Only the connection's own thread uses it.
#[derive(Debug)]
pub(super) struct Patience {
    left: AtomicU32,
    filled_at: AtomicU64,
}

/// It is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many frames that ask for nothing")]
pub(super) struct Exhausted;

impl Patience {
    pub(super) fn new() -> Self {
        Self { left: AtomicU32::new(MOST), filled_at: AtomicU64::new(0) }
    }

    /// `now` in milliseconds.
    pub(super) fn spend(&self, cost: u32, now: u64) -> Result<(), Exhausted> {
        let waited = now.saturating_sub(self.filled_at.load(Relaxed));
        let back = waited * A_SECOND / 1_000;
        if back > 0 {
            self.filled_at.store(now, Relaxed);
            self.earn(u32::try_from(back).unwrap_or(MOST));
        }
        let left = self.left.load(Relaxed).checked_sub(cost).ok_or(Exhausted)?;
        self.left.store(left, Relaxed);
        Ok(())
    }

    pub(super) fn earn(&self, amount: u32) {
        self.left.store(self.left.load(Relaxed).saturating_add(amount).min(MOST), Relaxed);
    }
}

#[cfg(test)]
mod tests;
