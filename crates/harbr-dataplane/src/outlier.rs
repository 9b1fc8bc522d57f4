//! What attempts have shown of one endpoint, and whether it is out for that: passive ejection. All workers of a node
//! share it, so that it does not take each of them as many failures.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use harbr_model::OutlierPolicy;

/// How an attempt went, as far as it tells of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Success,
    /// It took the connection, and answered 5xx, late or not at all.
    Failure,
    ConnectFailure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Failures,
    ConnectFailures,
}

#[derive(Debug, Default)]
pub(crate) struct Outlier {
    failures: AtomicU32,
    connect_failures: AtomicU32,
    /// Milliseconds of the process's clock; 0: it was never out.
    ejected_until: AtomicU64,
    /// Ejections in a row, each longer than the one before.
    times: AtomicU32,
    cause: AtomicU8,
}

impl Cause {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failures => "answers that failed in a row",
            Self::ConnectFailures => "connections that failed in a row",
        }
    }
}

impl Outlier {
    /// Counts; the cause comes back when there is one to eject, and counting begins anew.
    pub(crate) fn note(&self, seen: Seen, policy: &OutlierPolicy) -> Option<Cause> {
        match seen {
            // Nearly always both are 0, and nothing is written.
            Seen::Success => {
                clear(&self.failures);
                clear(&self.connect_failures);
                None
            }
            Seen::Failure => {
                clear(&self.connect_failures);
                reaches(&self.failures, policy.failures).then_some(Cause::Failures)
            }
            Seen::ConnectFailure => {
                reaches(&self.connect_failures, policy.connect_failures).then_some(Cause::ConnectFailures)
            }
        }
    }

    pub(crate) fn is_ejected(&self) -> bool {
        let until = self.ejected_until.load(Relaxed);
        until != 0 && until > now()
    }

    /// Back before its time.
    pub(crate) fn pardon(&self) {
        self.ejected_until.fetch_min(now(), Relaxed);
    }

    /// Why it is out, while it is.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let cause = if self.cause.load(Relaxed) == 0 { Cause::Failures } else { Cause::ConnectFailures };
        self.is_ejected().then_some(cause)
    }

    /// Takes it out from now on; for how long comes back. Called under the upstream's lock.
    pub(crate) fn eject(&self, cause: Cause, policy: &OutlierPolicy) -> Duration {
        let (now, until) = (now(), self.ejected_until.load(Relaxed));
        // One that has served for long since its last time begins from the first again.
        let is_relapse = until != 0 && now.saturating_sub(until) < millis(policy.max_time);
        let times = if is_relapse { self.times.load(Relaxed).saturating_add(1) } else { 1 };
        let time = ejection_time(policy, times, fastrand::f64());
        self.times.store(times, Relaxed);
        self.cause.store(u8::from(cause == Cause::ConnectFailures), Relaxed);
        self.ejected_until.store(now + millis(time).max(1), Relaxed);
        time
    }
}

/// Up to a tenth longer by chance, so that not all nodes try it again at once.
fn ejection_time(policy: &OutlierPolicy, times: u32, chance: f64) -> Duration {
    let time = policy.base_time.saturating_mul(times).min(policy.max_time);
    time + time.mul_f64(chance / 10.0)
}

fn reaches(count: &AtomicU32, threshold: u32) -> bool {
    let has_reached = threshold > 0 && count.fetch_add(1, Relaxed) + 1 >= threshold;
    if has_reached {
        count.store(0, Relaxed);
    }
    has_reached
}

fn clear(count: &AtomicU32) {
    if count.load(Relaxed) != 0 {
        count.store(0, Relaxed);
    }
}

/// Milliseconds since the process first asked; never 0.
fn now() -> u64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

    millis(BEGAN.elapsed()) + 1
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
