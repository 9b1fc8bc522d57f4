//! Clients that are slow to send: whose fault that is, and how long it is borne.

use std::time::Duration;

use bytes::Bytes;
use harbr_tests::{
    Client, Fleet, Origin, RawClient, RawOrigin, Reply, Shape, eventually, read_head, request, stream,
};
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval};

use crate::file::{File, to};

/// The answer to a PUT of which nothing follows three bytes, and how long it took.
async fn stall(fleet: &Fleet) -> (String, Duration) {
    let mut client = RawClient::connect(fleet.addr()).await;
    let start = Instant::now();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc").await.unwrap();
    let head = client.read_until("\r\n\r\n").await;
    (head, start.elapsed())
}

#[tokio::test]
async fn a_client_that_stalls_is_408_and_no_upstreams_failure() {
    let (a, b, c) = (Origin::start("a").await, Origin::start("b").await, Origin::start("c").await);
    let text = File::new()
        .route("/", "upstream: pool, idle_timeout: 1s, timeout_ms: 1500, retry_count: 2")
        .upstream("pool", &[a.url(), b.url(), c.url()], "balance: round_robin")
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let (head, took) = stall(&fleet).await;
    assert!(head.starts_with("HTTP/1.1 408"), "{head}");
    assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(4), "{took:?}");
    let metrics = eventually("the request is counted", async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("proxy_request_total", &[("status", "error")]) == 1).then_some(metrics)
    })
    .await;
    assert_eq!(a.requests() + b.requests() + c.requests(), 1, "it was tried elsewhere");
    assert_eq!(metrics.count("proxy_attempt_total", &[("result", "failure")]), 0);
    assert_eq!(metrics.count("proxy_attempt_total", &[("result", "timeout")]), 0);
    assert_eq!(metrics.count("proxy_timeout_total", &[]), 1);
    assert_eq!(metrics.count("harbr_request_failures_total", &[("reason", "body_stalled")]), 1);
    assert_eq!(metrics.count("harbr_request_failures_total", &[]), 1);
    assert_eq!(metrics.count("harbr_endpoint_requests_in_flight", &[]), 0);
}

#[tokio::test]
async fn a_client_that_stalls_is_not_given_the_upstreams_time() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/", &format!("{}, idle_timeout: 1s, timeout_ms: 8000", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let (head, took) = stall(&fleet).await;
    assert!(head.starts_with("HTTP/1.1 408"), "{head}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Sends a body in pieces of this size, one each tenth of a second, until `pieces` are sent or an answer comes.
async fn trickle(fleet: &Fleet, size: usize, pieces: usize) -> (Reply, usize) {
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let (tx, body) = stream();
    let mut sent = 0;
    let feed = async {
        let mut tick = interval(Duration::from_millis(100));
        while sent < pieces && tx.send(Bytes::from(vec![b'x'; size])).await.is_ok() {
            sent += 1;
            tick.tick().await;
        }
        drop(tx);
        std::future::pending::<()>().await;
    };
    let reply = tokio::select! {
        reply = client.send(request(Method::PUT, "/", body)) => reply.expect("a whole answer"),
        () = feed => unreachable!("the feed has no end"),
    };
    (reply, sent)
}

#[tokio::test]
async fn a_body_that_trickles_below_the_least_rate_is_cut_with_408() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/", &format!("{}, idle_timeout: 1s", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let start = Instant::now();
    let (reply, sent) = trickle(&fleet, 1, 80).await;
    assert_eq!(reply.status, 408, "after {sent} bytes: {}", reply.text());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_body_that_keeps_the_least_rate_goes_through_whatever_time_it_takes() {
    let origin = Origin::start("a").await;
    let text = File::new()
        .global_timeout_ms(1_000)
        .route("/", &format!("{}, idle_timeout: 1s, timeout_ms: 1000", to(&origin)))
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let (reply, sent) = trickle(&fleet, 8, 35).await;
    assert_eq!((reply.status.as_u16(), sent), (200, 35), "{}", reply.text());
    assert_eq!(reply.echo().body_bytes, 8 * 35);
}

#[tokio::test]
async fn an_upload_goes_on_after_an_early_answer() {
    const BYTES: usize = 30;
    let (counted, mut arrived) = mpsc::channel(1);
    let upstream = RawOrigin::start(move |mut stream| {
        let counted = counted.clone();
        async move {
            if read_head(&mut stream).await.is_none() {
                return;
            }
            // The test sees whether it arrives.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            let (mut total, mut buffer) = (0, [0; 64]);
            while total < BYTES
                && let Ok(count @ 1..) = stream.read(&mut buffer).await
            {
                total += count;
            }
            counted.send(total).await.expect("the test waits for the count");
        }
    })
    .await;
    let text =
        File::new().set("header_timeout: 1s").route("/", &format!("upstream: \"{}\"", upstream.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = RawClient::connect(fleet.addr()).await;
    client.send(format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {BYTES}\r\n\r\n")).await.unwrap();
    let answer = client.read_until("\r\n\r\nok").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut tick = interval(Duration::from_millis(100));
    for sent in 0..BYTES {
        tick.tick().await;
        client.send("x").await.unwrap_or_else(|error| panic!("cut off after {sent} bytes: {error}"));
    }
    let arrived = tokio::time::timeout(harbr_tests::GENEROUS, arrived.recv()).await.expect("the upload ends");
    assert_eq!(arrived, Some(BYTES));
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_downstream_connections_ended_total", &[]), 0, "{}", metrics.text());
}

#[tokio::test]
async fn an_upstream_that_takes_nothing_is_504() {
    let upstream = RawOrigin::start(|mut stream| async move {
        if read_head(&mut stream).await.is_some() {
            std::future::pending::<()>().await;
        }
    })
    .await;
    let settings = format!("upstream: \"{}\", idle_timeout: 1s, timeout_ms: 60000", upstream.url());
    let fleet = Fleet::start(Shape::Split, &File::new().route("/", &settings).text()).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let body = harbr_tests::full(vec![b'x'; 32 << 20]);
    let start = Instant::now();
    let reply = client.send(request(Method::POST, "/", body)).await.unwrap();
    assert_eq!(reply.status, 504, "{}", reply.text());
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}
