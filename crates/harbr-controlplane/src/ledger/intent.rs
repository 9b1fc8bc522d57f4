use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use harbr_config::Diagnostics;
use harbr_proto::{EncodedSnapshot, Fence, SnapshotHash};

use super::Desk;
use crate::revision::{ConfigError, Revision};
use crate::rollout::Placement;

/// Snapshots that changes can be sent against: a node that was away for a few edits does not need everything anew.
/// Bounded by number and by bytes.
pub(super) const MAX_BASES: usize = 17;
const MAX_BASES_BYTES: usize = 64 * 1024 * 1024;
/// How often nodes report.
const REPORT_EVERY: Duration = Duration::from_secs(2);
/// The same while a rollout looks at what they say.
const REPORT_EVERY_ON_TRIAL: Duration = Duration::from_millis(250);

/// What nodes should serve, and whether that is what the file says. Each reader takes a whole one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Intent {
    /// For nodes that no rollout has reached.
    pub(crate) base: Option<Target>,
    pub(crate) candidate: Option<Candidate>,
    pub(crate) proven: u64,
    /// The newest first.
    bases: VecDeque<EncodedSnapshot>,
    pub(crate) config_error: Option<Arc<ConfigError>>,
    /// Of the file that was taken last.
    pub(crate) warnings: Option<Arc<Diagnostics>>,
    pub(crate) report_every: Duration,
    /// What nodes take although they have it in quarantine.
    pub(crate) released: Arc<[SnapshotHash]>,
}

/// What a node is told.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) fence: Fence,
    pub(crate) revision: Arc<Revision>,
    pub(crate) is_proven: bool,
}

/// A revision on its way.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) target: Target,
    /// By id; `None`: everyone.
    members: Option<Arc<BTreeSet<String>>>,
}

impl Intent {
    /// What the node with this id should serve; `None`: nothing, or what it does.
    pub(crate) fn target(&self, id: &str) -> Option<&Target> {
        let reached =
            |candidate: &&Candidate| candidate.members.as_ref().is_none_or(|members| members.contains(id));
        self.candidate.as_ref().filter(reached).map(|candidate| &candidate.target).or(self.base.as_ref())
    }

    /// The content that this node should serve.
    pub(crate) fn intended(&self, id: &str) -> Option<SnapshotHash> {
        self.target(id).map(|target| target.revision.hash())
    }

    /// What the fleet is at, or on its way to.
    pub(crate) fn newest(&self) -> Option<&Arc<Revision>> {
        let candidate = self.candidate.as_ref().map(|candidate| &candidate.target);
        candidate.or(self.base.as_ref()).map(|target| &target.revision)
    }

    /// All that some node may serve by our word.
    pub(crate) fn revisions(&self) -> impl Iterator<Item = &Arc<Revision>> {
        let candidate = self.candidate.iter().map(|candidate| &candidate.target);
        candidate.chain(&self.base).map(|target| &target.revision)
    }

    /// The snapshot with this hash, if changes can be sent against it.
    pub(crate) fn base(&self, hash: SnapshotHash) -> Option<&EncodedSnapshot> {
        self.bases.iter().find(|base| base.hash() == hash)
    }
}

impl Desk {
    pub(super) fn intent(
        &self,
        config_error: Option<Arc<ConfigError>>,
        warnings: Option<Arc<Diagnostics>>,
    ) -> Intent {
        let state = &self.rollout.state;
        let target = |placement: Placement| {
            let revision = self.live.get(&placement.release.number)?.clone();
            let is_proven = state.proven.is_some_and(|proven| proven.hash == placement.release.hash);
            Some(Target { fence: state.fence_of(placement), revision, is_proven })
        };
        let candidate = state.active.as_ref().and_then(|active| {
            let members =
                (active.wave < self.rollout.waves(active).len()).then(|| Arc::new(active.members.clone()));
            Some(Candidate { target: target(active.placement)?, members })
        });
        Intent {
            base: state.base.and_then(target),
            report_every: if candidate.is_some() { REPORT_EVERY_ON_TRIAL } else { REPORT_EVERY },
            candidate,
            released: state.released.iter().map(|release| release.hash).collect(),
            proven: state.proven.map_or(0, |proven| proven.number),
            bases: self.bases.clone(),
            config_error,
            warnings,
        }
    }
}

pub(super) fn forget_old(bases: &mut VecDeque<EncodedSnapshot>) {
    let mut bytes = 0;
    let fitting = bases.iter().take(MAX_BASES).take_while(|base| {
        bytes += base.encoded_len();
        bytes <= MAX_BASES_BYTES
    });
    // The newest and the one before are kept whatever their size.
    let count = fitting.count().max(2);
    bases.truncate(count);
}
