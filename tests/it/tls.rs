//! TLS towards clients: which certificate for which name, versions, resumption, renewal, who they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use harbr_tests::http2::{Fields, Http2Client};
use harbr_tests::{
    Client, Fleet, Origin, Pair, RawClient, Reply, Shape, TestAuthority, TestBody, TlsClient, empty,
    eventually, full, get, request, send,
};
use http::{Method, Request};
use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, HandshakeKind};
use tokio::task::JoinSet;

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

/// What a client gets for a request of its own connection; `Err` if there is no answer.
async fn ask(client: &TlsClient, fleet: &Fleet, request: Request<TestBody>) -> Result<Reply, String> {
    let stream = client.connect(fleet.addr(), "site.test").await.map_err(|error| error.to_string())?;
    let mut client = Client::over(stream).await.map_err(|error| error.to_string())?;
    client.send(request).await.map_err(|error| error.to_string())
}

fn get_of(host: &str) -> Request<TestBody> {
    let mut request = request(Method::GET, "/", empty());
    request.headers_mut().insert("host", host.parse().unwrap());
    request.headers_mut().insert("x-forwarded-client-cert", "Hash=forged".parse().unwrap());
    request
}

/// As [`file`], asking clients for certificates.
fn file_for(origin: &Origin, pair: &Pair, clients: &TestAuthority, mode: &str) -> File {
    let auth = format!("client_auth: {{ ca: \"{}\", mode: {mode} }}", clients.file());
    File::all_to(origin).listener(&format!("tls: {{ certificates: [{}], {auth} }}", pair.yaml()))
}

#[tokio::test]
async fn clients_show_certificates_where_they_must_and_upstreams_are_told() {
    let (origin, authority, clients) = (Origin::start("a").await, TestAuthority::new(), TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let fleet = Fleet::start(Shape::Split, &file_for(&origin, &pair, &clients, "required").text()).await;
    let known = authority.client_with(&clients.issue("client", &["client.test"]));
    let unknown = authority.client_with(&authority.issue("other", &["client.test"]));
    let nobody = authority.client(ALL_VERSIONS);

    let echo = ask(&known, &fleet, get_of("site.test")).await.unwrap().echo();
    let told = echo.header("x-forwarded-client-cert").unwrap();
    assert!(told.starts_with("Hash=") && told.contains(";Subject=\""), "{told}");
    // Also when it comes back by a session that it had.
    let again = ask(&known, &fleet, get_of("site.test")).await.unwrap().echo();
    assert_eq!(again.header("x-forwarded-client-cert"), Some(told));
    for refused in [&unknown, &nobody] {
        assert!(ask(refused, &fleet, get_of("site.test")).await.is_err());
    }
    // Known to one host, it is not known to another (RFC 9110, 15.5.20).
    let misdirected = ask(&known, &fleet, get_of("other.test")).await.unwrap();
    assert_eq!(misdirected.status, 421);
    assert_eq!(origin.requests(), 2);

    fleet.apply(&file_for(&origin, &pair, &clients, "optional").text()).await;
    let echo = ask(&nobody, &fleet, get_of("site.test")).await.unwrap().echo();
    assert_eq!(echo.header("x-forwarded-client-cert"), None);
    assert!(ask(&unknown, &fleet, get_of("site.test")).await.is_err());

    // Without client certificates a connection may be for several hosts.
    fleet.apply(&file(&origin, &[&pair]).text()).await;
    let echo = ask(&known, &fleet, get_of("other.test")).await.unwrap().echo();
    assert_eq!(echo.header("x-forwarded-client-cert"), None);
}

/// CVE-2025-23419.
#[tokio::test]
async fn an_old_session_does_not_come_in_where_a_certificate_is_wanted_now() {
    let (origin, authority, clients) = (Origin::start("a").await, TestAuthority::new(), TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let fleet = Fleet::start(Shape::Split, &file(&origin, &[&pair]).text()).await;
    for version in [&TLS12, &TLS13] {
        fleet.apply(&file(&origin, &[&pair]).set("max_headers: 99").text()).await;
        let client = authority.client(&[version]);
        ask(&client, &fleet, get_of("site.test")).await.unwrap();
        fleet.apply(&file_for(&origin, &pair, &clients, "required").text()).await;
        assert!(ask(&client, &fleet, get_of("site.test")).await.is_err(), "{version:?}");
    }
}

#[tokio::test]
async fn a_version_below_the_lowest_is_refused() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let text = File::all_to(&origin)
        .listener(&format!("tls: {{ certificates: [{}], min_version: 1.3 }}", pair.yaml()))
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    assert!(authority.client(&[&TLS12]).connect(fleet.addr(), "site.test").await.is_err());
    assert!(authority.client(&[&TLS13]).connect(fleet.addr(), "site.test").await.is_ok());
}

#[tokio::test]
async fn half_of_a_new_pair_changes_nothing_and_is_said() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let fleet = Fleet::start(Shape::Split, &file(&origin, &[&pair]).text()).await;
    let client = authority.client(ALL_VERSIONS);
    let old = shown(&client, &fleet, "site.test").await;

    let next = authority.issue("next", &["site.test"]);
    std::fs::copy(&next.cert, &pair.cert).unwrap();
    let error = fleet.config_error().await;
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("site.key` is not the key of the certificate"), "{message}");
    assert!(error["line"].as_u64().unwrap() > 0, "{error}");
    assert!(!message.contains("PRIVATE KEY"), "{message}");
    assert_eq!(shown(&client, &fleet, "site.test").await, old);

    std::fs::copy(&next.key, &pair.key).unwrap();
    eventually("the new pair is shown", async || {
        (shown(&client, &fleet, "site.test").await != old).then_some(())
    })
    .await;
    assert!(fleet.json(&["status"]).await["config_error"].is_null());
}

#[tokio::test]
async fn renewals_under_load_cost_no_handshake() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let fleet = Fleet::start(Shape::Split, &file(&origin, &[&pair]).text()).await;
    let (stop, addr) = (Arc::new(AtomicBool::new(false)), fleet.addr());
    let mut load = JoinSet::new();
    for versions in [&[&TLS12], &[&TLS13], &[&TLS12], &[&TLS13]] {
        let (client, stop) = (authority.client(versions), stop.clone());
        load.spawn(async move {
            let mut answered = 0;
            while !stop.load(Ordering::SeqCst) {
                let stream = client.connect(addr, "site.test").await.unwrap();
                assert_eq!(Client::over(stream).await.unwrap().get("/").await.status, 200);
                answered += 1;
            }
            answered
        });
    }
    for _ in 0..5 {
        let before = fleet.newest_served().await;
        authority.issue("site", &["site.test"]);
        fleet.served_after(before).await;
    }
    stop.store(true, Ordering::SeqCst);
    let answered: usize = load.join_all().await.iter().sum();
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_tls_handshakes_total", &[("result", "failed")]), 0);
    let made = ["full", "resumed"]
        .map(|result| metrics.count("harbr_tls_handshakes_total", &[("result", result)]) as usize);
    assert_eq!(made.iter().sum::<usize>(), answered);
    assert!(made[1] > 0, "{made:?}");
}

#[tokio::test]
async fn metrics_say_when_certificates_end_and_nothing_of_keys_is_seen() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let fleet = Fleet::start(Shape::Split, &file(&origin, &[&pair]).text()).await;
    let metrics = fleet.node().metrics().await;
    let label = pair.cert.display().to_string();
    let ends = metrics.value("harbr_certificate_expiry_seconds", &[("certificate", &label)]).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(ends > now.as_secs_f64(), "{ends}");

    let key = std::fs::read_to_string(&pair.key).unwrap();
    let secret = key.lines().nth(1).unwrap();
    let mut seen = metrics.text().to_owned();
    for asked in [&["status"][..], &["get", "routes"], &["get", "upstreams"], &["get", "nodes"]] {
        seen += &fleet.json(asked).await.to_string();
    }
    for process in [&fleet.controller.process, &fleet.node().process] {
        seen += &process.stdout_lines().join("\n");
        seen += &process.stderr_lines().join("\n");
    }
    assert!(!seen.contains(secret));
}

#[tokio::test]
async fn a_plain_listener_redirects_to_the_same_by_https() {
    let origin = Origin::start("a").await;
    let file = File::all_to(&origin);
    let fleet = Fleet::start(Shape::Split, &file.clone().listener("redirect_https: 8443").text()).await;
    let reply = send(fleet.addr(), request(Method::POST, "/a/../b?c=%20", full("body"))).await;
    assert_eq!(reply.status, 308);
    assert_eq!(reply.header("location").as_deref(), Some("https://proxy.test:8443/a/../b?c=%20"));
    assert_eq!(origin.requests(), 0);
    fleet.apply(&file.listener("redirect_https: true").text()).await;
    let reply = get(fleet.addr(), "/").await;
    assert_eq!(reply.header("location").as_deref(), Some("https://proxy.test/"));
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("proxy_request_total", &[("status", "success")]), 2);
}

#[tokio::test]
async fn over_tls_a_client_gets_the_protocol_that_it_offers() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let fleet = Fleet::start(Shape::Split, &file(&origin, &[&pair]).text()).await;
    let client = authority.client(&[&TLS13]);
    let get = [(":method", "GET"), (":scheme", "https"), (":path", "/x"), (":authority", "site.test")];
    let get: Fields = get.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    for (offered, agreed) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[b"h2"], Some(b"h2")),
        (&[], None),
    ] {
        let stream = client.offering(offered).connect(fleet.addr(), "site.test").await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed, "{offered:?}");
        let echo = if agreed == Some(b"h2") {
            Http2Client::over(stream).await.ask(1, &get).await.echo()
        } else {
            Client::over(stream).await.unwrap().get("/x").await.echo()
        };
        assert_eq!((echo.target.as_str(), echo.header("x-forwarded-proto")), ("/x", Some("https")));
    }
    // Nothing was agreed to, so the preface decides.
    let stream = client.connect(fleet.addr(), "site.test").await.unwrap();
    assert_eq!(Http2Client::over(stream).await.ask(1, &get).await.status, Some(200));
    assert!(client.offering(&[b"spdy/3"]).connect(fleet.addr(), "site.test").await.is_err(), "RFC 7301, 3.2");
}
