use harbr_proto::v1;

use super::TrafficDocument;
use crate::testing::{check_golden, pretty};

#[test]
fn traffic_as_json() {
    let load = v1::Load {
        request_rate: 12.5,
        error_rate: 0.2,
        retry_rate: 0.4,
        p50: Some(prost_types::Duration { seconds: 0, nanos: 1_250_000 }),
        p99: Some(prost_types::Duration { seconds: 0, nanos: 80_000_000 }),
        connections: 3,
    };
    let named = |name: &str, load| v1::NamedLoad { name: name.to_owned(), load };
    let traffic = v1::FleetTraffic {
        total: Some(load),
        nodes: vec![named("node-1", Some(load)), named("node-2", None)],
        routes: vec![named("/api", Some(load)), named("_other", Some(v1::Load::default()))],
        upstreams: vec![named("backend", Some(load))],
    };
    check_golden("top.json", &pretty(&TrafficDocument::from(traffic)));
}
