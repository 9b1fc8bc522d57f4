use super::super::compare::compare;
use super::*;
use crate::testing::{sampled, subject};
use crate::traffic::SampledHeader;

/// What becomes of these requests.
fn effect_of(old: &str, new: &str, requests: Vec<SampledRecord>) -> TrafficDocument {
    let (old, new) = (subject("old.yml", old), subject("new.yml", new));
    let traffic = Traffic { requests, window: std::time::Duration::from_secs(600), ..Traffic::default() };
    effect(&old, &new, &compare(&old, &new), &traffic)
}

fn requests(traffic: &TrafficDocument) -> [f64; 6] {
    [
        MoveKind::NotFound,
        MoveKind::MethodNotAllowed,
        MoveKind::Routed,
        MoveKind::Upstream,
        MoveKind::Route,
        MoveKind::Edited,
    ]
    .map(|kind| traffic.of(kind).requests)
}

#[test]
fn each_request_is_of_one_kind() {
    let old = "\
routes:
  a.test/stays: {upstream: \"http://s\"}
  a.test/goes: {upstream: \"http://s\"}
  a.test/any-method: {upstream: \"http://s\"}
  a.test/moves: {upstream: \"http://s\"}
  a.test/splits: {upstream: \"http://s\"}
  a.test/edited: {upstream: \"http://s\"}
";
    let new = "\
routes:
  a.test/stays: {upstream: \"http://s\"}
  a.test/any-method: {upstream: \"http://s\", methods: [POST]}
  a.test/moves: {upstream: \"http://other\"}
  a.test/splits: {upstream: \"http://s\"}
  a.test/splits/off: {upstream: \"http://s\"}
  a.test/edited: {upstream: \"http://s\", timeout_ms: 1}
  a.test/comes: {upstream: \"http://s\"}
";
    let get = |path: &str, weight| sampled("GET", "a.test", path, weight);
    let traffic = effect_of(
        old,
        new,
        vec![
            get("/stays", 1.0),
            get("/nowhere", 1.0),
            get("/goes", 2.0),
            get("/any-method", 4.0),
            get("/comes", 8.0),
            get("/moves", 16.0),
            get("/splits/off", 32.0),
            get("/splits/on", 1.0),
            get("/edited", 64.0),
        ],
    );
    assert_eq!(requests(&traffic), [2.0, 4.0, 8.0, 16.0, 32.0, 64.0]);
    assert_eq!((traffic.changed.requests, traffic.all.requests), (62.0, 129.0));
    assert_eq!(traffic.changed.share, 62.0 / 129.0);
    assert_eq!(traffic.becomes_404.per_second, 2.0 / 600.0);
}

#[test]
fn where_requests_go_is_a_matter_of_endpoints_and_not_of_names() {
    let old = "\
upstreams: {one: {endpoints: [\"http://s\"]}, two: {endpoints: [\"http://t\"]}}
routes: {/a: {upstream: one}, /b: {upstream: one}}
";
    let new = "\
upstreams: {renamed: {endpoints: [\"http://s\"]}, two: {endpoints: [\"http://t\"]}}
routes: {/a: {upstream: renamed}, /b: {upstream: two}}
";
    let traffic = effect_of(old, new, vec![sampled("GET", "x", "/a", 1.0), sampled("GET", "x", "/b", 2.0)]);
    assert_eq!(requests(&traffic), [0.0, 0.0, 0.0, 2.0, 0.0, 1.0]);
    let moved = &traffic.moves[1 - usize::from(traffic.moves[0].kind == MoveKind::Upstream)];
    assert_eq!((moved.from.upstream.as_deref(), moved.to.upstream.as_deref()), (Some("one"), Some("two")));
}

#[test]
fn headers_count_where_they_are_known_and_are_named_where_they_are_not() {
    let route = |conditions: &str| format!("routes: {{/: [{conditions} {{upstream: \"http://rest\"}}]}}\n");
    let on = |name: &str, value: &str| {
        format!("{{headers: {{match: {{{name}: {value}}}}}, upstream: \"http://{value}\"}},")
    };
    let with = |name: &str, value: &str| SampledRecord {
        headers: vec![SampledHeader { name: name.into(), value: value.into() }],
        ..sampled("GET", "x", "/", 1.0)
    };
    let old = route(&(on("x-version", "two") + &on("x-api-key", "partner")));
    let new = route(&(on("x-version", "three") + &on("x-api-key", "partner") + &on("x-beta", "yes")));
    let traffic = effect_of(&old, &new, vec![with("x-version", "three"), with("x-api-key", "partner")]);
    assert_eq!((traffic.changed.requests, traffic.sampled), (1.0, 2));
    assert_eq!(traffic.unknown_headers, ["x-beta"]);
    let newly_secret = route(&(on("x-version", "two") + &on("x-api-key", "another")));
    assert_eq!(effect_of(&old, &newly_secret, Vec::new()).unknown_headers, ["x-api-key"]);
}

#[test]
fn what_a_log_has_is_brought_to_the_form_that_is_matched() {
    let routes = "routes: {a.test/x: {upstream: \"http://s\"}}\n";
    let traffic = effect_of(
        "routes: {b.test/x: {upstream: \"http://s\"}}\n",
        routes,
        vec![
            sampled("GET", "A.test:8080", "/y/../x", 1.0),
            sampled("GET", "[::1]:80", "/%78", 1.0),
            sampled("GET", "a.test", "/../..", 1.0),
            sampled("G T", "a.test", "/x", 1.0),
        ],
    );
    assert_eq!((traffic.sampled, traffic.unreadable, traffic.becomes_routed.requests), (2, 2, 1.0));
    assert_eq!([without_port("a:80"), without_port("a"), without_port("[::1]:80")], ["a", "a", "[::1]"]);
    assert_eq!([without_port("[::1]"), without_port("::1")], ["[::1]", "::1"]);
}

#[test]
fn a_hundred_thousand_requests_and_ten_thousand_routes_are_a_moments_work() {
    let routes = |first: usize| -> String {
        let route = |number| format!("  /r{number}: {{upstream: \"http://a\"}}\n");
        "routes:\n".to_owned() + &(first..first + 10_000).map(route).collect::<String>()
    };
    let requests = (0..100_000).map(|n| sampled("GET", "a.test", &format!("/r{}/{n}", n % 10_000), 1.0));
    let traffic = effect_of(&routes(0), &routes(5_000), requests.collect());
    assert_eq!((traffic.becomes_404.requests, traffic.all.requests), (50_000.0, 100_000.0));
    assert_eq!((traffic.moves.len(), traffic.moves_left_out), (100, 5_000 - 100));
}
