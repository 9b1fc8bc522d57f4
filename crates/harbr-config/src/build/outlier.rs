//! `outlier`: when a proxy takes an endpoint out by what it sees itself.

use std::time::Duration;

use harbr_model::{MAX_TIMEOUT, OutlierPolicy};

use super::value::{duration, integer};
use crate::diagnostic::Findings;
use crate::raw::RawOutlier;

/// Failures in a row.
const MAX_IN_A_ROW: u32 = 1_000;
/// Shorter than this an ejection changes nothing.
const MIN_TIME: Duration = Duration::from_millis(100);

pub(super) fn outlier(raw: &RawOutlier, findings: &mut Findings) -> OutlierPolicy {
    let mut policy = OutlierPolicy::default();
    if let Some(failures) = integer("failures", &raw.failures, 0..=MAX_IN_A_ROW, findings) {
        policy.failures = failures;
    }
    let connect_failures = integer("connect_failures", &raw.connect_failures, 0..=MAX_IN_A_ROW, findings);
    if let Some(failures) = connect_failures {
        policy.connect_failures = failures;
    }
    if let Some(time) = duration("base_time", &raw.base_time, MIN_TIME..=MAX_TIMEOUT, findings) {
        policy.base_time = time;
        policy.max_time = policy.max_time.max(time);
    }
    if let Some(time) = duration("max_time", &raw.max_time, MIN_TIME..=MAX_TIMEOUT, findings) {
        policy.max_time = time;
    }
    if let Some(percent) = integer("max_ejected", &raw.max_ejected, 0..=100, findings) {
        policy.max_ejected = percent;
    }
    policy
}
