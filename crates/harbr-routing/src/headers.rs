//! What becomes of header fields on the way through (RFC 9110, 7.6). A request id is drawn at random; all else
//! follows from what is given.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use harbr_model::{HeaderEdits, Network, Scheme};
use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, MAX_FORWARDS, TE, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

const X_FORWARDED_CLIENT_CERT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the proxy in `Via`.
const PSEUDONYM: &str = "harbr";
/// How often a request may pass proxies of this kind: chains are short, circles have no end.
const MAX_PASSES: usize = 10;

/// Fields that most requests leave with beside those that they came with.
pub const MOST_ADDED: usize = 5;

/// What a request asked of this hop, as far as the next one must be asked the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct HopRequest {
    /// The protocols that the client asks to change to.
    pub upgrade: Option<HeaderValue>,
    pub wants_trailers: bool,
    /// The client sends its body once it is told to.
    pub expects_continue: bool,
}

/// Who sent a request, and how, as the upstream is told.
#[derive(Debug)]
pub struct Sender<'a> {
    pub addr: &'a HeaderValue,
    pub scheme: Scheme,
    /// Of the client's certificate, if it showed one.
    pub certificate: Option<&'a HeaderValue>,
    pub host: Option<&'a HeaderValue>,
    pub version: Version,
}

/// Whether the client's word on those before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    Yes,
    No,
}

/// Takes out of a request what is for this hop only, what is made anew (framing) or is for this proxy
/// (credentials), and what a client that is not trusted says of its own way here. An HTTP/1.0 client can ask for
/// neither another protocol nor a `100 Continue` (RFC 9110, 7.8 and 10.1.1).
pub fn strip_request(headers: &mut HeaderMap, version: Version, trust: Trust) -> HopRequest {
    let is_old = version <= Version::HTTP_10;
    let stripped = named(headers, |name| {
        is_hop_by_hop(name)
            || matches!(name, "content-length" | "proxy-authorization" | "te")
            || is_old && name == "expect"
            || trust == Trust::No && is_about_the_client(name)
    });
    let expects_continue = !is_old
        && headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if stripped.is_empty() {
        return HopRequest { expects_continue, ..HopRequest::default() };
    }
    let wants_trailers = headers.get_all(TE).iter().any(lets_trailers_through);
    let upgrade = strip_named_by_connection(headers).filter(|_| !is_old);
    remove(headers, stripped);
    HopRequest { upgrade, wants_trailers, expects_continue }
}

/// HTTP/2 lets a client send its cookies in pieces; other protocols have one field of them (RFC 9113, 8.2.3).
pub fn join_cookies(headers: &mut HeaderMap) {
    let mut pieces = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let (Some(first), Some(second)) = (pieces.next(), pieces.next()) else { return };
    let joined = [first, second].into_iter().chain(pieces).collect::<Vec<_>>().join(&b"; "[..]);
    let joined = HeaderValue::from_bytes(&joined).expect("valid values and a separator are a valid value");
    headers.insert(COOKIE, joined);
}

/// Takes out what HTTP/2 says by other means, or cannot say (RFC 9113, 8.2.2 and 8.3.1).
pub fn strip_for_http2(headers: &mut HeaderMap) {
    for name in [CONNECTION, HOST, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}

/// Takes out of a response what is for this hop only, and its framing, which is made anew from its body. Only
/// where there is none, its length is the upstream's word about what another request would get.
pub fn strip_response(headers: &mut HeaderMap, method: &Method, status: StatusCode) {
    let describes_another = *method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    let keeps_length = describes_another && has_one_length(headers);
    let stripped = named(headers, |name| {
        is_hop_by_hop(name) || name == "proxy-authenticate" || name == "content-length" && !keeps_length
    });
    if stripped.contains(&CONNECTION) {
        strip_named_by_connection(headers);
    }
    remove(headers, stripped);
}

/// RFC 9112, 6.3: a response's body is framed in one way that nobody can read as another. Where none follows,
/// nothing depends on it.
pub fn is_framing_clear(headers: &HeaderMap, method: &Method, status: StatusCode) -> bool {
    let has_no_body = *method == Method::HEAD
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        _ if has_no_body => true,
        (None, _) => !headers.contains_key(CONTENT_LENGTH) || has_one_length(headers),
        (Some(coding), None) => {
            coding.as_bytes().eq_ignore_ascii_case(b"chunked") && !headers.contains_key(CONTENT_LENGTH)
        }
        (Some(_), Some(_)) => false,
    }
}

/// Takes out of trailers what must come before the body, or not at all: framing, routing, credentials, the
/// body's own description, what controls a cache or a request (RFC 9110, 6.5.1).
pub fn strip_trailers(trailers: &mut HeaderMap) {
    let stripped = named(trailers, |name| {
        is_hop_by_hop(name)
            || is_about_the_client(name)
            || is_for_the_head(name)
            || name.starts_with("content-")
            || name.starts_with("if-")
    });
    remove(trailers, stripped);
}

/// The request has come by here so often that it would not end.
pub fn is_looping(headers: &HeaderMap) -> bool {
    let hops = headers.get_all(VIA).iter().filter_map(|value| value.to_str().ok());
    let ours = hops.flat_map(|value| value.split(',')).filter(|hop| {
        let mut words = hop.split_ascii_whitespace();
        words.nth(1).is_some_and(|name| name.eq_ignore_ascii_case(PSEUDONYM))
    });
    ours.take(MAX_PASSES).count() == MAX_PASSES
}

/// Counts this hop where a request limits them (RFC 9110, 7.6.2). `Err`: it is to be answered here.
pub fn spend_forward(headers: &mut HeaderMap, method: &Method) -> Result<(), NoForwardsLeft> {
    if *method != Method::OPTIONS {
        return Ok(());
    }
    let left: Option<u32> =
        headers.get(MAX_FORWARDS).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    match left {
        Some(0) => return Err(NoForwardsLeft),
        Some(left) => drop(headers.insert(MAX_FORWARDS, HeaderValue::from(left - 1))),
        None => {}
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
pub struct NoForwardsLeft;

/// Who the client is by the word of trusted proxies: the last in `X-Forwarded-For` that is none of them.
pub fn client_by_trusted(headers: &HeaderMap, trusted: &[Network]) -> Option<IpAddr> {
    let mut client = None;
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev().map(HeaderValue::to_str);
    for step in lines.flat_map(|line| line.unwrap_or_default().rsplit(',')) {
        let Some(addr) = forwarded_addr(step.trim()) else { break };
        client = Some(addr);
        if !trusted.iter().any(|network| network.contains(addr)) {
            break;
        }
    }
    client
}

/// `192.0.2.1`, `2001:db8::1`, and either with a port.
fn forwarded_addr(text: &str) -> Option<IpAddr> {
    let bare = text.parse().ok();
    bare.or_else(|| text.parse().ok().map(|addr: SocketAddr| addr.ip()))
}

/// Tells the upstream of the client, and asks it what the client asked of this hop.
pub fn set_request(headers: &mut HeaderMap, sender: &Sender<'_>, hop: &HopRequest) {
    // What is there was said by a proxy that is trusted: it goes on, with one more step.
    headers.append(X_FORWARDED_FOR, sender.addr.clone());
    headers.entry(X_FORWARDED_PROTO).or_insert(HeaderValue::from_static(sender.scheme.as_str()));
    if let Some(certificate) = sender.certificate {
        headers.insert(X_FORWARDED_CLIENT_CERT, certificate.clone());
    }
    if let Some(host) = sender.host {
        headers.entry(X_FORWARDED_HOST).or_insert_with(|| host.clone());
    }
    headers.append(VIA, via(sender.version));
    if hop.wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    if let Some(protocol) = &hop.upgrade {
        set_upgrade(headers, protocol.clone());
    }
}

/// The client's request id if it is a short token, else a new one.
pub fn set_request_id(headers: &mut HeaderMap) -> HeaderValue {
    match headers.get(X_REQUEST_ID) {
        Some(id) if is_token(id.as_bytes()) => id.clone(),
        Some(_) | None => {
            let id =
                HeaderValue::from_bytes(&new_request_id()).expect("hexadecimal digits are a valid value");
            headers.insert(X_REQUEST_ID, id.clone());
            id
        }
    }
}

/// A client's address as `X-Forwarded-For` says it.
pub fn address_value(addr: IpAddr) -> HeaderValue {
    let mut text = String::with_capacity(40);
    write!(text, "{addr}").expect("a string takes all that is written");
    HeaderValue::try_from(text).expect("an address is a valid value")
}

pub fn edit(headers: &mut HeaderMap, edits: &HeaderEdits) {
    for name in &edits.remove {
        headers.remove(name);
    }
    for (name, value) in &edits.set {
        headers.insert(name.clone(), value.clone());
    }
}

/// This hop, with the protocol that it was reached by (RFC 9110, 7.6.3).
fn via(version: Version) -> HeaderValue {
    HeaderValue::from_static(match version {
        Version::HTTP_09 | Version::HTTP_10 => "1.0 harbr",
        Version::HTTP_2 => "2.0 harbr",
        _ => "1.1 harbr",
    })
}

/// The upstream changes to a protocol that was asked for (RFC 9110, 7.8).
pub fn grants(asked: Option<&HeaderValue>, response: &HeaderMap) -> bool {
    let list = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    let (Some(asked), Some(granted)) = (asked.map(list), response.get(UPGRADE).map(list)) else {
        return false;
    };
    granted.split(',').all(|one| asked.split(',').any(|other| other.trim() == one.trim()))
}

/// Asks for, or grants, a change of protocol on this hop.
pub fn set_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// RFC 9110, 7.6.1, and what older implementations add to it.
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade" | "http2-settings"
    )
}

fn is_for_the_head(name: &str) -> bool {
    matches!(
        name,
        "age"
            | "authorization"
            | "cache-control"
            | "cookie"
            | "date"
            | "expect"
            | "expires"
            | "host"
            | "location"
            | "max-forwards"
            | "pragma"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "range"
            | "retry-after"
            | "set-cookie"
            | "te"
            | "trailer"
            | "vary"
            | "via"
            | "www-authenticate"
            | "x-request-id"
    )
}

fn is_about_the_client(name: &str) -> bool {
    matches!(
        name,
        "forwarded"
            | "x-real-ip"
            | "x-forwarded-for"
            | "x-forwarded-host"
            | "x-forwarded-proto"
            | "x-forwarded-client-cert"
    )
}

/// Removes what `Connection` names, and returns the protocol that it names with `Upgrade`. The message's framing
/// and its host it cannot take away: the next hop must read them as we do (CVE-2022-31813).
fn strip_named_by_connection(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<HeaderName> = values
        // These two are about the connection itself, and nearly all there is.
        .filter(|value| !matches!(*value, "keep-alive" | "close"))
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    if named.is_empty() {
        return None;
    }
    let protocol =
        headers.get(UPGRADE).filter(|protocol| named.contains(&UPGRADE) && !is_h2c(protocol)).cloned();
    for name in named {
        if !matches!(name.as_str(), "host" | "content-length" | "transfer-encoding") {
            headers.remove(name);
        }
    }
    protocol
}

/// One look at each field that is there costs less than one at each that might be.
fn named(headers: &HeaderMap, is_meant: impl Fn(&str) -> bool) -> Vec<HeaderName> {
    headers.keys().filter(|name| is_meant(name.as_str())).cloned().collect()
}

fn remove(headers: &mut HeaderMap, names: Vec<HeaderName>) {
    for name in names {
        headers.remove(name);
    }
}

fn has_one_length(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    match (lengths.next(), lengths.next()) {
        (Some(length), None) => !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit),
        (_, _) => false,
    }
}

fn lets_trailers_through(value: &HeaderValue) -> bool {
    let list = value.to_str().unwrap_or_default();
    list.split(',').any(|option| option.trim().eq_ignore_ascii_case("trailers"))
}

/// HTTP/2 is for the two ends of one connection, never to be asked for through a proxy (RFC 9113, 3.1).
fn is_h2c(protocol: &HeaderValue) -> bool {
    protocol.to_str().is_ok_and(|list| list.split(',').any(|one| one.trim().eq_ignore_ascii_case("h2c")))
}

/// 32 hexadecimal digits.
fn new_request_id() -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    let mut bits = fastrand::u128(..);
    std::array::from_fn(|_| {
        let digit = DIGITS[(bits & 0xf) as usize];
        bits >>= 4;
        digit
    })
}

fn is_token(id: &[u8]) -> bool {
    (1..=128).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+/=:".contains(byte))
}

#[cfg(test)]
mod tests;
