//! The nodes that `status` names, because they are not as they should be.

use std::collections::HashMap;

use harbr_proto::v1;

use crate::caller::one_line;
use crate::fleet::{Node, NodeState, Quarantined};
use crate::ledger::Intent;

/// More are not named: then it is not single nodes that are the matter.
const MAX_CONCERNS: usize = 100;

pub(super) fn concerns(nodes: &[Node], intent: &Intent) -> Vec<v1::Concern> {
    nodes.iter().flat_map(|node| of_node(node, intent)).take(MAX_CONCERNS).collect()
}

/// Who leaves out which endpoint by what it saw itself.
pub(super) fn note_ejected(upstreams: &mut [v1::UpstreamStatus], nodes: &[Node]) {
    let mut by_endpoint: HashMap<(&str, &str), Vec<String>> = HashMap::new();
    for node in nodes.iter().filter(|node| node.is_connected()) {
        for v1::Ejected { upstream, url, reason } in &*node.ejected {
            let told = format!("{}: {}", node.greeting.id, one_line(reason));
            by_endpoint.entry((upstream, url)).or_default().push(told);
        }
    }
    if by_endpoint.is_empty() {
        return;
    }
    for v1::UpstreamStatus { upstream, endpoints, .. } in upstreams {
        let name = upstream.as_ref().map_or("", |upstream| upstream.name.as_str());
        for endpoint in endpoints {
            endpoint.ejected_by = by_endpoint.remove(&(name, endpoint.url.as_str())).unwrap_or_default();
        }
    }
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
