use super::SampleShare;

fn share(text: &str) -> Option<u32> {
    text.parse().ok().map(SampleShare::to_per_million)
}

#[test]
fn a_share_is_a_percentage_with_at_most_four_decimals() {
    for (text, per_million) in [
        ("0%", 0),
        ("100%", 1_000_000),
        ("1%", 10_000),
        ("0.1%", 1_000),
        ("12.5%", 125_000),
        ("0.0001%", 1),
        ("099.99%", 999_900),
    ] {
        assert_eq!(share(text), Some(per_million), "{text}");
    }
    for text in
        ["", "%", "1", "101%", "100.0001%", "-1%", "+1%", "1.%", ".5%", "1.23456%", "1 %", "1e1%", "0001%"]
    {
        assert_eq!(share(text), None, "{text}");
    }
}

#[test]
fn a_share_is_shown_as_it_is_read() {
    for text in ["0%", "100%", "12.5%", "0.0001%", "7.03%"] {
        assert_eq!(text.parse::<SampleShare>().unwrap().to_string(), text);
    }
}

#[test]
fn all_takes_each_and_nothing_takes_none() {
    for drawn in [0, 1, u32::MAX / 2, u32::MAX] {
        assert!(SampleShare::ALL.takes(drawn));
        assert!(!SampleShare::per_million(0).unwrap().takes(drawn));
    }
    let half = SampleShare::per_million(500_000).unwrap();
    assert!(half.takes(u32::MAX / 2) && !half.takes(u32::MAX / 2 + 1));
}
