use crate::v1;
use prost_types::Timestamp;
use serde::Serialize;

use super::{millis, rfc3339, said};

/// `harbrctl rollout status`, and `rollout` in `harbrctl status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RolloutDocument {
    pub revision: u64,
    pub hash: String,
    /// `pending`, `rolling`, `baking`, `proving`; `proven`, `rejected`, `rolled_back`, `superseded`.
    pub state: &'static str,
    pub reason: Option<String>,
    pub paused: bool,
    /// The last is the whole fleet. Empty once it has ended.
    pub waves: Vec<WaveDocument>,
    /// The index in `waves` of the one that is under way.
    pub wave: u32,
    pub elapsed_ms: u64,
    pub needed_ms: u64,
    pub base_revision: u64,
    pub evidence: Option<String>,
    pub waiting: Vec<String>,
    pub unavailable: Vec<String>,
    /// What the gate looks at: all requests together first, then the routes with the most against them.
    pub comparisons: Vec<ComparisonDocument>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparisonDocument {
    /// Null: all together.
    pub route: Option<String>,
    /// `failed`, or `took longer than 50ms`.
    pub bad: String,
    pub wave: TrialsDocument,
    pub rest: TrialsDocument,
    pub past: TrialsDocument,
    /// Of what is needed to call it harm.
    pub evidence_percent: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TrialsDocument {
    pub requests: u64,
    pub bad: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaveDocument {
    pub nodes: String,
    pub bake_ms: u64,
    pub members: u32,
    pub serving: u32,
}

/// One element of `harbrctl history`.
#[derive(Debug, Clone, Serialize)]
pub struct RevisionDocument {
    pub number: u64,
    pub hash: String,
    #[serde(serialize_with = "rfc3339")]
    pub made: Option<Timestamp>,
    pub cause: String,
    pub actor: Option<String>,
    pub reason: Option<String>,
    pub summary: String,
    pub fate: String,
    pub story: Vec<String>,
}

/// `harbrctl history show`
#[derive(Debug, Clone, Serialize)]
pub struct RevisionWithFileDocument {
    pub revision: Option<RevisionDocument>,
    pub file: String,
}

impl From<v1::Rollout> for RolloutDocument {
    fn from(rollout: v1::Rollout) -> Self {
        Self {
            state: state(rollout.state()),
            revision: rollout.revision,
            hash: rollout.hash,
            reason: said(rollout.reason),
            paused: rollout.paused,
            waves: rollout.waves.into_iter().map(WaveDocument::from).collect(),
            wave: rollout.wave,
            elapsed_ms: millis(rollout.elapsed),
            needed_ms: millis(rollout.needed),
            base_revision: rollout.base_revision,
            evidence: said(rollout.evidence),
            waiting: rollout.waiting,
            unavailable: rollout.unavailable,
            comparisons: rollout.comparisons.into_iter().map(ComparisonDocument::from).collect(),
        }
    }
}

impl From<v1::Comparison> for ComparisonDocument {
    fn from(comparison: v1::Comparison) -> Self {
        let trials = |trials: Option<v1::Trials>| {
            let v1::Trials { requests, bad } = trials.unwrap_or_default();
            TrialsDocument { requests, bad }
        };
        Self {
            route: said(comparison.route),
            bad: comparison.bad,
            wave: trials(comparison.wave),
            rest: trials(comparison.rest),
            past: trials(comparison.past),
            evidence_percent: comparison.evidence_percent,
        }
    }
}

impl From<v1::Wave> for WaveDocument {
    fn from(wave: v1::Wave) -> Self {
        let v1::Wave { nodes, bake, members, serving } = wave;
        Self { nodes, bake_ms: millis(bake), members, serving }
    }
}

impl From<v1::Revision> for RevisionDocument {
    fn from(revision: v1::Revision) -> Self {
        let v1::Revision { number, hash, made, cause, actor, summary, fate, story } = revision;
        let v1::Actor { name, reason } = actor.unwrap_or_default();
        let (actor, reason) = (said(name), said(reason));
        Self { number, hash, made, cause, actor, reason, summary, fate, story }
    }
}

impl From<v1::RevisionWithFile> for RevisionWithFileDocument {
    fn from(found: v1::RevisionWithFile) -> Self {
        let v1::RevisionWithFile { revision, file } = found;
        Self { revision: revision.map(RevisionDocument::from), file }
    }
}

fn state(state: v1::RolloutState) -> &'static str {
    match state {
        v1::RolloutState::Pending => "pending",
        v1::RolloutState::Rolling => "rolling",
        v1::RolloutState::Baking => "baking",
        v1::RolloutState::Proving => "proving",
        v1::RolloutState::Proven => "proven",
        v1::RolloutState::Rejected => "rejected",
        v1::RolloutState::RolledBack => "rolled_back",
        v1::RolloutState::Superseded => "superseded",
        v1::RolloutState::Unspecified => "unknown",
    }
}
