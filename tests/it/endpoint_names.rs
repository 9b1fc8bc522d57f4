//! Upstreams by name, and over TLS.

use harbr_tests::{Fleet, Origin, Plan, Shape, TestAuthority, eventually, get};

use crate::file::File;

over_both_shapes! {
    async fn a_name_that_does_not_resolve_stops_no_start_and_is_502(shape: Shape) {
        let origin = Origin::start("a").await;
        let text = File::new()
            .route("/", &format!("upstream: \"{}\"", origin.url()))
            .route("/gone", "upstream: \"http://no-such-name.invalid:8080\"")
            .text();
        let fleet = Fleet::start(shape, &text).await;
        assert_eq!(get(fleet.addr(), "/").await.status, 200);
        assert_eq!(get(fleet.addr(), "/gone").await.status, 502);
    }
}

#[tokio::test]
async fn a_name_is_resolved_and_every_address_of_it_is_tried() {
    let origin = Origin::start("a").await;
    // On many machines `localhost` is ::1 first, where this origin does not listen.
    let url = format!("http://localhost:{}", origin.port());
    let text = File::new().route("/", &format!("upstream: \"{url}\", host_header: upstream")).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for _ in 0..3 {
        let echo = get(fleet.addr(), "/").await.echo();
        assert_eq!(echo.header("host"), Some(format!("localhost:{}", origin.port()).as_str()));
    }
}

#[tokio::test]
async fn an_upstream_over_tls_is_verified_by_name_and_probed() {
    let authority = TestAuthority::new();
    let origin = Origin::start_tls("secret", &authority).await;
    let check = "health_check: {path: /health, interval: 300ms, timeout: 2s}";
    let text = File::new()
        .route("/", &format!("upstream: \"https://localhost:{}\", {check}", origin.port()))
        // The certificate is not for this address.
        .route("/misnamed", &format!("upstream: \"https://127.0.0.1:{}\"", origin.port()))
        .text();
    let fleet = Plan::new(Shape::Split).env("SSL_CERT_FILE", &authority.file()).start(&text).await;
    assert_eq!(get(fleet.addr(), "/x").await.echo().origin, "secret");
    eventually("the prober speaks TLS too", async || (fleet.health("/").await == ["healthy"]).then_some(()))
        .await;
    assert_eq!(get(fleet.addr(), "/misnamed").await.status, 502);
}

#[tokio::test]
async fn an_upstream_whose_authority_is_unknown_is_502() {
    let origin = Origin::start_tls("secret", &TestAuthority::new()).await;
    let text = File::new().route("/", &format!("upstream: \"https://localhost:{}\"", origin.port())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 502);
    assert_eq!(origin.requests(), 0);
}
