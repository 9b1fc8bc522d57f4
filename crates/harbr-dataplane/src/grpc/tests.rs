use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

use super::{is_grpc, refusal};
use crate::error::ProxyError;

#[test]
fn grpc_is_known_by_its_content_type() {
    for (value, expected) in [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        ("application/grpc;charset=utf-8", true),
        ("application/grpc-web", false),
        ("application/json", false),
        ("", false),
    ] {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]);
        assert_eq!(is_grpc(&headers), expected, "{value}");
    }
    assert!(!is_grpc(&HeaderMap::new()));
}

#[test]
fn each_of_our_errors_has_a_code_and_says_why() {
    for (error, code) in [
        (ProxyError::NoRoute, "12"),
        (ProxyError::MethodNotAllowed(Vec::new()), "12"),
        (ProxyError::BadRequest("x"), "13"),
        (ProxyError::BodyTooLarge, "8"),
        (ProxyError::BodyStalled, "4"),
        (ProxyError::NoHealthyEndpoint, "14"),
        (ProxyError::Connect, "14"),
        (ProxyError::Timeout, "4"),
    ] {
        let response = refusal(&error);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["grpc-status"], code, "{error}");
        assert_eq!(response.headers()["grpc-message"], error.to_string());
    }
}
