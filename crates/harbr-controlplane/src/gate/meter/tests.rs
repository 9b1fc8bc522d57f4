use std::time::Duration;

use harbr_proto::{SnapshotHash, v1};
use tokio::time::Instant;

use super::{MAX_ROUTES, Meter, PAST};

fn hash(byte: u8) -> SnapshotHash {
    SnapshotHash::from_slice(&[byte; 32]).unwrap()
}

fn traffic(total: u64, routes: &[(&str, u64)]) -> v1::Traffic {
    let counts = |requests| Some(v1::Counts { requests, timeouts: requests / 10, ..Default::default() });
    let routes = routes
        .iter()
        .map(|(route, requests)| v1::RouteTraffic { route: (*route).to_owned(), counts: counts(*requests) });
    v1::Traffic { total: counts(total), routes: routes.collect() }
}

#[test]
fn what_is_new_is_given_once() {
    let (mut meter, now) = (Meter::default(), Instant::now());
    meter.note(traffic(100, &[("/a", 60)]), hash(1), true, now);
    meter.note(traffic(150, &[("/a", 80), ("/b", 30)]), hash(1), true, now);
    let new = meter.take(hash(1)).unwrap();
    assert_eq!((new.total.requests, new.total.timeouts), (150, 15));
    assert_eq!((new.routes["/a"].requests, new.routes["/b"].requests), (80, 30));
    assert_eq!(meter.take(hash(1)).unwrap().total.requests, 0);
    assert!(meter.take(hash(2)).is_none());
    // A route that is not in a report has nothing new.
    meter.note(traffic(160, &[]), hash(1), true, now);
    let new = meter.take(hash(1)).unwrap();
    assert_eq!((new.total.requests, new.routes.len()), (10, 0));
}

#[test]
fn what_was_counted_before_the_session_is_evidence_but_did_not_just_happen() {
    let (mut meter, now) = (Meter::new(Some(hash(1))), Instant::now());
    let happened = meter.note(traffic(100, &[("/a", 60)]), hash(1), true, now);
    assert_eq!((happened.total.requests, happened.routes.len()), (0, 0));
    let happened = meter.note(traffic(150, &[("/a", 80), ("/b", 30)]), hash(1), true, now);
    // When those to `/b` came is not known.
    assert_eq!((happened.total.requests, happened.routes["/a"].requests, happened.routes.len()), (50, 20, 1));
    assert_eq!(meter.take(hash(1)).unwrap().total.requests, 150);
    // What the session brought it was counted from its beginning.
    let happened = meter.note(traffic(7, &[("/a", 7)]), hash(2), false, now);
    assert_eq!((happened.total.requests, happened.routes["/a"].requests), (7, 7));
}

#[test]
fn counts_that_begin_anew_are_new() {
    let (mut meter, now) = (Meter::default(), Instant::now());
    meter.note(traffic(100, &[]), hash(1), true, now);
    meter.take(hash(1));
    // The same snapshot in a new process.
    meter.note(traffic(7, &[]), hash(1), true, now);
    assert_eq!(meter.take(hash(1)).unwrap().total.requests, 7);
    // Another snapshot, with more than before.
    meter.note(traffic(500, &[]), hash(2), false, now);
    assert_eq!(meter.take(hash(2)).unwrap().total.requests, 500);
}

#[test]
fn the_past_is_the_last_minute_of_what_the_fleet_serves_and_is_told_once_to_each_candidate() {
    let (mut meter, now) = (Meter::default(), Instant::now());
    meter.note(traffic(1_000, &[("/a", 1_000)]), hash(1), true, now);
    meter.note(traffic(1_010, &[("/a", 1_010)]), hash(1), true, now + PAST);
    meter.note(traffic(1_030, &[("/a", 1_030)]), hash(1), true, now + PAST * 2);
    meter.note(traffic(1_060, &[("/a", 1_060)]), hash(1), true, now + PAST * 2 + Duration::from_secs(1));
    // On trial: not a past to be compared with.
    meter.note(traffic(999, &[("/a", 999)]), hash(2), false, now + PAST * 2);
    let past = meter.take_past(hash(2)).unwrap();
    assert_eq!((past.total.requests, past.routes["/a"].requests), (60, 60));
    assert!(meter.take_past(hash(2)).is_none());
    assert!(meter.take_past(hash(3)).is_some());
}

#[test]
fn so_many_routes_are_kept() {
    let mut meter = Meter::default();
    let names: Vec<String> = (0..MAX_ROUTES + 9).map(|number| format!("/{number}")).collect();
    let routes: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    meter.note(traffic(5_000, &routes), hash(1), true, Instant::now());
    let new = meter.take(hash(1)).unwrap();
    assert_eq!((new.total.requests, new.routes.len()), (5_000, MAX_ROUTES));
}
