//! Everything has a limit, and each limit an answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use harbr_tests::{
    Client, Fleet, Origin, Plan, RawClient, Shape, chunks, empty, eventually, full, get, never, request, send,
};
use http::{HeaderName, HeaderValue, Method, Response};
use tokio::sync::Semaphore;

use crate::file::{File, to};

#[tokio::test]
async fn a_body_beyond_the_routes_limit_is_413() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/", &format!("{}, max_body: 1KiB", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let fits = send(fleet.addr(), request(Method::POST, "/", full(vec![b'x'; 1_024]))).await;
    assert_eq!((fits.status.as_u16(), fits.echo().body_bytes), (200, 1_024));

    let declared = RawClient::exchange(
        fleet.addr(),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(declared.starts_with("HTTP/1.1 413"), "{declared}");
    assert_eq!(origin.requests(), 1, "what says that it is too long is not sent on");

    let mut client = RawClient::connect(fleet.addr()).await;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1_024));
    client.send(format!("{head}{chunk}{chunk}")).await.unwrap();
    let found_out = client.read_until("\r\n\r\n").await;
    assert!(found_out.starts_with("HTTP/1.1 413"), "{found_out}");
}

#[tokio::test]
async fn heads_beyond_the_limits_are_431() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin).set("max_header_bytes: 8KiB").set("max_headers: 20").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 200);

    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(9_000));
    let answer = RawClient::exchange(fleet.addr(), long).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");

    let many: String = (0..30).map(|number| format!("X-{number}: 1\r\n")).collect();
    let answer = RawClient::exchange(fleet.addr(), format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");

    let target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(9_000));
    let answer = RawClient::exchange(fleet.addr(), target).await;
    assert!(answer.starts_with("HTTP/1.1 414") || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(origin.requests(), 1);
}

#[tokio::test]
async fn a_response_with_a_head_beyond_the_limit_is_502() {
    let origin = Origin::start("a").await;
    origin.answers_with(|_| async {
        Response::builder().header("x-long", "x".repeat(20_000)).body(empty()).unwrap()
    });
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).set("max_header_bytes: 8KiB").text()).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 502);
}

#[tokio::test]
async fn many_headers_below_the_limit_pass() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut sent = request(Method::GET, "/", empty());
    for number in 0..80 {
        let name = HeaderName::try_from(format!("x-{number}")).unwrap();
        sent.headers_mut().insert(name, HeaderValue::from(number));
    }
    assert_eq!(send(fleet.addr(), sent).await.echo().header("x-79"), Some("79"));
}

/// Lets an origin hold each request until it is given a permit.
fn answer_when_permitted(origin: &Origin) -> Arc<Semaphore> {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    origin.answers_with(move |_| {
        let gate = Arc::clone(&held);
        async move {
            gate.acquire().await.expect("never closed").forget();
            Response::new(empty())
        }
    });
    gate
}

#[tokio::test]
async fn one_connection_for_two_workers_serves_clients_in_turn() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin).max_connections(1).text();
    let fleet = Plan::new(Shape::Split).env("RUST_MIN_THREADS", "2").start(&text).await;
    assert_eq!(fleet.node().info().await.workers, 2);
    // Each keeps its connection, which is idle: it is closed to make room for the next.
    let mut kept = Vec::new();
    for number in 0..8 {
        let mut client = Client::connect(fleet.addr()).await.unwrap();
        assert_eq!(client.get(&format!("/{number}")).await.status, 200);
        kept.push(client);
    }
    eventually("all but the last are closed", async || kept[..7].iter().all(Client::is_closed).then_some(()))
        .await;
}

#[tokio::test]
async fn beyond_max_connections_clients_wait_and_none_is_lost() {
    let origin = Origin::start("a").await;
    let gate = answer_when_permitted(&origin);
    let text = File::all_to(&origin).max_connections(2).text();
    let fleet = Plan::new(Shape::Split).env("RUST_MIN_THREADS", "2").start(&text).await;
    let addr = fleet.addr();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..6 {
        clients.spawn(async move { get(addr, "/").await.status.as_u16() });
    }
    eventually("two requests are at the origin", async || (origin.requests() == 2).then_some(())).await;
    let third = async || origin.requests() > 2;
    never("a third request got through", Duration::from_millis(500), third).await;
    gate.add_permits(6);
    while let Some(status) = clients.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(origin.requests(), 6);
}

#[tokio::test]
async fn a_client_that_sends_nothing_or_half_a_head_is_closed() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin).set("header_timeout: 500ms").set("keep_alive_timeout: 500ms").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for bytes in ["", "GE", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut client = RawClient::connect(fleet.addr()).await;
        client.send(bytes).await.unwrap();
        client.read_to_end().await;
    }
    assert_eq!(origin.requests(), 1);
}

#[tokio::test]
async fn the_default_limit_of_a_body_does_not_stop_ten_megabytes_in_chunks() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let pieces = std::iter::repeat_n(Bytes::from(vec![b'x'; 1 << 20]), 10);
    let echo = send(fleet.addr(), request(Method::POST, "/", chunks(pieces, None))).await.echo();
    assert_eq!(echo.body_bytes, 10 << 20);
}
