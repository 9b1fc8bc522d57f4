use fastrand::Rng;
use harbr_model::{OddPaths, Scheme};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};

use super::input::{damage, pick, words};
use crate::head::Target;
use harbr_routing::headers::{self, HopRequest, Sender, Trust};

const TARGETS: &[&str] = &[
    "/",
    "/a",
    "/a/../b",
    "/%61",
    "/a%2fb",
    "//",
    "/x?y=../%2e",
    "http://a.test/x",
    "http://b.test/",
    "*",
    "a:80",
    "/\\",
    "/%00",
    "/é",
    "/a;b",
    "/..",
    "HTTP://A.TEST",
    "http://u@a.test/",
];
const LINES: &[&str] = &[
    "Host: a.test\r\n",
    "host: A.test:80\r\n",
    "Host: [::1]\r\n",
    "Host: a, b\r\n",
    "Connection: close\r\n",
    "Connection: X-Hop, host, content-length\r\n",
    "connection: upgrade\r\n",
    "X-Hop: 1\r\n",
    "Upgrade: websocket\r\n",
    "Upgrade: h2c\r\n",
    "HTTP2-Settings: x\r\n",
    "TE: trailers\r\n",
    "TE: gzip\r\n",
    "Keep-Alive: x\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: +5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: x, chunked\r\n",
    "Expect: 100-continue\r\n",
    "X-Forwarded-For: 6.6.6.6\r\n",
    "Forwarded: for=x\r\n",
    "Via: 1.1 harbr\r\n",
    "X-Request-Id: abc\r\n",
    "X: \t y \r\n",
    "Cookie: a=b\r\n",
    "Proxy-Authorization: x\r\n",
    "Max-Forwards: 3\r\n",
    "X-É: 1\r\n",
    "X: é\r\n",
];

#[derive(Debug, PartialEq)]
struct Parsed {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
}

/// What is forwarded reads as the same request, and is not changed a second time.
#[test]
fn what_is_forwarded_reads_as_the_same_request() {
    super::run(|rng| {
        let head = head(rng);
        let Some(request) = parse(&head) else { return };
        let Parsed { method, uri, version, headers } = &request;
        let Ok(target) = Target::of(method, uri, *version, headers, OddPaths::default()) else { return };
        let trust = if rng.bool() { Trust::Yes } else { Trust::No };
        let text = String::from_utf8_lossy(&head);
        let (written, hop) = forward(&request, &target, trust);
        let again = parse(&written).unwrap_or_else(|| panic!("{text:?} was sent on as what is no request"));
        let target_again =
            Target::of(&again.method, &again.uri, again.version, &again.headers, OddPaths::default());
        let target_again = target_again.unwrap_or_else(|error| panic!("{text:?} was sent on as {error}"));
        assert_eq!(again.method, *method, "{text:?}");
        assert_eq!(target_again.path(&again.uri), target.path(uri), "{text:?}");
        assert_eq!(again.uri.path(), target.path(uri), "{text:?}: what is matched is what is forwarded");
        assert_eq!(again.uri.query(), uri.query(), "{text:?}");
        assert_eq!(target_again.host().to_ascii_lowercase(), expected_host(&target), "{text:?}");
        check_fields(&again.headers, &hop, &text);
        let mut twice = again.headers.clone();
        let hop_again = headers::strip_request(&mut twice, Version::HTTP_11, Trust::Yes);
        assert_eq!(hop_again.upgrade, hop.upgrade, "{text:?}");
        assert_eq!(hop_again.wants_trailers, hop.wants_trailers, "{text:?}");
    });
}

fn check_fields(headers: &HeaderMap, hop: &HopRequest, text: &str) {
    assert_eq!(headers.get_all(HOST).iter().count(), 1, "{text:?}");
    for name in ["keep-alive", "proxy-connection", "proxy-authorization", "http2-settings"] {
        assert!(!headers.contains_key(name), "{name} of {text:?}");
    }
    assert!(!headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING), "{text:?}");
    assert_eq!(headers.contains_key("upgrade"), hop.upgrade.is_some(), "{text:?}");
    assert_eq!(headers.contains_key(CONNECTION), hop.upgrade.is_some() || hop.wants_trailers, "{text:?}");
    assert!(headers.contains_key("x-forwarded-for") && headers.contains_key("via"), "{text:?}");
}

fn expected_host(target: &Target) -> String {
    if target.authority.is_some() { target.host().to_ascii_lowercase() } else { "upstream.test".to_owned() }
}

fn head(rng: &mut Rng) -> Vec<u8> {
    let method = pick(rng, &["GET", "POST", "OPTIONS", "FROB", "get", "TRACE", "CONNECT"]);
    let version = pick(rng, &["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]);
    let mut head = format!("{method} {} {version}\r\n", pick(rng, TARGETS)).into_bytes();
    if rng.u8(..4) > 0 {
        head.extend_from_slice(b"Host: a.test\r\n");
    }
    head.extend(words(rng, LINES, 8));
    head.extend_from_slice(b"\r\n");
    damage(rng, &mut head);
    head
}

/// As hyper does.
fn parse(head: &[u8]) -> Option<Parsed> {
    let mut lines = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut lines);
    if !request.parse(head).ok()?.is_complete() {
        return None;
    }
    let mut headers = HeaderMap::new();
    for line in request.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(line.value).ok()?);
    }
    let version = if request.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    Some(Parsed { method: request.method?.parse().ok()?, uri: request.path?.parse().ok()?, version, headers })
}

/// The head as the upstream gets it, but for the framing of its body.
fn forward(request: &Parsed, target: &Target, trust: Trust) -> (Vec<u8>, HopRequest) {
    let mut headers = request.headers.clone();
    let hop = headers::strip_request(&mut headers, request.version, trust);
    headers::set_request_id(&mut headers);
    let client = headers::address_value([192, 0, 2, 1].into());
    let host = target.authority.as_ref();
    let (scheme, version) = (Scheme::Http, request.version);
    let sender = Sender { addr: &client, scheme, certificate: None, host, version };
    headers::set_request(&mut headers, &sender, &hop);
    let host = target.authority.clone().unwrap_or(HeaderValue::from_static("upstream.test"));
    headers.insert(HOST, host);
    let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = target.path(&request.uri);
    let mut written = format!("{} {path}{query} HTTP/1.1\r\n", request.method).into_bytes();
    for (name, value) in &headers {
        written.extend_from_slice(name.as_str().as_bytes());
        written.extend_from_slice(b": ");
        written.extend_from_slice(value.as_bytes());
        written.extend_from_slice(b"\r\n");
    }
    written.extend_from_slice(b"\r\n");
    (written, hop)
}
