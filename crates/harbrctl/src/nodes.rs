//! Nodes, for people.

use harbr_proto::document::{DrainedDocument, NodeDocument, QuarantinedDocument};

use crate::paint::Paint;
use crate::table::{fields, or_dash, render, short_hash};
use crate::when::Now;

pub(crate) fn table(nodes: &[NodeDocument], now: Now) -> String {
    render(
        ["ID", "STATE", "REVISION", "HASH", "CONNECTIONS", "AGE", "LAST ERROR"],
        nodes.iter().map(|node| {
            [
                node.id.clone(),
                node.state.to_owned(),
                node.serving_revision.to_string(),
                short_hash(&node.serving_hash),
                node.connections.to_string(),
                now.age(node.since.as_ref()),
                last_error(node),
            ]
        }),
    )
}

pub(crate) fn wide_table(nodes: &[NodeDocument], now: Now) -> String {
    render(
        [
            "ID",
            "STATE",
            "REVISION",
            "SENT",
            "HASH",
            "CONNECTIONS",
            "REQUESTS",
            "FAILURES",
            "AGE",
            "LABELS",
            "BUILD",
            "ADDRESS",
            "INSTANCE",
            "LAST ERROR",
        ],
        nodes.iter().map(|node| {
            [
                node.id.clone(),
                node.state.to_owned(),
                node.serving_revision.to_string(),
                node.sent_revision.to_string(),
                or_dash(&node.serving_hash),
                node.connections.to_string(),
                node.requests.to_string(),
                node.failures.to_string(),
                now.age(node.since.as_ref()),
                labels(node),
                or_dash(&node.build),
                or_dash(&node.address),
                or_dash(&node.instance_id),
                last_error(node),
            ]
        }),
    )
}

pub(crate) fn describe(node: &NodeDocument, now: Now, paint: Paint) -> String {
    let since = match node.state {
        "disconnected" => "gone for",
        _ => "connected for",
    };
    fields(&[
        ("node", node.id.clone()),
        ("instance", or_dash(&node.instance_id)),
        ("state", paint.state(node.state)),
        (since, now.age(node.since.as_ref())),
        ("labels", labels(node)),
        ("build", or_dash(&node.build)),
        ("address", or_dash(&node.address)),
        ("serving revision", node.serving_revision.to_string()),
        ("serving hash", or_dash(&node.serving_hash)),
        ("sent revision", node.sent_revision.to_string()),
        ("connections", node.connections.to_string()),
        ("requests", node.requests.to_string()),
        ("failures", node.failures.to_string()),
        ("last error", or_dash(node.last_error.as_deref().unwrap_or_default())),
        ("override", or_dash(node.r#override.as_deref().unwrap_or_default())),
        ("quarantined", quarantined(node)),
        ("drained", node.drained.as_ref().map_or_else(|| "-".to_owned(), |drained| by_whom(drained, now))),
    ])
}

/// `for 5m by alice: new disk`
pub(crate) fn by_whom(drained: &DrainedDocument, now: Now) -> String {
    let actor = drained.actor.as_deref().unwrap_or("somebody");
    let reason = drained.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("for {} by {actor}{reason}", now.age(drained.since.as_ref()))
}

fn labels(node: &NodeDocument) -> String {
    let labels: Vec<_> = node.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    or_dash(&labels.join(","))
}

/// An override is no error, but explains more than one.
fn last_error(node: &NodeDocument) -> String {
    node.r#override.as_ref().or(node.last_error.as_ref()).cloned().unwrap_or_else(|| "-".to_owned())
}

fn quarantined(node: &NodeDocument) -> String {
    let shown = |found: &QuarantinedDocument| format!("revision {}: {}", found.revision, found.reason);
    or_dash(&node.quarantined.iter().map(shown).collect::<Vec<_>>().join("; "))
}
