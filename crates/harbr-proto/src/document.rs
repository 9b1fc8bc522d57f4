//! The answers to operators as JSON, the same in `harbrctl` and in the controller's HTTP API. Programs rely on them:
//! fields are added, never renamed or removed, and the golden files in `testdata/` hold them.
//!
//! Numbers of revisions are 0, and hashes empty, where there is none yet. What is null is not there at all.

use std::time::Duration;

use prost_types::Timestamp;
use serde::Serializer;

mod audit;
mod diagnostic;
mod drained;
mod event;
mod load;
mod node;
mod rollout;
mod route;
mod settings;
mod status;
mod tapped;
mod token;
mod upstream;

pub use audit::AuditDocument;
pub use diagnostic::{DiagnosticDocument, RelatedDocument};
pub use drained::DrainedDocument;
pub use event::EventDocument;
pub use load::LoadDocument;
pub use node::{NodeDocument, QuarantinedDocument};
pub use rollout::{
    ComparisonDocument, RevisionDocument, RevisionWithFileDocument, RolloutDocument, TrialsDocument,
    WaveDocument,
};
pub use route::{HeaderDocument, HeaderEditsDocument, RouteDocument};
pub use settings::{CertificateDocument, ListenerDocument, SettingsDocument, TrafficSampleDocument};
pub use status::{ConcernDocument, StatusDocument};
pub use tapped::TappedDocument;
pub use token::TokenDocument;
pub use upstream::{EndpointDocument, HealthCheckDocument, UpstreamDocument};

fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn millis(duration: Option<prost_types::Duration>) -> u64 {
    let duration = duration.and_then(|duration| Duration::try_from(duration).ok()).unwrap_or_default();
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Of a time that may be unknown.
///
/// # Errors
/// If the serializer fails.
pub fn rfc3339<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests;
