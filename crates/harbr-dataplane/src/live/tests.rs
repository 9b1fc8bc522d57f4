use std::sync::Arc;

use harbr_model::Health;

use super::LiveTable;
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
fn an_endpoint_keeps_its_health_while_its_url_and_check_stay() {
    let soil = soil();
    let routes = || vec![route("/", "u", 0)];
    let before = build(&LiveTable::empty(), &soil, vec![upstream("u", &[(1, 1), (2, 1)], "/h")], routes());
    before.upstreams["u"].endpoints[0].set_health(Health::Unhealthy);

    let reweighted = build(&before, &soil, vec![upstream("u", &[(3, 1), (1, 9)], "/h")], routes());
    assert!(Arc::ptr_eq(&before.upstreams["u"].endpoints[0], &reweighted.upstreams["u"].endpoints[1]));

    let rechecked = build(&before, &soil, vec![upstream("u", &[(1, 1), (2, 1)], "/other")], routes());
    assert_eq!(rechecked.upstreams["u"].endpoints[0].health(), Health::Unknown);
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
