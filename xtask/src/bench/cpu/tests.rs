use super::{Duration, parse};

#[test]
fn user_and_system_time_are_added() {
    let stat = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 100 23 0 0 20 0 1 0";
    assert_eq!(parse(stat), Some(Duration::from_millis(1230)));
    assert_eq!(parse("42 (a)"), None);
}
