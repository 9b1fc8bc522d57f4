use prost_types::Timestamp;
use serde::Serialize;

use super::{millis, rfc3339, said};
use crate::v1;

/// One line of `harbrctl tap -o json`: a request that has ended.
#[derive(Debug, Clone, Serialize)]
pub struct TappedDocument {
    #[serde(serialize_with = "rfc3339")]
    pub time: Option<Timestamp>,
    pub node: String,
    pub method: String,
    pub host: String,
    pub path: String,
    /// The names in it; `*` for each value.
    pub query: Option<String>,
    pub status: u32,
    /// Null: none took it.
    pub route: Option<String>,
    pub upstream: Option<String>,
    /// The one asked last.
    pub endpoint: Option<String>,
    pub attempts: u32,
    pub duration_ms: u64,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    /// As in the access log; null where the upstream's answer is whole.
    pub reason: Option<String>,
    pub request_id: Option<String>,
}

impl TappedDocument {
    #[must_use]
    pub fn of(node: &str, request: v1::TappedRequest) -> Self {
        let v1::TappedRequest {
            ended,
            method,
            host,
            path,
            query,
            status,
            route,
            upstream,
            endpoint,
            attempts,
            duration,
            bytes_received,
            bytes_sent,
            reason,
            request_id,
        } = request;
        Self {
            time: ended,
            node: node.to_owned(),
            method,
            host,
            path,
            query: said(query),
            status,
            route: said(route),
            upstream: said(upstream),
            endpoint: said(endpoint),
            attempts,
            duration_ms: millis(duration),
            bytes_received,
            bytes_sent,
            reason: said(reason),
            request_id: said(request_id),
        }
    }
}
