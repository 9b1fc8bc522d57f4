use harbr_proto::document::LoadDocument;
use harbr_proto::v1;
use serde::Serialize;

/// `harbrctl top -o json`
#[derive(Debug, Serialize)]
pub(crate) struct TrafficDocument {
    total: BusyDocument,
    /// Those that are connected.
    nodes: Vec<NamedDocument>,
    /// Those that answer anything, the busiest first.
    routes: Vec<NamedDocument>,
    upstreams: Vec<NamedDocument>,
}

#[derive(Debug, Serialize)]
struct NamedDocument {
    name: String,
    #[serde(flatten)]
    busy: BusyDocument,
}

#[derive(Debug, Serialize)]
struct BusyDocument {
    #[serde(flatten)]
    load: LoadDocument,
    /// Of a node the clients' connections that are open, of an upstream the requests that it is busy with.
    connections: u64,
}

impl From<v1::FleetTraffic> for TrafficDocument {
    fn from(traffic: v1::FleetTraffic) -> Self {
        let v1::FleetTraffic { total, nodes, routes, upstreams } = traffic;
        let all = |loads: Vec<v1::NamedLoad>| loads.into_iter().map(NamedDocument::from).collect();
        Self {
            total: total.unwrap_or_default().into(),
            nodes: all(nodes),
            routes: all(routes),
            upstreams: all(upstreams),
        }
    }
}

impl From<v1::NamedLoad> for NamedDocument {
    fn from(named: v1::NamedLoad) -> Self {
        Self { name: named.name, busy: named.load.unwrap_or_default().into() }
    }
}

impl From<v1::Load> for BusyDocument {
    fn from(load: v1::Load) -> Self {
        Self { load: load.into(), connections: load.connections }
    }
}

#[cfg(test)]
mod tests;
