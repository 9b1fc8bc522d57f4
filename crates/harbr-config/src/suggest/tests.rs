use super::closest;

#[test]
fn finds_the_word_that_was_meant() {
    let keys = ["retry_count", "timeout_ms", "upstream", "rewrite"];
    for (text, meant) in [
        ("retry_cout", Some("retry_count")),
        ("retries_count", Some("retry_count")),
        ("timeoutMs", Some("timeout_ms")),
        ("timeout-ms", Some("timeout_ms")),
        ("Upstream", Some("upstream")),
        ("upstraem", Some("upstream")),
        ("weight", None),
        ("x", None),
        ("", None),
    ] {
        assert_eq!(closest(text, keys), meant, "{text}");
    }
}

#[test]
fn a_monstrous_word_is_not_compared() {
    let text = "a".repeat(100_000);
    assert_eq!(closest(&text, [text.as_str()]), None);
}
