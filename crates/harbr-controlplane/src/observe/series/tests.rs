use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::gate::Counts;
use crate::observe::STEP;

/// A moment in the middle of a step.
fn moment(step: u64) -> SystemTime {
    UNIX_EPOCH + STEP * u32::try_from(1_000_000 + step).unwrap() + STEP / 2
}

fn happened(routes: &[(&str, u64, u64)]) -> Tally {
    let mut tally = Tally::default();
    for (route, requests, millis) in routes {
        let mut counts = Counts { requests: *requests, ..Counts::default() };
        (0..*requests).for_each(|_| counts.latency.record(Duration::from_millis(*millis)));
        tally.total.merge(&counts);
        tally.routes.insert((*route).into(), counts);
    }
    tally
}

#[test]
fn all_is_the_sum_of_what_nodes_report_and_each_route_is_by_itself() {
    let series = Series::default();
    series.add(&happened(&[("/a", 30, 2)]), moment(0));
    series.add(&happened(&[("/b", 15, 2)]), moment(0));
    assert_eq!(series.now(moment(1)).requests, 6.0);
    assert_eq!(series.now_by_route(moment(1))["/a"].requests, 4.0);
    assert_eq!(series.points(Some("/b"), moment(1)).points.last().unwrap().requests, 3.0);
    assert_eq!(series.points(Some("/c"), moment(1)).points.last().unwrap().requests, 0.0);
    assert!(series.now_by_route(moment(3)).is_empty());
}

#[test]
fn latencies_of_a_group_are_those_of_all_its_requests() {
    let series = Series::default();
    series.add(&happened(&[("/a", 90, 2), ("/b", 10, 50), ("/c", 5, 1)]), moment(0));
    let group_of = |route: &str| (route != "/c").then_some("both");
    let groups = series.now_by_group(moment(0), group_of);
    assert_eq!(groups.len(), 1);
    let millis = |latency: Option<Duration>| latency.unwrap().as_millis();
    assert_eq!((millis(groups["both"].p50), millis(groups["both"].p99) / 10), (2, 5));
}

#[test]
fn the_routes_that_rested_longest_make_room_for_new_ones() {
    let series = Series::default();
    for number in 0..MAX_ROUTES as u64 + 1 {
        let step = u64::from(number >= MAX_ROUTES as u64 / 2);
        series.add(&happened(&[(&format!("/{number}"), 1, 1)]), moment(step));
    }
    let tracks = series.tracks();
    assert!(tracks.routes.len() <= MAX_ROUTES);
    assert!(tracks.routes.contains_key(format!("/{MAX_ROUTES}").as_str()));
    assert!(tracks.routes.contains_key(format!("/{}", MAX_ROUTES / 2).as_str()));
}
