use crate::{Files, Source, parse};

const HEAD: &str = "listen_addr: 127.0.0.1:0\nglobal_timeout_ms: 1000\nmax_connections: 1\n";

/// The warnings of a file that goes on with this, one per line, without the lines of the head.
fn warnings(rest: &str) -> Vec<String> {
    let text = format!("{HEAD}{rest}");
    let config =
        parse(Source { name: "s", bytes: text.as_bytes() }, &Files::none()).expect("the file is good");
    let warnings = config.warnings.iter();
    warnings.map(|warning| format!("{}:{}", warning.span.start.line - 3, warning.code)).collect()
}

/// A list of routes at one key, each with these conditions.
fn list(conditions: &[&str]) -> Vec<String> {
    let items: String = conditions.iter().map(|it| format!("    - {{upstream: http://a, {it}}}\n")).collect();
    warnings(&format!("routes:\n  /:\n{items}"))
}

fn keys(keys: &[&str]) -> Vec<String> {
    let routes: String = keys.iter().map(|key| format!("  \"{key}\": {{upstream: http://a}}\n")).collect();
    warnings(&format!("routes:\n{routes}"))
}

const NONE: [&str; 0] = [];

#[test]
fn a_good_file_has_none() {
    assert_eq!(warnings("routes: {/: {upstream: \"http://a\", timeout_ms: 1000, retry_count: 2}}\n"), NONE);
}

#[test]
fn a_route_of_a_list_that_never_answers() {
    let (get, both) = ("methods: [GET]", "methods: [GET, POST]");
    assert_eq!(list(&[both, get]), ["4:HR0320"]);
    assert_eq!(list(&[get, both]), NONE);
    assert_eq!(list(&[get, "methods: [POST]", both]), ["5:HR0320"], "the two before it together");
    let x = "headers: {match: {x: a}}";
    let x_and_y = "headers: {match: {x: a, y: b}}";
    let other = "headers: {match: {x: b}}";
    assert_eq!(list(&[x, x_and_y]), ["4:HR0320"]);
    assert_eq!(list(&[x_and_y, x, other]), NONE);
    assert_eq!(list(&[x, "methods: [GET], headers: {match: {x: a}}"]), ["4:HR0320"]);
    assert_eq!(list(&["methods: [GET], headers: {match: {x: a}}", x]), NONE);
    assert_eq!(list(&["methods: [GET], headers: {match: {x: a}}", get]), NONE);
}

#[test]
fn a_route_that_no_request_can_come_to() {
    for path in ["/a%62", "/a%c3%a9", "/a%zz", "/a%5C", "/a%00", "/%7Euser"] {
        assert_eq!(keys(&[path]), ["2:HR0320"], "{path}");
    }
    assert_eq!(keys(&["/a%C3%A9/b%2Fc"]), NONE);
    assert_eq!(list(&["methods: [TRACE]"]), ["3:HR0320"]);
}

#[test]
fn a_longer_prefix_behind_another_hosts_shorter_one() {
    assert_eq!(keys(&["a.test/", "/api"]), ["3:HR0321"]);
    assert_eq!(keys(&["a.test/api", "/api/v1/x"]), ["3:HR0321"]);
    assert_eq!(keys(&["a.b.test/", "*.b.test/api", "*.test/"]), ["3:HR0321"]);
    assert_eq!(keys(&["*.b.test/", "*.test/api"]), ["3:HR0321"]);
    assert_eq!(keys(&["a.test/", "/api", "a.test/api"]), NONE, "the host has that prefix too");
    assert_eq!(keys(&["a.test/api", "/api", "/"]), NONE, "the same prefix is an exception on purpose");
    assert_eq!(keys(&["a.test/apix", "/api/v1"]), NONE);
    assert_eq!(keys(&["a.test/", "b.test/api"]), NONE);
    assert_eq!(keys(&["b.test/", "*.b.test/api"]), NONE, "a wildcard does not stand for its own name");
}

#[test]
fn timeouts_and_retries_that_do_not_do_what_they_seem_to() {
    let one = |settings: &str| warnings(&format!("routes:\n  /: {{upstream: \"http://a\", {settings}}}\n"));
    assert_eq!(one("timeout_ms: 1001"), ["2:HR0322"]);
    assert_eq!(one("retry_count: 1, methods: [POST, PATCH]"), ["2:HR0323"]);
    assert_eq!(one("retry_count: 1, methods: [POST, GET]"), NONE);
    assert_eq!(one("retry_count: 0, methods: [POST]"), NONE);
}

#[test]
fn upstreams_and_probes() {
    let unused = "upstreams:\n  a: {endpoints: [\"http://a\"]}\n  b: {endpoints: [\"http://b\"]}\nroutes: {/: {upstream: a}}\n";
    assert_eq!(warnings(unused), ["3:HR0420"]);
    let probed =
        |check: &str| warnings(&format!("routes:\n  /: {{upstream: http://a, health_check: {{{check}}}}}\n"));
    assert_eq!(probed("interval: 1s, timeout: 2s"), ["2:HR0421"]);
    assert_eq!(probed("interval: 1s"), ["2:HR0421"], "the timeout is 5s by default");
    assert_eq!(probed("timeout: 11s"), ["2:HR0421"], "the interval is 10s by default");
    assert_eq!(probed("interval: 2s, timeout: 2s"), NONE);
}

#[test]
fn ten_thousand_hosts_that_shadow_are_warned_of_in_a_moment() {
    let mut rest = "routes:\n".to_owned();
    for number in 0..10_000 {
        rest.push_str(&format!(
            "  h{number}.test/: {{upstream: http://a}}\n  /p{number}/q: {{upstream: http://a}}\n"
        ));
    }
    assert_eq!(warnings(&rest).len(), 1_000);
}
