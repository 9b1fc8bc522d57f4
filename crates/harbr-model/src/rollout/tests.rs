use super::{InvalidShare, Share};

#[test]
fn a_share_is_a_count_or_a_percentage_rounded_up() {
    for (text, whole, expected) in
        [("1", 10, 1), ("5", 3, 3), ("0", 3, 0), ("10%", 10, 1), ("10%", 11, 2), ("1%", 1, 1), ("100%", 7, 7)]
    {
        let share: Share = text.parse().unwrap();
        assert_eq!(share.of(whole), expected, "{text} of {whole}");
        assert_eq!(share.to_string(), text);
    }
    for text in ["", "%", "0%", "101%", "-1", "1.5", "a"] {
        assert_eq!(text.parse::<Share>(), Err(InvalidShare), "{text}");
    }
}
