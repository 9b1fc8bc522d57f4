use std::sync::Arc;

use harbr_model::{Health, OutlierPolicy, Upstream};

use super::{LiveTable, LiveUpstream};
use crate::outlier::Seen;
use crate::testing::{build, route, soil, upstream};

#[test]
fn what_did_not_change_is_taken_over() {
    let soil = soil();
    let u = || upstream("u", &[(1, 1)], "/h");
    let before = build(&LiveTable::empty(), &soil, vec![u()], vec![route("/a", "u", 0), route("/b", "u", 0)]);
    let after = build(&before, &soil, vec![u()], vec![route("/a", "u", 0), route("/b", "u", 1)]);
    assert!(Arc::ptr_eq(&before.by_name["/a"], &after.by_name["/a"]));
    assert!(!Arc::ptr_eq(&before.by_name["/b"], &after.by_name["/b"]));
    assert!(Arc::ptr_eq(&before.by_name["/b"].stats, &after.by_name["/b"].stats));
}

#[test]
fn an_endpoint_stays_the_same_while_its_url_does() {
    let soil = soil();
    let routes = || vec![route("/", "u", 0)];
    let before = build(&LiveTable::empty(), &soil, vec![upstream("u", &[(1, 1), (2, 1)], "/h")], routes());
    let first = &before.upstreams["u"].endpoints[0];
    let reweighted = build(&before, &soil, vec![upstream("u", &[(3, 1), (1, 9)], "/h")], routes());
    assert!(Arc::ptr_eq(first, &reweighted.upstreams["u"].endpoints[1]));
    // Its pools and addresses have nothing to do with how it is probed.
    let rechecked = build(&before, &soil, vec![upstream("u", &[(1, 1), (2, 1)], "/other")], routes());
    assert!(Arc::ptr_eq(first, &rechecked.upstreams["u"].endpoints[0]));
}

#[test]
fn an_endpoint_that_was_tried_comes_again_only_when_no_other_serves() {
    let table = build(
        &LiveTable::empty(),
        &soil(),
        vec![upstream("u", &[(1, 1), (2, 1)], "/h")],
        vec![route("/", "u", 0)],
    );
    let upstream = &table.upstreams["u"];
    let [first, second] = &upstream.endpoints[..] else { panic!("two endpoints") };
    assert!(Arc::ptr_eq(upstream.pick(std::slice::from_ref(first)).unwrap(), second));
    second.set_health(Health::Unhealthy);
    assert!(Arc::ptr_eq(upstream.pick(std::slice::from_ref(first)).unwrap(), first));
    first.set_health(Health::Unhealthy);
    assert!(upstream.pick(&[]).is_none());
}

fn endpoints_of(policy: OutlierPolicy, panic_threshold: u32, count: u16) -> Arc<LiveUpstream> {
    let ports: Vec<_> = (1..=count).map(|port| (port, 1)).collect();
    let upstream = Upstream { panic_threshold, outlier: policy, ..upstream("u", &ports, "/h") };
    build(&LiveTable::empty(), &soil(), vec![upstream], vec![route("/", "u", 0)]).upstreams["u"].clone()
}

fn fail(upstream: &LiveUpstream, index: usize, times: u32) -> bool {
    (0..times).any(|_| upstream.note(&upstream.endpoints[index], Seen::Failure))
}

#[test]
fn an_endpoint_that_fails_in_a_row_is_out_but_never_too_many_and_never_the_last() {
    let five = OutlierPolicy::default();
    for (count, max_ejected, expected) in
        [(1, 100, 0), (2, 50, 1), (2, 49, 0), (2, 100, 1), (4, 50, 2), (10, 25, 2)]
    {
        let upstream = endpoints_of(OutlierPolicy { max_ejected, ..five.clone() }, 0, count);
        let ejected = (0..usize::from(count)).filter(|index| fail(&upstream, *index, 5)).count();
        assert_eq!(ejected, expected, "{count} endpoints, {max_ejected} %");
        let out = upstream.endpoints.iter().filter(|endpoint| upstream.is_ejected(endpoint)).count();
        assert_eq!(out, expected);
        for _pick in 0..50 {
            let picked = upstream.pick(&[]).unwrap();
            assert!(out == usize::from(count) || !upstream.is_ejected(picked));
        }
    }
    assert!(!fail(&endpoints_of(five, 0, 2), 0, 4));
}

#[test]
fn what_is_ejected_serves_when_the_prober_calls_all_others_unhealthy() {
    let upstream = endpoints_of(OutlierPolicy::default(), 0, 2);
    assert!(fail(&upstream, 0, 5));
    upstream.endpoints[1].set_health(Health::Unhealthy);
    assert_eq!(upstream.pick(&[]).unwrap().id, upstream.endpoints[0].id);
    upstream.endpoints[0].set_health(Health::Unhealthy);
    assert!(upstream.pick(&[]).is_none());
}

#[test]
fn a_drained_endpoint_gets_nothing_even_when_no_other_is_left() {
    let upstream = endpoints_of(OutlierPolicy::default(), 100, 2);
    upstream.endpoints[0].set_drained(true);
    assert!((0..20).all(|_| upstream.pick(&[]).unwrap().id == upstream.endpoints[1].id));
    upstream.endpoints[1].set_drained(true);
    assert!(upstream.pick(&[]).is_none());
}

#[test]
fn below_the_panic_threshold_all_endpoints_are_used() {
    for (threshold, unhealthy, expected) in [(0, 4, 0), (50, 2, 2), (50, 3, 4), (100, 1, 4), (1, 4, 4)] {
        let upstream = endpoints_of(OutlierPolicy::default(), threshold, 4);
        upstream.endpoints.iter().take(unhealthy).for_each(|endpoint| endpoint.set_health(Health::Unhealthy));
        upstream.weigh_health();
        let available = upstream.endpoints.iter().filter(|endpoint| upstream.is_available(endpoint)).count();
        assert_eq!(available, expected, "{threshold} %, {unhealthy} of 4 unhealthy");
    }
}
