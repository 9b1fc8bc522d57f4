use std::time::Duration;

use harbr_proto::{SnapshotHash, v1};

/// How often a node reports unless the controller says otherwise, and how often at most.
const REPORT_EVERY: Duration = Duration::from_secs(2);
const MIN_REPORT_EVERY: Duration = Duration::from_millis(100);

/// What the controller wants of this node besides what it serves. The newest holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directives {
    pub report_every: Duration,
    /// What is served although it was in quarantine.
    pub released: Vec<SnapshotHash>,
}

impl Default for Directives {
    fn default() -> Self {
        Self { report_every: REPORT_EVERY, released: Vec::new() }
    }
}

impl From<v1::Directives> for Directives {
    fn from(wire: v1::Directives) -> Self {
        let report_every = wire.report_every.and_then(|wanted| Duration::try_from(wanted).ok());
        let report_every = report_every.unwrap_or(REPORT_EVERY).clamp(MIN_REPORT_EVERY, REPORT_EVERY);
        let released = wire.released.iter().filter_map(|hash| SnapshotHash::from_slice(hash)).collect();
        Self { report_every, released }
    }
}
