//! Metrics that are read from the controller's state at each scrape, instead of being kept up beside it.

use std::fmt::Write;
use std::sync::Arc;

use harbr_model::Health;
use tokio::sync::watch;

use crate::fleet::Fleet;
use crate::health::HealthTable;
use crate::ledger::Ledger;
use crate::metrics::{
    CONFIG_LAG, CONFIG_LAST_RELOAD_SUCCESSFUL, CONFIG_REVISION, ENDPOINTS, HEALTH_FROZEN, NODES,
    PROVEN_REVISION, ROLLOUT_ACTIVE,
};

/// What a scrape reads.
#[derive(Debug)]
pub(crate) struct Gauges {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) health: watch::Receiver<Arc<HealthTable>>,
}

impl Gauges {
    pub(crate) fn write(&self, text: &mut String) {
        let intent = self.ledger.intent();
        let number = intent.newest().map_or(0, |revision| revision.number);
        family(
            text,
            CONFIG_REVISION,
            "The revision that nodes should serve; 0 for none.",
            [("", "", number)],
        );
        let is_good = u64::from(intent.newest().is_some() && intent.config_error.is_none());
        let help = "1 if the configuration file is what is served, else 0.";
        family(text, CONFIG_LAST_RELOAD_SUCCESSFUL, help, [("", "", is_good)]);
        let proven = intent.proven;
        family(text, PROVEN_REVISION, "The newest revision that is proven; 0 for none.", [("", "", proven)]);
        let is_rolling = u64::from(intent.candidate.is_some());
        let help = "1 while a revision is on its way to the fleet, or on trial there.";
        family(text, ROLLOUT_ACTIVE, help, [("", "", is_rolling)]);
        let lag = self.fleet.lag().as_secs();
        let help = "How long the node that is furthest behind has not served what it should.";
        family(text, CONFIG_LAG, help, [("", "", lag)]);
        let nodes = self.fleet.count(|id| intent.intended(id));
        let nodes = nodes.into_iter().map(|(state, count)| ("state", state.as_str(), count as u64));
        family(text, NODES, "Nodes by state.", nodes);
        let table = self.health.borrow().clone();
        let endpoints = [Health::Healthy, Health::Unhealthy, Health::Unknown]
            .map(|health| ("health", health.as_str(), table.count(health) as u64));
        family(text, ENDPOINTS, "Probed endpoints by health.", endpoints);
        let help = "1 while the prober suspects itself and takes nothing out.";
        family(text, HEALTH_FROZEN, help, [("", "", u64::from(table.is_frozen()))]);
    }
}

fn family<'a>(
    text: &mut String,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = (&'a str, &'a str, u64)>,
) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (label, value, number) in series {
        let _ = match label {
            "" => writeln!(text, "{name} {number}"),
            _ => writeln!(text, "{name}{{{label}=\"{value}\"}} {number}"),
        };
    }
}
