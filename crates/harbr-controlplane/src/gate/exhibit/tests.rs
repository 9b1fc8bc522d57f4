use std::time::Duration;

use harbr_model::GatePolicy;

use super::*;
use crate::gate::{Counts, Tally, Traffic};

fn tally(routes: &[(&str, u64, u64)]) -> Tally {
    let mut tally = Tally::default();
    for (route, requests, failed) in routes {
        let counts = Counts { requests: *requests, own_errors: *failed, ..Counts::default() };
        tally.total.merge(&counts);
        tally.routes.insert((*route).into(), counts);
    }
    tally
}

#[test]
fn all_requests_come_first_and_then_the_route_with_the_most_against_it() {
    let mut gate = Gate::new(GatePolicy::default());
    let rest = tally(&[("/good", 400, 2), ("/bad", 400, 2)]);
    let wave = tally(&[("/good", 100, 0), ("/bad", 100, 3)]);
    gate.note(&Traffic { wave, rest, past: Tally::default() }, Duration::ZERO);
    let exhibits = gate.exhibits(3);
    let routes: Vec<_> = exhibits.iter().map(|exhibit| exhibit.route.as_deref()).collect();
    assert_eq!(routes, [None, Some("/bad"), Some("/good")]);
    assert_eq!((exhibits[1].wave.count, exhibits[1].wave.bad, exhibits[1].rest.bad), (100, 3, 2));
    assert!(exhibits[1].evidence > 0.0 && exhibits[1].evidence < 1.0, "{exhibits:?}");
    assert_eq!(exhibits[2].evidence, 0.0);
    assert!(gate.verdict().is_none());
}

#[test]
fn what_is_harm_has_all_the_evidence_that_is_needed() {
    let mut gate = Gate::new(GatePolicy::default());
    let (rest, wave) = (tally(&[("/", 400, 2)]), tally(&[("/", 100, 60)]));
    gate.note(&Traffic { wave, rest, past: Tally::default() }, Duration::ZERO);
    assert!(gate.verdict().is_some());
    assert!(gate.exhibits(1)[0].evidence >= 1.0);
    assert!(v1::Comparison::from(gate.exhibits(1).remove(0)).evidence_percent >= 100);
}
