//! What becomes of header fields on the way through (RFC 9110, 7.6).

use std::fmt::Write as _;
use std::net::IpAddr;

use harbr_model::HeaderEdits;
use http::header::{CONNECTION, CONTENT_LENGTH, TE, UPGRADE, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the proxy in `Via`.
const PSEUDONYM: HeaderValue = HeaderValue::from_static("1.1 harbr");

/// What a request asked of this hop, as far as the next one must be asked the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct HopRequest {
    /// The protocol that the client asks to change to.
    pub upgrade: Option<HeaderValue>,
    pub wants_trailers: bool,
}

/// Whether the client's word on those before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    Yes,
    No,
}

/// Takes out of a request what is for this hop only, what it answers for itself (framing, credentials for it,
/// the wait for `100 Continue`), and what a client that is
/// not trusted says of its own way here.
pub(crate) fn strip_request(headers: &mut HeaderMap, trust: Trust) -> HopRequest {
    let wants_trailers = headers.get_all(TE).iter().any(lets_trailers_through);
    let upgrade = strip_named_by_connection(headers);
    strip(headers, |name| {
        is_hop_by_hop(name)
            || matches!(name, "content-length" | "expect" | "proxy-authorization" | "te")
            || trust == Trust::No && is_about_the_client(name)
    });
    HopRequest { upgrade, wants_trailers }
}

/// Takes out of a response what is for this hop only, and its framing, which is made anew from its body. Only
/// where there is none, its length is the upstream's word about what another request would get.
pub(crate) fn strip_response(headers: &mut HeaderMap, method: &Method, status: StatusCode) {
    let describes_another = *method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    let keeps_length = describes_another && has_one_length(headers);
    strip_named_by_connection(headers);
    strip(headers, |name| {
        is_hop_by_hop(name) || name == "proxy-authenticate" || name == "content-length" && !keeps_length
    });
}

/// Tells the upstream of the client, and asks it what the client asked of this hop.
pub(crate) fn set_request(
    headers: &mut HeaderMap,
    client: &HeaderValue,
    host: Option<&HeaderValue>,
    hop: &HopRequest,
) {
    // What is there was said by a proxy that is trusted: it goes on, with one more step.
    headers.append(X_FORWARDED_FOR, client.clone());
    headers.entry(X_FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
    if let Some(host) = host {
        headers.entry(X_FORWARDED_HOST).or_insert_with(|| host.clone());
    }
    headers.append(VIA, PSEUDONYM);
    if hop.wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    if let Some(protocol) = &hop.upgrade {
        set_upgrade(headers, protocol.clone());
    }
}

/// The client's request id if it is a short token, else a new one.
pub(crate) fn set_request_id(headers: &mut HeaderMap) -> HeaderValue {
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
pub(crate) fn address_value(addr: IpAddr) -> HeaderValue {
    let mut text = String::with_capacity(40);
    write!(text, "{addr}").expect("a string takes all that is written");
    HeaderValue::try_from(text).expect("an address is a valid value")
}

pub(crate) fn edit(headers: &mut HeaderMap, edits: &HeaderEdits) {
    for name in &edits.remove {
        headers.remove(name);
    }
    for (name, value) in &edits.set {
        headers.insert(name.clone(), value.clone());
    }
}

/// Asks for, or grants, a change of protocol on this hop.
pub(crate) fn set_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
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

fn is_about_the_client(name: &str) -> bool {
    matches!(name, "forwarded" | "x-real-ip" | "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-proto")
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
fn strip(headers: &mut HeaderMap, is_stripped: impl Fn(&str) -> bool) {
    let stripped: Vec<HeaderName> =
        headers.keys().filter(|name| is_stripped(name.as_str())).cloned().collect();
    for name in stripped {
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
