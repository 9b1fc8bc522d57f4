//! TLS towards clients: which certificate for which name, versions, resumption, renewal.

use harbr_tests::{Client, Fleet, Origin, Pair, RawClient, Shape, TestAuthority, TlsClient, eventually};
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};

use crate::file::File;

/// A file with a listener that shows these certificates.
fn file(origin: &Origin, pairs: &[&Pair]) -> File {
    let pairs: Vec<_> = pairs.iter().map(|pair| pair.yaml()).collect();
    File::all_to(origin).listener(&format!("tls: {{ certificates: [{}] }}", pairs.join(", ")))
}

/// The certificate that the other side shows for a name; it must be valid for it.
async fn shown(client: &TlsClient, fleet: &Fleet, name: &str) -> Vec<u8> {
    let stream = client.connect(fleet.addr(), name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    let (_, session) = stream.get_ref();
    session.peer_certificates().unwrap()[0].to_vec()
}

over_both_shapes! {
    async fn requests_over_tls_are_served_and_upstreams_are_told(shape: Shape) {
        let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
        let pair = authority.issue("site", &["site.test"]);
        let fleet = Fleet::start(shape, &file(&origin, &[&pair]).text()).await;
        for versions in [&[&TLS12], &[&TLS13]] {
            let stream = authority.client(versions).connect(fleet.addr(), "site.test").await.unwrap();
            let mut client = Client::over(stream).await.unwrap();
            for _ in 0..3 {
                let echo = client.get("/x").await.echo();
                assert_eq!(echo.header("x-forwarded-proto"), Some("https"));
                assert_eq!(echo.header("x-forwarded-for"), Some("127.0.0.1"));
            }
        }
        let metrics = fleet.node().metrics().await;
        assert_eq!(metrics.count("harbr_tls_handshakes_total", &[("result", "full")]), 2);
    }
}

#[tokio::test]
async fn each_name_has_its_certificate_and_the_first_is_for_the_rest() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let first = authority.issue("first", &["first.test", "127.0.0.1"]);
    let exact = authority.issue("exact", &["www.site.test"]);
    let wildcard = authority.issue("wildcard", &["*.site.test"]);
    let fleet = Fleet::start(Shape::Split, &file(&origin, &[&first, &exact, &wildcard]).text()).await;
    let client = authority.client(&[&TLS13]);
    let (www, other) =
        (shown(&client, &fleet, "www.site.test").await, shown(&client, &fleet, "x.site.test").await);
    let (named, unnamed) =
        (shown(&client, &fleet, "first.test").await, shown(&client, &fleet, "127.0.0.1").await);
    assert_ne!(www, other);
    assert_eq!(named, unnamed);
    assert_ne!(named, www);
    // It is shown the first one, which is not for its name.
    assert!(client.connect(fleet.addr(), "a.b.site.test").await.is_err());
}

#[tokio::test]
async fn a_client_that_comes_back_resumes_also_after_edits_and_renewal() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let file = file(&origin, &[&pair]);
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    for version in [&TLS12, &TLS13] {
        let client = authority.client(&[version]);
        let comes = async || {
            let stream = client.connect(fleet.addr(), "site.test").await.unwrap();
            let kind = stream.get_ref().1.handshake_kind();
            // Tickets come with the first answer.
            Client::over(stream).await.unwrap().get("/").await;
            kind
        };
        assert_eq!(comes().await, Some(HandshakeKind::Full), "{version:?}");
        assert_eq!(comes().await, Some(HandshakeKind::Resumed), "{version:?}");
        fleet.apply(&file.clone().max_connections(fleet.newest_served().await as u32 + 7).text()).await;
        assert_eq!(comes().await, Some(HandshakeKind::Resumed), "{version:?}");
        let before = fleet.newest_served().await;
        authority.issue("site", &["site.test"]);
        fleet.served_after(before).await;
        assert_eq!(comes().await, Some(HandshakeKind::Resumed), "{version:?}");
    }
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_tls_handshakes_total", &[("result", "full")]), 2);
    assert_eq!(metrics.count("harbr_tls_handshakes_total", &[("result", "resumed")]), 6);
}

#[tokio::test]
async fn what_is_no_tls_is_refused_and_counted() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let fleet = Fleet::start(Shape::Split, &file(&origin, &[&pair]).text()).await;
    let answer = RawClient::exchange(fleet.addr(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(!answer.contains("HTTP"), "{answer}");
    eventually("it is counted", async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("harbr_tls_handshakes_total", &[("result", "failed")]) == 1).then_some(())
    })
    .await;
    assert_eq!(origin.requests(), 0);
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut_off_with_the_header_timeout() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let text = file(&origin, &[&pair]).set("header_timeout: 300ms").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for begun in [&b""[..], b"\x16\x03\x01"] {
        let mut client = RawClient::connect(fleet.addr()).await;
        client.send(begun).await.unwrap();
        assert_eq!(client.read_to_end().await, "");
    }
    let ended = fleet.node().metrics().await;
    assert_eq!(ended.count("harbr_downstream_connections_ended_total", &[("limit", "header_timeout")]), 2);
}
