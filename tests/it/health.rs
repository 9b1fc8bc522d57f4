//! One prober for the fleet, and what its findings do.

use std::time::Duration;

use harbr_tests::{Client, Controller, Exposition, Fleet, Load, Origin, Plan, Shape, eventually, get, never};
use tokio::time::Instant;

use crate::file::{File, to};

const FAST: &str = "health_check: {path: /health, interval: 200ms, timeout: 2s}";

/// Two endpoints in turn, probed five times a second.
fn pair(a: &Origin, b: &Origin) -> String {
    File::new()
        .route("/", "upstream: pool, retry_count: 1")
        .upstream("pool", &[a.url(), b.url()], &format!("balance: round_robin, {FAST}"))
        .text()
}

async fn until_health(fleet: &Fleet, upstream: &str, expected: &[&str]) {
    eventually(&format!("{upstream} is {expected:?}"), async || {
        (fleet.health(upstream).await == expected).then_some(())
    })
    .await;
}

/// Waits until the node spreads requests over both, or over `a` alone.
async fn until_used(fleet: &Fleet, a: &Origin, b: &Origin, both: Used) {
    eventually("the node obeys", async || {
        let before = (a.requests(), b.requests());
        for _ in 0..10 {
            assert_eq!(get(fleet.addr(), "/").await.status, 200);
        }
        let used = (a.requests() > before.0, b.requests() > before.1);
        (used == (true, both == Used::Both)).then_some(())
    })
    .await;
}

#[derive(PartialEq)]
enum Used {
    OnlyTheFirst,
    Both,
}

over_both_shapes! {
    async fn an_unhealthy_endpoint_gets_nothing_until_it_recovers(shape: Shape) {
        let (a, b) = (Origin::start("a").await, Origin::start("b").await);
        let fleet = Fleet::start(shape, &pair(&a, &b)).await;
        until_health(&fleet, "pool", &["healthy", "healthy"]).await;
        until_used(&fleet, &a, &b, Used::Both).await;
        let revision = fleet.newest_served().await;

        b.health_status(503);
        until_health(&fleet, "pool", &["healthy", "unhealthy"]).await;
        until_used(&fleet, &a, &b, Used::OnlyTheFirst).await;
        let before = b.requests();
        for _ in 0..30 {
            assert_eq!(get(fleet.addr(), "/").await.echo().origin, "a");
        }
        assert_eq!(b.requests(), before);

        b.health_status(200);
        until_health(&fleet, "pool", &["healthy", "healthy"]).await;
        until_used(&fleet, &a, &b, Used::Both).await;
        assert_eq!(fleet.newest_served().await, revision, "health is not part of a revision");
    }
}

#[tokio::test]
async fn only_200_to_299_is_a_success() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/", &format!("{}, {FAST}", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for (status, expected) in [
        (200, "healthy"),
        (300, "unhealthy"),
        (204, "healthy"),
        (404, "unhealthy"),
        (299, "healthy"),
        (500, "unhealthy"),
    ] {
        origin.health_status(status);
        until_health(&fleet, "/", &[expected]).await;
    }
}

#[tokio::test]
async fn an_upstream_without_a_healthy_endpoint_is_503_at_once() {
    let origin = Origin::start("a").await;
    origin.health_status(500);
    let text = File::new().route("/", &format!("{}, {FAST}", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    eventually("it is 503", async || (get(fleet.addr(), "/").await.status == 503).then_some(())).await;
    let before = origin.requests();
    assert_eq!(get(fleet.addr(), "/").await.status, 503);
    assert_eq!(origin.requests(), before);
    origin.health_status(200);
    eventually("it is 200", async || (get(fleet.addr(), "/").await.status == 200).then_some(())).await;
}

#[tokio::test]
async fn rise_and_fall_count_results_in_a_row() {
    let origin = Origin::start("a").await;
    let check = "health_check: {path: /health, interval: 200ms, timeout: 1s, rise: 3, fall: 3}";
    let text = File::new().route("/", &format!("{}, {check}", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    until_health(&fleet, "/", &["healthy"]).await;

    let before = origin.probes();
    origin.health_status(500);
    until_health(&fleet, "/", &["unhealthy"]).await;
    assert!(origin.probes() - before >= 3, "{} failures were enough", origin.probes() - before);

    let before = origin.probes();
    origin.health_status(200);
    until_health(&fleet, "/", &["healthy"]).await;
    assert!(origin.probes() - before >= 3, "{} successes were enough", origin.probes() - before);
}

#[tokio::test]
async fn three_nodes_cost_an_upstream_no_more_probes_than_one() {
    const INTERVAL: Duration = Duration::from_millis(500);
    let origin = Origin::start("a").await;
    let check = "health_check: {path: /health, interval: 500ms, timeout: 1s}";
    // The same endpoint and check twice is one to probe.
    let text = File::new()
        .route("/", &format!("{}, {check}", to(&origin)))
        .route("/again", &format!("{}, {check}", to(&origin)))
        .text();
    let fleet = Plan::new(Shape::Split).nodes(3).start(&text).await;
    until_health(&fleet, "/", &["healthy"]).await;
    let (start, before) = (Instant::now(), origin.probes());
    eventually("a few intervals pass", async || (origin.probes() - before >= 6).then_some(())).await;
    let due = start.elapsed().as_secs_f64() / INTERVAL.as_secs_f64();
    let came = (origin.probes() - before) as f64;
    assert!(came <= due * 1.4 + 2.0, "{came} probes where {due:.1} were due");
}

#[tokio::test]
async fn the_seeds_health_check_path_is_a_get_that_is_seen_soon_after_start() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/", &format!("{}, health_check_path: /health", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    until_health(&fleet, "/", &["healthy"]).await;
    let upstreams = fleet.json(&["get", "upstreams"]).await;
    let check = &upstreams[0]["health_check"];
    assert_eq!(
        *check,
        serde_json::json!({"path": "/health", "interval_ms": 10_000, "timeout_ms": 5_000, "rise": 1, "fall": 1})
    );
}

#[tokio::test]
async fn an_endpoint_that_nobody_has_probed_serves() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    assert_eq!(fleet.health("/").await, ["unknown"]);
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
    assert_eq!(origin.probes(), 0, "no health check was asked for");
}

#[tokio::test]
async fn an_endpoint_that_dies_and_comes_back_costs_no_request() {
    let (a, mut b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Plan::new(Shape::Split).nodes(2).start(&pair(&a, &b)).await;
    until_health(&fleet, "pool", &["healthy", "healthy"]).await;
    let addrs: Vec<_> = fleet.nodes.iter().map(harbr_tests::Node::addr).collect();
    let load = Load::start(&addrs, 4, 200, "/");
    load.answers(50).await;
    b.stop().await;
    until_health(&fleet, "pool", &["healthy", "unhealthy"]).await;
    load.answers(50).await;
    b.restart().await;
    until_health(&fleet, "pool", &["healthy", "healthy"]).await;
    let before = b.requests();
    eventually("it is used again", async || (b.requests() > before + 10).then_some(())).await;
    load.stop().await.assert_lossless(100);
}

#[tokio::test]
async fn a_controller_that_dies_takes_no_endpoint_with_it() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let mut fleet = Plan::new(Shape::Split).with_state().start(&pair(&a, &b)).await;
    b.health_status(500);
    until_health(&fleet, "pool", &["healthy", "unhealthy"]).await;
    until_used(&fleet, &a, &b, Used::OnlyTheFirst).await;
    fleet.controller.kill().await;
    for _ in 0..20 {
        assert_eq!(get(fleet.addr(), "/").await.echo().origin, "a", "what was known stays known");
    }
    b.health_status(200);
    Controller::restart(&mut fleet.controller).await;
    until_used(&fleet, &a, &b, Used::Both).await;
}

#[tokio::test]
async fn a_probe_that_is_not_answered_in_time_has_failed() {
    let silent = harbr_tests::RawOrigin::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let check = "health_check: {path: /health, interval: 300ms, timeout: 200ms}";
    let text = File::new().route("/", &format!("upstream: \"{}\", {check}", silent.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    until_health(&fleet, "/", &["unhealthy"]).await;
    let upstreams = fleet.json(&["get", "upstreams"]).await;
    assert!(upstreams[0]["endpoints"][0]["last_error"].is_string(), "{upstreams}");
}

#[tokio::test]
async fn a_removed_endpoint_is_probed_no_more() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Fleet::start(Shape::Split, &pair(&a, &b)).await;
    until_health(&fleet, "pool", &["healthy", "healthy"]).await;
    fleet.apply(&File::new().route("/", &format!("{}, {FAST}", to(&a))).text()).await;
    let before = (a.probes(), b.probes());
    eventually("five more probes of the one that stays", async || (a.probes() >= before.0 + 5).then_some(()))
        .await;
    assert!(b.probes() <= before.1 + 1, "{} probes after its removal", b.probes() - before.1);
}

#[tokio::test]
async fn clients_on_kept_connections_follow_health_too() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Fleet::start(Shape::Split, &pair(&a, &b)).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    client.get("/").await;
    b.health_status(500);
    until_used(&fleet, &a, &b, Used::OnlyTheFirst).await;
    for _ in 0..10 {
        assert_eq!(client.get("/").await.echo().origin, "a");
    }
}

#[tokio::test]
async fn a_check_without_a_path_opens_a_connection_and_says_nothing() {
    let mut origin = Origin::start("a").await;
    let text = File::new()
        .route("/", &format!("{}, health_check: {{interval: 200ms, timeout: 1s}}", to(&origin)))
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    until_health(&fleet, "/", &["healthy"]).await;
    assert!(origin.connections() > 0);
    assert_eq!((origin.probes(), origin.requests()), (0, 0));
    origin.stop().await;
    until_health(&fleet, "/", &["unhealthy"]).await;
    origin.restart().await;
    until_health(&fleet, "/", &["healthy"]).await;
}

#[tokio::test]
async fn a_prober_that_sees_most_of_everything_fail_suspects_itself_and_takes_few_out() {
    let mut origins = Vec::new();
    for number in 0..12 {
        origins.push(Origin::start(&number.to_string()).await);
    }
    let mut file = File::new();
    for (number, four) in origins.chunks(4).enumerate() {
        let urls: Vec<String> = four.iter().map(Origin::url).collect();
        let name = format!("u{number}");
        file = file.route(&format!("/{number}"), &format!("upstream: {name}")).upstream(&name, &urls, FAST);
    }
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    for upstream in ["u0", "u1", "u2"] {
        until_health(&fleet, upstream, &["healthy"; 4]).await;
    }
    let metric = async |name: &str| Exposition::scrape(fleet.controller.http()).await.count(name, &[]);
    assert_eq!(metric("harbr_health_frozen").await, 0);
    for origin in &origins {
        origin.health_status(503);
    }
    eventually("it suspects itself", async || {
        (fleet.json(&["status"]).await["health_frozen"] == true).then_some(())
    })
    .await;
    // A fifth of twelve: the others are as they were, and all is served.
    let out = async || {
        let mut out = 0;
        for upstream in ["u0", "u1", "u2"] {
            out += fleet.health(upstream).await.iter().filter(|health| *health == "unhealthy").count();
        }
        out
    };
    never("more is taken out", Duration::from_secs(1), async || out().await > 2).await;
    for number in 0..3 {
        assert_eq!(get(fleet.addr(), &format!("/{number}")).await.status, 200);
    }
    assert_eq!(metric("harbr_health_frozen").await, 1);
    assert!(metric("harbr_health_removals_held_total").await > 0);
    for origin in &origins {
        origin.health_status(200);
    }
    eventually("it believes again", async || {
        let status = fleet.json(&["status"]).await;
        (status["health_frozen"] == false && out().await == 0).then_some(())
    })
    .await;
}
