use std::time::Duration;

use super::{FAIR_SHARE, is_stalled};

const IDLE: Duration = Duration::from_secs(60);
const LATE: Duration = Duration::from_secs(61);

#[test]
fn an_answer_is_stalled_when_nothing_moves_or_all_others_had_their_turn() {
    for (waited, passed, requests, expected) in [
        (Duration::from_secs(59), 0, 1, false),
        (LATE, 0, 1, true),
        // A byte now and then is no movement.
        (LATE, 60, 100, true),
        // 10 kB/s for a hundred downloads: each waits for more than a minute, and gets its share.
        (LATE, 610_000, 100, false),
        // The others go on, and this one alone does not.
        (LATE, 100 * FAIR_SHARE, 100, true),
        (LATE, FAIR_SHARE, 1, true),
    ] {
        assert_eq!(is_stalled(waited, IDLE, passed, requests), expected, "{waited:?} {passed} {requests}");
    }
}
