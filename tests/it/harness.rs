//! The harness itself, without a proxy between: what a later test takes for granted.

use std::time::Duration;

use bytes::Bytes;
use harbr_tests::{Answer, Client, Origin, chunks, fnv1a, full, get, request, send};
use http::Method;

#[tokio::test]
async fn an_origin_echoes_what_it_is_sent() {
    let origin = Origin::start("a").await;
    let mut post = request(Method::POST, "/x?y=1", full("hello"));
    post.headers_mut().append("x-a", "1".parse().unwrap());
    post.headers_mut().append("x-a", "2".parse().unwrap());
    let echo = send(origin.addr(), post).await.echo();
    assert_eq!((echo.origin.as_str(), echo.method.as_str(), echo.target.as_str()), ("a", "POST", "/x?y=1"));
    assert_eq!((echo.body_bytes, echo.body_hash), (5, fnv1a(0, b"hello")));
    assert_eq!(echo.all("x-a"), ["1", "2"]);
    assert!(echo.complete);
}

#[tokio::test]
async fn an_origin_counts_probes_apart_from_requests() {
    let origin = Origin::start("a").await;
    origin.health_status(503);
    assert_eq!(get(origin.addr(), "/health").await.status, 503);
    assert_eq!(get(origin.addr(), "/x").await.status, 200);
    assert_eq!((origin.probes(), origin.requests()), (1, 1));
    assert_eq!(origin.seen()[0].target, "/x");
}

#[tokio::test]
async fn an_origin_fails_as_often_as_it_is_told() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::then_echo(1, Answer::HangUp));
    let mut client = Client::connect(origin.addr()).await.unwrap();
    assert!(client.send(request(Method::GET, "/", full(""))).await.is_err());
    assert_eq!(get(origin.addr(), "/").await.status, 200);
    assert_eq!((origin.requests(), origin.connections()), (2, 2));
}

#[tokio::test]
async fn an_origin_comes_back_on_its_port() {
    let mut origin = Origin::start("a").await;
    let mut kept = Client::connect(origin.addr()).await.unwrap();
    kept.get("/").await;
    origin.stop().await;
    assert!(Client::connect(origin.addr()).await.is_err());
    origin.restart().await;
    assert_eq!(get(origin.addr(), "/").await.status, 200);
}

#[tokio::test]
async fn trailers_reach_an_origin() {
    let origin = Origin::start("a").await;
    let trailers = [("x-sum".parse().unwrap(), "9".parse().unwrap())].into_iter().collect();
    let body = chunks([Bytes::from("ab"), Bytes::from("c")], Some(trailers));
    let mut post = request(Method::POST, "/", body);
    post.headers_mut().insert("trailer", "x-sum".parse().unwrap());
    let echo = send(origin.addr(), post).await.echo();
    assert_eq!(echo.body_bytes, 3);
    assert_eq!(echo.trailers, [("x-sum".to_owned(), "9".to_owned())]);
}

#[tokio::test]
async fn a_load_counts_what_fails() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::then_echo(3, Answer::Status(500)));
    let load = harbr_tests::Load::start(&[origin.addr()], 4, 400, "/");
    load.answers(20).await;
    let report = load.stop().await;
    assert_eq!(report.failed, 3, "{report:?}");
    assert!(report.answered >= 17, "{report:?}");
}

#[tokio::test]
#[should_panic(expected = "it happened")]
async fn never_notices_that_it_happened() {
    harbr_tests::never("nothing", Duration::from_secs(5), async || true).await;
}
