//! What a snapshot asks of a node, and what a node cannot give. Pure.

use std::collections::BTreeSet;

use harbr_model::Snapshot;
use harbr_proto::{EncodedSnapshot, SCHEMA_VERSION, features_of};

use crate::fleet::Greeting;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) schema_version: u32,
    pub(crate) features: BTreeSet<&'static str>,
    pub(crate) routes: u64,
    pub(crate) endpoints: u64,
    pub(crate) bytes: u64,
}

impl Needs {
    pub(crate) fn of(snapshot: &Snapshot, encoded: &EncodedSnapshot) -> Self {
        let endpoints: usize = snapshot.upstreams().values().map(|upstream| upstream.endpoints.len()).sum();
        Self {
            schema_version: SCHEMA_VERSION,
            features: features_of(snapshot),
            routes: snapshot.routes().len() as u64,
            endpoints: endpoints as u64,
            bytes: encoded.encoded_len() as u64,
        }
    }

    /// Why this node could not serve it, or would serve something else.
    pub(crate) fn beyond(&self, node: &Greeting) -> Option<String> {
        let (id, build) = (&node.id, if node.build.is_empty() { "unknown" } else { &node.build });
        if node.schema_version < self.schema_version {
            let (speaks, needed) = (node.schema_version, self.schema_version);
            return Some(format!(
                "node {id} (build {build}) speaks schema version {speaks}, and this needs {needed}"
            ));
        }
        if let Some(missing) = self.features.iter().find(|feature| !node.features.contains(**feature)) {
            return Some(format!("node {id} (build {build}) does not know `{missing}`, which this needs"));
        }
        let limits = &node.limits;
        let over = [
            (self.routes, u64::from(limits.max_routes), "routes"),
            (self.endpoints, u64::from(limits.max_endpoints), "endpoints"),
            (self.bytes, limits.max_snapshot_bytes, "bytes"),
        ];
        let (needed, most, what) = over.into_iter().find(|(needed, most, _)| *most > 0 && needed > most)?;
        Some(format!("node {id} takes at most {most} {what}, and this has {needed}"))
    }
}

#[cfg(test)]
mod tests;
