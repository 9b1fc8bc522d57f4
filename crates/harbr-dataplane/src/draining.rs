use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A drain by the controller's word, which it may take back. The node serves on, but each connection ends after its
/// next answer, one after the other over the grace time, so that clients do not all come back at once elsewhere.
#[derive(Debug)]
pub(crate) struct Draining {
    clock: Instant,
    /// Milliseconds of `clock`, from 1 on; 0: not drained.
    since: AtomicU64,
    grace: AtomicU64,
}

/// Where a connection stands in the line of those that end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(u16);

impl Place {
    pub(crate) fn at_random() -> Self {
        Self(fastrand::u16(..))
    }
}

impl Draining {
    pub(crate) fn new() -> Self {
        Self { clock: Instant::now(), since: AtomicU64::new(0), grace: AtomicU64::new(0) }
    }

    /// `None` ends it. One that goes on keeps its beginning.
    pub(crate) fn set(&self, grace: Option<Duration>) {
        match grace {
            None => self.since.store(0, Relaxed),
            Some(grace) => {
                self.grace.store(millis(grace), Relaxed);
                let begin = self.since.compare_exchange(0, self.now(), Relaxed, Relaxed);
                if begin.is_ok() {
                    tracing::info!(?grace, "drained by the controller");
                }
            }
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.since.load(Relaxed) != 0
    }

    /// A connection at this place ends after its next answer.
    pub(crate) fn reaches(&self, place: Place) -> bool {
        let since = self.since.load(Relaxed);
        since != 0 && {
            let elapsed = self.now().saturating_sub(since);
            elapsed.saturating_mul(u16::MAX.into()) >= self.grace.load(Relaxed).saturating_mul(place.0.into())
        }
    }

    /// The grace time has passed: what rests has had the time to be used once more.
    pub(crate) fn is_over(&self) -> bool {
        self.reaches(Place(u16::MAX))
    }

    fn now(&self) -> u64 {
        millis(self.clock.elapsed()) + 1
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
