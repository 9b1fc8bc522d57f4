//! `CONNECT`: tunnels to where a listener lets them go.

use harbr_tests::http2::Http2Client;
use harbr_tests::{Fleet, Origin, RawClient, RawOrigin, Shape, eventually, get};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::file::File;
use crate::http2_requests::fields;

/// A server of no protocol: sends back what it gets, in upper case.
async fn shouting() -> (RawOrigin, String) {
    let server = RawOrigin::start(async |mut stream| {
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            buffer[..count].make_ascii_uppercase();
            if stream.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    })
    .await;
    let addr = server.url().trim_start_matches("http://").to_owned();
    (server, addr)
}

fn file(origin: &Origin, targets: &[&str]) -> String {
    let targets: Vec<String> = targets.iter().map(|target| format!("\"{target}\"")).collect();
    File::all_to(origin).listener(&format!("connect: [{}]", targets.join(", "))).text()
}

async fn connect_to(fleet: &Fleet, target: &str) -> (RawClient, String) {
    let mut client = RawClient::connect(fleet.addr()).await;
    client.send(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")).await.unwrap();
    let head = client.read_until("\r\n\r\n").await;
    (client, head)
}

async fn until_open(fleet: &Fleet, count: u64) {
    eventually(&format!("{count} tunnels are open"), async || {
        (fleet.node().metrics().await.count("harbr_tunnels_open", &[]) == count).then_some(())
    })
    .await;
}

over_both_shapes! {
    async fn a_connect_is_a_tunnel_to_where_its_listener_says(shape: Shape) {
        let (origin, (_server, target)) = (Origin::start("a").await, shouting().await);
        let fleet = Fleet::start(shape, &file(&origin, &["db.test:5432", &target])).await;
        let mut client = RawClient::connect(fleet.addr()).await;
        // What comes behind the head is the tunnel's, and waits for it.
        let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\nearly.");
        client.send(head).await.unwrap();
        let answer = client.read_until("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let lower = answer.to_ascii_lowercase();
        assert!(!lower.contains("content-length") && !lower.contains("transfer-encoding"), "{answer}");
        assert_eq!(client.read_until(".").await, "EARLY.");
        client.send("get / http\r\n.").await.unwrap();
        assert_eq!(client.read_until(".").await, "GET / HTTP\r\n.");
        until_open(&fleet, 1).await;
        drop(client);
        until_open(&fleet, 0).await;
        assert_eq!(origin.requests(), 0);
        assert_eq!(get(fleet.addr(), "/").await.status, 200);
    }
}

#[tokio::test]
async fn a_tunnel_goes_only_where_its_listener_says() {
    let (origin, (_server, target)) = (Origin::start("a").await, shouting().await);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let fleet =
        Fleet::start(Shape::Split, &file(&origin, &[&target, &closed, "no-such-name.invalid:1"])).await;
    let admin = fleet.node().admin().to_string();
    for (target, status) in [
        (admin.as_str(), 403),
        (&origin.addr().to_string(), 403),
        ("127.0.0.2:80", 403),
        (&closed, 502),
        ("no-such-name.invalid:1", 502),
    ] {
        let (mut client, head) = connect_to(&fleet, target).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {head}");
        // It is still HTTP.
        client.send("GET /after HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let after = client.read_until("HTTP/1.1 200").await;
        assert!(after.ends_with("HTTP/1.1 200"), "{after}");
    }
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_request_failures_total", &[("reason", "forbidden")]), 3);
    assert_eq!(metrics.count("harbr_tunnels_opened_total", &[]), 0);
}

#[tokio::test]
async fn a_connect_that_is_no_host_and_port_is_400() {
    let (origin, (_server, target)) = (Origin::start("a").await, shouting().await);
    let fleet = Fleet::start(Shape::Split, &file(&origin, &[&target, "a.test:80"])).await;
    for (target, fields) in [
        ("a.test", ""),
        ("a.test:", ""),
        ("a.test:0", ""),
        ("http://a.test:80/", ""),
        ("u@a.test:80", ""),
        (target.as_str(), "Content-Length: 3\r\n"),
        (&target, "Transfer-Encoding: chunked\r\n"),
        (&target, "Host: a\r\n"),
    ] {
        let sent = format!("CONNECT {target} HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n");
        let answer = RawClient::exchange(fleet.addr(), sent).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{target} {fields}: {answer}");
    }
    assert_eq!(fleet.node().metrics().await.count("harbr_tunnels_opened_total", &[]), 0);
}

#[tokio::test]
async fn http2_opens_no_tunnels() {
    let (origin, (_server, target)) = (Origin::start("a").await, shouting().await);
    let fleet = Fleet::start(Shape::Split, &file(&origin, &[&target])).await;
    let mut client = Http2Client::connect(fleet.addr()).await;
    let asked = fields(&[(":method", "CONNECT"), (":authority", &target)]);
    assert_eq!(client.ask(1, &asked).await.status, Some(405));
}
