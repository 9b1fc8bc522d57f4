//! Tables far beyond one message.

use std::fmt::Write as _;

use harbr_tests::{Exposition, Fleet, Origin, Plan, Shape, get};

use crate::file::File;

const ROUTES: usize = 12_000;

/// Each route has a name long enough that the snapshot is larger than a gRPC message may be.
fn path(number: usize) -> String {
    format!("/{}/{number}", "long-segment-".repeat(16))
}

fn many_routes(origin: &Origin) -> String {
    let mut text = File::all_to(origin).text();
    for number in 0..ROUTES {
        writeln!(text, "  \"{}\": {{ upstream: pool }}", path(number)).unwrap();
    }
    writeln!(text, "upstreams:\n  pool: {{ endpoints: [\"{}\"] }}", origin.url()).unwrap();
    text
}

async fn bytes_sent(fleet: &Fleet, kind: &str) -> u64 {
    let metrics = Exposition::scrape(fleet.controller.http()).await;
    metrics.count("harbr_snapshot_bytes_sent_total", &[("kind", kind)])
}

#[tokio::test]
async fn thousands_of_routes_arrive_whole_and_an_edit_sends_what_changed() {
    let origin = Origin::start("a").await;
    let text = many_routes(&origin);
    let fleet = Plan::new(Shape::Split).with_state().start(&text).await;
    for number in [0, ROUTES / 2, ROUTES - 1] {
        let target = format!("{}/x", path(number));
        assert_eq!(get(fleet.addr(), &target).await.echo().target, target);
    }
    let full = bytes_sent(&fleet, "full").await;
    assert!(full > 4 << 20, "{full} bytes fit in one message");

    fleet.apply(&text.replacen("{ upstream: pool }", "{ upstream: pool, retry_count: 1 }", 1)).await;
    assert_eq!(bytes_sent(&fleet, "full").await, full, "all of it was sent again");
    let delta = bytes_sent(&fleet, "delta").await;
    assert!(delta > 0 && delta < 10_000, "one route cost {delta} bytes");
    assert_eq!(get(fleet.addr(), &path(0)).await.status, 200);
}

#[tokio::test]
async fn a_large_table_is_listed() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &many_routes(&origin)).await;
    let routes = fleet.json(&["get", "routes"]).await;
    assert_eq!(routes.as_array().unwrap().len(), ROUTES + 1);
}
