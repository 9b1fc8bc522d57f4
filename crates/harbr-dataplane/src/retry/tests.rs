use http::StatusCode;

use super::Decision::{GiveUp, Resend, Retry};
use super::{Failure, Repeatable, RetryBudget, Tries, decide};

const GET: Repeatable = Repeatable { idempotent: true, replayable: true };
const POST: Repeatable = Repeatable { idempotent: false, replayable: true };
/// Its body is partly gone, too long to be kept.
const LARGE_PUT: Repeatable = Repeatable { idempotent: true, replayable: false };

const NONE: Tries = Tries { retries_left: 0, resent: false };
const ONE: Tries = Tries { retries_left: 1, resent: false };
const RESENT: Tries = Tries { retries_left: 1, resent: true };

#[test]
fn without_retries_only_the_safe_resend_is_left() {
    for (failure, request, expected) in [
        (Failure::UnsentOnReused, GET, Resend),
        (Failure::UnsentOnReused, POST, Resend),
        (Failure::UnsentOnReused, LARGE_PUT, GiveUp),
        (Failure::ResetOnReused, GET, Resend),
        (Failure::ResetOnReused, POST, GiveUp),
        (Failure::ResetOnReused, LARGE_PUT, GiveUp),
        (Failure::Unsent, GET, GiveUp),
        (Failure::Reset, GET, GiveUp),
        (Failure::Timeout, GET, GiveUp),
        (Failure::Status(StatusCode::SERVICE_UNAVAILABLE), GET, GiveUp),
    ] {
        assert_eq!(decide(failure, request, NONE), expected, "{failure:?} {request:?}");
    }
}

#[test]
fn with_retries_any_method_goes_again_while_nothing_was_written() {
    assert_eq!(decide(Failure::Unsent, POST, ONE), Retry);
    assert_eq!(decide(Failure::UnsentOnReused, POST, RESENT), Retry);
}

#[test]
fn what_was_written_goes_again_only_if_twice_means_the_same_as_once() {
    for failure in [Failure::Reset, Failure::Timeout, Failure::Status(StatusCode::BAD_GATEWAY)] {
        assert_eq!(decide(failure, GET, ONE), Retry, "{failure:?}");
        assert_eq!(decide(failure, POST, ONE), GiveUp, "{failure:?}");
        assert_eq!(decide(failure, LARGE_PUT, ONE), GiveUp, "{failure:?}");
    }
}

#[test]
fn a_status_that_says_what_is_wrong_with_the_request_is_final() {
    for status in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::NOT_FOUND, StatusCode::NOT_IMPLEMENTED] {
        assert_eq!(decide(Failure::Status(status), GET, ONE), GiveUp, "{status}");
    }
}

#[test]
fn a_resend_happens_once() {
    assert_eq!(decide(Failure::ResetOnReused, GET, Tries { retries_left: 0, resent: true }), GiveUp);
}

#[test]
fn retries_are_a_fifth_of_what_is_active_and_never_below_three() {
    let budget = RetryBudget::default();
    let few: Vec<_> = std::iter::from_fn(|| budget.retry()).collect();
    assert_eq!(few.len(), 3);
    drop(few);
    let _active: Vec<_> = (0..100).map(|_| budget.request()).collect();
    let many: Vec<_> = std::iter::from_fn(|| budget.retry()).collect();
    assert_eq!(many.len(), 20);
}
