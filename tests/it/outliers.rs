//! What a proxy sees of endpoints itself, beside the prober and without it.

use harbr_tests::{Answer, Fleet, Origin, Shape, eventually, get};

use crate::file::File;

const NO_RETRIES: &str = "upstream: pool";

fn pool(origins: [&Origin; 2], settings: &str) -> String {
    let urls = origins.map(Origin::url);
    File::new()
        .route("/", NO_RETRIES)
        .upstream("pool", &urls, &format!("balance: round_robin, {settings}"))
        .text()
}

async fn ejected(fleet: &Fleet, origin: &Origin) -> Option<f64> {
    let labels = [("upstream", "pool"), ("endpoint", &*origin.url())];
    fleet.node().metrics().await.value("harbr_endpoint_ejected", &labels)
}

#[tokio::test]
async fn an_endpoint_that_fails_in_a_row_gets_nothing_for_its_time_and_is_tried_again() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let text = pool([&a, &b], "outlier: {failures: 3, base_time: 6s}");
    let fleet = Fleet::start(Shape::Split, &text).await;
    b.answers(Answer::Status(500));
    eventually("b is ejected", async || {
        get(fleet.addr(), "/").await;
        (ejected(&fleet, &b).await == Some(1.0)).then_some(())
    })
    .await;
    assert_eq!(b.requests(), 3, "no more than it takes");
    let count = fleet.node().metrics().await.count("harbr_upstream_ejections_total", &[("upstream", "pool")]);
    assert_eq!(count, 1);
    let told = eventually("the controller is told", async || {
        let upstreams = fleet.json(&["get", "upstreams", "pool"]).await;
        let endpoints = upstreams[0]["endpoints"].as_array()?;
        let left_out = endpoints.iter().find(|endpoint| !endpoint["ejected_by"].is_null())?;
        Some((left_out["url"].clone(), left_out["ejected_by"][0].clone()))
    })
    .await;
    assert_eq!(told.0, b.url());
    assert!(told.1.as_str().unwrap().starts_with("node-1: "), "{told:?}");
    for _ in 0..10 {
        assert_eq!(get(fleet.addr(), "/").await.echo().origin, "a");
    }
    b.answers(Answer::Echo);
    eventually("b is back", async || (get(fleet.addr(), "/").await.echo().origin == "b").then_some(())).await;
    assert_eq!(ejected(&fleet, &b).await, Some(0.0));
}

#[tokio::test]
async fn the_last_endpoint_is_never_ejected() {
    let (mut a, b) = (Origin::start("a").await, Origin::start("b").await);
    let settings = "outlier: {failures: 2, connect_failures: 2, max_ejected: 100}";
    let fleet = Fleet::start(Shape::Split, &pool([&a, &b], settings)).await;
    a.stop().await;
    b.answers(Answer::Status(503));
    for _ in 0..20 {
        let status = get(fleet.addr(), "/").await.status;
        assert!(status == 502 || status == 503, "{status}");
    }
    let out = [ejected(&fleet, &a).await, ejected(&fleet, &b).await];
    assert!(out.contains(&Some(0.0)) && out.contains(&Some(1.0)), "{out:?}");
}

#[tokio::test]
async fn without_a_controller_health_is_believed_for_a_time_and_then_endpoints_are_tried() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    b.health_status(500);
    let check = "health_check: {path: /health, interval: 200ms, timeout: 2s}";
    let text = format!("health_freeze: 2s\n{}", pool([&a, &b], check));
    let fleet = Fleet::start(Shape::Split, &text).await;
    eventually("b is known to be unhealthy", async || {
        let labels = [("upstream", "pool"), ("endpoint", &*b.url())];
        let available = fleet.node().metrics().await.value("harbr_endpoint_available", &labels);
        (available == Some(0.0)).then_some(())
    })
    .await;
    let before = b.requests();
    fleet.controller.kill().await;
    for _ in 0..4 {
        assert_eq!(get(fleet.addr(), "/").await.echo().origin, "a");
    }
    assert_eq!(b.requests(), before);
    eventually("b is tried", async || (get(fleet.addr(), "/").await.echo().origin == "b").then_some(()))
        .await;
}
