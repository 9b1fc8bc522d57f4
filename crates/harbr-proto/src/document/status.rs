use crate::v1;
use prost_types::Timestamp;
use serde::Serialize;

use super::{DiagnosticDocument, RolloutDocument, rfc3339, said};

/// `harbrctl status`
#[derive(Debug, Serialize)]
pub struct StatusDocument {
    /// What all nodes should serve: the rollout's target.
    pub revision: u64,
    pub hash: String,
    pub proven_revision: u64,
    pub config_error: Option<ConfigErrorDocument>,
    /// What the file that is served says and probably does not mean.
    pub config_warnings: Vec<DiagnosticDocument>,
    pub nodes: NodeCounts,
    pub converged: bool,
    /// Null when nothing is on its way, on trial or held.
    pub rollout: Option<RolloutDocument>,
    /// Most endpoints began to fail at once: the prober suspects itself, and takes none out.
    pub health_frozen: bool,
    /// The nodes that are not as they should be; one may be there more than once.
    pub concerns: Vec<ConcernDocument>,
    pub build: String,
    pub config_file: String,
    /// Changes of the file wait.
    pub frozen: bool,
}

/// Why the file on disk is not what is served.
#[derive(Debug, Serialize)]
pub struct ConfigErrorDocument {
    pub message: String,
    pub file: String,
    /// From 1, in characters; of the first error. 0 where the error has no place, such as a missing file.
    pub line: u32,
    pub column: u32,
    #[serde(serialize_with = "rfc3339")]
    pub since: Option<Timestamp>,
    /// All that is wrong, each by itself. Empty where it has no place.
    pub diagnostics: Vec<DiagnosticDocument>,
}

/// What keeps a node from serving what it should, or may.
#[derive(Debug, Serialize)]
pub struct ConcernDocument {
    pub node: String,
    /// `behind`, `disconnected`, `degraded`, `pinned`, `quarantined`
    pub kind: &'static str,
    pub reason: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct NodeCounts {
    pub total: u32,
    pub ready: u32,
    pub converged: u32,
}

impl From<v1::Status> for StatusDocument {
    fn from(status: v1::Status) -> Self {
        Self {
            revision: status.revision,
            hash: status.hash,
            proven_revision: status.proven_revision,
            config_error: status.config_error.map(ConfigErrorDocument::from),
            config_warnings: status.config_warnings.into_iter().map(DiagnosticDocument::from).collect(),
            nodes: NodeCounts {
                total: status.nodes_total,
                ready: status.nodes_ready,
                converged: status.nodes_converged,
            },
            converged: status.converged,
            rollout: status.rollout.map(RolloutDocument::from),
            health_frozen: status.health_frozen,
            concerns: status.concerns.into_iter().map(ConcernDocument::from).collect(),
            build: status.build,
            config_file: status.config_file,
            frozen: status.frozen,
        }
    }
}

impl From<v1::ConfigError> for ConfigErrorDocument {
    fn from(error: v1::ConfigError) -> Self {
        let v1::ConfigError { message, file, line, column, since, diagnostics } = error;
        let diagnostics = diagnostics.into_iter().map(DiagnosticDocument::from).collect();
        Self { message, file, line, column, since, diagnostics }
    }
}

impl From<v1::Concern> for ConcernDocument {
    fn from(concern: v1::Concern) -> Self {
        let kind = match concern.kind() {
            v1::ConcernKind::Behind => "behind",
            v1::ConcernKind::Disconnected => "disconnected",
            v1::ConcernKind::Degraded => "degraded",
            v1::ConcernKind::Pinned => "pinned",
            v1::ConcernKind::Quarantined => "quarantined",
            v1::ConcernKind::Unspecified => "unknown",
        };
        let v1::Concern { node, reason, .. } = concern;
        Self { node, kind, reason: said(reason) }
    }
}
