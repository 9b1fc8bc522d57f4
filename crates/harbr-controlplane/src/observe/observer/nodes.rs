use std::collections::BTreeMap;

use harbr_proto::SnapshotHash;

use super::{EventKind, News, Severity};
use crate::drains::Drains;
use crate::fleet::{Node, NodeState};

/// The nodes at the last look, by id.
#[derive(Debug, Default)]
pub(super) struct SeenNodes(BTreeMap<String, NodeState>);

/// A node as it is told of.
#[derive(Debug)]
pub(super) struct Look {
    id: String,
    state: NodeState,
    /// Of its state, if there is one to tell.
    reason: Option<String>,
    revision: Option<u64>,
    build: String,
}

impl Look {
    pub(super) fn new(node: &Node, intended: Option<SnapshotHash>, drains: &Drains) -> Self {
        let (id, state) = (node.greeting.id.clone(), node.state(intended));
        let reason = match state {
            NodeState::Ready => None,
            NodeState::Syncing => node.withheld.clone(),
            NodeState::Rejected => node.last_error.clone(),
            NodeState::Draining => drains.nodes.get(&id).map(|drained| match drained.reason.as_str() {
                "" => format!("by {}", drained.actor),
                reason => format!("by {}, {reason}", drained.actor),
            }),
            NodeState::Disconnected => Some("its session ended without a goodbye".to_owned()),
        };
        let revision = node.serving.map(|serving| serving.revision);
        Self { id, state, reason, revision, build: node.greeting.build.clone() }
    }
}

impl SeenNodes {
    pub(super) fn look(&mut self, now: Vec<Look>) -> Vec<News> {
        let mut news = Vec::new();
        let mut states = BTreeMap::new();
        for Look { id, state, reason, revision, build } in one_for_each_id(now) {
            let before = self.0.get(&id).copied();
            if before != Some(state) {
                let joined = if before.is_none() && state != NodeState::Disconnected {
                    format!("joined (build {build}) and ")
                } else {
                    String::new()
                };
                let serving = match (state, revision) {
                    (NodeState::Ready, Some(revision)) => format!(" with revision {revision}"),
                    _ => String::new(),
                };
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                let text = format!("{id} {joined}is {}{serving}{reason}", state.as_str());
                news.push(of_node(&id, severity_of(state), text));
            }
            states.insert(id, state);
        }
        for id in self.0.keys().filter(|id| !states.contains_key(*id)) {
            news.push(of_node(id, Severity::Notice, format!("{id} has left")));
        }
        self.0 = states;
        news
    }
}

/// Two nodes may have one id: the one that is here, else the first, is told of.
fn one_for_each_id(looks: Vec<Look>) -> impl Iterator<Item = Look> {
    let mut by_id: BTreeMap<String, Look> = BTreeMap::new();
    for look in looks {
        let known = by_id.get(&look.id);
        if known.is_none_or(|known| known.state == NodeState::Disconnected) {
            by_id.insert(look.id.clone(), look);
        }
    }
    by_id.into_values()
}

fn of_node(id: &str, severity: Severity, text: String) -> News {
    News { kind: EventKind::Node, severity, subject: id.to_owned(), text }
}

fn severity_of(state: NodeState) -> Severity {
    match state {
        NodeState::Ready => Severity::Good,
        NodeState::Syncing | NodeState::Draining => Severity::Notice,
        NodeState::Rejected | NodeState::Disconnected => Severity::Bad,
    }
}

#[cfg(test)]
mod tests;
