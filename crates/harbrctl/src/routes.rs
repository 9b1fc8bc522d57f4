//! Routes, for people.

use std::time::Duration;

use harbr_proto::document::{HeaderDocument, HeaderEditsDocument, RouteDocument};

use crate::table::{fields, or_dash, render};

pub(crate) fn table(routes: &[RouteDocument]) -> String {
    render(
        ["ROUTE", "UPSTREAM", "TIMEOUT", "RETRIES", "SOURCE"],
        routes.iter().map(|route| {
            [
                route.route.clone(),
                route.upstream.clone(),
                duration(route.timeout_ms),
                route.retry_count.to_string(),
                or_dash(&route.source),
            ]
        }),
    )
}

pub(crate) fn wide_table(routes: &[RouteDocument]) -> String {
    render(
        [
            "ROUTE",
            "HOST",
            "PATH",
            "METHODS",
            "UPSTREAM",
            "PATH BECOMES",
            "HOST HEADER",
            "TIMEOUT",
            "RETRIES",
            "SOURCE",
        ],
        routes.iter().map(|route| {
            [
                route.route.clone(),
                host(route),
                route.path.clone(),
                methods(route),
                route.upstream.clone(),
                path_becomes(route),
                route.host_header.clone(),
                duration(route.timeout_ms),
                route.retry_count.to_string(),
                or_dash(&route.source),
            ]
        }),
    )
}

pub(crate) fn describe(route: &RouteDocument) -> String {
    fields(&[
        ("route", route.route.clone()),
        ("source", or_dash(&route.source)),
        ("host", host(route)),
        ("path", route.path.clone()),
        ("methods", methods(route)),
        ("if headers", headers(&route.headers)),
        ("upstream", route.upstream.clone()),
        ("path becomes", path_becomes(route)),
        ("host header", route.host_header.clone()),
        ("attempt timeout", duration(route.timeout_ms)),
        ("request timeout", duration(route.request_timeout_ms)),
        ("idle timeout", duration(route.idle_timeout_ms)),
        ("retries", route.retry_count.to_string()),
        ("largest body", format!("{} bytes", route.max_body_bytes)),
        ("request headers", edits(&route.request_headers)),
        ("response headers", edits(&route.response_headers)),
    ])
}

fn host(route: &RouteDocument) -> String {
    if route.host.is_empty() { "any".to_owned() } else { route.host.clone() }
}

fn methods(route: &RouteDocument) -> String {
    if route.methods.is_empty() { "any".to_owned() } else { route.methods.join(",") }
}

fn path_becomes(route: &RouteDocument) -> String {
    match route.replace_prefix.as_deref() {
        None => "as it came".to_owned(),
        Some("" | "/") => "without the prefix".to_owned(),
        Some(prefix) => format!("{prefix}…"),
    }
}

fn headers(headers: &[HeaderDocument]) -> String {
    let headers: Vec<_> = headers.iter().map(|header| format!("{}: {}", header.name, header.value)).collect();
    or_dash(&headers.join(", "))
}

pub(crate) fn edits(edits: &HeaderEditsDocument) -> String {
    let removed = edits.remove.iter().map(|name| format!("remove {name}"));
    let set = edits.set.iter().map(|header| format!("set {}: {}", header.name, header.value));
    or_dash(&removed.chain(set).collect::<Vec<_>>().join(", "))
}

pub(crate) fn duration(millis: u64) -> String {
    format!("{:?}", Duration::from_millis(millis))
}
