//! Whether a failed attempt is followed by another. Pure decisions; [`crate::forward`] obeys them.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use harbr_model::{RETRY_BUDGET_FLOOR, RETRY_BUDGET_SHARE};
use http::StatusCode;

/// How an attempt failed, as far as it matters for what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing of the request was written to this connection, which was kept from an earlier request.
    UnsentOnReused,
    /// Nothing of the request was written: no connection, or it closed first.
    Unsent,
    /// The reused connection ended before anything was answered.
    ResetOnReused,
    /// The connection ended, or what came was no response.
    Reset,
    Timeout,
    Status(StatusCode),
}

/// What of the request bears on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeatable {
    /// RFC 9110, 9.2.2: to send it twice means the same as once.
    pub idempotent: bool,
    /// All of the body that was sent can be sent again.
    pub replayable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The same endpoint over a fresh connection, at once. Not counted: the kept connection was just dead.
    Resend,
    /// Another endpoint if there is one, within the budget.
    Retry,
    GiveUp,
}

/// How often something was tried, against what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tries {
    pub retries_left: u32,
    pub resent: bool,
}

pub(crate) fn decide(failure: Failure, request: Repeatable, tries: Tries) -> Decision {
    let twice_is_safe = request.idempotent && request.replayable;
    let resend = match failure {
        Failure::UnsentOnReused => request.replayable,
        Failure::ResetOnReused => twice_is_safe,
        Failure::Unsent | Failure::Reset | Failure::Timeout | Failure::Status(_) => false,
    };
    if resend && !tries.resent {
        return Decision::Resend;
    }
    let retry = match failure {
        Failure::UnsentOnReused | Failure::Unsent => request.replayable,
        Failure::ResetOnReused | Failure::Reset | Failure::Timeout => twice_is_safe,
        Failure::Status(status) => twice_is_safe && is_retried(status),
    };
    if retry && tries.retries_left > 0 { Decision::Retry } else { Decision::GiveUp }
}

/// The statuses by which an upstream says that it could not, this time.
pub(crate) fn is_retried(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// Keeps retries from multiplying the load on an upstream that fails: at most a fifth of its active requests
/// may be retries, and always three. Shared by the workers of a node.
#[derive(Debug, Default)]
pub(crate) struct RetryBudget {
    active: AtomicU32,
    retrying: AtomicU32,
}

/// A place in a count, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a AtomicU32);

impl RetryBudget {
    /// A request to the upstream, whatever number of attempts it takes.
    pub(crate) fn request(&self) -> Place<'_> {
        self.active.fetch_add(1, Relaxed);
        Place(&self.active)
    }

    /// `None` when the budget is used up.
    pub(crate) fn retry(&self) -> Option<Place<'_>> {
        let allowed = RETRY_BUDGET_FLOOR.max(self.active.load(Relaxed) / RETRY_BUDGET_SHARE);
        let below = |retrying| (retrying < allowed).then_some(retrying + 1);
        self.retrying.fetch_update(Relaxed, Relaxed, below).ok()?;
        Some(Place(&self.retrying))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
