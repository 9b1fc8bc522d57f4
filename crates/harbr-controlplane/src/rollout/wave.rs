//! Who is in a wave, and how far its nodes are. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use harbr_model::{Share, Wave, WaveNodes};
use harbr_proto::SnapshotHash;

use super::witness::Witness;
use crate::fleet::Node;

/// A node that does not say for so long that it serves what it was given cannot.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How far the nodes of a wave are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) serving: usize,
    /// They may still come to serve it.
    pub(crate) waiting: Vec<String>,
    /// They cannot now, through no fault of the revision.
    pub(crate) unavailable: Vec<String>,
}

impl Standing {
    pub(crate) fn is_complete(&self, max_unavailable: Share, fleet: usize) -> bool {
        self.serving > 0 && self.waiting.is_empty() && self.unavailable.len() <= max_unavailable.of(fleet)
    }
}

/// Connected, and obeying.
pub(super) fn is_available(node: &Node) -> bool {
    node.is_connected() && !node.draining && node.withheld.is_none() && node.pinned.is_none()
}

pub(super) fn serves(node: &Node, hash: SnapshotHash) -> bool {
    node.is_connected() && node.serving.is_some_and(|serving| serving.hash == hash)
}

/// The members of a wave that is not the whole fleet, with those that it still lacks. A node that has left, or that
/// cannot take the revision, is replaced by another one.
pub(super) fn members(
    wave: &Wave,
    mut members: BTreeSet<String>,
    nodes: &[Node],
    witness: &Witness,
    max_unavailable: Share,
    (base, candidate): (Option<SnapshotHash>, SnapshotHash),
    now: Duration,
) -> BTreeSet<String> {
    let is_here = |id: &String| nodes.iter().any(|node| node.greeting.id == *id);
    members.retain(|id| is_here(id) || !witness.has_seen(id) && now < ANSWER_LIMIT);
    match &wave.nodes {
        WaveNodes::Labels(labels) => {
            let has = |node: &Node, (name, value): (&String, &String)| {
                node.greeting.labels.iter().any(|label| label.name == *name && label.value == *value)
            };
            let matching = nodes.iter().filter(|node| labels.iter().all(|label| has(node, label)));
            members.extend(matching.filter(|node| is_available(node)).map(|node| node.greeting.id.clone()));
        }
        WaveNodes::Share(share) => {
            let standing = standing(nodes, Some(&members), witness, candidate, now);
            let connected = nodes.iter().filter(|node| node.is_connected()).count();
            let wanted = share.of(connected).max(1);
            let able = standing.serving + standing.waiting.len();
            let mut missing = wanted.saturating_sub(able);
            if standing.unavailable.len() > max_unavailable.of(connected) {
                missing = 0;
            }
            // One that has something else already, such as the candidate before this one, comes first: then no
            // further node has to try.
            let mut others: Vec<&Node> = nodes
                .iter()
                .filter(|node| is_available(node) && !members.contains(&node.greeting.id))
                .collect();
            others.sort_by_key(|node| {
                let hash = node.serving.map(|serving| serving.hash);
                (hash.is_none() || hash == base, node.greeting.id.clone())
            });
            members.extend(others.into_iter().take(missing).map(|node| node.greeting.id.clone()));
        }
    }
    members
}

/// Of these members, or of all nodes.
pub(super) fn standing(
    nodes: &[Node],
    members: Option<&BTreeSet<String>>,
    witness: &Witness,
    candidate: SnapshotHash,
    now: Duration,
) -> Standing {
    let mut standing = Standing::default();
    let is_member = |id: &String| members.is_none_or(|members| members.contains(id));
    for node in nodes.iter().filter(|node| is_member(&node.greeting.id)) {
        let id = &node.greeting.id;
        if serves(node, candidate) && node.withheld.is_none() {
            standing.serving += 1;
        } else if witness.is_missed(id) {
            standing.waiting.push(id.clone());
        } else if !is_available(node) {
            // Of the whole fleet those count that are here.
            if node.is_connected() || members.is_some() {
                standing.unavailable.push(id.clone());
            }
        } else if node.refused_locally(candidate) || witness.waited(id, now) >= ANSWER_LIMIT {
            standing.unavailable.push(id.clone());
        } else {
            standing.waiting.push(id.clone());
        }
    }
    for id in members.into_iter().flatten() {
        if !nodes.iter().any(|node| node.greeting.id == *id) {
            standing.waiting.push(id.clone());
        }
    }
    standing
}
