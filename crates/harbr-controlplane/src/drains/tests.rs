use std::time::Duration;

use harbr_proto::v1;

use super::{Candidate, Drained, Drains, RefusedDrain};
use crate::testing::compiled;

fn order() -> Drained {
    Drained { grace: Duration::from_secs(30), actor: "alice".to_owned(), reason: "disk".to_owned(), since: 1 }
}

fn node(id: &str, zone: &str, is_ready: bool) -> Candidate {
    let labels = vec![v1::Label { name: "zone".to_owned(), value: zone.to_owned() }];
    Candidate { id: id.to_owned(), labels, is_ready }
}

fn three() -> [Candidate; 3] {
    [node("node-1", "a", true), node("node-2", "b", true), node("node-3", "b", true)]
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn drained(drains: &Drains) -> Vec<&str> {
    drains.nodes.keys().map(String::as_str).collect()
}

#[test]
fn two_of_three_may_go_and_the_third_may_not() {
    let (mut drains, fleet) = (Drains::default(), three());
    assert_eq!(drains.drain_nodes(&texts(&["node-1"]), 1, &order(), &fleet).unwrap(), ["node-1"]);
    drains.drain_nodes(&texts(&["node-2"]), 1, &order(), &fleet).unwrap();
    let refused = drains.drain_nodes(&texts(&["node-3"]), 1, &order(), &fleet).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "0 ready nodes would remain without node-3, fewer than --keep 1; node-1, node-2 are drained"
    );
    assert_eq!(drained(&drains), ["node-1", "node-2"]);
    drains.drain_nodes(&texts(&["node-3"]), 0, &order(), &fleet).unwrap();
    // Again is no fewer.
    drains.drain_nodes(&texts(&["node-3"]), 1, &order(), &fleet).unwrap();
}

#[test]
fn together_they_count_together() {
    let (mut drains, fleet) = (Drains::default(), three());
    let all = texts(&["node-1", "node-2", "node-3"]);
    assert!(drains.drain_nodes(&all, 1, &order(), &fleet).is_err());
    assert!(drains.drain_nodes(&texts(&["zone=b"]), 2, &order(), &fleet).is_err());
    assert_eq!(drained(&drains), [""; 0]);
    assert_eq!(drains.drain_nodes(&texts(&["zone=b"]), 1, &order(), &fleet).unwrap(), ["node-2", "node-3"]);
}

#[test]
fn who_does_not_serve_is_not_missed_and_does_not_stay() {
    let mut drains = Drains::default();
    let fleet = [node("node-1", "a", true), node("node-2", "a", false)];
    drains.drain_nodes(&texts(&["node-2"]), 5, &order(), &fleet).unwrap();
    let refused = drains.drain_nodes(&texts(&["node-1"]), 1, &order(), &fleet);
    assert!(matches!(refused, Err(RefusedDrain::TooFewNodes { left: 0, .. })), "{refused:?}");
}

#[test]
fn what_is_not_there_is_said() {
    let (mut drains, fleet) = (Drains::default(), three());
    for (target, expected) in [
        ("node-9", RefusedDrain::NoNode("node-9".to_owned())),
        ("zone=z", RefusedDrain::NoMatch("zone=z".to_owned())),
        ("zone=a,tier=web", RefusedDrain::NoMatch("zone=a,tier=web".to_owned())),
        ("zone=a,", RefusedDrain::NoMatch("zone=a,".to_owned())),
    ] {
        assert_eq!(drains.drain_nodes(&texts(&[target]), 1, &order(), &fleet), Err(expected), "{target}");
    }
    assert_eq!(drains.drain_nodes(&[], 1, &order(), &fleet), Err(RefusedDrain::Nothing));
    let not_drained = RefusedDrain::NotDrained("node-1".to_owned());
    assert_eq!(drains.undrain_nodes(&texts(&["node-1"]), &fleet), Err(not_drained));
}

#[test]
fn what_was_drained_comes_back_by_name_or_by_labels_also_when_it_is_gone() {
    let (mut drains, fleet) = (Drains::default(), three());
    drains.drain_nodes(&texts(&["node-1", "node-2"]), 1, &order(), &fleet).unwrap();
    assert_eq!(drains.undrain_nodes(&texts(&["zone=b"]), &fleet).unwrap(), ["node-2"]);
    assert_eq!(drains.undrain_nodes(&texts(&["node-1"]), &[]).unwrap(), ["node-1"]);
    assert_eq!(drains, Drains::default());
}

#[test]
fn an_endpoint_is_drained_unless_it_is_its_upstreams_last() {
    let snapshot = &compiled(&[("/a", "http://a"), ("/b", "http://b")]).snapshot;
    let mut drains = Drains::default();
    let url = |name: &str| {
        let upstreams = snapshot.upstreams().values();
        let mut urls =
            upstreams.flat_map(|upstream| upstream.endpoints.iter()).map(|found| found.url.to_string());
        urls.find(|url| url.contains(name)).unwrap()
    };
    let refused = drains.drain_endpoints(&[url("//a")], 1, &order(), snapshot);
    assert!(matches!(refused, Err(RefusedDrain::TooFewEndpoints { left: 0, keep: 1, .. })), "{refused:?}");
    drains.drain_endpoints(&[url("//a")], 0, &order(), snapshot).unwrap();
    let unknown = RefusedDrain::NoEndpoint("http://c".to_owned());
    assert_eq!(drains.drain_endpoints(&texts(&["http://c"]), 0, &order(), snapshot), Err(unknown));
    let not_drained = RefusedDrain::NotDrained(url("//b"));
    assert_eq!(drains.undrain_endpoints(&[url("//b")]), Err(not_drained));
    drains.undrain_endpoints(&[url("//a")]).unwrap();
    assert_eq!(drains, Drains::default());
}
