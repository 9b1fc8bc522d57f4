use std::time::{Duration, SystemTime};

use prost_types::Timestamp;

use super::{Now, short};

#[test]
fn an_age_has_two_units_while_the_second_one_matters() {
    for (seconds, expected) in [
        (0, "0s"),
        (59, "59s"),
        (60, "1m0s"),
        (310, "5m10s"),
        (600, "10m"),
        (3_599, "59m"),
        (12_000, "3h20m"),
        (36_000, "10h"),
        (90_000, "1d1h"),
        (864_000, "10d"),
    ] {
        assert_eq!(short(Duration::from_secs(seconds)), expected, "{seconds}");
    }
}

#[test]
fn a_time_in_the_future_is_now_and_no_time_is_a_dash() {
    let now = Now::at(SystemTime::UNIX_EPOCH + Duration::from_secs(100));
    assert_eq!(now.age(Some(&Timestamp { seconds: 200, nanos: 0 })), "0s");
    assert_eq!(now.age(Some(&Timestamp { seconds: 58, nanos: 0 })), "42s");
    assert_eq!(now.age(None), "-");
}
