use std::time::SystemTime;

use harbr_proto::{SnapshotHash, v1};

use super::Greeting;

/// One session of a node, or what is remembered of it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) greeting: Greeting,
    pub(crate) serving: Option<Serving>,
    /// The number that it was given last; 0 for none.
    pub(crate) sent: u64,
    /// What it refused last.
    pub(crate) rejected: Option<SnapshotHash>,
    pub(crate) last_error: Option<String>,
    /// Why it takes nothing from us, if so.
    pub(crate) withheld: Option<String>,
    /// What is wrong with the node by its own word, though it serves.
    pub(crate) degraded: Option<String>,
    pub(crate) draining: bool,
    pub(crate) connections: u64,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) began: SystemTime,
    /// `None` while the session lasts.
    pub(crate) ended: Option<SystemTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Serving {
    pub(crate) revision: u64,
    pub(crate) hash: SnapshotHash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NodeState {
    Ready,
    Syncing,
    Rejected,
    Draining,
    Disconnected,
}

impl NodeState {
    pub(crate) const ALL: [Self; 5] =
        [Self::Ready, Self::Syncing, Self::Rejected, Self::Draining, Self::Disconnected];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Syncing => "syncing",
            Self::Rejected => "rejected",
            Self::Draining => "draining",
            Self::Disconnected => "disconnected",
        }
    }
}

impl From<NodeState> for v1::NodeState {
    fn from(state: NodeState) -> Self {
        match state {
            NodeState::Ready => Self::Ready,
            NodeState::Syncing => Self::Syncing,
            NodeState::Rejected => Self::Rejected,
            NodeState::Draining => Self::Draining,
            NodeState::Disconnected => Self::Disconnected,
        }
    }
}

impl Node {
    pub(crate) fn new(greeting: Greeting) -> Self {
        let serving = greeting.serving.map(|(_, revision, hash)| Serving { revision, hash });
        Self {
            greeting,
            serving,
            sent: 0,
            rejected: None,
            last_error: None,
            withheld: None,
            degraded: None,
            draining: false,
            connections: 0,
            requests: 0,
            failures: 0,
            began: SystemTime::now(),
            ended: None,
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.ended.is_none()
    }

    /// Serves what it should, and would take what comes next. Where nothing is intended yet, what it serves is
    /// right.
    pub(crate) fn has_converged(&self, intended: Option<SnapshotHash>) -> bool {
        let serving = self.serving.map(|serving| serving.hash);
        let is_right = serving.is_some() && intended.is_none_or(|intended| serving == Some(intended));
        is_right && self.withheld.is_none()
    }

    pub(crate) fn state(&self, intended: Option<SnapshotHash>) -> NodeState {
        if !self.is_connected() {
            NodeState::Disconnected
        } else if self.draining {
            NodeState::Draining
        } else if self.has_converged(intended) {
            NodeState::Ready
        } else if self.rejected.is_some() && self.rejected == intended {
            NodeState::Rejected
        } else {
            NodeState::Syncing
        }
    }
}
