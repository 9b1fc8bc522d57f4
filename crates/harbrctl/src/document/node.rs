use std::collections::BTreeMap;

use harbr_proto::v1;
use prost_types::Timestamp;
use serde::Serialize;

use super::{rfc3339, said};
use crate::lookup::Named;

/// One element of `harbrctl get nodes`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NodeDocument {
    pub(crate) id: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) state: &'static str,
    pub(crate) serving_revision: u64,
    pub(crate) serving_hash: String,
    pub(crate) last_error: Option<String>,
    pub(crate) build: String,
    pub(crate) address: String,
    pub(crate) instance_id: String,
    pub(crate) sent_revision: u64,
    /// When its session began, or ended for one that is disconnected.
    #[serde(serialize_with = "rfc3339")]
    pub(crate) since: Option<Timestamp>,
    pub(crate) connections: u64,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
}

impl From<v1::Node> for NodeDocument {
    fn from(node: v1::Node) -> Self {
        Self {
            state: node_state(node.state()),
            id: node.id,
            labels: node.labels.into_iter().map(|label| (label.name, label.value)).collect(),
            serving_revision: node.serving_revision,
            serving_hash: node.serving_hash,
            last_error: said(node.last_error),
            build: node.build,
            address: node.address,
            instance_id: node.instance_id,
            sent_revision: node.sent_revision,
            since: node.since,
            connections: node.connections,
            requests: node.requests,
            failures: node.failures,
        }
    }
}

impl Named for NodeDocument {
    const KIND: &'static str = "node";

    fn name(&self) -> &str {
        &self.id
    }
}

fn node_state(state: v1::NodeState) -> &'static str {
    match state {
        v1::NodeState::Ready => "ready",
        v1::NodeState::Syncing => "syncing",
        v1::NodeState::Rejected => "rejected",
        v1::NodeState::Draining => "draining",
        // A newer controller's state is not one that serves as it should, as far as this build can tell.
        v1::NodeState::Disconnected | v1::NodeState::Unspecified => "disconnected",
    }
}
