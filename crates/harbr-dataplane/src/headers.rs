//! What becomes of header fields on the way through (RFC 9110, 7.6).

use std::fmt::Write as _;
use std::net::IpAddr;

use harbr_model::HeaderEdits;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the proxy in `Via`.
const PSEUDONYM: HeaderValue = HeaderValue::from_static("1.1 harbr");

/// Fields that `Connection` cannot take away: they carry the message's framing and its host, which the next
/// hop must read as we do (RFC 9110, 7.6.1; CVE-2022-31813).
const NEVER_HOP_BY_HOP: [HeaderName; 3] = [http::header::HOST, CONTENT_LENGTH, TRANSFER_ENCODING];

/// Takes out what is meant for this hop only, and returns the protocol that an `Upgrade` asks for or grants.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let mut upgrade = None;
    if headers.contains_key(CONNECTION) {
        let options = options(headers);
        if options.contains(&UPGRADE) {
            upgrade = headers.get(UPGRADE).filter(|protocol| !is_h2c(protocol)).cloned();
        }
        for name in options.iter().filter(|name| !NEVER_HOP_BY_HOP.contains(name)) {
            headers.remove(name);
        }
    }
    for name in [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, UPGRADE, HTTP2_SETTINGS, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    upgrade
}

/// What the upstream is told of the client, in place of all that the client said of itself.
pub(crate) fn set_forwarded(headers: &mut HeaderMap, client: IpAddr, host: Option<&HeaderValue>) {
    for name in [FORWARDED, X_REAL_IP, X_FORWARDED_HOST] {
        headers.remove(name);
    }
    headers.insert(X_FORWARDED_FOR, address_value(client));
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    if let Some(host) = host {
        headers.insert(X_FORWARDED_HOST, host.clone());
    }
    headers.append(VIA, PSEUDONYM);
}

/// The fields of a request that this hop answers for itself: credentials for it, framing, and the wait for
/// `100 Continue`. `TE` is left as far as it lets trailers through.
pub(crate) fn remove_own(headers: &mut HeaderMap, wants_trailers: WantsTrailers) {
    for name in [CONTENT_LENGTH, EXPECT, PROXY_AUTHORIZATION, TE] {
        headers.remove(name);
    }
    if wants_trailers == WantsTrailers::Yes {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Whether the client says `TE: trailers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WantsTrailers {
    Yes,
    No,
}

impl WantsTrailers {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let named = |value: &HeaderValue| {
            let list = value.to_str().unwrap_or_default();
            list.split(',').any(|option| option.trim().eq_ignore_ascii_case("trailers"))
        };
        if headers.get_all(TE).iter().any(named) { Self::Yes } else { Self::No }
    }
}

/// The client's request id if it is a short token, else a new one.
pub(crate) fn set_request_id(headers: &mut HeaderMap) -> HeaderValue {
    match headers.get(X_REQUEST_ID) {
        Some(id) if is_token(id.as_bytes()) => id.clone(),
        Some(_) | None => {
            let id = HeaderValue::try_from(format!("{:032x}", fastrand::u128(..)));
            let id = id.expect("hexadecimal digits are a valid value");
            headers.insert(X_REQUEST_ID, id.clone());
            id
        }
    }
}

/// A response's framing is made anew from its body. Only where there is none, its length is the upstream's
/// word about what another request would get.
pub(crate) fn remove_response_framing(headers: &mut HeaderMap, method: &Method, status: StatusCode) {
    headers.remove(PROXY_AUTHENTICATE);
    let describes_another = *method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let is_one_number = match (lengths.next(), lengths.next()) {
        (Some(length), None) => !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit),
        (_, _) => false,
    };
    if !(describes_another && is_one_number) {
        headers.remove(CONTENT_LENGTH);
    }
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

fn options(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|option| option.trim().parse().ok()).collect()
}

/// HTTP/2 is for the two ends of one connection, never to be asked for through a proxy (RFC 9113, 3.1).
fn is_h2c(protocol: &HeaderValue) -> bool {
    protocol.to_str().is_ok_and(|list| list.split(',').any(|one| one.trim().eq_ignore_ascii_case("h2c")))
}

fn address_value(addr: IpAddr) -> HeaderValue {
    let mut text = String::with_capacity(40);
    write!(text, "{addr}").expect("a string takes all that is written");
    HeaderValue::try_from(text).expect("an address is a valid value")
}

fn is_token(id: &[u8]) -> bool {
    (1..=128).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+/=:".contains(byte))
}

#[cfg(test)]
mod tests;
