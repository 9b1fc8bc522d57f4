use std::time::Duration;

use super::{InvalidSnapshot, Snapshot};
use crate::{
    Balance, Endpoint, HeaderEdits, HostHeader, HostPattern, Listener, PathPrefix, PathRewrite, Route,
    RouteMatch, Settings, TimeoutPolicy, Upstream,
};

fn listener(name: &str) -> Listener {
    Listener { name: name.into(), addr: "127.0.0.1:0".parse().unwrap() }
}

fn upstream(name: &str, urls: &[&str]) -> Upstream {
    let endpoints = urls.iter().map(|url| Endpoint { url: url.parse().unwrap(), weight: 1 }).collect();
    Upstream { name: name.into(), endpoints, balance: Balance::LeastRequest, health_check: None }
}

fn route(name: &str, path: &str, upstream: &str) -> Route {
    let second = Duration::from_secs(1);
    Route {
        name: name.into(),
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
        max_retries: 0,
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
        max_body: 1,
    }
}

fn snapshot(
    listeners: Vec<Listener>,
    upstreams: Vec<Upstream>,
    routes: Vec<Route>,
) -> Result<Snapshot, InvalidSnapshot> {
    Snapshot::new(Settings::with_max_connections(10), listeners, upstreams, routes)
}

#[test]
fn resources_that_fit_together_make_a_snapshot() {
    let made = snapshot(vec![listener("a")], vec![upstream("u", &["http://a"])], vec![route("/", "/", "u")]);
    assert_eq!(made.map(|snapshot| snapshot.routes().len()), Ok(1));
}

#[test]
fn each_rule_that_resources_can_break_together_has_its_name() {
    let u = || upstream("u", &["http://a"]);
    let cases = [
        (snapshot(vec![], vec![u()], vec![route("/", "/", "u")]), InvalidSnapshot::NoListener),
        (snapshot(vec![listener("a")], vec![u()], vec![]), InvalidSnapshot::NoRoute),
        (
            snapshot(vec![listener("a"), listener("a")], vec![u()], vec![route("/", "/", "u")]),
            InvalidSnapshot::DuplicateName { what: "listeners", name: "a".into() },
        ),
        (
            snapshot(vec![listener("a")], vec![u(), u()], vec![route("/", "/", "u")]),
            InvalidSnapshot::DuplicateName { what: "upstreams", name: "u".into() },
        ),
        (
            snapshot(vec![listener("a")], vec![upstream("u", &[])], vec![route("/", "/", "u")]),
            InvalidSnapshot::NoEndpoint { name: "u".into() },
        ),
        (
            snapshot(
                vec![listener("a")],
                vec![upstream("u", &["http://a", "http://a/"])],
                vec![route("/", "/", "u")],
            ),
            InvalidSnapshot::DuplicateEndpoint { name: "u".into(), url: "http://a".into() },
        ),
        (
            snapshot(vec![listener("a")], vec![u()], vec![route("/", "/", "v")]),
            InvalidSnapshot::UnknownUpstream { route: "/".into(), upstream: "v".into() },
        ),
        (
            snapshot(vec![listener("a")], vec![u()], vec![route("/a", "/a", "u"), route("/a/", "/a/", "u")]),
            InvalidSnapshot::SameMatch { first: "/a".into(), second: "/a/".into() },
        ),
    ];
    for (made, expected) in cases {
        assert_eq!(made, Err(expected));
    }
}

#[test]
fn a_request_timeout_below_an_attempts_is_out_of_range() {
    let mut short = route("/", "/", "u");
    short.timeouts.request = Duration::from_millis(1);
    let made = snapshot(vec![listener("a")], vec![upstream("u", &["http://a"])], vec![short]);
    let what = "route `/`".to_owned();
    assert_eq!(made, Err(InvalidSnapshot::OutOfRange { what, setting: "a request timeout" }));
}
