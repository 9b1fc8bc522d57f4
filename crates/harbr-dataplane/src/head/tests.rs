use harbr_model::OddPaths;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Version};

use super::Target;

fn target(version: Version, uri: &str, hosts: &[&str]) -> String {
    let mut headers = HeaderMap::new();
    for host in hosts {
        headers.append(HOST, HeaderValue::from_str(host).unwrap());
    }
    let uri = uri.parse().unwrap();
    match Target::of(&Method::GET, &uri, version, &headers, OddPaths::default()) {
        Ok(target) => format!("{} {}", target.host(), target.path(&uri)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_host_is_one_and_valid() {
    for (hosts, expected) in [
        (&["a.test"][..], "a.test /x"),
        (&["a.test:80"], "a.test /x"),
        (&["a.test:"], "a.test /x"),
        (&["[::1]:80"], "[::1] /x"),
        (&[], "bad request: there is no host"),
        (&["a", "a"], "bad request: there is more than one host"),
        (&[""], "bad request: the host is malformed"),
        (&["a b"], "bad request: the host is malformed"),
        (&["a/b"], "bad request: the host is malformed"),
        (&["u@a"], "bad request: the host is malformed"),
        (&["a:80x"], "bad request: the host is malformed"),
        (&["a:+80"], "bad request: the host is malformed"),
        (&["a:65536"], "bad request: the host is malformed"),
        (&["a,b"], "bad request: the host is malformed"),
        (&["[::1"], "bad request: the host is malformed"),
        (&["[::1]x"], "bad request: the host is malformed"),
    ] {
        assert_eq!(target(Version::HTTP_11, "/x", hosts), expected, "{hosts:?}");
    }
}

#[test]
fn an_old_client_may_name_no_host() {
    assert_eq!(target(Version::HTTP_10, "/x", &[]), " /x");
}

#[test]
fn the_absolute_form_must_agree_with_the_host() {
    assert_eq!(target(Version::HTTP_11, "http://a.test/x", &["A.test"]), "a.test /x");
    assert_eq!(
        target(Version::HTTP_11, "http://b.test/x", &["a.test"]),
        "bad request: the target contradicts the host"
    );
}

#[test]
fn what_is_no_path_is_refused() {
    assert_eq!(target(Version::HTTP_11, "a.test:80", &["a.test"]), "bad request: the target is no path");
    assert_eq!(target(Version::HTTP_11, "ftp://a.test/", &["a.test"]), "bad request: the target is no path");
    assert_eq!(target(Version::HTTP_11, "*", &["a.test"]), "bad request: the path is malformed");
    assert_eq!(target(Version::HTTP_11, "/../x", &["a.test"]), "bad request: the path is malformed");
}

#[test]
fn a_body_is_framed_in_one_way_or_not_at_all() {
    let target = |version: Version, lines: &[(&'static str, &'static str)]| {
        let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("a.test"))]);
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Target::of(&Method::POST, &"/".parse().unwrap(), version, &headers, OddPaths::default()).is_ok()
    };
    assert!(target(Version::HTTP_11, &[("transfer-encoding", "Chunked")]));
    assert!(target(Version::HTTP_11, &[("content-length", "5")]));
    for lines in [
        &[("transfer-encoding", "identity"), ("transfer-encoding", "chunked")][..],
        &[("transfer-encoding", "gzip, chunked")],
        &[("transfer-encoding", "identity")],
        &[("transfer-encoding", "chunked"), ("content-length", "5")],
        &[("content-length", "5"), ("content-length", "5")],
        &[("content-length", "5, 5")],
    ] {
        assert!(!target(Version::HTTP_11, lines), "{lines:?}");
    }
    assert!(!target(Version::HTTP_10, &[("transfer-encoding", "chunked")]));
}

#[test]
fn a_target_has_a_limit() {
    let path = |length| format!("/{}", "x".repeat(length));
    assert!(target(Version::HTTP_11, &path(32 * 1024 - 1), &["a"]).starts_with("a /"));
    assert_eq!(target(Version::HTTP_11, &path(32 * 1024), &["a"]), "the target is too long");
}

#[test]
fn a_request_has_a_place_by_https() {
    let place = |hosts: &[&str], uri: &str, port| {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        }
        let uri = uri.parse().unwrap();
        let target =
            Target::of(&Method::POST, &uri, Version::HTTP_10, &headers, OddPaths::default()).unwrap();
        target
            .by_https(&uri, port)
            .map(|url| url.to_str().unwrap().to_owned())
            .map_err(|error| error.to_string())
    };
    for (hosts, uri, port, expected) in [
        (&["a.test:80"][..], "/x?y=%20", 443, "https://a.test/x?y=%20"),
        (&["[::1]"], "/a/../b", 8443, "https://[::1]:8443/a/../b"),
        (&["a.test"], "//evil.test/", 443, "https://a.test//evil.test/"),
        (&["a.test"], "http://a.test", 443, "https://a.test/"),
    ] {
        assert_eq!(place(hosts, uri, port).as_deref(), Ok(expected));
    }
    assert!(place(&[], "/", 443).is_err());
}
