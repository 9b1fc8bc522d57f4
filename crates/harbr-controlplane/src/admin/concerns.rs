//! The nodes that `status` names, because they are not as they should be.

use harbr_proto::v1;

use crate::fleet::{Node, NodeState, Quarantined};
use crate::ledger::Intent;

/// More are not named: then it is not single nodes that are the matter.
const MAX_CONCERNS: usize = 100;

pub(super) fn concerns(nodes: &[Node], intent: &Intent) -> Vec<v1::Concern> {
    nodes.iter().flat_map(|node| of_node(node, intent)).take(MAX_CONCERNS).collect()
}

fn of_node(node: &Node, intent: &Intent) -> Vec<v1::Concern> {
    let id = &node.greeting.id;
    let mut found = Vec::new();
    let mut note = |kind: v1::ConcernKind, reason: String| {
        found.push(v1::Concern { node: id.clone(), kind: kind.into(), reason });
    };
    if let Some(pinned) = &node.pinned {
        note(v1::ConcernKind::Pinned, pinned.clone());
    }
    match node.state(intent.intended(id)) {
        NodeState::Disconnected => note(v1::ConcernKind::Disconnected, why(node).unwrap_or_default()),
        // One that is pinned cannot be elsewhere.
        NodeState::Syncing | NodeState::Rejected if node.pinned.is_none() => {
            note(v1::ConcernKind::Behind, why(node).unwrap_or_else(|| distance(node, intent)));
        }
        NodeState::Syncing | NodeState::Rejected | NodeState::Ready | NodeState::Draining => {}
    }
    if let Some(degraded) = &node.degraded {
        note(v1::ConcernKind::Degraded, degraded.clone());
    }
    for Quarantined { revision, reason, .. } in &node.greeting.quarantined {
        note(v1::ConcernKind::Quarantined, format!("revision {revision}: {reason}"));
    }
    found
}

fn why(node: &Node) -> Option<String> {
    node.withheld.clone().or(node.last_error.clone())
}

fn distance(node: &Node, intent: &Intent) -> String {
    let serves = match node.serving {
        Some(serving) => format!("it serves revision {}", serving.revision),
        None => "it serves nothing yet".to_owned(),
    };
    match intent.target(&node.greeting.id) {
        Some(target) => format!("{serves}, and should serve {}", target.revision.number),
        None => serves,
    }
}
