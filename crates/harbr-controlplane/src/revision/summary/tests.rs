use super::summary;
use crate::testing::compiled;

#[test]
fn a_change_is_told_in_a_line() {
    let of = |routes: &[(&str, &str)]| compiled(routes).snapshot;
    let before = of(&[("/a", "http://a"), ("/b", "http://b"), ("/c", "http://c")]);
    assert_eq!(summary(None, &before), "3 routes, 3 upstreams");
    assert_eq!(summary(Some(&before), &before), "nothing that nodes see");
    let after = of(&[("/a", "http://x"), ("/b", "http://b"), ("/d", "http://d")]);
    let expected = "route `/d` added; route `/c` removed; upstream `/d` added; upstream `/c` removed; upstream `/a` changed";
    assert_eq!(summary(Some(&before), &after), expected);
    let many = of(&[("/1", "http://a"), ("/2", "http://a"), ("/3", "http://a"), ("/4", "http://a")]);
    let told = summary(Some(&before), &many);
    assert!(
        told.starts_with("4 routes added: `/1`, `/2`, `/3`, …; 3 routes removed: `/a`, `/b`, `/c`;"),
        "{told}"
    );
}
