use super::{Duration, parse_pss, parse_stat};

#[test]
fn user_and_system_time_are_added() {
    let stat = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 100 23 0 0 20 0 1 0";
    assert_eq!(parse_stat(stat), Some(Duration::from_millis(1230)));
    assert_eq!(parse_stat("42 (a)"), None);
}

#[test]
fn memory_is_in_kibibytes() {
    assert_eq!(
        parse_pss("5-6 ---p 0 00:00 0 [rollup]\nRss:  9 kB\nPss:                 12 kB\n"),
        Some(12 * 1024)
    );
    assert_eq!(parse_pss("Rss: 9 kB"), None);
}
