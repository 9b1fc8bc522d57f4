use std::time::Duration;

use harbr_proto::v1;

/// How often a node reports unless the controller says otherwise, and how often at most.
const REPORT_EVERY: Duration = Duration::from_secs(2);
const MIN_REPORT_EVERY: Duration = Duration::from_millis(100);

/// What the controller wants of this node besides what it serves. The newest holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directives {
    pub report_every: Duration,
}

impl Default for Directives {
    fn default() -> Self {
        Self { report_every: REPORT_EVERY }
    }
}

impl From<v1::Directives> for Directives {
    fn from(wire: v1::Directives) -> Self {
        let report_every = wire.report_every.and_then(|wanted| Duration::try_from(wanted).ok());
        Self {
            report_every: report_every
                .map_or(REPORT_EVERY, |wanted| wanted.clamp(MIN_REPORT_EVERY, REPORT_EVERY)),
        }
    }
}
