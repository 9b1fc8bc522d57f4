//! What is known of each node: what it was sent, what it serves, and why not.

mod greeting;
mod node;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use harbr_proto::{SnapshotHash, v1};

pub(crate) use self::greeting::Greeting;
pub(crate) use self::node::{Node, NodeState, Serving};

/// A node that is gone is shown for this long …
const MEMORY: Duration = Duration::from_secs(600);
/// … unless there are more of them than this.
const MAX_DISCONNECTED: usize = 10_000;

/// All nodes, by session. Two with the same id are both shown.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    nodes: Mutex<BTreeMap<u64, Node>>,
    next_session: AtomicU64,
    /// The newest revision that a node has been seen to serve.
    proven: AtomicU64,
}

/// A node's place in the fleet while its session lasts; dropped, the node counts as disconnected.
#[derive(Debug)]
pub(crate) struct Seat {
    fleet: Arc<Fleet>,
    session: u64,
}

impl Fleet {
    pub(crate) fn seat(self: &Arc<Self>, greeting: &Greeting) -> Seat {
        let session = self.next_session.fetch_add(1, Ordering::Relaxed);
        let mut nodes = self.nodes();
        // What is left of an earlier session of the same node is of no use any more, and an instance that is here
        // again has lost its last connection, whether we know it yet or not.
        nodes.retain(|_, node| {
            let Greeting { id, instance, .. } = &node.greeting;
            let is_same = !instance.is_empty() && *instance == greeting.instance;
            *id != greeting.id || (node.is_connected() && !is_same)
        });
        if let Some(twin) = nodes.values().find(|node| node.greeting.id == greeting.id) {
            let (id, first, second) = (&greeting.id, &twin.greeting.instance, &greeting.instance);
            tracing::warn!("two nodes have the id {id}: instances {first} and {second}");
        }
        nodes.insert(session, Node::new(greeting.clone()));
        forget_old(&mut nodes);
        Seat { fleet: self.clone(), session }
    }

    /// All nodes as they are now, in the order of their ids.
    pub(crate) fn snapshot(&self) -> Vec<Node> {
        let mut nodes = self.nodes();
        forget_old(&mut nodes);
        let mut nodes: Vec<Node> = nodes.values().cloned().collect();
        nodes.sort_by(|a, b| a.greeting.id.cmp(&b.greeting.id));
        nodes
    }

    /// How many nodes are in each state, without a copy of them.
    pub(crate) fn count(&self, intended: Option<SnapshotHash>) -> BTreeMap<NodeState, usize> {
        let mut counts: BTreeMap<NodeState, usize> = NodeState::ALL.map(|state| (state, 0)).into();
        for node in self.nodes().values() {
            *counts.entry(node.state(intended)).or_default() += 1;
        }
        counts
    }

    /// The newest revision that a node has been seen to serve; 0 for none.
    pub(crate) fn proven(&self) -> u64 {
        self.proven.load(Ordering::Relaxed)
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<u64, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The node was given this revision and has not answered.
    pub(crate) fn sent(&self, revision: u64) {
        self.edit(|node| node.sent = revision);
    }

    /// The node has proven that it serves this revision of ours.
    pub(crate) fn serves(&self, serving: Serving) {
        self.fleet.proven.fetch_max(serving.revision, Ordering::Relaxed);
        self.edit(|node| {
            node.serving = Some(serving);
            node.rejected = None;
            node.last_error = None;
        });
    }

    pub(crate) fn rejected(&self, hash: SnapshotHash, reason: String) {
        self.edit(|node| {
            node.rejected = Some(hash);
            node.last_error = Some(reason);
        });
    }

    /// Why the node is given nothing; `None`: it takes what it is given.
    pub(crate) fn withheld(&self, reason: Option<String>) {
        self.edit(|node| node.withheld = reason);
    }

    /// Something is wrong between this node and us.
    pub(crate) fn complain(&self, error: String) {
        self.edit(|node| node.last_error = Some(error));
    }

    pub(crate) fn reported(&self, report: &v1::Report, serving: Option<Serving>) {
        self.edit(|node| {
            node.draining = report.draining;
            node.connections = report.connections;
            node.requests = report.requests;
            node.failures = report.failures;
            node.serving = serving;
            node.degraded = Some(report.degraded.clone()).filter(|reason| !reason.is_empty());
        });
    }

    /// The node ends on purpose: it is not missed.
    pub(crate) fn leave(self) {
        self.fleet.nodes().remove(&self.session);
    }

    fn edit(&self, edit: impl FnOnce(&mut Node)) {
        if let Some(node) = self.fleet.nodes().get_mut(&self.session) {
            edit(node);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.edit(|node| {
            node.ended = Some(SystemTime::now());
        });
    }
}

fn forget_old(nodes: &mut BTreeMap<u64, Node>) {
    let now = SystemTime::now();
    let is_recent = |ended: SystemTime| now.duration_since(ended).map_or(true, |since| since < MEMORY);
    nodes.retain(|_, node| node.ended.is_none_or(is_recent));
    let gone = nodes.values().filter(|node| !node.is_connected()).count();
    let mut surplus = gone.saturating_sub(MAX_DISCONNECTED);
    // Sessions count up: the oldest go first.
    nodes.retain(|_, node| {
        let forget = surplus > 0 && !node.is_connected();
        surplus -= usize::from(forget);
        !forget
    });
}

#[cfg(test)]
mod tests;
