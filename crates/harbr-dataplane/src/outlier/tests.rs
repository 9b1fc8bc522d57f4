use std::time::Duration;

use harbr_model::OutlierPolicy;

use super::{Cause, Outlier, Seen, ejection_time};

fn policy() -> OutlierPolicy {
    OutlierPolicy { failures: 3, connect_failures: 2, ..OutlierPolicy::default() }
}

#[test]
fn so_many_in_a_row_are_a_cause_and_a_success_between_them_begins_anew() {
    use Seen::{ConnectFailure, Failure, Success};

    for (seen, expected) in [
        (&[Failure, Failure, Failure][..], Some(Cause::Failures)),
        (&[Failure, Failure, Success, Failure, Failure], None),
        (&[ConnectFailure, ConnectFailure], Some(Cause::ConnectFailures)),
        // It took a connection between them.
        (&[ConnectFailure, Failure, ConnectFailure], None),
        (&[Failure, Failure, ConnectFailure, Failure], Some(Cause::Failures)),
        // Counted anew after each.
        (&[Failure, Failure, Failure, Failure], None),
    ] {
        let outlier = Outlier::default();
        let last = seen.iter().map(|seen| outlier.note(*seen, &policy())).last().unwrap();
        assert_eq!(last, expected, "{seen:?}");
    }
}

#[test]
fn a_threshold_of_0_is_never_reached() {
    let never = OutlierPolicy { failures: 0, connect_failures: 0, ..policy() };
    let outlier = Outlier::default();
    for _attempt in 0..100 {
        assert_eq!(outlier.note(Seen::Failure, &never), None);
        assert_eq!(outlier.note(Seen::ConnectFailure, &never), None);
    }
}

#[test]
fn each_ejection_in_a_row_is_longer_up_to_a_limit() {
    let seconds = |times| ejection_time(&policy(), times, 0.0).as_secs();
    assert_eq!([1, 2, 3, 10, 11, u32::MAX].map(seconds), [30, 60, 90, 300, 300, 300]);
    assert_eq!(ejection_time(&policy(), 1, 1.0), Duration::from_secs(33));
}

#[test]
fn an_endpoint_is_out_for_its_time_and_not_longer() {
    let outlier = Outlier::default();
    assert_eq!(outlier.cause(), None);
    outlier.eject(Cause::ConnectFailures, &policy());
    assert_eq!(outlier.cause(), Some(Cause::ConnectFailures));
    outlier.pardon();
    assert_eq!(outlier.cause(), None);
    let brief = OutlierPolicy { base_time: Duration::from_millis(1), ..policy() };
    let again = Outlier::default();
    again.eject(Cause::Failures, &brief);
    while again.is_ejected() {
        std::thread::yield_now();
    }
    assert_eq!(again.cause(), None);
}
