use proptest::prelude::*;

use super::*;

#[test]
fn reads_durations() {
    for (text, milliseconds) in
        [("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0), ("007s", 7_000)]
    {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
    }
}

#[test]
fn reads_sizes() {
    for (text, bytes) in [
        ("100B", 100),
        ("64KiB", 65_536),
        ("10MiB", 10_485_760),
        ("1GiB", 1_073_741_824),
        ("1kB", 1_000),
        ("2MB", 2_000_000),
        ("3GB", 3_000_000_000),
    ] {
        assert_eq!(parse_size(text), Ok(bytes), "{text}");
    }
}

#[test]
fn says_what_is_wrong_with_an_amount() {
    use InvalidAmount::{NoUnit, Syntax, TooLarge, UnknownUnit};
    for (text, error) in [
        ("10", NoUnit),
        ("", Syntax),
        ("s", Syntax),
        ("-1s", Syntax),
        ("+1s", Syntax),
        ("1.5s", UnknownUnit),
        ("1 s", UnknownUnit),
        ("10sec", UnknownUnit),
        ("1m30s", UnknownUnit),
        ("10S", UnknownUnit),
        ("99999999999999999999s", TooLarge),
        ("18446744073709551615h", TooLarge),
        ("１s", Syntax),
    ] {
        assert_eq!(parse_duration(text), Err(error), "{text}");
    }
    assert_eq!(parse_size("10M"), Err(UnknownUnit));
    assert_eq!(parse_size("10KB"), Err(UnknownUnit));
}

proptest! {
    #[test]
    fn a_duration_that_was_written_is_read_back(milliseconds: u64) {
        let duration = Duration::from_millis(milliseconds);
        prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    }

    #[test]
    fn a_size_that_was_written_is_read_back(bytes in prop_oneof![any::<u64>(), (0_u64..4096).prop_map(|n| n << 20)]) {
        prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
    }
}
