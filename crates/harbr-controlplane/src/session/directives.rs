use harbr_proto::v1;

use crate::drains::Drains;
use crate::ledger::Intent;

/// All that the controller wants of this node besides what it serves.
pub(super) fn directives(id: &str, intent: &Intent, drains: &Drains) -> v1::Directives {
    let drained = drains.nodes.get(id);
    v1::Directives {
        report_every: intent.report_every.try_into().ok(),
        drain: drained.map(|drained| v1::Drain { grace: drained.grace.try_into().ok() }),
        drained_endpoints: drains.endpoints.keys().cloned().collect(),
        released: intent.released.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
        ..v1::Directives::default()
    }
}
