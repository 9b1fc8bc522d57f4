//! What a connection is after an upgrade: bytes both ways, a place among the connections, and one end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use harbr_tests::{
    Client, Fleet, Origin, Plan, RawClient, RawOrigin, Shape, Signal, TestAuthority, empty, eventually, get,
    never, read_head,
};
use http::Response;
use hyper_util::rt::TokioIo;
use rustls::ALL_VERSIONS;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::file::{File, to};

/// Answers an upgrade, then sends back what it gets, in upper case.
pub(crate) fn answer_with_shouting(origin: &Origin) {
    let tunnels = Arc::new(Mutex::new(JoinSet::new()));
    origin.answers_with(move |mut request| {
        let upgrade = hyper::upgrade::on(&mut request);
        tunnels.lock().unwrap().spawn(async move {
            let Ok(upgraded) = upgrade.await else { return };
            let mut io = TokioIo::new(upgraded);
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = io.read(&mut buffer).await {
                buffer[..count].make_ascii_uppercase();
                if io.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        });
        let response = Response::builder()
            .status(101)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            .body(empty());
        async { response.unwrap() }
    });
}

pub(crate) const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

over_both_shapes! {
    async fn a_websocket_carries_bytes_both_ways_and_outlives_edits(shape: Shape) {
        let origin = Origin::start("a").await;
        answer_with_shouting(&origin);
        let file = File::all_to(&origin);
        let fleet = Fleet::start(shape, &file.text()).await;
        let mut client = RawClient::connect(fleet.addr()).await;
        client.send(UPGRADE).await.unwrap();
        let head = client.read_until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        for edit in 0..3 {
            client.send(format!("hello {edit}.")).await.unwrap();
            assert_eq!(client.read_until(".").await, format!("HELLO {edit}."));
            fleet.apply(&file.clone().route(&format!("/{edit}"), &to(&origin)).text()).await;
        }
        client.send("bye.").await.unwrap();
        assert_eq!(client.read_until(".").await, "BYE.");
    }
}

#[tokio::test]
async fn a_websocket_over_tls_carries_bytes_both_ways() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    answer_with_shouting(&origin);
    let pair = authority.issue("site", &["site.test"]);
    let settings = format!("tls: {{ certificates: [{}] }}", pair.yaml());
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).listener(&settings).text()).await;
    let mut stream = authority.client(ALL_VERSIONS).connect(fleet.addr(), "site.test").await.unwrap();
    stream.write_all(UPGRADE.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    let mut told = [0; 300_000];
    for round in 0..3 {
        let said = vec![b'a' + round; told.len()];
        let (mut from, mut to) = tokio::io::split(&mut stream);
        let (sent, read) = tokio::join!(to.write_all(&said), from.read_exact(&mut told));
        assert!(sent.is_ok() && read.is_ok());
        assert!(told.iter().all(|byte| *byte == b'A' + round));
    }
}

#[tokio::test]
async fn an_upgrade_that_the_upstream_declines_is_an_ordinary_answer() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = RawClient::connect(fleet.addr()).await;
    client.send(UPGRADE).await.unwrap();
    let head = client.read_until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let echo = client.read_until("}").await;
    assert!(echo.contains("websocket"), "the upstream saw no upgrade: {echo}");
}

#[tokio::test]
async fn a_websocket_that_the_upstream_closes_is_closed() {
    let mut origin = Origin::start("a").await;
    answer_with_shouting(&origin);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = RawClient::connect(fleet.addr()).await;
    client.send(UPGRADE).await.unwrap();
    client.read_until("\r\n\r\n").await;
    client.send("hello.").await.unwrap();
    client.read_until(".").await;
    origin.answers(harbr_tests::Answer::Echo);
    origin.stop().await;
    client.read_to_end().await;
}

/// An upstream that takes every upgrade, and gives its end of the tunnel to the test. It answers all else with
/// 200.
async fn tunnelling_upstream() -> (RawOrigin, mpsc::Receiver<TcpStream>) {
    let (opened, tunnels) = mpsc::channel(8);
    let upstream = RawOrigin::start(move |mut stream| {
        let opened = opened.clone();
        async move {
            while let Some(head) = read_head(&mut stream).await {
                let upgrades = head.to_ascii_lowercase().contains("upgrade: websocket");
                let answer = if upgrades { SWITCH } else { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
                // The test sees whether it arrives.
                let _ = stream.write_all(answer.as_bytes()).await;
                if upgrades {
                    opened.send(stream).await.expect("the test waits for its tunnels");
                    return;
                }
            }
        }
    })
    .await;
    (upstream, tunnels)
}

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// Both ends of a new tunnel.
async fn open_tunnel(fleet: &Fleet, tunnels: &mut mpsc::Receiver<TcpStream>) -> (RawClient, TcpStream) {
    let mut client = RawClient::connect(fleet.addr()).await;
    client.send(UPGRADE).await.unwrap();
    let head = client.read_until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    (client, tunnels.recv().await.unwrap())
}

/// Waits until a number of the node's is this.
async fn until_count(fleet: &Fleet, name: &str, expected: u64) {
    eventually(&format!("{name} is {expected}"), async || {
        (fleet.node().metrics().await.count(name, &[]) == expected).then_some(())
    })
    .await;
}

/// Far below the hour that a tunnel may rest.
const PROMPT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_tunnel_keeps_its_place_among_the_connections_until_it_ends() {
    let (upstream, mut tunnels) = tunnelling_upstream().await;
    let text = File::new().max_connections(2).route("/", &format!("upstream: \"{}\"", upstream.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let first = open_tunnel(&fleet, &mut tunnels).await;
    let second = open_tunnel(&fleet, &mut tunnels).await;
    until_count(&fleet, "harbr_downstream_connections", 2).await;
    until_count(&fleet, "harbr_endpoint_requests_in_flight", 2).await;
    until_count(&fleet, "harbr_tunnels_open", 2).await;

    let addr = fleet.addr();
    let mut third = JoinSet::new();
    third.spawn(async move { get(addr, "/").await.status.as_u16() });
    let mut answered = None;
    never("a third connection was served", Duration::from_secs(1), async || {
        answered = third.try_join_next();
        answered.is_some()
    })
    .await;
    drop(first);
    let status = timeout(PROMPT, third.join_next()).await.expect("there is room now");
    assert_eq!(status.unwrap().unwrap(), 200);
    until_count(&fleet, "harbr_tunnels_open", 1).await;
    drop(second);
    until_count(&fleet, "harbr_tunnels_open", 0).await;
    until_count(&fleet, "harbr_downstream_connections", 0).await;
    until_count(&fleet, "harbr_endpoint_requests_in_flight", 0).await;
}

#[tokio::test]
async fn a_client_that_resets_its_tunnel_ends_it_upstream() {
    let (upstream, mut tunnels) = tunnelling_upstream().await;
    let text = File::new().route("/", &format!("upstream: \"{}\"", upstream.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let (client, mut far_end) = open_tunnel(&fleet, &mut tunnels).await;
    until_count(&fleet, "harbr_endpoint_requests_in_flight", 1).await;
    client.reset();
    let ended = timeout(PROMPT, far_end.read(&mut [0; 16])).await.expect("the upstream's end is told");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    // Although the upstream never closes its own.
    until_count(&fleet, "harbr_endpoint_requests_in_flight", 0).await;
    until_count(&fleet, "harbr_downstream_connections", 0).await;
}

#[tokio::test]
async fn an_upstream_that_resets_its_tunnel_ends_it_for_the_client() {
    let (upstream, mut tunnels) = tunnelling_upstream().await;
    let text = File::new().route("/", &format!("upstream: \"{}\"", upstream.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let (mut client, far_end) = open_tunnel(&fleet, &mut tunnels).await;
    far_end.set_zero_linger().unwrap();
    drop(far_end);
    let start = Instant::now();
    client.read_to_end().await;
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    until_count(&fleet, "harbr_endpoint_requests_in_flight", 0).await;
    until_count(&fleet, "harbr_downstream_connections", 0).await;
}

#[tokio::test]
async fn a_tunnel_that_is_closed_one_way_still_carries_the_other() {
    let (upstream, mut tunnels) = tunnelling_upstream().await;
    let text = File::new().route("/", &format!("upstream: \"{}\"", upstream.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let (mut client, mut far_end) = open_tunnel(&fleet, &mut tunnels).await;
    client.send("last words").await.unwrap();
    client.finish().await;
    let mut heard = String::new();
    timeout(PROMPT, far_end.read_to_string(&mut heard)).await.expect("the end is passed on").unwrap();
    assert_eq!(heard, "last words");
    far_end.write_all(b"answer").await.unwrap();
    drop(far_end);
    assert_eq!(client.read_to_end().await, "answer");
    until_count(&fleet, "harbr_downstream_connections", 0).await;
}

#[tokio::test]
async fn a_tunnel_whose_client_reads_nothing_for_a_while_is_ended_once_at_most() {
    let (upstream, mut tunnels) = tunnelling_upstream().await;
    let text =
        File::new().route("/", &format!("upstream: \"{}\", idle_timeout: 300ms", upstream.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let (_client, mut far_end) = open_tunnel(&fleet, &mut tunnels).await;
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    while let Ok(Ok(())) = timeout(Duration::from_millis(500), far_end.write_all(&piece)).await {}
    let counted_again = async || {
        let metrics = fleet.node().metrics().await;
        metrics.count("harbr_downstream_connections_ended_total", &[("limit", "idle_timeout")]) > 1
    };
    never("one connection was ended more than once", Duration::from_secs(1), counted_again).await;
}

#[tokio::test]
async fn a_tunnel_is_ended_last_when_its_node_ends() {
    let (upstream, mut tunnels) = tunnelling_upstream().await;
    let text = File::new().route("/", &format!("upstream: \"{}\"", upstream.url())).text();
    let fleet = Plan::new(Shape::Split).drain_timeout("4s").start(&text).await;
    let (mut client, mut server) = open_tunnel(&fleet, &mut tunnels).await;
    let mut resting = Client::connect(fleet.addr()).await.unwrap();
    assert_eq!(resting.get("/").await.status, 200);
    let began = Instant::now();
    fleet.node().process.signal(Signal::Terminate);
    eventually("the connection that rests is closed", async || resting.is_closed().then_some(())).await;
    // The tunnel carries on until there is no time left.
    client.send("still here.").await.unwrap();
    let mut told = [0; 11];
    server.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"still here.");
    assert_eq!(client.read_to_end().await, "");
    assert!(began.elapsed() > Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(fleet.node().process.ended().await.code, Some(0));
}
