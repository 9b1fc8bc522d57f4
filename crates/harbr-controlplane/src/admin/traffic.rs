//! What the fleet answers now, for `harbrctl top` and the dashboard alike.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use harbr_proto::v1;

use super::Admin;
use crate::fleet::Node;
use crate::observe::{MAX_ROUTES, Summary};

/// Of routes and of upstreams the busiest `most`.
pub(super) fn of_fleet(admin: &Admin, most: usize) -> v1::FleetTraffic {
    let nodes: Vec<Node> = admin.fleet.snapshot().into_iter().filter(Node::is_connected).collect();
    let connections = nodes.iter().map(|node| node.connections).sum();
    let by_route = admin.fleet.series.now_by_route(SystemTime::now());
    let routes = by_route.into_iter().map(|(route, summary)| named(route.to_string(), load(summary, 0)));
    let upstreams = by_upstream(admin, &nodes).into_iter();
    v1::FleetTraffic {
        total: Some(load(admin.fleet.series.now(SystemTime::now()), connections)),
        nodes: nodes.iter().map(|node| named(node.greeting.id.clone(), load_of(node))).collect(),
        routes: busiest(routes.collect(), most),
        upstreams: busiest(upstreams.map(|(name, load)| named(name.to_string(), load)).collect(), most),
    }
}

/// Of upstreams of the newest revision that answer anything, or are busy. Their latencies are those of their routes'
/// requests, over all attempts.
pub(crate) fn by_upstream(admin: &Admin, nodes: &[Node]) -> HashMap<Arc<str>, v1::Load> {
    let intent = admin.ledger.intent();
    let Some(revision) = intent.newest() else { return HashMap::new() };
    let routes = revision.snapshot.routes().iter();
    let upstreams: HashMap<&str, &str> =
        routes.map(|route| (route.name.as_ref(), route.upstream.as_ref())).collect();
    let upstream_of = |route: &str| upstreams.get(route).map(|upstream| Arc::from(*upstream));
    let summaries = admin.fleet.series.now_by_group(SystemTime::now(), upstream_of);
    let mut loads: HashMap<Arc<str>, v1::Load> =
        summaries.into_iter().map(|(upstream, summary)| (upstream, load(summary, 0))).collect();
    for v1::InFlight { upstream, requests } in nodes.iter().flat_map(|node| &*node.in_flight) {
        if revision.snapshot.upstreams().contains_key(upstream.as_str()) {
            loads.entry(upstream.as_str().into()).or_default().connections += requests;
        }
    }
    loads
}

/// Nothing for one that is gone, whatever it said last.
pub(super) fn load_of(node: &Node) -> v1::Load {
    if node.is_connected() { load(node.traffic, node.connections) } else { v1::Load::default() }
}

pub(crate) fn load(summary: Summary, connections: u64) -> v1::Load {
    v1::Load {
        request_rate: summary.requests,
        error_rate: summary.failures,
        retry_rate: summary.retries,
        p50: summary.p50.and_then(|p50| p50.try_into().ok()),
        p99: summary.p99.and_then(|p99| p99.try_into().ok()),
        connections,
    }
}

fn named(name: String, load: v1::Load) -> v1::NamedLoad {
    v1::NamedLoad { name, load: Some(load) }
}

fn busiest(mut loads: Vec<v1::NamedLoad>, most: usize) -> Vec<v1::NamedLoad> {
    let rate = |load: &v1::NamedLoad| load.load.as_ref().map_or(0.0, |load| load.request_rate);
    loads.sort_by(|a, b| rate(b).total_cmp(&rate(a)).then_with(|| a.name.cmp(&b.name)));
    loads.truncate(most.min(MAX_ROUTES));
    loads
}
