//! The controller's page, in a real browser in front of a real fleet.

use harbr_tests::{
    Browser, Fleet, Origin, Plan, RawClient, Shape, Signal, empty, eventually, get, request, send,
};
use http::header::HOST;
use http::{HeaderValue, Method};
use serde_json::Value;

use crate::file::{File, to};

async fn api(fleet: &Fleet, path: &str) -> Value {
    let mut request = request(Method::GET, &format!("/api/v1/{path}"), empty());
    // No other name is answered without a token.
    request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
    let reply = send(fleet.controller.http(), request).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    serde_json::from_str(&reply.text()).unwrap()
}

#[tokio::test]
async fn each_view_shows_the_fleet_and_stays_live() {
    let Some(browser) = Browser::start().await else {
        println!("skipped: chromedriver not found (apt-get install chromium chromium-driver)");
        return;
    };
    let origin = Origin::start("a").await;
    let text = File::new().route("/api", &to(&origin)).route("/other", &to(&origin)).text();
    let fleet = Plan::new(Shape::Split).nodes(2).start(&text).await;
    let page = format!("http://{}/", fleet.controller.http());

    browser.open(&page).await;
    browser.shows("2/2 converged").await;
    let ids = [fleet.nodes[0].info().await.node_id, fleet.nodes[1].info().await.node_id];
    browser.shows(&ids[0]).await;
    let violations = "return performance.getEntriesByType('resource').filter((entry) => entry.responseStatus >= 400).length";
    assert_eq!(browser.run(violations).await, 0);
    browser.keep_picture("fleet").await;

    browser.press("Routes").await;
    browser.shows("/other").await;
    browser.type_into("Search", "api").await;
    browser.shows("1–1 of 1").await;
    browser.press("/api").await;
    browser.shows("/api: latency").await;
    browser.keep_picture("routes").await;

    browser.press("Upstreams").await;
    browser.shows(&origin.url()).await;
    browser.keep_picture("upstreams").await;

    browser.press("Events").await;
    browser.shows(&format!("{} is ready", ids[1])).await;
    browser.keep_picture("events").await;

    // Nobody reloads the page.
    fleet.file.save_by_rename("routes: {");
    browser.shows("the file is rejected").await;
    browser.press("Fleet").await;
    browser.shows("The file on disk is not served").await;
    browser.keep_picture("fleet-rejected-file").await;
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
