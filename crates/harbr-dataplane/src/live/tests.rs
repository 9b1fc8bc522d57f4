use std::sync::Arc;
use std::time::Duration;

use harbr_model::{
    Balance, Endpoint, HeaderEdits, Health, HealthCheck, HostHeader, HostPattern, Listener, PathPrefix,
    PathRewrite, Probe, Route, RouteMatch, Settings, Snapshot, TimeoutPolicy, Upstream,
};

use super::{LiveTable, Soil};
use crate::stats::RouteSeries;

fn soil() -> Soil {
    Soil { workers: 1, series: Arc::new(RouteSeries::new(1)) }
}

fn route(path: &str, upstream: &str, retries: u32) -> Route {
    let second = Duration::from_secs(1);
    Route {
        name: path.into(),
        matches: RouteMatch {
            host: HostPattern::Any,
            path: PathPrefix::parse(path).unwrap(),
            methods: Vec::new(),
            headers: Vec::new(),
        },
        upstream: upstream.into(),
        rewrite: PathRewrite::Keep,
        host_header: HostHeader::Preserve,
        timeouts: TimeoutPolicy { attempt: second, request: second, idle: second },
        max_retries: retries,
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
        max_body: 1,
    }
}

fn upstream(name: &str, ports: &[(u16, u32)], check: &str) -> Upstream {
    let endpoint = |(port, weight): &(u16, u32)| Endpoint {
        url: format!("http://127.0.0.1:{port}").parse().unwrap(),
        weight: *weight,
    };
    Upstream {
        name: name.into(),
        endpoints: ports.iter().map(endpoint).collect(),
        balance: Balance::RoundRobin,
        health_check: Some(HealthCheck::new(Probe::Http { path: check.into() })),
    }
}

fn build(before: &LiveTable, soil: &Soil, upstreams: Vec<Upstream>, routes: Vec<Route>) -> LiveTable {
    let listener = Listener { name: "default".into(), addr: "127.0.0.1:0".parse().unwrap() };
    let snapshot = Snapshot::new(Settings::with_max_connections(1), vec![listener], upstreams, routes);
    LiveTable::build(&snapshot.unwrap(), before, soil)
}

#[test]
fn what_did_not_change_is_taken_over() {
    let soil = soil();
    let u = || upstream("u", &[(1, 1)], "/h");
    let before = build(&LiveTable::empty(), &soil, vec![u()], vec![route("/a", "u", 0), route("/b", "u", 0)]);
    let after = build(&before, &soil, vec![u()], vec![route("/a", "u", 0), route("/b", "u", 1)]);
    assert!(Arc::ptr_eq(&before.by_name["/a"], &after.by_name["/a"]));
    assert!(!Arc::ptr_eq(&before.by_name["/b"], &after.by_name["/b"]));
    assert!(Arc::ptr_eq(&before.by_name["/b"].stats, &after.by_name["/b"].stats));
}

#[test]
fn an_endpoint_keeps_its_health_while_its_url_and_check_stay() {
    let soil = soil();
    let routes = || vec![route("/", "u", 0)];
    let before = build(&LiveTable::empty(), &soil, vec![upstream("u", &[(1, 1), (2, 1)], "/h")], routes());
    before.upstreams["u"].endpoints[0].set_health(Health::Unhealthy);

    let reweighted = build(&before, &soil, vec![upstream("u", &[(3, 1), (1, 9)], "/h")], routes());
    assert!(Arc::ptr_eq(&before.upstreams["u"].endpoints[0], &reweighted.upstreams["u"].endpoints[1]));

    let rechecked = build(&before, &soil, vec![upstream("u", &[(1, 1), (2, 1)], "/other")], routes());
    assert_eq!(rechecked.upstreams["u"].endpoints[0].health(), Health::Unknown);
}

#[test]
fn an_endpoint_that_was_tried_comes_again_only_when_no_other_serves() {
    let table = build(
        &LiveTable::empty(),
        &soil(),
        vec![upstream("u", &[(1, 1), (2, 1)], "/h")],
        vec![route("/", "u", 0)],
    );
    let upstream = &table.upstreams["u"];
    let [first, second] = &upstream.endpoints[..] else { panic!("two endpoints") };
    assert!(Arc::ptr_eq(upstream.pick(std::slice::from_ref(first)).unwrap(), second));
    second.set_health(Health::Unhealthy);
    assert!(Arc::ptr_eq(upstream.pick(std::slice::from_ref(first)).unwrap(), first));
    first.set_health(Health::Unhealthy);
    assert!(upstream.pick(&[]).is_none());
}
