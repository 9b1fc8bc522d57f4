use std::time::Duration;

use harbr_proto::v1;

use super::Directives;

fn every(seconds: i64, nanos: i32) -> Duration {
    let report_every = Some(prost_types::Duration { seconds, nanos });
    Directives::from(v1::Directives { report_every, ..v1::Directives::default() }).report_every
}

#[test]
fn reports_are_as_frequent_as_asked_within_bounds() {
    assert_eq!(every(0, 250_000_000), Duration::from_millis(250));
    assert_eq!(every(0, 1), Duration::from_millis(100));
    assert_eq!(every(3_600, 0), Duration::from_secs(2));
    assert_eq!(every(-1, 0), Duration::from_secs(2));
}

#[test]
fn what_is_not_said_is_not_wanted() {
    assert_eq!(Directives::from(v1::Directives::default()), Directives::default());
    let drain = Some(v1::Drain { grace: None });
    let drained = Directives::from(v1::Directives { drain, ..v1::Directives::default() });
    assert_eq!(drained.drain, Some(Duration::from_secs(30)));
}
