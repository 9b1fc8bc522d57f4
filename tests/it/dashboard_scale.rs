//! The dashboard in front of 1,000 nodes and 10,000 routes.

use std::time::{Duration, Instant};

use harbr_tests::{Browser, Fleet, Look, Origin, Plan, RawClient, Shape, SimulatedNodes, eventually};

use crate::dashboard::api;
use crate::file::{File, to};

const NODES: usize = 1_000;
const ROUTES: usize = 10_000;
/// What the stream of one page may cost.
const MAX_BYTES_PER_SECOND: f64 = 50_000.0;
const WATCHED: Duration = Duration::from_secs(10);

async fn many_nodes(fleet: &Fleet) -> SimulatedNodes {
    let routes: Vec<String> = (0..ROUTES).map(|number| format!("/r{number}")).collect();
    let nodes = SimulatedNodes::start(&format!("http://{}", fleet.controller.grpc()), NODES, &routes).await;
    eventually("all nodes are ready", async || {
        (api(fleet, "overview").await["nodes"]["ready"] == NODES + 1).then_some(())
    })
    .await;
    nodes
}

#[tokio::test]
async fn a_thousand_nodes_and_ten_thousand_routes_are_looked_at_page_by_page() {
    let origin = Origin::start("a").await;
    let routes =
        (0..ROUTES).fold(File::new(), |file, number| file.route(&format!("/r{number}"), &to(&origin)));
    let fleet = Plan::new(Shape::Split).start(&routes.text()).await;
    let nodes = many_nodes(&fleet).await;
    assert_eq!(nodes.count(), NODES);
    eventually("routes have traffic", async || {
        let routes = api(&fleet, "routes?sort=rate&limit=50").await;
        (routes["items"][49]["load"]["request_rate"].as_f64()? > 0.0).then_some(())
    })
    .await;
    let page = api(&fleet, "nodes?q=zone=a&limit=50").await;
    assert_eq!((page["total"].as_u64(), page["items"].as_array().map(Vec::len)), (Some(500), Some(50)));
    let page = api(&fleet, "routes?q=r99&limit=50").await;
    assert_eq!(page["total"], 111);

    let mut stream = RawClient::connect(fleet.controller.http()).await;
    stream.send("GET /api/v1/stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let began = Instant::now();
    let bytes = stream.read_for(WATCHED).await;
    let rate = bytes as f64 / began.elapsed().as_secs_f64();
    println!("the stream: {rate:.0} bytes/s");
    assert!(bytes > 0 && rate < MAX_BYTES_PER_SECOND, "{rate} bytes/s");

    let Some(browser) = Browser::start(Look::Light).await else {
        println!("skipped: chromedriver not found (apt-get install chromium chromium-driver)");
        return;
    };
    let page = format!("http://{}/", fleet.controller.http());
    browser.open(&page).await;
    browser.shows("of 1,001").await;
    // From the request for the page until its list of nodes could be used, by the browser's own clock.
    let interactive = browser.run("return performance.getEntriesByName('interactive')[0].startTime").await;
    println!("interactive after {interactive} ms");
    browser.keep_picture("fleet-of-a-thousand").await;
}
