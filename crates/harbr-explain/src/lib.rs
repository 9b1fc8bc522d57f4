//! Which route answers a request and why, and what becomes of the request: what `harbrctl explain` and the dashboard
//! say. The proxies' own code answers: their table, their normal form of paths, their rewriting.
//!
//! - [`Subject`]: a configuration, from a file or from a controller.
//! - [`RequestToExplain`]: a request's head.
//! - [`explain`]: the [`ExplainDocument`] of the two.

mod document;
mod request;
mod subject;

use harbr_model::{EndpointUrl, HostHeader, Route, Settings};
use harbr_proto::document::{EndpointDocument, HeaderDocument, UpstreamDocument};
use harbr_routing::headers::{self, Sender, Trust};
use harbr_routing::{Explanation, Found, RequestHead, Verdict, forwarded_path, mismatch, normal_form};
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

pub use document::{
    CandidateDocument, EndpointExplanation, ExplainDocument, ForwardedDocument, Others, RequestDocument,
    RetryDocument, TimeoutsDocument,
};
pub use request::{HeaderArg, RequestToExplain};
pub use subject::{Documents, InvalidTable, Subject};

const REQUEST_ID: &str = "x-request-id";

/// Whether routes are shown that are for other hosts or paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Candidates,
    All,
}

pub fn explain(subject: &Subject, request: &RequestToExplain, shown: Shown) -> ExplainDocument {
    let mut document = ExplainDocument::new(&subject.name, request);
    if request.method == Method::CONNECT || request.method == Method::TRACE {
        document.refuse(405, "CONNECT and TRACE are refused before a route is looked for");
        return document;
    }
    let path = match normal_form(request.uri.path(), subject.settings.odd_paths) {
        Ok(path) => path,
        Err(invalid) => {
            document.refuse(400, &invalid.to_string());
            return document;
        }
    };
    document.request.normal_path = path.to_string();
    let head =
        RequestHead { host: request.host(), path: &path, method: &request.method, headers: &request.headers };
    let table = subject.table();
    let explanation = table.explain(&head);
    add_candidates(&mut document, subject, &head, &explanation, shown);
    match explanation.found {
        Found::Route(&index) => add_answer(&mut document, subject, index, request, &path),
        Found::MethodNotAllowed(methods) => {
            document.refuse(405, "the longest path that matches is there for other methods only");
            document.allowed_methods = methods.iter().map(Method::to_string).collect();
        }
        Found::NoRoute => document.refuse(404, "no route matches"),
    }
    document
}

fn add_candidates(
    document: &mut ExplainDocument,
    subject: &Subject,
    head: &RequestHead<'_>,
    explanation: &Explanation<'_, usize>,
    shown: Shown,
) {
    let candidate = |index: usize, answers: bool, why: String| {
        let route = &subject.documents.routes[index];
        CandidateDocument { route: route.route.clone(), source: route.source.clone(), answers, why }
    };
    for (index, verdict) in &explanation.candidates {
        document.candidates.push(candidate(**index, *verdict == Verdict::Answers, verdict.to_string()));
    }
    for (index, route) in subject.routes.iter().enumerate() {
        let Some(mismatch) = mismatch(&route.matches, head) else { continue };
        document.others.count(mismatch);
        if shown == Shown::All {
            document.candidates.push(candidate(index, false, mismatch.to_string()));
        }
    }
}

/// What becomes of the request at the route that answers it.
fn add_answer(
    document: &mut ExplainDocument,
    subject: &Subject,
    index: usize,
    request: &RequestToExplain,
    path: &str,
) {
    let (route, shown) = (&subject.routes[index], &subject.documents.routes[index]);
    document.route = Some(shown.clone());
    let headers = sent_headers(request, route, &subject.settings);
    document.forwarded = Some(ForwardedDocument {
        headers: headers.iter().map(|(name, value)| header_document(name, value)).collect(),
        path: with_query(&forwarded_path(path, &route.matches.path, &route.rewrite, ""), request),
        host: match &route.host_header {
            HostHeader::Upstream => None,
            HostHeader::Preserve => request.authority.clone(),
            HostHeader::Literal(host) => Some(shown_value(host)),
        },
        request_headers: shown.request_headers.clone(),
        response_headers: shown.response_headers.clone(),
    });
    document.timeouts = Some(TimeoutsDocument {
        attempt_ms: shown.timeout_ms,
        request_ms: shown.request_timeout_ms,
        idle_ms: shown.idle_timeout_ms,
    });
    document.retries = Some(RetryDocument::of(route.max_retries, &request.method));
    let Some(upstream) = subject.documents.upstreams.get(&route.upstream) else { return };
    document.endpoints = upstream
        .endpoints
        .iter()
        .filter_map(|endpoint| endpoint_explanation(endpoint, upstream, route, request, path))
        .collect();
    if !document.endpoints.iter().any(|endpoint| endpoint.eligible) {
        document.refuse(503, "no endpoint of its upstream is eligible");
    }
}

/// As the proxy makes them of those that came, but for `Host`.
fn sent_headers(request: &RequestToExplain, route: &Route, settings: &Settings) -> HeaderMap {
    let mut sent = request.headers.clone();
    let is_trusted = settings.trusted_proxies.iter().any(|network| network.contains(request.from));
    let trust = if is_trusted { Trust::Yes } else { Trust::No };
    let hop = headers::strip_request(&mut sent, Version::HTTP_11, trust);
    let id = headers::set_request_id(&mut sent);
    if request.headers.get(REQUEST_ID) != Some(&id) {
        sent.insert(REQUEST_ID, HeaderValue::from_static("(drawn at random)"));
    }
    let addr = headers::address_value(request.from);
    let host = request.headers.get(HOST);
    let (scheme, version) = (request.scheme(), Version::HTTP_11);
    let sender = Sender { addr: &addr, scheme, certificate: None, host, version };
    headers::set_request(&mut sent, &sender, &hop);
    headers::edit(&mut sent, &route.request_headers);
    sent.remove(HOST);
    sent
}

fn endpoint_explanation(
    endpoint: &EndpointDocument,
    upstream: &UpstreamDocument,
    route: &Route,
    request: &RequestToExplain,
    path: &str,
) -> Option<EndpointExplanation> {
    let url: EndpointUrl = endpoint.url.parse().ok()?;
    let path = forwarded_path(path, &route.matches.path, &route.rewrite, url.base_path());
    let target = format!("{}://{}{}", url.scheme().as_str(), url.authority(), with_query(&path, request));
    let is_healthy = endpoint.health != "unhealthy";
    let eligible = endpoint.drained.is_none() && (is_healthy || is_panicking(upstream));
    Some(EndpointExplanation {
        url: endpoint.url.clone(),
        weight: endpoint.weight,
        eligible,
        health: endpoint.health,
        failures_in_a_row: upstream.health_check.as_ref().map(|check| check.fall).filter(|_| !is_healthy),
        last_error: endpoint.last_error.clone(),
        since: endpoint.since,
        drained: endpoint.drained.clone(),
        target,
    })
}

/// The proxies' rule: with too few of them left, all are used.
fn is_panicking(upstream: &UpstreamDocument) -> bool {
    let usable = upstream.endpoints.iter().filter(|endpoint| endpoint.health != "unhealthy").count();
    usable * 100 < upstream.endpoints.len() * upstream.panic_threshold as usize
}

fn with_query(path: &str, request: &RequestToExplain) -> String {
    match request.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

fn header_document(name: &HeaderName, value: &HeaderValue) -> HeaderDocument {
    HeaderDocument { name: name.to_string(), value: shown_value(value) }
}

fn shown_value(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
