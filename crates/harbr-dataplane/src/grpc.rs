//! What gRPC makes of an answer of our own: its clients look for a status in gRPC's own fields only.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::error::ProxyError;
use crate::response_body::Source;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Not `application/grpc-web`, which is read like any other HTTP.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    value
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// An answer without a message: the status is in the head.
pub(crate) fn refusal(error: &ProxyError) -> Response<Source> {
    let mut response = Response::new(Source::Text(None));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert(GRPC_STATUS, HeaderValue::from(code(error.status())));
    // All of it is ASCII without a percent sign, so nothing is to be encoded.
    if let Ok(message) = HeaderValue::try_from(error.to_string()) {
        headers.insert(GRPC_MESSAGE, message);
    }
    response
}

/// gRPC's mapping of HTTP's statuses, but for a deadline, which it has a code of its own for, and a message that
/// is too large, which its own implementations answer so.
fn code(status: StatusCode) -> u16 {
    match status {
        StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => 4,
        StatusCode::PAYLOAD_TOO_LARGE => 8,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => 12,
        StatusCode::BAD_REQUEST | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => 13,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => 14,
        // Unknown.
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
