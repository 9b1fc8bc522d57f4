use super::compare::compare;
use super::*;
use crate::testing::{check_golden, pretty, subject};

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

fn plan() -> PlanDocument {
    compare(&subject("old.yml", OLD), &subject("new.yml", NEW))
}

#[test]
fn a_plan_says_what_changes_field_by_field() {
    check_golden("plan.json", &pretty(&plan()));
    check_golden("plan.txt", &text::text(&plan(), "new.yml", Paint::Plain));
}

#[test]
fn what_means_the_same_is_the_same_wherever_it_stands() {
    let moved =
        format!("# a comment\n{}", OLD.replace("timeout_ms: 1000", "timeout_ms: 1000, retry_count: 0"));
    let plan = compare(&subject("old.yml", OLD), &subject("new.yml", &moved));
    assert!(plan.same, "{plan:?}");
}

#[test]
fn each_quantity_can_stop_a_pipeline() {
    let plan = plan();
    let met = |condition: &str| condition.parse::<FailOn>().unwrap().is_met(&plan);
    for condition in [
        "routes.removed>1",
        "routes.added>=2",
        "routes.changed > 0",
        "upstreams.removed>0",
        "upstreams.changed>=1",
        "settings.changed>0",
        "warnings>=0",
    ] {
        assert!(met(condition), "{condition}");
    }
    for condition in
        ["routes.removed>2", "listeners.removed>0", "listeners.changed>0", "upstreams.added>0", "shadowed>0"]
    {
        assert!(!met(condition), "{condition}");
    }
    for text in ["", "routes.removed", "routes>0", "routes.removed>x", "routes.removed<1", "x>1"] {
        assert!(text.parse::<FailOn>().is_err(), "{text}");
    }
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
