use std::sync::Arc;
use std::time::{Duration, SystemTime};

use harbr_proto::{SnapshotHash, v1};

use super::Greeting;
use crate::caller::one_line;
use crate::observe::Summary;

/// A process that ends without a word this soon after it took a snapshot may have died of it.
pub(super) const SOON: Duration = Duration::from_secs(10);

/// Upstreams that one node may tell of.
const MAX_IN_FLIGHT: usize = 256;

/// Of what a node leaves out, so much is shown.
const MAX_EJECTED: usize = 100;

/// One session of a node, or what is remembered of it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) greeting: Arc<Greeting>,
    pub(crate) serving: Option<Serving>,
    /// When it began to.
    pub(crate) serving_since: SystemTime,
    /// The number that it was given last; 0 for none.
    pub(crate) sent: u64,
    /// What it refused last.
    pub(crate) refused: Option<Refused>,
    /// What the process before this one ended with, without a word.
    pub(crate) ended_with: Option<(SnapshotHash, String)>,
    /// Caught since it serves what it serves.
    pub(crate) panics: u64,
    /// Caught before that.
    panics_before: Option<u64>,
    /// Of the process; `None` before its first report.
    total_panics: Option<u64>,
    /// Why it serves what an operator told it on the spot, if so.
    pub(crate) pinned: Option<String>,
    pub(crate) last_error: Option<String>,
    /// Why it takes nothing from us, if so.
    pub(crate) withheld: Option<String>,
    /// What is wrong with the node by its own word, though it serves.
    pub(crate) degraded: Option<String>,
    pub(crate) draining: bool,
    /// Endpoints that it leaves out by what it saw itself.
    pub(crate) ejected: Arc<[v1::Ejected]>,
    pub(crate) connections: u64,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    /// Of the last seconds before its last report.
    pub(crate) traffic: Summary,
    /// Requests that upstreams are busy with.
    pub(crate) in_flight: Arc<[v1::InFlight]>,
    pub(crate) began: SystemTime,
    /// `None` while the session lasts.
    pub(crate) ended: Option<SystemTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Serving {
    pub(crate) revision: u64,
    pub(crate) hash: SnapshotHash,
}

/// What a node made of a snapshot that it does not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) hash: SnapshotHash,
    pub(crate) class: v1::NackClass,
    pub(crate) reason: String,
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
        let pinned = greeting.pinned.as_ref().map(pinned);
        Self {
            greeting: Arc::new(greeting),
            serving,
            serving_since: SystemTime::now(),
            sent: 0,
            refused: None,
            ended_with: None,
            panics: 0,
            panics_before: None,
            total_panics: None,
            pinned,
            last_error: None,
            withheld: None,
            degraded: None,
            draining: false,
            ejected: Arc::default(),
            connections: 0,
            requests: 0,
            failures: 0,
            traffic: Summary::default(),
            in_flight: Arc::default(),
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
        } else if self.refused.as_ref().is_some_and(|refused| Some(refused.hash) == intended) {
            NodeState::Rejected
        } else {
            NodeState::Syncing
        }
    }

    pub(crate) fn serves(&mut self, serving: Option<Serving>) {
        if self.serving.map(|before| before.hash) != serving.map(|now| now.hash) {
            self.serving_since = SystemTime::now();
            self.panics_before = None;
        }
        self.serving = serving;
    }

    pub(crate) fn report(&mut self, report: v1::Report) {
        // The first report of a snapshot may tell of panics in taking it, if the process has served before.
        let before = *self.panics_before.get_or_insert(self.total_panics.unwrap_or(report.panics));
        self.panics = report.panics.saturating_sub(before);
        self.total_panics = Some(report.panics);
        self.draining = report.draining;
        self.ejected = report.ejected.into_iter().take(MAX_EJECTED).collect();
        self.connections = report.connections;
        self.requests = report.requests;
        self.failures = report.failures;
        self.pinned = report.r#override.as_ref().map(pinned);
        self.degraded = Some(report.degraded).filter(|reason| !reason.is_empty());
        self.in_flight = report.in_flight.into_iter().take(MAX_IN_FLIGHT).collect();
    }

    /// Why it is bad on any node, by this one's word.
    pub(crate) fn found_invalid(&self, hash: SnapshotHash) -> Option<&str> {
        let refused = self.refused.as_ref().filter(|refused| refused.hash == hash)?;
        (refused.class != v1::NackClass::Local).then_some(refused.reason.as_str())
    }

    /// It cannot take it now, which says nothing about what it was given.
    pub(crate) fn refused_locally(&self, hash: SnapshotHash) -> bool {
        self.refused
            .as_ref()
            .is_some_and(|refused| refused.hash == hash && refused.class == v1::NackClass::Local)
    }

    /// How it came to an end with this, if it did.
    pub(crate) fn died_of(&self, hash: SnapshotHash) -> Option<&str> {
        let quarantined = self.greeting.quarantined.iter().find(|found| found.hash == hash);
        let ended = self.ended_with.as_ref().filter(|(known, _)| *known == hash);
        quarantined.map(|found| found.reason.as_str()).or(ended.map(|(_, reason)| reason.as_str()))
    }

    pub(super) fn forgive(&mut self, hash: SnapshotHash) {
        self.ended_with.take_if(|(known, _)| *known == hash);
        self.refused.take_if(|refused| refused.hash == hash);
        if self.greeting.quarantined.iter().any(|found| found.hash == hash) {
            Arc::make_mut(&mut self.greeting).quarantined.retain(|found| found.hash != hash);
        }
    }

    /// Gone without a word so soon after it took what it serves that this may be why.
    pub(super) fn ended_soon(&self) -> Option<(SnapshotHash, String)> {
        let served = self.ended?.duration_since(self.serving_since).unwrap_or_default();
        let reason = || format!("its process ended {:.1} s after it took it", served.as_secs_f64());
        (served < SOON).then_some((self.serving?.hash, reason()))
    }
}

fn pinned(pinned: &v1::Override) -> String {
    format!("revision {} is pinned on the node: {}", pinned.revision, one_line(&pinned.reason))
}
