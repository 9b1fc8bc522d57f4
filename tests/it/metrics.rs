//! The numbers, their names, and where they are.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use harbr_tests::{
    Answer, ClosedPort, Exposition, Fleet, Origin, RawClient, Shape, eventually, full, get, request, send,
};
use http::Method;

use crate::file::{File, to};

over_both_shapes! {
    async fn the_pages_series_are_there_from_the_start_at_zero(shape: Shape) {
        let origin = Origin::start("a").await;
        let fleet = Fleet::start(shape, &File::all_to(&origin).text()).await;
        let metrics = fleet.node().metrics().await;
        for status in ["success", "error"] {
            assert_eq!(metrics.count("proxy_request_total", &[("status", status)]), 0);
        }
        for result in ["success", "failure", "timeout"] {
            assert_eq!(metrics.count("proxy_attempt_total", &[("result", result)]), 0);
        }
        assert_eq!(metrics.count("proxy_timeout_total", &[]), 0);
        assert_eq!(metrics.count("proxy_request_duration_seconds_count", &[]), 0);
        for (name, kind) in [
            ("proxy_request_total", "counter"),
            ("proxy_attempt_total", "counter"),
            ("proxy_timeout_total", "counter"),
            ("proxy_request_duration_seconds", "histogram"),
        ] {
            let line = format!("# TYPE {name} {kind}\n");
            assert_eq!(metrics.text().matches(&line).count(), 1, "{line}{}", metrics.text());
        }
    }

    async fn each_request_counts_once_and_each_attempt_once(shape: Shape) {
        let origin = Origin::start("a").await;
        let text = File::new()
            .global_timeout_ms(300)
            .route("/app", &format!("{}, timeout_ms: 300", to(&origin)))
            .text();
        let fleet = Fleet::start(shape, &text).await;
        for _ in 0..3 {
            assert_eq!(get(fleet.addr(), "/app").await.status, 200);
        }
        assert_eq!(get(fleet.addr(), "/elsewhere").await.status, 404);
        origin.answers(Answer::Status(404));
        assert_eq!(get(fleet.addr(), "/app").await.status, 404);
        origin.answers(Answer::Status(500));
        assert_eq!(get(fleet.addr(), "/app").await.status, 500);
        origin.answers(Answer::Silence);
        assert_eq!(get(fleet.addr(), "/app").await.status, 504);
        let metrics = settled(&fleet, 7).await;
        assert!(metrics.count("harbr_worker_stall_seconds_count", &[]) >= 7, "each came in a turn of a worker");
        assert_eq!(metrics.count("proxy_request_total", &[("status", "success")]), 4, "below 500 and whole");
        assert_eq!(metrics.count("proxy_request_total", &[("status", "error")]), 3, "our 404, 500, 504");
        assert_eq!(metrics.count("proxy_attempt_total", &[("result", "success")]), 4);
        assert_eq!(metrics.count("proxy_attempt_total", &[("result", "failure")]), 1);
        assert_eq!(metrics.count("proxy_attempt_total", &[("result", "timeout")]), 1);
        assert_eq!(metrics.count("proxy_timeout_total", &[]), 1);
    }
}

/// The node's metrics once they count this many requests: a request counts when its last byte is gone, which
/// its client may see a little earlier.
async fn settled(fleet: &Fleet, requests: u64) -> Exposition {
    eventually(&format!("{requests} requests are counted"), async || {
        let metrics = fleet.node().metrics().await;
        let total = metrics.count("proxy_request_total", &[]);
        assert!(total <= requests, "{total} requests were counted");
        (total == requests && metrics.count("proxy_request_duration_seconds_count", &[]) == requests)
            .then_some(metrics)
    })
    .await
}

#[tokio::test]
async fn a_retried_request_is_one_request_and_two_attempts() {
    let good = Origin::start("good").await;
    let closed = ClosedPort::new();
    let text = File::new()
        .route("/", "upstream: pool, retry_count: 1")
        .upstream("pool", &[closed.url(), good.url()], "balance: round_robin")
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    assert_eq!(send(fleet.addr(), request(Method::POST, "/", full("x"))).await.status, 200);
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
    let metrics = settled(&fleet, 2).await;
    let failures = metrics.count("proxy_attempt_total", &[("result", "failure")]);
    assert!((1..=2).contains(&failures), "{failures} failed attempts");
    assert_eq!(metrics.count("proxy_attempt_total", &[("result", "success")]), 2);
    assert_eq!(metrics.count("proxy_request_total", &[("status", "success")]), 2);
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_a_request_that_failed() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).set("max_header_bytes: 8KiB").text()).await;
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(9_000));
    for (so_far, head, status, reason, of_reason) in [
        (1, long.as_str(), "431", "head_too_large", 1),
        (2, "GET / HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n", "400", "bad_request", 1),
        (3, "this is no HTTP at all\r\n\r\n", "400", "bad_request", 2),
    ] {
        let answer = RawClient::exchange(fleet.addr(), head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        let metrics = eventually(&format!("{so_far} refusals are counted"), async || {
            let metrics = fleet.node().metrics().await;
            (metrics.count("proxy_request_total", &[("status", "error")]) == so_far).then_some(metrics)
        })
        .await;
        let counted = metrics.count("harbr_request_failures_total", &[("reason", reason)]);
        assert_eq!(counted, of_reason, "{reason}");
        assert_eq!(metrics.count("harbr_request_failures_total", &[]), so_far);
    }
    assert_eq!(origin.requests(), 0);
}

#[tokio::test]
async fn the_histogram_holds_how_long_requests_took() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::EchoAfter(Duration::from_millis(300)));
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    get(fleet.addr(), "/").await;
    let metrics = settled(&fleet, 1).await;
    let sum = metrics.value("proxy_request_duration_seconds_sum", &[]).unwrap();
    assert!((0.3..10.0).contains(&sum), "{sum}");
    assert_eq!(metrics.count("proxy_request_duration_seconds_bucket", &[("le", "+Inf")]), 1);
    assert_eq!(metrics.count("proxy_request_duration_seconds_bucket", &[("le", "0.1")]), 0);
}

#[tokio::test]
async fn counts_survive_edits() {
    let origin = Origin::start("a").await;
    let file = File::all_to(&origin);
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    get(fleet.addr(), "/").await;
    fleet.apply(&file.clone().route("/more", &to(&origin)).text()).await;
    get(fleet.addr(), "/more").await;
    settled(&fleet, 2).await;
}

#[tokio::test]
async fn both_planes_say_what_they_are_and_how_they_fare() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    for admin in [fleet.node().admin(), fleet.controller.http()] {
        let metrics = Exposition::scrape(admin).await;
        let text = metrics.text();
        assert!(text.contains("harbr_build_info{"), "{text}");
        assert!(metrics.value("process_resident_memory_bytes", &[]).is_some(), "{text}");
        assert!(metrics.value("process_open_fds", &[]).is_some(), "{text}");
    }
}

#[tokio::test]
async fn in_one_process_both_admin_ports_show_the_same() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::AllInOne, &File::all_to(&origin).text()).await;
    get(fleet.addr(), "/").await;
    settled(&fleet, 1).await;
    let other = Exposition::scrape(fleet.controller.http()).await;
    assert_eq!(other.count("proxy_request_total", &[]), 1);
    assert!(fleet.node().metrics().await.text().contains("harbr_build_info{"));
}

#[tokio::test]
async fn promtool_finds_nothing() {
    let origin = Origin::start("a").await;
    let check = "health_check: {path: /health, interval: 200ms, timeout: 1s}";
    let text = File::new().route("/app", &format!("{}, {check}", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    get(fleet.addr(), "/app").await;
    get(fleet.addr(), "/nothing").await;
    settled(&fleet, 2).await;
    for admin in [fleet.node().admin(), fleet.controller.http()] {
        let metrics = Exposition::scrape(admin).await;
        let Some(findings) = promtool(metrics.text()) else { return };
        assert_eq!(findings, "", "{}", metrics.text());
    }
}

/// What `promtool check metrics` says; `None` where there is no promtool, and none is required.
fn promtool(text: &str) -> Option<String> {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let required = std::env::var_os("HARBR_REQUIRE_TOOLS").is_some_and(|value| value == "1");
            assert!(!required, "promtool is required: {error}");
            println!("skipped: promtool is not installed");
            return None;
        }
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn requests_are_counted_per_route_and_upstream() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/one", &to(&origin)).route("/two", &to(&origin)).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for path in ["/one", "/one/x", "/two"] {
        get(fleet.addr(), path).await;
    }
    let metrics = settled(&fleet, 3).await;
    let of = |route: &str| -> Vec<&str> {
        let label = format!("route=\"{route}\"");
        metrics.text().lines().filter(|line| line.starts_with("harbr_") && line.contains(&label)).collect()
    };
    assert!(of("/one").iter().any(|line| line.ends_with(" 2")), "{:?}", of("/one"));
    assert!(of("/two").iter().any(|line| line.ends_with(" 1")), "{:?}", of("/two"));
}

/// The names in the first column of the tables, but for those that take TLS between the planes, which `trust.rs` has.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../../docs/metrics.md");
    let (before, with_tls) = page.split_once("## With `--tls-cert`").unwrap();
    let (_, after) = with_tls.split_once("\n## ").unwrap();
    before
        .lines()
        .chain(after.lines())
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| is_ours(name))
        .collect()
}

fn is_ours(name: &str) -> bool {
    name.starts_with("harbr_") || name.starts_with("proxy_")
}

#[tokio::test]
async fn what_is_served_is_documented_and_what_is_documented_is_served() {
    let origin = Origin::start("a").await;
    let check = "health_check: {path: /health, interval: 200ms, timeout: 1s}";
    let text = File::new().route("/app", &format!("{}, {check}", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    get(fleet.addr(), "/app").await;
    get(fleet.addr(), "/nothing").await;
    settled(&fleet, 2).await;
    fleet.file.write_in_place("routes: nonsense\n");
    fleet.config_error().await;
    let mut served = BTreeSet::new();
    for admin in [fleet.node().admin(), fleet.controller.http()] {
        let metrics = Exposition::scrape(admin).await;
        let names = metrics.text().lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        served.extend(names.map(|(name, _)| name.to_owned()).filter(|name| is_ours(name)));
    }
    let documented = documented();
    let undocumented: Vec<_> = served.difference(&documented).collect();
    let unserved: Vec<_> = documented.difference(&served).collect();
    assert!(
        undocumented.is_empty() && unserved.is_empty(),
        "served only: {undocumented:?}, documented only: {unserved:?}"
    );
}

#[tokio::test]
async fn reloads_are_counted_by_what_became_of_them() {
    let origin = Origin::start("a").await;
    let file = File::all_to(&origin);
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    let reloads = async |result| {
        let metrics = Exposition::scrape(fleet.controller.http()).await;
        metrics.count("harbr_config_reloads_total", &[("result", result)])
    };
    let (accepted, rejected) = (reloads("accepted").await, reloads("rejected").await);
    fleet.file.save_by_rename("routes: nonsense\n");
    fleet.config_error().await;
    eventually("the bad file is counted", async || (reloads("rejected").await == rejected + 1).then_some(()))
        .await;
    fleet.apply(&file.route("/more", &to(&origin)).text()).await;
    eventually("the good file is counted", async || {
        (reloads("accepted").await == accepted + 1).then_some(())
    })
    .await;
    let metrics = Exposition::scrape(fleet.controller.http()).await;
    assert_eq!(metrics.count("harbr_config_last_reload_successful", &[]), 1);
    assert_eq!(metrics.count("harbr_nodes", &[("state", "ready")]), 1);
}
