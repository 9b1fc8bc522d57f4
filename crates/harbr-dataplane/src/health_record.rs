use std::collections::{HashMap, HashSet};

use harbr_model::Health;
use harbr_proto::{health_from_wire, v1};

use crate::live::LiveTable;

/// Endpoints whose health is remembered; those of a snapshot are far fewer.
const MAX_RECORDED: usize = 1_000_000;

/// What the controller's prober said last of each endpoint. It comes before the snapshot that has the
/// endpoint, and outlives snapshots that do not change it.
#[derive(Debug, Default)]
pub(crate) struct HealthRecord {
    by_upstream: HashMap<String, HashMap<String, Found>>,
    count: usize,
}

#[derive(Debug)]
struct Found {
    check: String,
    health: Health,
}

impl HealthRecord {
    pub(crate) fn note(&mut self, wire: v1::EndpointHealth) {
        let v1::EndpointHealth { upstream, url, check, health } = wire;
        let Some(health) = health_from_wire(health) else { return };
        let found = self.by_upstream.entry(upstream).or_default();
        if self.count < MAX_RECORDED || found.contains_key(&url) {
            self.count += usize::from(found.insert(url, Found { check, health }).is_none());
        }
    }

    /// A result counts only for the same endpoint under the same check; without one nothing is known.
    pub(crate) fn apply_to(&self, table: &LiveTable) {
        for (name, upstream) in &table.upstreams {
            let found = self.by_upstream.get(&**name);
            for endpoint in &upstream.endpoints {
                let found = found.and_then(|found| found.get(endpoint.name.as_ref()));
                let found = found.filter(|found| upstream.check.as_deref() == Some(&found.check));
                endpoint.set_health(found.map_or(Health::Unknown, |found| found.health));
            }
            upstream.weigh_health();
        }
    }

    /// Forgets what the table does not have.
    pub(crate) fn keep_only(&mut self, table: &LiveTable) {
        self.by_upstream.retain(|name, found| {
            let upstream = table.upstreams.get(name.as_str());
            let urls: HashSet<&str> = upstream
                .iter()
                .flat_map(|upstream| &upstream.endpoints)
                .map(|endpoint| &*endpoint.name)
                .collect();
            found.retain(|url, _| urls.contains(url.as_str()));
            !found.is_empty()
        });
        self.count = self.by_upstream.values().map(HashMap::len).sum();
    }
}

#[cfg(test)]
mod tests;
