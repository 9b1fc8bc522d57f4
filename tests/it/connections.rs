//! Clients that hold a connection and do nothing useful with it.

use std::time::Duration;

use harbr_tests::{Client, Fleet, Origin, Plan, RawClient, Shape, Signal, eventually, get};
use tokio::time::{Instant, timeout};

use crate::file::{File, to};

async fn ended_by(fleet: &Fleet, limit: &str) -> u64 {
    let metrics = fleet.node().metrics().await;
    metrics.count("harbr_downstream_connections_ended_total", &[("limit", limit)])
}

async fn until_open(fleet: &Fleet, connections: u64) {
    eventually(&format!("{connections} connections are open"), async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("harbr_downstream_connections", &[]) == connections).then_some(())
    })
    .await;
}

/// Asks for what no route answers, again and again, and reads nothing, until no more is taken.
async fn flood(fleet: &Fleet) -> RawClient {
    const MOST_ROUNDS: usize = 1_000;
    let mut client = RawClient::connect(fleet.addr()).await;
    let requests = "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200);
    for _ in 0..MOST_ROUNDS {
        match timeout(Duration::from_millis(300), client.send(&requests)).await {
            Ok(Ok(())) => {}
            // It stands still, or was ended already.
            Err(_) | Ok(Err(_)) => return client,
        }
    }
    panic!("{MOST_ROUNDS} rounds were taken from a client that reads nothing")
}

#[tokio::test]
async fn clients_that_never_read_are_gone_though_no_route_answers_them() {
    let origin = Origin::start("a").await;
    let text = File::new()
        .set("header_timeout: 500ms")
        .set("keep_alive_timeout: 500ms")
        .route("/app", &format!("{}, idle_timeout: 500ms", to(&origin)))
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let clients = [flood(&fleet).await, flood(&fleet).await];
    until_open(&fleet, 0).await;
    drop(clients);
}

#[tokio::test]
async fn clients_that_never_read_hold_up_the_end_for_the_drain_timeout_at_most() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/app", &to(&origin)).text();
    // They might be slow to take the end of an answer.
    let fleet = Plan::new(Shape::Split).drain_timeout("4s").start(&text).await;
    let clients = [flood(&fleet).await, flood(&fleet).await];
    until_open(&fleet, 2).await;
    let start = Instant::now();
    fleet.node().process.signal(Signal::Terminate);
    assert_eq!(fleet.node().process.ended().await.code, Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    drop(clients);
}

#[tokio::test]
async fn a_silent_connection_makes_room_after_a_moment() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin).max_connections(1).set("header_timeout: 60s").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut silent = RawClient::connect(fleet.addr()).await;
    until_open(&fleet, 1).await;
    let start = Instant::now();
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(silent.read_to_end().await, "");
    assert_eq!(ended_by(&fleet, "max_connections").await, 1);
}

#[tokio::test]
async fn each_limit_that_ends_a_connection_is_counted_once() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin).set("header_timeout: 300ms").set("keep_alive_timeout: 300ms").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    assert_eq!(ended_by(&fleet, "header_timeout").await, 0);

    let mut silent = RawClient::connect(fleet.addr()).await;
    assert_eq!(silent.read_to_end().await, "");
    until_open(&fleet, 0).await;
    assert_eq!(ended_by(&fleet, "header_timeout").await, 1);

    let mut at_rest = Client::connect(fleet.addr()).await.unwrap();
    at_rest.get("/").await;
    eventually("the connection at rest is closed", async || at_rest.is_closed().then_some(())).await;
    until_open(&fleet, 0).await;
    assert_eq!(ended_by(&fleet, "keep_alive_timeout").await, 1);
    assert_eq!(ended_by(&fleet, "header_timeout").await, 1);
    assert_eq!(fleet.node().metrics().await.count("proxy_request_total", &[]), 1, "silence is no request");
}

#[tokio::test]
async fn at_the_limit_connections_are_kept_while_nobody_waits() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin).max_connections(1).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(client.get("/").await.header("connection"), None);
    }
    assert_eq!(ended_by(&fleet, "max_connections").await, 0);
}
