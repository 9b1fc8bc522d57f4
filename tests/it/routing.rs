//! Which route answers, and what becomes of the path.

use harbr_tests::{Fleet, Origin, RawClient, Shape, empty, get, request, send};
use http::{HeaderValue, Method};

use crate::file::{File, to};

/// The origin that answers a GET of `path` for `host`.
async fn origin_for(fleet: &Fleet, host: &str, path: &str) -> String {
    let mut sent = request(Method::GET, path, empty());
    sent.headers_mut().insert("host", HeaderValue::from_str(host).unwrap());
    let reply = send(fleet.addr(), sent).await;
    if reply.status == 200 { reply.echo().origin } else { reply.status.as_str().to_owned() }
}

#[tokio::test]
async fn prefixes_end_at_segments_and_the_longest_wins() {
    let (api, v1, rest) =
        (Origin::start("api").await, Origin::start("v1").await, Origin::start("rest").await);
    let text = File::new().route("/", &to(&rest)).route("/api", &to(&api)).route("/api/v1", &to(&v1)).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for (path, expected) in [
        ("/api", "api"),
        ("/api?x", "api"),
        ("/api/", "api"),
        ("/api/x", "api"),
        ("/api//x", "api"),
        ("/api/v1", "v1"),
        ("/api/v1/x", "v1"),
        ("/api/v10", "api"),
        ("/apix", "rest"),
        ("//api", "rest"),
        ("/api%2Fx", "rest"),
        ("/x/api", "rest"),
        ("/API", "rest"),
    ] {
        assert_eq!(origin_for(&fleet, "proxy.test", path).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_key_with_a_trailing_slash_is_the_same_prefix() {
    let api = Origin::start("api").await;
    let text = File::new().route("/api/", &to(&api)).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for path in ["/api", "/api/", "/api/x", "/api?x"] {
        assert_eq!(get(fleet.addr(), path).await.echo().target, path);
    }
    assert_eq!(get(fleet.addr(), "/apix").await.status, 404);
}

#[tokio::test]
async fn the_path_becomes_what_the_route_says() {
    let origin = Origin::start("a").await;
    let based = format!("upstream: \"{}/base/\"", origin.url());
    let text = File::new()
        .route("/keep", &to(&origin))
        .route("/strip/", &format!("{}, strip_prefix: true", to(&origin)))
        .route("/old", &format!("{}, rewrite: /new", to(&origin)))
        .route("/based", &based)
        .route("/both", &format!("{based}, strip_prefix: true"))
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for (path, expected) in [
        ("/keep", "/keep"),
        ("/keep/", "/keep/"),
        ("/keep/x/?q=/keep", "/keep/x/?q=/keep"),
        ("/strip", "/"),
        ("/strip/", "/"),
        ("/strip?q", "/?q"),
        ("/strip/v1/x/?q", "/v1/x/?q"),
        ("/old", "/new"),
        ("/old/", "/new/"),
        ("/old/x?q", "/new/x?q"),
        ("/based", "/base/based"),
        ("/based/x/?q", "/base/based/x/?q"),
        ("/both/x", "/base/x"),
    ] {
        assert_eq!(get(fleet.addr(), path).await.echo().target, expected, "{path}");
    }
}

#[tokio::test]
async fn hosts_go_from_exact_over_the_longest_wildcard_to_any() {
    let mut origins = Vec::new();
    for name in ["exact", "deep", "wide", "any", "fallback"] {
        origins.push(Origin::start(name).await);
    }
    let text = File::new()
        .route("api.example.com/v1", &to(&origins[0]))
        .route("*.eu.example.com/", &to(&origins[1]))
        .route("*.example.com/", &to(&origins[2]))
        .route("/", &to(&origins[3]))
        .route("/only", &to(&origins[4]))
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for (host, path, expected) in [
        ("api.example.com", "/v1/x", "exact"),
        ("API.Example.COM:8080", "/v1", "exact"),
        ("x.example.com", "/v1", "wide"),
        ("a.b.example.com", "/", "wide"),
        ("x.eu.example.com", "/only", "deep"),
        ("example.com", "/", "any"),
        ("other.test", "/", "any"),
        ("other.test", "/only/x", "fallback"),
        ("127.0.0.1:1", "/x", "any"),
    ] {
        assert_eq!(origin_for(&fleet, host, path).await, expected, "{host}{path}");
    }
}

#[tokio::test]
async fn a_host_without_a_matching_path_falls_back_to_routes_of_any_host() {
    let (host, any) = (Origin::start("host").await, Origin::start("any").await);
    let text = File::new().route("api.example.com/v1", &to(&host)).route("/v2", &to(&any)).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    assert_eq!(origin_for(&fleet, "api.example.com", "/v1").await, "host");
    assert_eq!(origin_for(&fleet, "api.example.com", "/v2").await, "any");
    assert_eq!(origin_for(&fleet, "api.example.com", "/v3").await, "404");
}

#[tokio::test]
async fn a_known_path_with_another_method_is_405_with_allow() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/", &format!("{}, methods: [GET, POST]", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
    let refused = send(fleet.addr(), request(Method::DELETE, "/", empty())).await;
    assert_eq!(refused.status, 405);
    let allow = refused.header("allow").unwrap();
    let mut allowed: Vec<_> = allow.split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert!(allowed.contains(&"GET") && allowed.contains(&"POST") && !allowed.contains(&"DELETE"), "{allow}");
    assert_eq!(origin.requests(), 1);
}

#[tokio::test]
async fn of_a_list_the_first_route_whose_conditions_hold_answers() {
    let (canary, write, rest) =
        (Origin::start("canary").await, Origin::start("write").await, Origin::start("rest").await);
    let conditions = [
        format!("{}, headers: {{match: {{X-Canary: \"1\"}}}}", to(&canary)),
        format!("{}, methods: [POST]", to(&write)),
        to(&rest),
    ];
    let text = File::new().routes("/api", &conditions.each_ref().map(String::as_str)).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for (method, canary, expected) in [
        (Method::GET, None, "rest"),
        (Method::GET, Some("1"), "canary"),
        (Method::GET, Some("2"), "rest"),
        (Method::POST, None, "write"),
        (Method::POST, Some("1"), "canary"),
    ] {
        let mut sent = request(method.clone(), "/api/x", empty());
        if let Some(value) = canary {
            sent.headers_mut().insert("x-canary", HeaderValue::from_static(value));
        }
        assert_eq!(send(fleet.addr(), sent).await.echo().origin, expected, "{method} {canary:?}");
    }
}

#[tokio::test]
async fn the_host_of_an_absolute_target_counts_and_the_header_does_not() {
    let (one, other) = (Origin::start("one").await, Origin::start("other").await);
    let text = File::new().route("one.test/", &to(&one)).route("other.test/", &to(&other)).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let request = "GET http://other.test/p?q HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n";
    let answer = RawClient::exchange(fleet.addr(), request).await;
    let refused = answer.starts_with("HTTP/1.1 400");
    assert!(refused || answer.contains("\"origin\":\"other\""), "{answer}");
    assert!(refused || answer.contains("\"target\":\"/p?q\""), "{answer}");
    assert_eq!(one.requests(), 0);
}

#[tokio::test]
async fn routes_can_share_a_named_upstream_with_weights() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let text = format!(
        "{}upstreams:\n  pool:\n    endpoints:\n      - {{ url: \"{}\", weight: 3 }}\n      - \"{}\"\n    balance: round_robin\n",
        File::new().route("/x", "upstream: pool").route("/y", "upstream: pool").text(),
        a.url(),
        b.url()
    );
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = harbr_tests::Client::connect(fleet.addr()).await.unwrap();
    for number in 0..40 {
        client.get(if number % 2 == 0 { "/x" } else { "/y" }).await;
    }
    assert_eq!((a.requests(), b.requests()), (30, 10), "in turn, three to one");
}

#[tokio::test]
async fn least_request_goes_around_an_endpoint_that_is_stuck() {
    let (stuck, free) = (Origin::start("stuck").await, Origin::start("free").await);
    stuck.answers(harbr_tests::Answer::Silence);
    let text =
        File::new().route("/", "upstream: pool").upstream("pool", &[stuck.url(), free.url()], "").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let load = harbr_tests::Load::start(&[fleet.addr()], 8, 800, "/");
    load.answers(300).await;
    assert!(stuck.requests() < 8, "{} requests went to the one that is stuck", stuck.requests());
    drop(load);
}
