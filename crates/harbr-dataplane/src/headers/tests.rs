use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{HopRequest, Trust, address_value, set_request, set_request_id, strip_request, strip_response};

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn what_is_for_this_hop_goes_and_what_connection_names_too() {
    let mut lines = headers(&[
        ("connection", "close, X-Hop"),
        ("connection", "x-other"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("x-hop", "1"),
        ("x-other", "1"),
        ("x-kept", "1"),
    ]);
    assert_eq!(strip_request(&mut lines, Trust::No), HopRequest::default());
    assert_eq!(names(&lines), ["x-kept"]);
}

#[test]
fn connection_cannot_take_away_the_host_or_the_length() {
    let mut lines =
        headers(&[("connection", "host, content-length"), ("host", "a"), ("content-length", "5")]);
    strip_response(&mut lines, &Method::HEAD, StatusCode::OK);
    assert_eq!(names(&lines), ["content-length", "host"]);
}

#[test]
fn an_upgrade_is_asked_for_by_both_fields_and_never_to_h2c() {
    let asked = |connection, protocol| {
        let mut lines =
            headers(&[("connection", connection), ("upgrade", protocol), ("http2-settings", "x")]);
        let hop = strip_request(&mut lines, Trust::No);
        assert_eq!(names(&lines), [""; 0]);
        hop.upgrade
    };
    assert_eq!(asked("keep-alive, Upgrade", "websocket"), Some(HeaderValue::from_static("websocket")));
    assert_eq!(asked("keep-alive", "websocket"), None);
    assert_eq!(asked("upgrade, http2-settings", "h2c"), None);
}

#[test]
fn what_the_client_says_of_itself_is_replaced() {
    let mut lines = headers(&[
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-for", "7.7.7.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil"),
        ("x-real-ip", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
        ("via", "1.0 other"),
    ]);
    let hop = strip_request(&mut lines, Trust::No);
    let client = address_value("127.0.0.1".parse().unwrap());
    set_request(&mut lines, &client, Some(&HeaderValue::from_static("a.test")), &hop);
    let all =
        |name: &str| lines.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(all("x-forwarded-proto"), ["http"]);
    assert_eq!(all("x-forwarded-host"), ["a.test"]);
    assert_eq!(all("via"), ["1.0 other", "1.1 harbr"]);
    assert!(!lines.contains_key("x-real-ip") && !lines.contains_key("forwarded"));
}

#[test]
fn what_a_trusted_proxy_says_of_the_client_is_extended() {
    let mut lines = headers(&[
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "public.test"),
        ("x-real-ip", "192.0.2.7"),
    ]);
    let hop = strip_request(&mut lines, Trust::Yes);
    let client = address_value("10.0.0.1".parse().unwrap());
    set_request(&mut lines, &client, Some(&HeaderValue::from_static("a.test")), &hop);
    let all =
        |name: &str| lines.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(all("x-forwarded-for"), ["192.0.2.7", "10.0.0.1"]);
    assert_eq!(all("x-forwarded-proto"), ["https"]);
    assert_eq!(all("x-forwarded-host"), ["public.test"]);
    assert_eq!(all("x-real-ip"), ["192.0.2.7"]);
}

#[test]
fn a_request_id_is_kept_if_it_is_a_short_token() {
    let id = |value: &'static str| set_request_id(&mut headers(&[("x-request-id", value)]));
    assert_eq!(id("abc-123"), "abc-123");
    assert_eq!(id("a b").len(), 32);
    assert_eq!(id("").len(), 32);
    assert_eq!(set_request_id(&mut HeaderMap::new()).len(), 32);
}

#[test]
fn te_lets_trailers_through_and_nothing_else() {
    let mut lines =
        headers(&[("te", "gzip, trailers;q=0.5"), ("te", "Trailers"), ("expect", "100-continue")]);
    let hop = strip_request(&mut lines, Trust::No);
    assert!(lines.is_empty());
    set_request(&mut lines, &address_value("::1".parse().unwrap()), None, &hop);
    assert_eq!(lines.get("te").unwrap(), "trailers");
    assert_eq!(lines.get("connection").unwrap(), "te");
    assert!(!strip_request(&mut headers(&[("te", "gzip")]), Trust::No).wants_trailers);
}

#[test]
fn a_length_stays_only_where_there_is_no_body_and_it_is_one_number() {
    let kept = |method: Method, status: u16, lines: &[(&'static str, &'static str)]| {
        let mut lines = headers(lines);
        strip_response(&mut lines, &method, StatusCode::from_u16(status).unwrap());
        lines.contains_key("content-length")
    };
    assert!(kept(Method::HEAD, 200, &[("content-length", "5")]));
    assert!(kept(Method::GET, 304, &[("content-length", "5")]));
    assert!(!kept(Method::GET, 200, &[("content-length", "5")]));
    assert!(!kept(Method::HEAD, 200, &[("content-length", "5, 5")]));
    assert!(!kept(Method::HEAD, 200, &[("content-length", "5"), ("content-length", "5")]));
}
