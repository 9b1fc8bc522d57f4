use std::collections::BTreeMap;

use crate::v1;
use prost_types::Timestamp;
use serde::Serialize;

use super::drained::DrainedDocument;
use super::load::LoadDocument;
use super::{rfc3339, said};

/// One element of `harbrctl get nodes`.
#[derive(Debug, Clone, Serialize)]
pub struct NodeDocument {
    pub id: String,
    pub labels: BTreeMap<String, String>,
    pub state: &'static str,
    pub serving_revision: u64,
    pub serving_hash: String,
    pub last_error: Option<String>,
    pub build: String,
    pub address: String,
    pub instance_id: String,
    pub sent_revision: u64,
    /// When its session began, or ended for one that is disconnected.
    #[serde(serialize_with = "rfc3339")]
    pub since: Option<Timestamp>,
    pub connections: u64,
    pub requests: u64,
    pub failures: u64,
    /// By whose order it drains; null: by nobody's.
    pub drained: Option<DrainedDocument>,
    /// What it should serve.
    pub target_revision: u64,
    #[serde(serialize_with = "rfc3339")]
    pub serving_since: Option<Timestamp>,
    /// What an operator told it on the spot.
    pub r#override: Option<String>,
    pub quarantined: Vec<QuarantinedDocument>,
    /// What it answers now.
    pub load: LoadDocument,
}

/// A snapshot that a node died of, or was told to refuse.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantinedDocument {
    pub hash: String,
    pub revision: u64,
    pub reason: String,
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
            drained: node.drained.map(DrainedDocument::from),
            target_revision: node.target_revision,
            serving_since: node.serving_since,
            r#override: said(node.r#override),
            quarantined: node.quarantined.into_iter().map(QuarantinedDocument::from).collect(),
            load: node.load.unwrap_or_default().into(),
        }
    }
}

impl From<v1::Quarantined> for QuarantinedDocument {
    fn from(quarantined: v1::Quarantined) -> Self {
        let v1::Quarantined { hash, revision, reason } = quarantined;
        let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { hash, revision, reason }
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
