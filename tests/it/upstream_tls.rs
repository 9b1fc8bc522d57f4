//! TLS towards upstreams: whom they must be vouched for by, what they are asked for, and what they are shown.

use harbr_tests::{Fleet, Origin, Pair, RawOrigin, Shape, TestAuthority, eventually, get};
use tokio::io::AsyncWriteExt as _;

use crate::file::File;

const CHECK: &str = "health_check: { path: /health, interval: 100ms }";

/// A file whose only route goes to this origin, by this `tls`.
fn file(origin: &Origin, tls: &str) -> File {
    let url = format!("https://127.0.0.1:{}", origin.port());
    let settings = format!("tls: {{ {tls} }}, {CHECK}");
    File::new().upstream("secret", &[url], &settings).route("/", "upstream: secret")
}

fn trusting(authority: &TestAuthority, more: &str) -> String {
    format!("ca: \"{}\", server_name: localhost{more}", authority.file())
}

fn showing(authority: &TestAuthority, pair: &Pair) -> String {
    trusting(authority, &format!(", {}", pair.settings()))
}

async fn becomes(fleet: &Fleet, health: &str) {
    eventually(&format!("the endpoint is {health}"), async || {
        (fleet.health("secret").await == [health]).then_some(())
    })
    .await;
}

over_both_shapes! {
    async fn an_upstream_is_vouched_for_by_its_own_authority_under_its_own_name(shape: Shape) {
        let (authority, other) = (TestAuthority::new(), TestAuthority::new());
        let origin = Origin::start_tls("secret", &authority).await;
        let fleet = Fleet::start(shape, &file(&origin, &trusting(&authority, "")).text()).await;
        becomes(&fleet, "healthy").await;
        assert_eq!(get(fleet.addr(), "/").await.echo().origin, "secret");

        fleet.apply(&file(&origin, &trusting(&other, "")).text()).await;
        becomes(&fleet, "unhealthy").await;
        // The address in the URL is not what its certificate is for.
        fleet.apply(&file(&origin, &format!("ca: \"{}\"", authority.file())).text()).await;
        becomes(&fleet, "unhealthy").await;
        fleet.apply(&file(&origin, "verify: false").text()).await;
        becomes(&fleet, "healthy").await;
        assert_eq!(get(fleet.addr(), "/").await.echo().origin, "secret");
    }
}

#[tokio::test]
async fn an_upstream_that_asks_is_shown_a_certificate_also_a_renewed_one() {
    let (authority, clients, others) = (TestAuthority::new(), TestAuthority::new(), TestAuthority::new());
    let origin = Origin::start_mutual_tls("secret", &authority, &clients).await;
    let pair = clients.issue("client", &["client.test"]);
    let fleet = Fleet::start(Shape::Split, &file(&origin, &showing(&authority, &pair)).text()).await;
    becomes(&fleet, "healthy").await;
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "secret");

    let before = fleet.newest_served().await;
    clients.issue("client", &["client.test"]);
    fleet.served_after(before).await;
    becomes(&fleet, "healthy").await;
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "secret");

    fleet.apply(&file(&origin, &trusting(&authority, "")).text()).await;
    becomes(&fleet, "unhealthy").await;
    let stranger = others.issue("client", &["client.test"]);
    fleet.apply(&file(&origin, &showing(&authority, &stranger)).text()).await;
    becomes(&fleet, "unhealthy").await;
}

/// CVE-2026-1642.
#[tokio::test]
async fn what_an_upstream_says_before_the_handshake_is_no_answer() {
    const FORGED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
    let upstream = RawOrigin::start(|mut stream| async move {
        let _ = stream.write_all(FORGED).await;
        std::future::pending().await
    })
    .await;
    let url = upstream.url().replace("http://", "https://");
    let text = File::new().upstream("u", &[url], "tls: { verify: false }").route("/", "upstream: u").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let reply = get(fleet.addr(), "/").await;
    assert_eq!(reply.status, 502);
    assert!(!reply.text().contains("forged"));
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_request_failures_total", &[("reason", "tls")]), 1);
}
