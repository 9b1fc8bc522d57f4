//! When waiting ends, and with which status.

use std::time::Duration;

use harbr_tests::{Answer, ClosedPort, Fleet, Origin, RawClient, Shape, full, get, request, send};
use http::Method;
use tokio::time::Instant;

use crate::file::{File, to};

over_both_shapes! {
    async fn a_silent_upstream_is_504_after_the_routes_timeout(shape: Shape) {
        let origin = Origin::start("a").await;
        origin.answers(Answer::Silence);
        let text = File::new().global_timeout_ms(300).route("/", &format!("{}, timeout_ms: 300", to(&origin))).text();
        let fleet = Fleet::start(shape, &text).await;
        let start = Instant::now();
        assert_eq!(get(fleet.addr(), "/").await.status, 504);
        let post = send(fleet.addr(), request(Method::POST, "/", full("x"))).await;
        assert_eq!(post.status, 504);
        assert!(start.elapsed() >= Duration::from_millis(600), "too early: {:?}", start.elapsed());
        assert_eq!(origin.requests(), 2);
        let metrics = fleet.node().metrics().await;
        assert_eq!(metrics.count("proxy_timeout_total", &[]), 2);
        assert_eq!(metrics.count("proxy_attempt_total", &[("result", "timeout")]), 2);
        assert_eq!(metrics.count("proxy_request_total", &[("status", "error")]), 2);
    }
}

#[tokio::test]
async fn without_a_timeout_of_its_own_a_route_has_the_global_one() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::Silence);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).global_timeout_ms(400).text()).await;
    let start = Instant::now();
    assert_eq!(get(fleet.addr(), "/").await.status, 504);
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(400) && took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn an_answer_just_in_time_is_passed_on() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::EchoAfter(Duration::from_millis(500)));
    let text = File::new().route("/", &format!("{}, timeout_ms: 5000", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
}

#[tokio::test]
async fn the_global_timeout_bounds_all_attempts_together() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    a.answers(Answer::Silence);
    b.answers(Answer::Silence);
    let text = File::new()
        .global_timeout_ms(1_000)
        .route("/", "upstream: pool, timeout_ms: 400, retry_count: 9")
        .upstream("pool", &[a.url(), b.url()], "")
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let start = Instant::now();
    assert_eq!(get(fleet.addr(), "/").await.status, 504);
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(900) && took < Duration::from_millis(2_500), "{took:?}");
    let attempts = a.requests() + b.requests();
    assert!((2..=3).contains(&attempts), "{attempts} attempts of 400 ms in one second");
}

#[tokio::test]
async fn a_refused_connection_is_502() {
    let closed = ClosedPort::new();
    let text = File::new().route("/", &format!("upstream: \"{}\"", closed.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 502);
    assert_eq!(send(fleet.addr(), request(Method::POST, "/", full("x"))).await.status, 502);
}

#[tokio::test]
async fn an_upstream_that_hangs_up_is_502() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::HangUp);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 502);
    assert_eq!(origin.requests(), 1);
}

#[tokio::test]
async fn the_time_that_a_client_takes_to_send_is_not_the_upstreams() {
    let origin = Origin::start("a").await;
    let text =
        File::new().global_timeout_ms(500).route("/", &format!("{}, timeout_ms: 500", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = RawClient::connect(fleet.addr()).await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nx")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    client.send("y").await.unwrap();
    let answer = client.read_to_end().await;
    assert!(answer.contains(" 200 ") && answer.contains("\"body_bytes\":2"), "{answer}");
}

#[tokio::test]
async fn a_deadline_of_grpc_shortens_the_wait() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::Silence);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).global_timeout_ms(20_000).text()).await;
    let mut call = request(Method::POST, "/pkg.Service/Call", full("x"));
    call.headers_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let start = Instant::now();
    assert_eq!(send(fleet.addr(), call).await.status, 504);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
