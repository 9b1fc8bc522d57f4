use std::collections::HashMap;

use harbr_model::{Health, Snapshot};
use harbr_proto::{health_to_wire, v1};

use crate::health::{HealthTable, Link, Target};

/// Which upstreams a health result is for: probes are shared by all that check the same URL in the same way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct HealthIndex(HashMap<Target, Vec<String>>);

impl HealthIndex {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut index: HashMap<Target, Vec<String>> = HashMap::new();
        for upstream in snapshot.upstreams().values() {
            let Some(check) = &upstream.health_check else { continue };
            let link = Link::of(upstream, snapshot);
            for endpoint in &upstream.endpoints {
                let (url, check) = (endpoint.url.clone(), check.clone());
                let target = Target { url, check, link: link.clone() };
                index.entry(target).or_default().push(upstream.name.clone());
            }
        }
        Self(index)
    }

    /// What is here and not in `other`.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let added = |target: &Target, upstreams: &[String]| -> Vec<String> {
            let known = other.0.get(target).map_or(&[][..], Vec::as_slice);
            upstreams.iter().filter(|upstream| !known.contains(upstream)).cloned().collect()
        };
        let added = self.0.iter().map(|(target, upstreams)| (target.clone(), added(target, upstreams)));
        Self(added.filter(|(_, upstreams)| !upstreams.is_empty()).collect())
    }

    pub(crate) fn upstreams_of(&self, target: &Target) -> Vec<String> {
        self.0.get(target).cloned().unwrap_or_default()
    }

    pub(crate) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.0.keys()
    }

    /// What is known of these endpoints. Nothing is said of those that were not probed yet.
    pub(crate) fn baseline(&self, table: &HealthTable) -> Vec<v1::EndpointHealth> {
        let known = |target: &Target| {
            table.get(target).map(|known| known.health).filter(|health| *health != Health::Unknown)
        };
        let named = self.0.keys().filter_map(|target| Some((target, known(target)?)));
        named.flat_map(|(target, health)| self.messages(target, health)).collect()
    }

    /// What has changed in the table since its version `seen`.
    pub(crate) fn changes(&self, table: &HealthTable, seen: u64) -> Vec<v1::EndpointHealth> {
        table.changed_since(seen).flat_map(|(target, health)| self.messages(target, health)).collect()
    }

    fn messages(&self, target: &Target, health: Health) -> impl Iterator<Item = v1::EndpointHealth> {
        let (url, check) = (target.url.to_string(), target.check.to_string());
        self.0.get(target).into_iter().flatten().map(move |upstream| v1::EndpointHealth {
            upstream: upstream.clone(),
            url: url.clone(),
            check: check.clone(),
            health: health_to_wire(health).into(),
        })
    }
}
