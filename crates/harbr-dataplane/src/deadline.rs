//! When an attempt has taken too long. A pure rule over instants, and the wait that obeys it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use harbr_model::TimeoutPolicy;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::alarm::{Alarm, Alarms};

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// How far the client's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyProgress {
    /// There is none, or nobody has asked for it yet.
    AtRest,
    Moving {
        last_moved: Instant,
        /// Up to here it came at least at the minimum rate.
        paced_until: Instant,
    },
    Ended {
        at: Instant,
        receiving: Duration,
    },
}

/// The clocks of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks {
    pub timeouts: TimeoutPolicy,
    pub request_began: Instant,
    pub attempt_began: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elapsed;

impl Clocks {
    /// An attempt's time runs from its connect, and anew from the end of the body; while a body moves only
    /// standing still, or nearly so, counts. The request's time bounds all attempts, less what the client took to send.
    pub(crate) fn deadline(&self, body: BodyProgress) -> Instant {
        let TimeoutPolicy { attempt, idle, .. } = self.timeouts;
        match body {
            BodyProgress::AtRest => (self.attempt_began + attempt).min(self.request_deadline(body)),
            BodyProgress::Moving { paced_until, .. } => paced_until + idle,
            BodyProgress::Ended { at, .. } => {
                (self.attempt_began.max(at) + attempt).min(self.request_deadline(body))
            }
        }
    }

    /// When no further attempt is worth beginning.
    pub(crate) fn request_deadline(&self, body: BodyProgress) -> Instant {
        let received_for = match body {
            BodyProgress::Ended { receiving, .. } => receiving,
            BodyProgress::AtRest | BodyProgress::Moving { .. } => Duration::ZERO,
        };
        self.request_began + self.timeouts.request + received_for
    }
}

/// A client's own limit (`grpc-timeout: 100m`) shortens what the route allows.
pub(crate) fn shortened_by_client(timeouts: TimeoutPolicy, headers: &HeaderMap) -> TimeoutPolicy {
    let Some(limit) = headers.get(GRPC_TIMEOUT).and_then(parse_grpc_timeout) else { return timeouts };
    TimeoutPolicy { attempt: timeouts.attempt.min(limit), request: timeouts.request.min(limit), ..timeouts }
}

/// At most eight digits and a unit, as gRPC over HTTP/2 has it.
fn parse_grpc_timeout(value: &HeaderValue) -> Option<Duration> {
    let (digits, unit) = value.to_str().ok()?.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Waits for `future` until the deadline, which is asked for anew when it has come or `moved` says that it is
/// another. `now`: about when this is called.
pub(crate) async fn within<T>(
    alarms: &Alarms,
    now: Instant,
    mut future: Pin<&mut impl Future<Output = T>>,
    deadline: impl Fn() -> Instant,
    moved: impl AsyncFn(),
) -> Result<T, Elapsed> {
    let mut alarm = Alarm::new(alarms, now, deadline());
    let mut moved_once = pin!(moved());
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        while moved_once.as_mut().poll(cx).is_ready() {
            moved_once.set(moved());
        }
        loop {
            // It may have moved on since it was asked for last, without a word.
            ready!(alarm.poll(deadline(), cx));
            if deadline() <= Instant::now() {
                return Poll::Ready(Err(Elapsed));
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests;
