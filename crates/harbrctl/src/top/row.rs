use std::collections::HashMap;
use std::time::Duration;

use harbr_proto::document::{NodeDocument, UpstreamDocument};
use harbr_proto::v1;

/// A node, a route or an upstream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// What is to be said besides numbers, column by column.
    pub(crate) facts: Vec<Fact>,
    pub(crate) load: Load,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Uncertain,
    Bad,
}

/// Rates are a second. Latencies that are absent: nothing was answered.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests: f64,
    pub(crate) errors: f64,
    pub(crate) retries: f64,
    pub(crate) p50: Option<Duration>,
    pub(crate) p99: Option<Duration>,
    pub(crate) connections: u64,
}

/// All nodes that are known, those that are gone too.
pub(crate) fn of_nodes(nodes: Vec<v1::Node>) -> Vec<Row> {
    let row = |node: v1::Node| {
        let load = node.load.unwrap_or_default().into();
        let node = NodeDocument::from(node);
        let tone = match node.state {
            "ready" => Tone::Good,
            "rejected" | "disconnected" => Tone::Bad,
            _ => Tone::Uncertain,
        };
        let state = Fact { text: node.state.to_owned(), tone };
        let revision = Fact { text: node.serving_revision.to_string(), tone: Tone::Plain };
        Row { name: node.id, facts: vec![state, revision], load }
    };
    nodes.into_iter().map(row).collect()
}

/// Those that answer anything.
pub(crate) fn of_routes(routes: Vec<v1::NamedLoad>) -> Vec<Row> {
    let row = |route: v1::NamedLoad| Row {
        name: route.name,
        facts: Vec::new(),
        load: route.load.unwrap_or_default().into(),
    };
    routes.into_iter().map(row).collect()
}

/// All of the newest revision.
pub(crate) fn of_upstreams(upstreams: &[UpstreamDocument], loads: Vec<v1::NamedLoad>) -> Vec<Row> {
    let loads: HashMap<String, v1::Load> =
        loads.into_iter().map(|named| (named.name, named.load.unwrap_or_default())).collect();
    let row = |upstream: &UpstreamDocument| {
        let total = upstream.endpoints.len();
        let out = upstream.endpoints.iter().filter(|endpoint| endpoint.health == "unhealthy").count();
        let tone = match out {
            0 => Tone::Good,
            _ if out == total => Tone::Bad,
            _ => Tone::Uncertain,
        };
        Row {
            name: upstream.name.clone(),
            facts: vec![Fact { text: format!("{}/{total}", total - out), tone }],
            load: loads.get(&upstream.name).copied().unwrap_or_default().into(),
        }
    };
    upstreams.iter().map(row).collect()
}

impl From<v1::Load> for Load {
    fn from(load: v1::Load) -> Self {
        let latency = |latency: Option<prost_types::Duration>| Duration::try_from(latency?).ok();
        Self {
            requests: load.request_rate,
            errors: load.error_rate,
            retries: load.retry_rate,
            p50: latency(load.p50),
            p99: latency(load.p99),
            connections: load.connections,
        }
    }
}
