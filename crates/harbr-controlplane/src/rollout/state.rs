use std::collections::BTreeSet;

use harbr_proto::{Fence, SnapshotHash};
use serde::{Deserialize, Serialize};

use crate::orders::now_millis;
use crate::store::{Fate, hash_as_text};

/// For this long after its creation, over any number of restarts, a store rises above what nodes show that it never
/// gave: they obeyed the one that was lost. A node that is away for longer is missed by someone.
pub(super) const OPEN_MILLIS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// Contents that are refused because they did harm; of more than these the oldest are forgotten.
pub(super) const MAX_REJECTED: usize = 1_000;
/// Contents that nodes take although they have them in quarantine.
const MAX_RELEASED: usize = 16;

/// All of the rollout that outlives the process: it is kept before anything follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) epoch: u64,
    /// Of the last instruction that any node was given; rises with each.
    pub(crate) generation: u64,
    /// Of the newest revision; 0 before the first.
    pub(crate) number: u64,
    /// Milliseconds since the epoch of the system's clock.
    pub(crate) created: u64,
    pub(crate) proven: Option<Release>,
    /// What nodes serve that the rollout has not reached. It has served the whole fleet, proven or not.
    pub(crate) base: Option<Placement>,
    pub(crate) active: Option<Active>,
    /// The newest revision, if it is held.
    pub(crate) pending: Option<Pending>,
    /// The oldest first.
    pub(crate) rejected: Vec<Rejected>,
    /// Was rejected, and an operator wants it tried again: nodes that have it in quarantine take it nevertheless.
    #[serde(default)]
    pub(crate) released: Vec<Release>,
    /// What the file says, and is not to be served until it says something else.
    pub(crate) pinned_out: Option<Release>,
    pub(crate) frozen: bool,
    /// How the last rollout ended.
    pub(crate) last: Option<Outcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Release {
    pub(crate) number: u64,
    #[serde(with = "hash_as_text")]
    pub(crate) hash: SnapshotHash,
}

/// A release under the fence with which nodes are told to serve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placement {
    pub(crate) release: Release,
    pub(crate) generation: u64,
}

/// A revision on its way through the fleet, or on trial there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Active {
    pub(crate) placement: Placement,
    pub(crate) pace: Pace,
    /// The revision whose policy is followed.
    pub(crate) governed_by: u64,
    /// From 0; the one after the policy's waves is the whole fleet.
    pub(crate) wave: usize,
    /// Who is in the waves so far, by id; of no meaning once it is the whole fleet.
    pub(crate) members: BTreeSet<String>,
    pub(crate) stage: Stage,
    pub(crate) paused: bool,
    /// An operator wants it everywhere, whatever is not known of it.
    pub(crate) promoted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Waves,
    /// It has passed them all, and is not proven yet.
    Proving,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pace {
    Change,
    /// To something that has served before: it bakes shorter.
    Return,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) release: Release,
    pub(crate) hold: Hold,
}

/// Why a revision waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hold {
    Frozen,
    /// It removes too much.
    Shrink(String),
    /// A node of the fleet could not take it.
    Capacity(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rejected {
    pub(crate) release: Release,
    pub(crate) reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) release: Release,
    pub(crate) fate: Fate,
    pub(crate) reason: String,
}

/// How what a node shows stands to what the controller knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The node takes what it is given.
    InOrder,
    /// The node has obeyed something that this store never gave, and takes nothing below it.
    Ahead,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            epoch: 1,
            generation: 0,
            number: 0,
            created: now_millis(),
            proven: None,
            base: None,
            active: None,
            pending: None,
            rejected: Vec::new(),
            released: Vec::new(),
            pinned_out: None,
            frozen: false,
            last: None,
        }
    }

    /// What the fleet is on its way to, or at.
    pub(crate) fn newest(&self) -> Option<Placement> {
        self.active.as_ref().map(|active| active.placement).or(self.base)
    }

    /// All whose content may still be needed.
    pub(crate) fn releases(&self) -> Vec<Release> {
        let placed = self.base.into_iter().chain(self.active.as_ref().map(|active| active.placement));
        let placed = placed.map(|placement| placement.release);
        placed.chain(self.proven).chain(self.pending.as_ref().map(|pending| pending.release)).collect()
    }

    /// The highest that any node was given.
    pub(crate) fn fence(&self) -> Fence {
        Fence { epoch: self.epoch, generation: self.generation }
    }

    pub(crate) fn fence_of(&self, placement: Placement) -> Fence {
        Fence { epoch: self.epoch, generation: placement.generation }
    }

    /// Takes note of what a node shows. A store that was created lately rises above what it never gave, so that a
    /// lost folder cannot wedge the fleet; an older one does not: then the node belongs to another controller, or
    /// the folder is an old copy.
    pub(crate) fn shown(&mut self, shown: Fence, hash: SnapshotHash, now_millis: u64) -> Standing {
        let ours = self.fence();
        let given =
            |placement: Placement| self.fence_of(placement) == shown && placement.release.hash == hash;
        let placements = self.base.into_iter().chain(self.active.as_ref().map(|active| active.placement));
        if shown < ours || (shown == ours && placements.into_iter().any(given)) {
            return Standing::InOrder;
        }
        let is_open = now_millis.saturating_sub(self.created) < OPEN_MILLIS;
        match shown.epoch.checked_add(1) {
            Some(epoch) if is_open => {
                self.epoch = epoch;
                Standing::InOrder
            }
            Some(_) | None => Standing::Ahead,
        }
    }

    pub(crate) fn rejection(&self, hash: SnapshotHash) -> Option<&Rejected> {
        self.rejected.iter().find(|rejected| rejected.release.hash == hash)
    }

    pub(super) fn reject(&mut self, release: Release, reason: &str) {
        self.rejected.retain(|rejected| rejected.release.hash != release.hash);
        self.rejected.push(Rejected { release, reason: reason.to_owned() });
        let surplus = self.rejected.len().saturating_sub(MAX_REJECTED);
        self.rejected.drain(..surplus);
        self.released.retain(|released| released.hash != release.hash);
    }

    pub(super) fn forgive(&mut self, release: Release) {
        self.rejected.retain(|rejected| rejected.release.hash != release.hash);
        self.released.retain(|released| released.hash != release.hash);
        self.released.push(release);
        let surplus = self.released.len().saturating_sub(MAX_RELEASED);
        self.released.drain(..surplus);
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    pub(super) fn place(&mut self, release: Release) -> Placement {
        self.generation += 1;
        Placement { release, generation: self.generation }
    }
}

impl Hold {
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Frozen => "changes are frozen: `harbrctl thaw` lets them through",
            Self::Shrink(reason) | Self::Capacity(reason) => reason,
        }
    }
}
