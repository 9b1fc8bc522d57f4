//! What the proxy adds to a head, takes from it, and leaves alone.

use harbr_tests::{Echo, Fleet, Origin, RawClient, Shape, empty, get, request, send};
use http::{HeaderValue, Method, Response};

use crate::file::{File, to};

async fn fleet_with(origin: &Origin) -> Fleet {
    Fleet::start(Shape::Split, &File::all_to(origin).text()).await
}

/// What the origin saw of a GET with these lines.
async fn seen_of(fleet: &Fleet, lines: &[(&'static str, &'static str)]) -> Echo {
    let mut sent = request(Method::GET, "/x", empty());
    for (name, value) in lines {
        sent.headers_mut().append(*name, HeaderValue::from_static(value));
    }
    send(fleet.addr(), sent).await.echo()
}

#[tokio::test]
async fn hop_by_hop_headers_of_a_request_stay_behind() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let echo = seen_of(
        &fleet,
        &[
            ("connection", "keep-alive, X-Hop"),
            ("connection", "x-other-hop"),
            ("x-hop", "1"),
            ("x-other-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "gzip;q=0.5"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA"),
            ("x-stays", "1"),
        ],
    )
    .await;
    for name in ["x-hop", "x-other-hop", "keep-alive", "proxy-connection", "te", "upgrade", "http2-settings"]
    {
        assert_eq!(echo.all(name), Vec::<&str>::new(), "{name} was forwarded");
    }
    assert!(!echo.all("connection").join(",").to_lowercase().contains("hop"), "{echo:?}");
    assert_eq!(echo.header("x-stays"), Some("1"));
}

#[tokio::test]
async fn hop_by_hop_headers_of_a_response_stay_behind() {
    let origin = Origin::start("a").await;
    origin.answers_with(|_| async {
        let builder = Response::builder()
            .header("connection", "X-Hop")
            .header("x-hop", "1")
            .header("keep-alive", "timeout=5")
            .header("proxy-connection", "keep-alive")
            .header("x-stays", "1");
        builder.body(empty()).unwrap()
    });
    let fleet = fleet_with(&origin).await;
    let reply = get(fleet.addr(), "/").await;
    for name in ["x-hop", "keep-alive", "proxy-connection"] {
        assert_eq!(reply.header(name), None, "{name} was forwarded");
    }
    assert_eq!(reply.header("x-stays").as_deref(), Some("1"));
}

#[tokio::test]
async fn a_client_cannot_name_away_what_the_proxy_needs() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let request = "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\
        Connection: close, Host, Content-Length, X-Forwarded-For, X-Request-Id, Via\r\n\r\nhello";
    let answer = RawClient::exchange(fleet.addr(), request).await;
    let echo: Echo = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((echo.header("host"), echo.header("content-length")), (Some("a.test"), Some("5")));
    assert_eq!(echo.body_bytes, 5);
    assert_eq!(echo.header("x-forwarded-for"), Some("127.0.0.1"));
    assert!(echo.header("via").is_some() && echo.header("x-request-id").is_some());
}

#[tokio::test]
async fn what_a_trusted_proxy_forwards_is_extended() {
    let origin = Origin::start("a").await;
    let file = File::all_to(&origin).set("trusted_proxies: [\"127.0.0.0/8\"]");
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    let claims = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")];
    let echo = seen_of(&fleet, &claims).await;
    assert_eq!(echo.all("x-forwarded-for").join(", "), "192.0.2.7, 127.0.0.1");
    assert_eq!(echo.header("x-forwarded-proto"), Some("https"));
    assert_eq!(echo.header("x-forwarded-host"), Some("proxy.test"));
}

#[tokio::test]
async fn what_a_client_claims_to_forward_is_replaced() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    for claims in [
        &[][..],
        &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.test")],
        &[("x-forwarded-for", "6.6.6.6, 7.7.7.7"), ("x-forwarded-for", "8.8.8.8")],
    ] {
        let echo = seen_of(&fleet, claims).await;
        assert_eq!(echo.header("x-forwarded-for"), Some("127.0.0.1"), "{claims:?}");
        assert_eq!(echo.header("x-forwarded-proto"), Some("http"), "{claims:?}");
        assert_eq!(echo.header("x-forwarded-host"), Some("proxy.test"), "{claims:?}");
    }
}

#[tokio::test]
async fn via_says_that_a_proxy_was_there_and_keeps_the_ones_before() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let echo = seen_of(&fleet, &[]).await;
    assert!(echo.header("via").unwrap().starts_with("1.1 "), "{echo:?}");
    let echo = seen_of(&fleet, &[("via", "1.0 before")]).await;
    let via = echo.all("via").join(", ");
    assert!(via.starts_with("1.0 before, 1.1 "), "{via}");
}

#[tokio::test]
async fn each_request_has_an_id_and_a_valid_one_is_kept() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let id = |echo: &Echo| echo.header("x-request-id").unwrap().to_owned();
    let (first, second) = (id(&seen_of(&fleet, &[]).await), id(&seen_of(&fleet, &[]).await));
    assert!(!first.is_empty() && first != second, "{first} {second}");
    let kept = "0191d9a0-7c1e-7b7a-8d5c-0123456789ab";
    assert_eq!(id(&seen_of(&fleet, &[("x-request-id", kept)]).await), kept);
    let long: &'static str = "x".repeat(1_000).leak();
    for bad in ["", "a b", "<script>", long] {
        let made = id(&seen_of(&fleet, &[("x-request-id", bad)]).await);
        assert!(!made.is_empty() && made != bad, "{bad:?} was kept");
    }
}

#[tokio::test]
async fn the_host_header_is_what_the_route_says() {
    let origin = Origin::start("a").await;
    let text = File::new()
        .route("/", &to(&origin))
        .route("/preserve", &format!("{}, host_header: preserve", to(&origin)))
        .route("/upstream", &format!("{}, host_header: upstream", to(&origin)))
        .route("/literal", &format!("{}, host_header: inside.test", to(&origin)))
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let own = origin.addr().to_string();
    for (path, expected) in [
        ("/", "proxy.test"),
        ("/preserve", "proxy.test"),
        ("/upstream", own.as_str()),
        ("/literal", "inside.test"),
    ] {
        let echo = get(fleet.addr(), path).await.echo();
        assert_eq!(echo.header("host"), Some(expected), "{path}");
        assert_eq!(echo.header("x-forwarded-host"), Some("proxy.test"), "{path}");
    }
}

#[tokio::test]
async fn a_route_removes_and_sets_headers_both_ways() {
    let origin = Origin::start("a").await;
    let edits = "headers: {request: {remove: [Cookie, X-Old], set: {X-New: fresh, X-Old: again}}, \
        response: {remove: [Server], set: {X-Frame-Options: DENY}}}";
    let file = File::new().route("/", &format!("{}, {edits}", to(&origin)));
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    let echo = seen_of(&fleet, &[("cookie", "secret"), ("x-old", "1"), ("x-old", "2")]).await;
    assert_eq!(echo.all("cookie"), Vec::<&str>::new());
    assert_eq!((echo.header("x-new"), echo.header("x-old")), (Some("fresh"), Some("again")));

    origin.answers_with(|_| async {
        let builder = Response::builder().header("server", "leaky/1.0").header("x-frame-options", "ALLOW");
        builder.body(empty()).unwrap()
    });
    let reply = get(fleet.addr(), "/").await;
    assert_ne!(reply.header("server").as_deref(), Some("leaky/1.0"));
    assert_eq!(reply.all("x-frame-options"), ["DENY"]);
}
