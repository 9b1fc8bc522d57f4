use crate::v1;
use prost_types::Timestamp;
use serde::Serialize;

use super::{rfc3339, said};

/// One element of `harbrctl audit`: somebody changed something.
#[derive(Debug, Clone, Serialize)]
pub struct AuditDocument {
    #[serde(serialize_with = "rfc3339")]
    pub at: Option<Timestamp>,
    pub actor: Option<String>,
    pub what: String,
    pub reason: Option<String>,
}

impl From<v1::AuditEntry> for AuditDocument {
    fn from(entry: v1::AuditEntry) -> Self {
        let v1::AuditEntry { at, actor, what } = entry;
        let v1::Actor { name, reason } = actor.unwrap_or_default();
        Self { at, actor: said(name), what, reason: said(reason) }
    }
}
