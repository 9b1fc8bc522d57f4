use std::time::Duration;

use super::parse_duration;

#[test]
fn durations_have_a_number_and_a_unit() {
    for (text, milliseconds) in
        [("30s", 30_000), ("250ms", 250), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0)]
    {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
    }
    for text in
        ["", "s", "30", "-1s", "1.5s", "30 s", "30S", "99999999999999999999s", "25h", "18446744073709551615h"]
    {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}
