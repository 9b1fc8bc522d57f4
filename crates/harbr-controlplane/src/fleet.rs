//! What is known of each node: what it was sent, what it serves, and why not.

mod greeting;
mod node;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use harbr_proto::{SnapshotHash, v1};
use tokio::sync::Notify;
use tokio::time::Instant;

pub(crate) use self::greeting::{Greeting, Quarantined};
pub(crate) use self::node::{Node, NodeState, Refused, Serving};
use crate::gate::{Meter, Traffic};
use crate::observe::{Points, Series, Track};

/// A node that is gone is shown for this long …
const MEMORY: Duration = Duration::from_secs(600);
/// … unless there are more of them than this.
const MAX_DISCONNECTED: usize = 10_000;

/// All nodes, by session. Two with the same id are both shown.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    nodes: Mutex<BTreeMap<u64, Entry>>,
    next_session: AtomicU64,
    changed: Notify,
    /// What all of them have answered lately.
    pub(crate) series: Series,
    /// Which nodes have a revision pinned, as far as that was recorded.
    pins: Mutex<BTreeMap<String, v1::Override>>,
}

#[derive(Debug)]
struct Entry {
    node: Node,
    meter: Meter,
    track: Track,
    /// Since it was seen not to serve what it should.
    behind: Option<Instant>,
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
        let mut node = Node::new(greeting.clone());
        let mut nodes = self.nodes();
        // What is left of an earlier session of the same node is of no use any more, and an instance that is here
        // again has lost its last connection, whether we know it yet or not.
        nodes.retain(|_, Entry { node: old, .. }| {
            let Greeting { id, instance, .. } = &*old.greeting;
            let is_same = !instance.is_empty() && *instance == greeting.instance;
            if *id != greeting.id || (old.is_connected() && !is_same) {
                return true;
            }
            if !is_same {
                node.ended_with = old.ended_soon();
            }
            false
        });
        if let Some(twin) = nodes.values().find(|entry| entry.node.greeting.id == greeting.id) {
            let (id, first, second) = (&greeting.id, &twin.node.greeting.instance, &greeting.instance);
            tracing::warn!("two nodes have the id {id}: instances {first} and {second}");
        }
        let meter = Meter::new(node.serving.map(|serving| serving.hash));
        nodes.insert(session, Entry { node, meter, track: Track::default(), behind: None });
        forget_old(&mut nodes);
        drop(nodes);
        self.changed.notify_one();
        Seat { fleet: self.clone(), session }
    }

    /// All nodes as they are now, in the order of their ids.
    pub(crate) fn snapshot(&self) -> Vec<Node> {
        let mut nodes = self.nodes();
        forget_old(&mut nodes);
        let mut nodes: Vec<Node> = nodes.values().map(|entry| entry.node.clone()).collect();
        nodes.sort_by(|a, b| a.greeting.id.cmp(&b.greeting.id));
        nodes
    }

    /// How many nodes are in each state, without a copy of them. `intended`: what the node with this id should serve.
    pub(crate) fn count(
        &self,
        intended: impl Fn(&str) -> Option<SnapshotHash>,
    ) -> BTreeMap<NodeState, usize> {
        let mut counts: BTreeMap<NodeState, usize> = NodeState::ALL.map(|state| (state, 0)).into();
        for Entry { node, .. } in self.nodes().values() {
            *counts.entry(node.state(intended(&node.greeting.id))).or_default() += 1;
        }
        counts
    }

    /// Takes note of who does not serve what it should. `intended`: what the node with this id should serve.
    pub(crate) fn note_lag(&self, intended: impl Fn(&str) -> Option<SnapshotHash>) {
        let now = Instant::now();
        for Entry { node, behind, .. } in self.nodes().values_mut() {
            let is_behind = node.is_connected() && !node.has_converged(intended(&node.greeting.id));
            *behind = is_behind.then(|| behind.unwrap_or(now));
        }
    }

    /// How long the node that is furthest behind has been so.
    pub(crate) fn lag(&self) -> Duration {
        let since = self.nodes().values().filter_map(|entry| entry.behind).min();
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// What nodes have against this content counts no more: an operator wants it tried again.
    pub(crate) fn forgive(&self, hash: SnapshotHash) {
        self.nodes().values_mut().for_each(|entry| entry.node.forgive(hash));
    }

    /// Takes note of what is pinned on a node. Says whether that is news.
    pub(crate) fn note_pin(&self, id: &str, pin: Option<&v1::Override>) -> bool {
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        match pin {
            Some(pin) if pins.get(id) == Some(pin) || pins.len() >= MAX_DISCONNECTED => false,
            Some(pin) => {
                pins.insert(id.to_owned(), pin.clone());
                true
            }
            None => pins.remove(id).is_some(),
        }
    }

    /// Waits until a node comes, goes, or says something.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Clients' connections that are open.
    pub(crate) fn connections(&self) -> u64 {
        let nodes = self.nodes();
        nodes.values().filter(|entry| entry.node.is_connected()).map(|entry| entry.node.connections).sum()
    }

    /// The last 15 minutes of the node with this id.
    pub(crate) fn points(&self, id: &str, now: SystemTime) -> Option<Points> {
        let nodes = self.nodes();
        let entry = nodes.values().rev().find(|entry| entry.node.greeting.id == id)?;
        Some(entry.track.points(now))
    }

    /// What is new in the traffic of the nodes that serve the candidate, and of those that serve the base.
    pub(crate) fn traffic(&self, base: Option<SnapshotHash>, candidate: SnapshotHash) -> Traffic {
        let mut traffic = Traffic::default();
        for Entry { meter, .. } in self.nodes().values_mut() {
            if let Some(new) = meter.take(candidate) {
                traffic.wave.merge(&new);
                traffic.past.merge(&meter.take_past(candidate).unwrap_or_default());
            } else if let Some(new) = base.and_then(|base| meter.take(base)) {
                traffic.rest.merge(&new);
            }
        }
        traffic
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<u64, Entry>> {
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
        self.edit(|node| {
            node.serves(Some(serving));
            node.refused = None;
            node.last_error = None;
        });
    }

    pub(crate) fn refused(&self, refused: Refused) {
        self.edit(|node| {
            node.last_error = Some(refused.reason.clone());
            node.refused = Some(refused);
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

    /// `reference`: what the fleet serves that no rollout has reached.
    pub(crate) fn reported(
        &self,
        mut report: v1::Report,
        serving: Option<Serving>,
        reference: Option<SnapshotHash>,
    ) {
        let (traffic, now) = (report.traffic.take(), SystemTime::now());
        self.edit_entry(|Entry { node, meter, track, .. }| {
            node.serves(serving);
            node.report(report);
            if let (Some(Serving { hash, .. }), Some(traffic)) = (serving, traffic) {
                let happened = meter.note(traffic, hash, reference == Some(hash), Instant::now());
                track.add(&happened.total, now);
                self.fleet.series.add(&happened, now);
            }
            node.traffic = track.now(now);
        });
    }

    /// The node ends on purpose: it is not missed.
    pub(crate) fn leave(self) {
        self.fleet.nodes().remove(&self.session);
        self.fleet.changed.notify_one();
    }

    fn edit(&self, edit: impl FnOnce(&mut Node)) {
        self.edit_entry(|entry| edit(&mut entry.node));
    }

    fn edit_entry(&self, edit: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.fleet.nodes().get_mut(&self.session) {
            edit(entry);
        }
        self.fleet.changed.notify_one();
    }
}

impl Drop for Seat {
    /// A node that is here again by another session is not missed.
    fn drop(&mut self) {
        let mut nodes = self.fleet.nodes();
        if let Some(mut entry) = nodes.remove(&self.session) {
            let is_again =
                |other: &Entry| other.node.greeting.id == entry.node.greeting.id && other.node.is_connected();
            if !nodes.values().any(is_again) {
                entry.node.ended = Some(SystemTime::now());
                nodes.insert(self.session, entry);
            }
        }
        drop(nodes);
        self.fleet.changed.notify_one();
    }
}

fn forget_old(nodes: &mut BTreeMap<u64, Entry>) {
    let now = SystemTime::now();
    let is_recent = |ended: SystemTime| now.duration_since(ended).map_or(true, |since| since < MEMORY);
    nodes.retain(|_, entry| entry.node.ended.is_none_or(is_recent));
    let gone = nodes.values().filter(|entry| !entry.node.is_connected()).count();
    let mut surplus = gone.saturating_sub(MAX_DISCONNECTED);
    // Sessions count up: the oldest go first.
    nodes.retain(|_, entry| {
        let forget = surplus > 0 && !entry.node.is_connected();
        surplus -= usize::from(forget);
        !forget
    });
}

#[cfg(test)]
mod tests;
