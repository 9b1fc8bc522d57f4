//! Connections that rest, of which only the socket is kept: nobody outside can tell.

use std::time::Duration;

use harbr_tests::{Client, Fleet, Origin, RawClient, Shape, Signal, TestAuthority, eventually};
use rustls::ALL_VERSIONS;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::file::File;

const REQUEST: &str = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
const ANSWER_END: &str = "\"trailers\":[]}";

async fn until_parked(fleet: &Fleet, connections: u64) {
    eventually(&format!("{connections} connections are parked"), async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("harbr_downstream_connections_parked", &[]) == connections).then_some(())
    })
    .await;
}

/// A connection that was answered once and rests.
async fn parked(fleet: &Fleet) -> RawClient {
    let mut client = RawClient::connect(fleet.addr()).await;
    client.send(REQUEST).await.unwrap();
    assert_answered(&mut client).await;
    until_parked(fleet, 1).await;
    client
}

async fn assert_answered(client: &mut RawClient) -> String {
    let answer = client.read_until(ANSWER_END).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    answer
}

over_both_shapes! {
    async fn a_parked_connection_is_served_as_any_other_again_and_again(shape: Shape) {
        let origin = Origin::start("a").await;
        let fleet = Fleet::start(shape, &File::all_to(&origin).text()).await;
        let mut client = parked(&fleet).await;
        for _ in 0..2 {
            client.send(REQUEST).await.unwrap();
            assert_answered(&mut client).await;
            until_parked(&fleet, 1).await;
        }
        assert_eq!(origin.requests(), 3);
        drop(client);
        until_parked(&fleet, 0).await;
        assert_eq!(fleet.node().metrics().await.count("harbr_downstream_connections", &[]), 0);
    }
}

#[tokio::test]
async fn what_comes_to_a_parked_connection_in_one_piece_or_byte_by_byte_is_not_lost() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = parked(&fleet).await;
    // Three requests at once, an empty line before the first of them (RFC 9112, 2.2).
    client.send(format!("\r\n{REQUEST}{REQUEST}{REQUEST}")).await.unwrap();
    for _ in 0..3 {
        assert_answered(&mut client).await;
    }
    until_parked(&fleet, 1).await;
    for byte in REQUEST.as_bytes() {
        client.send([*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_answered(&mut client).await;
    until_parked(&fleet, 1).await;
    let upload = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    client.send(upload).await.unwrap();
    assert!(assert_answered(&mut client).await.contains("\"body_bytes\":3,"));
    assert_eq!(origin.requests(), 6);
}

#[tokio::test]
async fn connections_over_tls_and_behind_a_proxy_are_parked_too() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let settings =
        format!("proxy_protocol: {{ from: [\"127.0.0.0/8\"] }}, tls: {{ certificates: [{}] }}", pair.yaml());
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).listener(&settings).text()).await;
    let mut stream = TcpStream::connect(fleet.addr()).await.unwrap();
    stream.write_all(b"PROXY TCP4 192.0.2.7 127.0.0.1 4096 443\r\n").await.unwrap();
    let stream = authority.client(ALL_VERSIONS).over(stream, "site.test").await.unwrap();
    let mut client = Client::over(stream).await.unwrap();
    for _ in 0..3 {
        let echo = client.get("/").await.echo();
        assert_eq!(echo.header("x-forwarded-for"), Some("192.0.2.7"));
        assert_eq!(echo.header("x-forwarded-proto"), Some("https"));
        until_parked(&fleet, 1).await;
    }
    drop(client);
    until_parked(&fleet, 0).await;
}

#[tokio::test]
async fn limits_reach_parked_connections() {
    let origin = Origin::start("a").await;
    let file = File::all_to(&origin).set("header_timeout: 500ms").max_connections(1);
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    let ended = async |limit| {
        let metrics = fleet.node().metrics().await;
        metrics.count("harbr_downstream_connections_ended_total", &[("limit", limit)])
    };

    let mut resting = parked(&fleet).await;
    let mut next = parked(&fleet).await;
    assert_eq!(resting.read_to_end().await, "");
    assert_eq!(ended("max_connections").await, 1);

    next.send("GET /half").await.unwrap();
    assert_eq!(next.read_to_end().await, "");
    assert_eq!(ended("header_timeout").await, 1);

    let mut resting = parked(&fleet).await;
    fleet.apply(&file.set("keep_alive_timeout: 1s").text()).await;
    assert_eq!(resting.read_to_end().await, "");
    assert_eq!(ended("keep_alive_timeout").await, 1);
}

#[tokio::test]
async fn a_parked_connection_is_used_once_more_while_its_node_ends_and_holds_up_nobody() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = parked(&fleet).await;
    let start = Instant::now();
    fleet.node().process.signal(Signal::Terminate);
    eventually("it is not ready", async || {
        (harbr_tests::get(fleet.node().admin(), "/readyz").await.status == 503).then_some(())
    })
    .await;
    client.send(REQUEST).await.unwrap();
    let answer = client.read_to_end().await;
    assert!(answer.contains("connection: close\r\n") && answer.ends_with(ANSWER_END), "{answer}");
    assert_eq!(fleet.node().process.ended().await.code, Some(0));
    assert!(start.elapsed() < Duration::from_secs(8), "the drain timeout of 10 s was waited for");
}

#[tokio::test]
async fn a_parked_connection_that_is_not_used_does_not_hold_up_the_end() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = parked(&fleet).await;
    let start = Instant::now();
    fleet.node().process.signal(Signal::Terminate);
    assert_eq!(client.read_to_end().await, "");
    assert_eq!(fleet.node().process.ended().await.code, Some(0));
    assert!(start.elapsed() < Duration::from_secs(8), "the drain timeout of 10 s was waited for");
}
