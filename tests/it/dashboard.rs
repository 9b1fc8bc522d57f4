//! The controller's page, in a real browser in front of a real fleet.

use harbr_tests::{
    Browser, Fleet, Look, Origin, Plan, RawClient, Shape, Signal, empty, eventually, full, get, request, send,
};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method};
use serde_json::Value;

use crate::file::{File, to};

pub(crate) async fn api(fleet: &Fleet, path: &str) -> Value {
    let mut request = request(Method::GET, &format!("/api/v1/{path}"), empty());
    // No other name is answered without a token.
    request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
    let reply = send(fleet.controller.http(), request).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    serde_json::from_str(&reply.text()).unwrap()
}

#[tokio::test]
async fn a_page_stays_live_though_nobody_reloads_it() {
    let Some(browser) = Browser::start(Look::Light).await else {
        println!("skipped: chromedriver not found (apt-get install chromium chromium-driver)");
        return;
    };
    let origin = Origin::start("a").await;
    let text = File::new().route("/api", &to(&origin)).text();
    let fleet = Plan::new(Shape::Split).nodes(2).start(&text).await;
    let page = format!("http://{}/", fleet.controller.http());
    browser.open(&page).await;
    browser.shows("2/2 converged").await;
    let id = fleet.nodes[1].info().await.node_id;
    browser.press("Events").await;
    browser.shows(&format!("{id} joined")).await;
    fleet.file.save_by_rename("routes: {");
    browser.shows("file rejected").await;
    browser.press("Fleet").await;
    browser.shows("The file on disk is not served").await;
    browser.keep_picture("fleet-rejected-file").await;
    fleet.file.save_by_rename(&text);
    fleet.nodes[1].process.signal(Signal::Terminate);
    browser.press("Events").await;
    browser.shows("the file is valid again").await;
    browser.shows(&format!("{id} has left")).await;
}

/// A request of a program, with what it shows.
async fn post(fleet: &Fleet, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
    let body = full(body.to_owned());
    let mut request = request(Method::POST, &format!("/api/v1/{path}"), body);
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}")).unwrap());
    }
    let reply = send(fleet.controller.http(), request).await;
    (reply.status.as_u16(), reply.text())
}

#[tokio::test]
async fn only_who_shows_the_token_changes_anything() {
    let token = "0123456789abcdef-token";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, token).unwrap();
    let origin = Origin::start("a").await;
    let plan = Plan::new(Shape::Split).env("HARBR_HTTP_TOKEN_FILE", &file.display().to_string());
    let fleet = plan.start(&File::new().route("/", &to(&origin)).text()).await;
    let freeze = r#"{"command": "freeze", "reason": "a holiday"}"#;
    for path in ["rollout", "rollback", "drain", "undrain"] {
        let body = if path == "rollback" { r#"{"revision": 0}"# } else { "{}" };
        let body = if path == "rollout" { freeze } else { body };
        assert_eq!(post(&fleet, path, None, body).await.0, 403, "{path}");
        assert_eq!(post(&fleet, path, Some("another-token-012345"), body).await.0, 401, "{path}");
    }
    assert_eq!(api(&fleet, "session").await["may_change"], false);
    assert_eq!(post(&fleet, "rollout", Some(token), freeze).await.0, 200);
    assert_eq!(fleet.json(&["status"]).await["frozen"], true);
    assert_eq!(post(&fleet, "rollback", Some(token), r#"{"revision": 9}"#).await.0, 409);
    assert_eq!(post(&fleet, "drain", Some(token), r#"{"nodes": ["nobody"]}"#).await.0, 404);
}

#[tokio::test]
async fn explain_says_what_harbrctl_says() {
    let origin = Origin::start("a").await;
    let text = File::new()
        .route("/api", &to(&origin))
        .route("shop.example.com/", &to(&origin))
        .routes("/put", &[&format!("{}, methods: [PUT]", to(&origin))])
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for (method, url) in [
        ("GET", "http://shop.example.com/api/1?a=b"),
        ("POST", "/api/x"),
        ("GET", "http://other.example.com/put"),
        ("GET", "/nothing"),
    ] {
        let told = fleet.json(&["explain", method, url]).await;
        let shown = api(&fleet, &format!("explain?method={method}&url={}", escaped(url))).await;
        assert_eq!(shown, told, "{method} {url}");
    }
}

fn escaped(url: &str) -> String {
    url.replace('?', "%3F").replace('=', "%3D")
}

#[tokio::test]
async fn traffic_of_routes_is_what_the_nodes_answered() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/busy", &to(&origin)).route("/quiet", &to(&origin)).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for _ in 0..40 {
        get(fleet.addr(), "/busy").await;
    }
    let seen = eventually("the traffic is seen", async || {
        let routes = api(&fleet, "routes?sort=rate").await;
        (routes["items"][0]["load"]["request_rate"].as_f64()? > 0.0).then_some(routes)
    })
    .await;
    assert_eq!((&seen["items"][0]["route"], &seen["items"][1]["route"]), (&"/busy".into(), &"/quiet".into()));
    assert_eq!(seen["items"][1]["load"]["request_rate"], 0.0);
    let node = fleet.nodes[0].info().await.node_id;
    for path in ["series".to_owned(), "series?route=/busy".to_owned(), format!("series?node={node}")] {
        // A point is over after five seconds.
        eventually("all requests are in the past", async || {
            let series = api(&fleet, &path).await;
            let rates = series["request_rate"].as_array()?.iter().filter_map(Value::as_f64);
            let answered = rates.sum::<f64>() * series["step_s"].as_f64()?;
            (answered.round() == 40.0).then_some(())
        })
        .await;
    }
    assert!(api(&fleet, "series").await["error_rate"].as_array().unwrap().iter().all(|rate| *rate == 0.0));
}

#[tokio::test]
async fn lists_are_searched_and_cut_by_the_controller() {
    let origin = Origin::start("a").await;
    let mut file = File::new();
    for number in 0..300 {
        file = file.route(&format!("/r{number}"), &to(&origin));
    }
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    let page = api(&fleet, "routes?offset=290&limit=50").await;
    assert_eq!((page["total"].as_u64(), page["items"].as_array().unwrap().len()), (Some(300), 10));
    let page = api(&fleet, "routes?limit=100000").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 200);
    let page = api(&fleet, "routes?q=R29").await;
    assert_eq!(page["total"], 11);
}

#[tokio::test]
async fn a_stream_ends_with_the_controller() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::new().route("/", &to(&origin)).text()).await;
    let addr = fleet.controller.http();
    let mut stream = RawClient::connect(addr).await;
    stream.send("GET /api/v1/stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    stream.read_until("event: overview").await;
    fleet.controller.process.signal(Signal::Terminate);
    assert_eq!(fleet.controller.process.ended().await.code, Some(0));
    stream.read_to_end().await;
}
