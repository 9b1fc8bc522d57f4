use harbr_model::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use super::{
    HopRequest, MAX_PASSES, NoForwardsLeft, Sender, Trust, address_value, client_by_trusted, grants,
    is_framing_clear, is_looping, set_request, set_request_id, spend_forward, strip_request, strip_response,
    strip_trailers,
};

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

fn sender<'a>(addr: &'a HeaderValue, host: Option<&'a HeaderValue>, version: Version) -> Sender<'a> {
    Sender { addr, scheme: Scheme::Http, certificate: None, host, version }
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
    assert_eq!(strip_request(&mut lines, Version::HTTP_11, Trust::No), HopRequest::default());
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
        let hop = strip_request(&mut lines, Version::HTTP_11, Trust::No);
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
    let hop = strip_request(&mut lines, Version::HTTP_11, Trust::No);
    let client = address_value("127.0.0.1".parse().unwrap());
    set_request(
        &mut lines,
        &sender(&client, Some(&HeaderValue::from_static("a.test")), Version::HTTP_11),
        &hop,
    );
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
    let hop = strip_request(&mut lines, Version::HTTP_11, Trust::Yes);
    let client = address_value("10.0.0.1".parse().unwrap());
    set_request(
        &mut lines,
        &sender(&client, Some(&HeaderValue::from_static("a.test")), Version::HTTP_11),
        &hop,
    );
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
    let mut lines = headers(&[("te", "gzip, trailers;q=0.5"), ("te", "Trailers")]);
    let hop = strip_request(&mut lines, Version::HTTP_11, Trust::No);
    assert!(lines.is_empty());
    set_request(&mut lines, &sender(&address_value("::1".parse().unwrap()), None, Version::HTTP_11), &hop);
    assert_eq!(lines.get("te").unwrap(), "trailers");
    assert_eq!(lines.get("connection").unwrap(), "te");
    assert!(!strip_request(&mut headers(&[("te", "gzip")]), Version::HTTP_11, Trust::No).wants_trailers);
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

#[test]
fn an_old_client_asks_for_no_other_protocol_and_no_continue() {
    let asked = |version| {
        let lines = [("connection", "upgrade"), ("upgrade", "websocket"), ("expect", "100-continue")];
        let mut lines = headers(&lines);
        let hop = strip_request(&mut lines, version, Trust::No);
        (hop.upgrade.is_some(), hop.expects_continue, lines.contains_key("expect"))
    };
    assert_eq!(asked(Version::HTTP_10), (false, false, false));
    assert_eq!(asked(Version::HTTP_11), (true, true, true));
}

#[test]
fn via_names_the_protocol_that_the_request_came_by() {
    let mut lines = HeaderMap::new();
    let client = address_value("::1".parse().unwrap());
    set_request(&mut lines, &sender(&client, None, Version::HTTP_10), &HopRequest::default());
    assert_eq!(lines.get("via").unwrap(), "1.0 harbr");
}

#[test]
fn a_request_that_came_by_too_often_goes_in_a_circle() {
    let passes = |count: usize| {
        let mut lines = HeaderMap::new();
        for _ in 0..count {
            lines.append("via", HeaderValue::from_static("1.1 other, 1.0 HARBR (x)"));
        }
        is_looping(&lines)
    };
    assert!(!passes(0) && !passes(MAX_PASSES - 1) && passes(MAX_PASSES));
    assert!(!is_looping(&headers(&[("via", "1.1 harbr.example, 1.1 xharbr, harbr")])));
}

#[test]
fn max_forwards_counts_down_for_options_only() {
    let spend = |method: Method, value: &'static str| {
        let mut lines = headers(&[("max-forwards", value)]);
        let spent = spend_forward(&mut lines, &method);
        spent.map(|()| lines.get("max-forwards").unwrap().to_str().unwrap().to_owned())
    };
    assert_eq!(spend(Method::OPTIONS, "2"), Ok("1".to_owned()));
    assert_eq!(spend(Method::OPTIONS, "0"), Err(NoForwardsLeft));
    assert_eq!(spend(Method::OPTIONS, "x"), Ok("x".to_owned()));
    assert_eq!(spend(Method::GET, "0"), Ok("0".to_owned()));
}

#[test]
fn a_response_is_framed_in_one_way_or_malformed() {
    let clear = |method: Method, status: u16, lines: &[(&'static str, &'static str)]| {
        is_framing_clear(&headers(lines), &method, StatusCode::from_u16(status).unwrap())
    };
    let both = [("transfer-encoding", "chunked"), ("content-length", "5")];
    for lines in [
        &both[..],
        &[("transfer-encoding", "gzip, chunked")],
        &[("transfer-encoding", "gzip")],
        &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
        &[("content-length", "5"), ("content-length", "5")],
        &[("content-length", "5, 5")],
        &[("content-length", "+5")],
    ] {
        assert!(!clear(Method::GET, 200, lines), "{lines:?}");
        assert!(clear(Method::HEAD, 200, lines) && clear(Method::GET, 304, lines), "{lines:?}");
    }
    assert!(clear(Method::GET, 200, &[("transfer-encoding", "Chunked")]));
    assert!(clear(Method::GET, 200, &[("content-length", "5")]));
    assert!(clear(Method::GET, 200, &[]));
}

#[test]
fn trailers_keep_what_may_come_late() {
    let mut lines = headers(&[
        ("x-sum", "1"),
        ("grpc-status", "0"),
        ("digest", "x"),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
        ("host", "evil"),
        ("authorization", "x"),
        ("cookie", "x"),
        ("x-forwarded-for", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
        ("if-match", "x"),
        ("connection", "x-sum"),
    ]);
    strip_trailers(&mut lines);
    assert_eq!(names(&lines), ["digest", "grpc-status", "x-sum"]);
}

#[test]
fn a_change_of_protocol_is_one_that_was_asked_for() {
    let granted = |asked: Option<&'static str>, lines: &[(&'static str, &'static str)]| {
        grants(asked.map(HeaderValue::from_static).as_ref(), &headers(lines))
    };
    assert!(granted(Some("websocket"), &[("upgrade", "WebSocket")]));
    assert!(granted(Some("foo, websocket"), &[("upgrade", "websocket")]));
    assert!(!granted(Some("websocket"), &[("upgrade", "other")]));
    assert!(!granted(Some("websocket"), &[]));
    assert!(!granted(None, &[("upgrade", "websocket")]));
}

#[test]
fn the_client_is_the_last_whom_no_trusted_proxy_is() {
    let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
    let client = |lines: &[&'static str]| {
        let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        client_by_trusted(&headers(&lines), &trusted).map(|addr| addr.to_string())
    };
    assert_eq!(client(&["192.0.2.7"]).as_deref(), Some("192.0.2.7"));
    assert_eq!(client(&["6.6.6.6, 192.0.2.7, 10.0.0.1"]).as_deref(), Some("192.0.2.7"));
    assert_eq!(client(&["6.6.6.6", "192.0.2.7:80", "[fd00::1]:80,10.0.0.1"]).as_deref(), Some("192.0.2.7"));
    assert_eq!(client(&["10.0.0.2, 10.0.0.1"]).as_deref(), Some("10.0.0.2"));
    assert_eq!(client(&["192.0.2.7, unknown, 10.0.0.1"]).as_deref(), Some("10.0.0.1"));
    assert_eq!(client(&[]), None);
}
