use crate::v1;
use serde::Serialize;

use super::millis;

/// One element of `harbrctl get routes`.
#[derive(Debug, Clone, Serialize)]
pub struct RouteDocument {
    pub route: String,
    /// Empty: any host.
    pub host: String,
    pub path: String,
    pub upstream: String,
    pub timeout_ms: u64,
    pub retry_count: u32,
    /// `file:line`
    pub source: String,
    /// Empty: any method.
    pub methods: Vec<String>,
    /// What a request's headers must be.
    pub headers: Vec<HeaderDocument>,
    /// What takes the matched prefix's place; null: the path is forwarded as it came.
    pub replace_prefix: Option<String>,
    /// `preserve`, `upstream`, or the text that is sent.
    pub host_header: String,
    pub request_timeout_ms: u64,
    pub idle_timeout_ms: u64,
    pub max_body_bytes: u64,
    pub request_headers: HeaderEditsDocument,
    pub response_headers: HeaderEditsDocument,
}

#[derive(Debug, Clone, Serialize)]
pub struct HeaderDocument {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct HeaderEditsDocument {
    pub remove: Vec<String>,
    pub set: Vec<HeaderDocument>,
}

impl From<v1::RouteStatus> for RouteDocument {
    fn from(status: v1::RouteStatus) -> Self {
        let route = status.route.unwrap_or_default();
        Self {
            route: route.name,
            host: status.host,
            path: if status.path.is_empty() { "/".to_owned() } else { status.path },
            upstream: route.upstream,
            timeout_ms: millis(route.attempt_timeout),
            retry_count: route.max_retries,
            source: status.source,
            methods: route.methods,
            headers: route.match_headers.into_iter().map(HeaderDocument::from).collect(),
            replace_prefix: route.replace_prefix,
            host_header: host_header(route.host_header),
            request_timeout_ms: millis(route.request_timeout),
            idle_timeout_ms: millis(route.idle_timeout),
            max_body_bytes: route.max_body,
            request_headers: route.request_headers.map(HeaderEditsDocument::from).unwrap_or_default(),
            response_headers: route.response_headers.map(HeaderEditsDocument::from).unwrap_or_default(),
        }
    }
}

impl From<v1::Header> for HeaderDocument {
    fn from(header: v1::Header) -> Self {
        Self { name: header.name, value: String::from_utf8_lossy(&header.value).into_owned() }
    }
}

impl From<v1::HeaderEdits> for HeaderEditsDocument {
    fn from(edits: v1::HeaderEdits) -> Self {
        Self { remove: edits.remove, set: edits.set.into_iter().map(HeaderDocument::from).collect() }
    }
}

fn host_header(header: Option<v1::HostHeader>) -> String {
    match header.and_then(|header| header.kind) {
        Some(v1::host_header::Kind::Upstream(_)) => "upstream".to_owned(),
        Some(v1::host_header::Kind::Literal(text)) => String::from_utf8_lossy(&text).into_owned(),
        Some(v1::host_header::Kind::Preserve(_)) | None => "preserve".to_owned(),
    }
}
