//! What a request asks for, taken from its head with nothing left open: one host, one path.

use std::borrow::Cow;

use harbr_model::OddPaths;
use harbr_routing::normal_form;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

use crate::error::ProxyError;

/// Bytes of a target at most; RFC 9110, 4.1, asks for 8,000 at least.
const MAX_TARGET: usize = 32 * 1024;

/// What decides a request's route, and what its upstream is told.
#[derive(Debug)]
pub(crate) struct Target {
    /// As the client sent it, with its port; `None` for an HTTP/1.0 request that names none.
    pub authority: Option<HeaderValue>,
    /// The path's normal form, if it is not what the client sent.
    normal_path: Option<Box<str>>,
}

impl Target {
    /// RFC 9112, 3.2: exactly one valid `Host` in HTTP/1.1; the authority of an absolute-form target must not
    /// contradict it.
    pub(crate) fn of(
        method: &Method,
        uri: &Uri,
        version: Version,
        headers: &HeaderMap,
        odd_paths: OddPaths,
    ) -> Result<Self, ProxyError> {
        if uri.path().len() + uri.query().map_or(0, str::len) > MAX_TARGET {
            return Err(ProxyError::TargetTooLong);
        }
        if matches!(*method, Method::CONNECT | Method::TRACE) {
            return Err(ProxyError::MethodNotAllowed(Vec::new()));
        }
        if *method == Method::OPTIONS && uri.path() == "*" {
            // It asks the server as a whole, which no route stands for.
            return Err(ProxyError::NoRoute);
        }
        check_framing(version, headers)?;
        if version == Version::HTTP_2 {
            check_http2(uri, headers)?;
        }
        let authority = match (host(version, headers)?, uri.authority()) {
            (host, None) => host,
            (_, Some(_)) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
                return Err(ProxyError::BadRequest("the target is no path"));
            }
            (Some(host), Some(authority))
                if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
            {
                return Err(ProxyError::BadRequest("the target contradicts the host"));
            }
            (_, Some(authority)) if !is_valid_host(authority.as_str()) => {
                return Err(ProxyError::BadRequest("the target's host is malformed"));
            }
            (_, Some(authority)) => HeaderValue::try_from(authority.as_str()).ok(),
        };
        let normal_path = match normal_form(uri.path(), odd_paths) {
            Ok(Cow::Borrowed(_)) => None,
            Ok(Cow::Owned(normal)) => Some(normal.into()),
            Err(_) => return Err(ProxyError::BadRequest("the path is malformed")),
        };
        Ok(Self { authority, normal_path })
    }

    /// The path in its normal form; `uri` is the request's own. What is matched is what is forwarded.
    pub(crate) fn path<'a>(&'a self, uri: &'a Uri) -> &'a str {
        self.normal_path.as_deref().unwrap_or_else(|| uri.path())
    }

    /// The path was in its normal form as it came.
    pub(crate) fn is_verbatim(&self) -> bool {
        self.normal_path.is_none()
    }

    /// Where the same is found by `https`.
    ///
    /// # Errors
    /// If the request names no host.
    pub(crate) fn by_https(&self, uri: &Uri, port: u16) -> Result<HeaderValue, ProxyError> {
        let (host, path) = (self.host(), uri.path_and_query().map_or("/", PathAndQuery::as_str));
        let url = match port {
            _ if host.is_empty() => return Err(ProxyError::BadRequest("there is no host to redirect to")),
            443 => format!("https://{host}{path}"),
            port => format!("https://{host}:{port}{path}"),
        };
        HeaderValue::try_from(url).map_err(|_| ProxyError::BadRequest("the path is malformed"))
    }

    /// The host alone, as routes match it; empty when there is none.
    pub(crate) fn host(&self) -> &str {
        let authority =
            self.authority.as_ref().and_then(|authority| authority.to_str().ok()).unwrap_or_default();
        without_port(authority)
    }
}

/// RFC 9113, 8.2.1 and 8.3.1: what h2 takes and another reader of HTTP/1 might read differently.
fn check_http2(uri: &Uri, headers: &HeaderMap) -> Result<(), ProxyError> {
    if !uri.path_and_query().is_some_and(|path| path.as_str().starts_with('/')) {
        return Err(ProxyError::BadRequest("the target is no path"));
    }
    let is_padded = |value: &HeaderValue| {
        let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        is_space(value.as_bytes().first()) || is_space(value.as_bytes().last())
    };
    if headers.values().any(is_padded) {
        return Err(ProxyError::BadRequest("a field begins or ends with a space"));
    }
    if uri.authority().is_none() && !headers.contains_key(HOST) {
        return Err(ProxyError::BadRequest("there is no host"));
    }
    Ok(())
}

/// RFC 9112, 6.1 and 6.3: a body is framed in one way that nobody can read as another. hyper takes more than
/// that, and what it drops is gone before it is seen here.
pub(crate) fn check_framing(version: Version, headers: &HeaderMap) -> Result<(), ProxyError> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let is_clear = match (codings.next(), lengths.next()) {
        (None, None) => true,
        (Some(coding), None) => {
            version == Version::HTTP_11
                && codings.next().is_none()
                && coding.as_bytes().eq_ignore_ascii_case(b"chunked")
        }
        (None, Some(length)) => lengths.next().is_none() && length.as_bytes().iter().all(u8::is_ascii_digit),
        (Some(_), Some(_)) => false,
    };
    if is_clear { Ok(()) } else { Err(ProxyError::BadRequest("the body's framing is ambiguous")) }
}

pub(crate) fn host(version: Version, headers: &HeaderMap) -> Result<Option<HeaderValue>, ProxyError> {
    let mut lines = headers.get_all(HOST).iter();
    match (lines.next(), lines.next()) {
        (Some(host), None) if host.to_str().is_ok_and(is_valid_host) => Ok(Some(host.clone())),
        (Some(_), None) => Err(ProxyError::BadRequest("the host is malformed")),
        (Some(_), Some(_)) => Err(ProxyError::BadRequest("there is more than one host")),
        // In HTTP/2 `:authority` says it.
        (None, _) if version <= Version::HTTP_10 || version == Version::HTTP_2 => Ok(None),
        (None, _) => Err(ProxyError::BadRequest("there is no host")),
    }
}

/// RFC 3986, 3.2: `host[:port]`, no user.
pub(crate) fn is_valid_host(authority: &str) -> bool {
    let host = without_port(authority);
    let port = authority.get(host.len()..).unwrap_or_default();
    let port_is_valid = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => digits.is_empty() || digits.parse::<u16>().is_ok() && !digits.starts_with('+'),
    };
    let host_is_valid = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_name_byte),
    };
    port_is_valid && host_is_valid
}

/// Unreserved characters and sub-delimiters but the comma, which would join two hosts into one line.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=%".contains(&byte)
}

/// One look from the end: a port is short, and an IPv6 address ends in a bracket.
pub(crate) fn without_port(authority: &str) -> &str {
    let bytes = authority.as_bytes();
    match bytes.iter().rposition(|byte| matches!(byte, b':' | b']')) {
        Some(colon) if bytes[colon] == b':' => &authority[..colon],
        Some(_) | None => authority,
    }
}

#[cfg(test)]
mod tests;
