//! Requests that must not mean one thing to us and another to the upstream.

use harbr_tests::{Fleet, Origin, RawClient, RawOrigin, Shape, get};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::file::File;

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_400_and_never_sent_on() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut taken = Vec::new();
    for (what, head) in [
        ("no host", "GET / HTTP/1.1\r\n\r\n"),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("a host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        ("a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        ("a host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        ("a host with a bad port", "GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n"),
        ("a target without a slash", "GET admin HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("the target of OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        ("a length with a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello"),
        ("an unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        (
            "two codings",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("a space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello"),
        ("a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n folded\r\n\r\n"),
    ] {
        let mut client = RawClient::connect(fleet.addr()).await;
        client.send(head).await.unwrap();
        let answer = client.read_until("\r\n").await;
        if !answer.starts_with("HTTP/1.1 400") && !answer.starts_with("HTTP/1.1 501") {
            taken.push((what, answer));
        }
    }
    assert_eq!(taken, [], "these were not refused");
    assert_eq!(origin.requests(), 0, "{:?}", origin.seen());
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
}

#[tokio::test]
async fn options_of_the_whole_server_are_no_routes_matter() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let request = "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = RawClient::exchange(fleet.addr(), request).await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert_eq!(origin.requests(), 0);
}

#[tokio::test]
async fn nobody_gets_a_tunnel_by_asking_for_one() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = RawClient::connect(fleet.addr()).await;
    let request = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    client.send(request).await.unwrap();
    let head = client.read_until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 400") || head.starts_with("HTTP/1.1 405"), "{head}");
    client.read_to_end().await;
    assert!(origin.seen().iter().all(|seen| seen.method != "CONNECT"), "{:?}", origin.seen());
}

#[tokio::test]
async fn a_bad_chunk_is_the_clients_fault() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n";
    let answer = RawClient::exchange(fleet.addr(), request).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn a_length_beside_a_coding_cannot_smuggle_a_request() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n\
        0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    RawClient::exchange(fleet.addr(), request).await;
    assert!(origin.seen().iter().all(|seen| seen.target != "/smuggled"), "{:?}", origin.seen());
}

/// An upstream that answers each request with these bytes, and then waits.
async fn upstream_that_says(bytes: &'static str) -> RawOrigin {
    RawOrigin::start(move |mut stream| async move {
        let mut buffer = [0; 4096];
        while let Ok(1..) = stream.read(&mut buffer).await {
            if stream.write_all(bytes.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_malformed_response_is_502_and_nothing_of_it_reaches_the_client() {
    for (what, bytes) in [
        ("garbage", "hello there, this is no HTTP\r\n\r\n"),
        ("a short status", "HTTP/1.1 20\r\n\r\n"),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        ("a length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"),
        (
            "an unasked switch",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ),
    ] {
        let upstream = upstream_that_says(bytes).await;
        let text = File::new().route("/", &format!("upstream: \"{}\"", upstream.url())).text();
        let fleet = Fleet::start(Shape::Split, &text).await;
        let reply = get(fleet.addr(), "/").await;
        assert_eq!(reply.status, 502, "{what}");
        assert!(!reply.text().contains("hello"), "{what}: {}", reply.text());
        let metrics = fleet.node().metrics().await;
        assert_eq!(metrics.count("proxy_attempt_total", &[("result", "success")]), 0, "{what}");
        assert_eq!(metrics.count("proxy_attempt_total", &[("result", "failure")]), 1, "{what}");
    }
}

#[tokio::test]
async fn what_follows_a_response_is_nobodys_answer() {
    let twice =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    let upstream = upstream_that_says(twice).await;
    let text = File::new().route("/", &format!("upstream: \"{}\"", upstream.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for _ in 0..10 {
        let reply = get(fleet.addr(), "/").await;
        assert!(!reply.text().contains("poison"), "{}", reply.text());
    }
}
