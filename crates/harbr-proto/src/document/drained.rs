use crate::v1;
use prost_types::Timestamp;
use serde::Serialize;

use super::{millis, rfc3339, said};

/// That an operator wants a node or an endpoint left alone.
#[derive(Debug, Clone, Serialize)]
pub struct DrainedDocument {
    #[serde(serialize_with = "rfc3339")]
    pub since: Option<Timestamp>,
    pub actor: Option<String>,
    pub reason: Option<String>,
    pub grace_ms: u64,
}

impl From<v1::Drained> for DrainedDocument {
    fn from(drained: v1::Drained) -> Self {
        let v1::Actor { name, reason } = drained.actor.unwrap_or_default();
        Self {
            since: drained.since,
            actor: said(name),
            reason: said(reason),
            grace_ms: millis(drained.grace),
        }
    }
}
