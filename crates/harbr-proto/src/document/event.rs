use prost_types::Timestamp;
use serde::Serialize;

use super::rfc3339;
use crate::v1;

/// One element of `harbrctl events`.
#[derive(Debug, Clone, Serialize)]
pub struct EventDocument {
    /// Rises by one with each, from 0 when the controller begins.
    pub id: u64,
    #[serde(serialize_with = "rfc3339")]
    pub at: Option<Timestamp>,
    pub kind: &'static str,
    pub severity: &'static str,
    /// A node's id, an endpoint's URL, a revision's number; empty where there are many.
    pub subject: String,
    pub text: String,
    /// How many before this one came too fast for this reader.
    pub missed: u64,
}

impl From<v1::Event> for EventDocument {
    fn from(event: v1::Event) -> Self {
        Self {
            kind: match event.kind() {
                v1::EventKind::Revision => "revision",
                v1::EventKind::Rollout => "rollout",
                v1::EventKind::Health => "health",
                v1::EventKind::Node => "node",
                v1::EventKind::Unspecified => "other",
            },
            severity: match event.severity() {
                v1::EventSeverity::Good => "good",
                v1::EventSeverity::Bad => "bad",
                v1::EventSeverity::Notice | v1::EventSeverity::Unspecified => "notice",
            },
            id: event.id,
            at: event.at,
            subject: event.subject,
            text: event.text,
            missed: event.missed,
        }
    }
}
