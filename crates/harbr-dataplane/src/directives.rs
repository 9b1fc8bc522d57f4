use std::collections::HashSet;
use std::time::Duration;

use harbr_proto::{SnapshotHash, v1};

use crate::tap::MAX_TAPS;

/// How often a node reports unless the controller says otherwise, and how often at most.
const REPORT_EVERY: Duration = Duration::from_secs(2);
const MIN_REPORT_EVERY: Duration = Duration::from_millis(100);

/// Over which connections end where the controller does not say.
const DRAIN_GRACE: Duration = Duration::from_secs(30);
/// Endpoints that may be drained at once.
const MAX_DRAINED: usize = 10_000;

/// What the controller wants of this node besides what it serves. The newest holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directives {
    pub report_every: Duration,
    /// The node is to be left alone within this time.
    pub drain: Option<Duration>,
    /// URLs of endpoints that get no new request.
    pub drained_endpoints: HashSet<String>,
    /// What is served although it was in quarantine.
    pub released: Vec<SnapshotHash>,
    /// What the node remembers of its requests is wanted.
    pub sample: Option<v1::SampleRequest>,
    /// Requests that end are.
    pub taps: Vec<v1::Tap>,
}

impl Default for Directives {
    fn default() -> Self {
        Self {
            report_every: REPORT_EVERY,
            drain: None,
            drained_endpoints: HashSet::new(),
            released: Vec::new(),
            sample: None,
            taps: Vec::new(),
        }
    }
}

impl From<v1::Directives> for Directives {
    fn from(wire: v1::Directives) -> Self {
        let duration = |wire: Option<prost_types::Duration>| Duration::try_from(wire?).ok();
        let report_every = duration(wire.report_every).unwrap_or(REPORT_EVERY);
        let drain = wire.drain.map(|drain| duration(drain.grace).unwrap_or(DRAIN_GRACE));
        let drained_endpoints = wire.drained_endpoints.into_iter().take(MAX_DRAINED).collect();
        let released = wire.released.iter().filter_map(|hash| SnapshotHash::from_slice(hash)).collect();
        Self {
            report_every: report_every.clamp(MIN_REPORT_EVERY, REPORT_EVERY),
            drain,
            drained_endpoints,
            released,
            sample: wire.sample,
            taps: wire.taps.into_iter().take(MAX_TAPS).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
