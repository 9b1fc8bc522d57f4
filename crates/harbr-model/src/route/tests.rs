use super::{HostPattern, InvalidHostPattern, InvalidPathPrefix, PathPrefix};

#[test]
fn a_host_is_exact_or_a_wildcard_of_whole_labels() {
    assert_eq!(HostPattern::parse("API.example.com"), Ok(HostPattern::Exact("api.example.com".into())));
    assert_eq!(HostPattern::parse("*.example.com"), Ok(HostPattern::Wildcard("example.com".into())));
    assert_eq!(HostPattern::parse("[::1]"), Ok(HostPattern::Exact("[::1]".into())));
    for (text, expected) in [
        ("a*.example.com", InvalidHostPattern::Wildcard),
        ("*", InvalidHostPattern::Wildcard),
        ("a..b", InvalidHostPattern::Syntax),
        ("a.test:80", InvalidHostPattern::Syntax),
        ("a b", InvalidHostPattern::Syntax),
        ("*.[::1]", InvalidHostPattern::Syntax),
        ("", InvalidHostPattern::Syntax),
    ] {
        assert_eq!(HostPattern::parse(text), Err(expected), "{text}");
    }
}

#[test]
fn a_trailing_slash_means_the_same_prefix() {
    assert_eq!(PathPrefix::parse("/api/"), PathPrefix::parse("/api"));
    assert_eq!(PathPrefix::parse("/").unwrap().to_string(), "/");
    assert_eq!(PathPrefix::parse("/api/").unwrap().to_string(), "/api");
}

#[test]
fn what_no_request_could_match_is_refused() {
    for (text, expected) in [
        ("api", InvalidPathPrefix::NoSlash),
        ("", InvalidPathPrefix::NoSlash),
        ("/a?b", InvalidPathPrefix::QueryOrFragment),
        ("/a#b", InvalidPathPrefix::QueryOrFragment),
        ("/a b", InvalidPathPrefix::Syntax),
        ("/é", InvalidPathPrefix::Syntax),
        ("/a/../b", InvalidPathPrefix::NotNormal),
    ] {
        assert_eq!(PathPrefix::parse(text), Err(expected), "{text}");
    }
}
