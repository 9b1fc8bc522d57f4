use super::compare::compare;
use super::*;
use crate::testing::{check_golden, pretty, sampled, subject};
use crate::traffic::Traffic;

const OLD: &str = "\
upstreams:
  shop: {endpoints: [\"http://10.0.0.1\", \"http://10.0.0.2\"], health_check: {path: /health}}
  gone: {endpoints: [\"http://10.0.0.9\"]}
routes:
  /: {upstream: shop}
  /api: {upstream: shop, timeout_ms: 1000}
  /api/old: {upstream: gone}
  b.test/x: {upstream: gone}
";

const NEW: &str = "\
access_log: text
upstreams:
  shop:
    endpoints: [{url: \"http://10.0.0.1\", weight: 2}, \"http://10.0.0.3\"]
    health_check: {path: /health, interval: 20s}
routes:
  # A comment moves all lines.
  /: {upstream: shop}
  /api: {upstream: shop, retry_count: 1, headers: {request: {set: {x-a: b}}}}
  /api/v2: {upstream: shop}
  b.test/: {upstream: shop}
";

/// 140 requests in ten minutes, as six that are remembered.
fn traffic() -> Traffic {
    let requests = vec![
        sampled("GET", "a.test", "/", 30.0),
        sampled("GET", "a.test", "/api/x", 30.0),
        sampled("POST", "a.test", "/api/v2/x", 20.0),
        sampled("GET", "a.test", "/api/old/1", 20.0),
        sampled("GET", "a.test", "/api/old/2", 10.0),
        sampled("GET", "b.test", "/x", 30.0),
    ];
    let window = std::time::Duration::from_secs(600);
    Traffic { requests, window, nodes: ["proxy-1".to_owned()].into(), silent: vec!["proxy-2".to_owned()] }
}

/// With what becomes of some requests.
fn plan() -> PlanDocument {
    let (old, new) = (subject("old.yml", OLD), subject("new.yml", NEW));
    let plan = compare(&old, &new);
    let traffic = Some(effect::effect(&old, &new, &plan, &traffic()));
    PlanDocument { traffic, ..plan }
}

#[test]
fn a_plan_says_what_changes_field_by_field() {
    check_golden("plan.json", &pretty(&plan()));
    check_golden("plan.txt", &text::text(&plan(), "new.yml", None, Paint::Plain));
}

#[test]
fn what_means_the_same_is_the_same_wherever_it_stands() {
    let moved =
        format!("# a comment\n{}", OLD.replace("timeout_ms: 1000", "timeout_ms: 1000, retry_count: 0"));
    let plan = compare(&subject("old.yml", OLD), &subject("new.yml", &moved));
    assert!(plan.same, "{plan:?}");
}

#[test]
fn where_no_traffic_is_known_it_is_said_why() {
    let without = PlanDocument { traffic: None, ..plan() };
    let text = text::text(&without, "new.yml", Some("it is off"), Paint::Plain);
    assert!(text.contains("\nno traffic to try it on: it is off\n"), "{text}");
}

#[test]
fn each_quantity_can_stop_a_pipeline() {
    let plan = plan();
    let met = |condition: &str| condition.parse::<FailOn>().unwrap().is_met(&plan, None).unwrap();
    for condition in [
        "routes.removed>1",
        "routes.added>=2",
        "routes.changed > 0",
        "upstreams.removed>0",
        "upstreams.changed>=1",
        "settings.changed>0",
        "warnings>=0",
        "warnings<1",
        "upstream>0",
        "upstream>=60",
        "upstream > 42.8%",
        "upstream>=0.1/s",
        "changed<=80",
        "edited>0",
        "sampled<100",
    ] {
        assert!(met(condition), "{condition}");
    }
    for condition in [
        "routes.removed>2",
        "listeners.removed>0",
        "listeners.changed>0",
        "upstreams.added>0",
        "shadowed>0",
        "404>0",
        "405>=0.1%",
        "upstream>60",
        "upstream>42.9%",
        "changed>0.2/s",
        "routed>0",
        "sampled>6",
    ] {
        assert!(!met(condition), "{condition}");
    }
    for text in ["", "routes.removed", "routes>0", "routes.removed>x", "x>1", "404>-1", "404>NaN", "404>1/m"]
    {
        assert!(text.parse::<FailOn>().is_err(), "{text}");
    }
    for text in ["routes.removed>5%", "sampled>1/s"] {
        assert!(text.parse::<FailOn>().unwrap_err().contains("a number of things"), "{text}");
    }
    assert_eq!("upsteam>1".parse::<FailOn>().unwrap_err(), "there is no `upsteam`: did you mean `upstream`?");
    for text in ["404>0", "changed>=2.5%", "405<1/s", "routes.removed<=3"] {
        assert_eq!(text.parse::<FailOn>().unwrap().to_string(), text);
    }
}

#[test]
fn a_condition_on_traffic_that_is_not_known_is_an_error_and_not_a_pass() {
    let without = PlanDocument { traffic: None, ..plan() };
    let decide = |condition: &str| condition.parse::<FailOn>().unwrap().is_met(&without, Some("it is off"));
    let error = decide("404>0").unwrap_err().to_string();
    assert_eq!(error, "--fail-on 404>0 needs a traffic sample, and there is none: it is off");
    assert!(decide("sampled<1").unwrap());
    assert!(decide("routes.removed>1").unwrap());
}

#[test]
fn ten_thousand_routes_are_compared_in_a_moment() {
    let routes = |timeout: u32| -> String {
        let route = |number| format!("  /r{number}: {{upstream: \"http://a\", timeout_ms: {timeout}}}\n");
        "routes:\n".to_owned() + &(0..10_000).map(route).collect::<String>()
    };
    let plan = compare(&subject("old.yml", &routes(1)), &subject("new.yml", &routes(2)));
    assert_eq!((plan.routes.changed.len(), plan.routes.changed[0].fields.len()), (10_000, 1));
}
