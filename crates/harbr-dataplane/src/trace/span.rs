//! What a request came to, as the spans of OTLP say it: by the semantic conventions for HTTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use harbr_model::Scheme;
use http::{Method, StatusCode, Version};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::{AttemptTrace, Outcome, RequestTrace};
use crate::error::Reason;

/// A request that has ended. It holds nothing of the connection that it came over.
#[derive(Debug)]
pub(crate) struct EndedRequest {
    pub trace: Box<RequestTrace>,
    pub method: Method,
    pub scheme: Scheme,
    pub host: Option<String>,
    pub path: String,
    pub query: Option<String>,
    pub version: Version,
    pub peer: SocketAddr,
    pub client: Option<IpAddr>,
    pub route: Option<Arc<str>>,
    pub status: StatusCode,
    pub reason: Option<Reason>,
    pub ended: SystemTime,
}

impl EndedRequest {
    /// How many spans this is.
    pub(super) fn spans(&self) -> usize {
        1 + self.trace.attempts.len()
    }

    /// The request's own span, and those of the attempts below it.
    pub(super) fn to_spans(&self) -> Vec<Span> {
        let attempts = (0..).zip(&self.trace.attempts).map(|(number, attempt)| self.attempt(attempt, number));
        std::iter::once(self.server()).chain(attempts).collect()
    }

    fn server(&self) -> Span {
        let trace = &self.trace;
        let mut attributes = self.method_attributes();
        attributes.extend([
            text("url.scheme", self.scheme.as_str()),
            text("url.path", &*self.path),
            text("network.protocol.version", protocol_version(self.version)),
            text("network.peer.address", self.peer.ip().to_string()),
            number("network.peer.port", self.peer.port().into()),
            text("client.address", self.client.unwrap_or(self.peer.ip()).to_string()),
            number("http.response.status_code", self.status.as_u16().into()),
        ]);
        attributes.extend(self.query.as_deref().map(|query| text("url.query", query)));
        attributes.extend(self.host.as_deref().map(|host| text("server.address", host)));
        attributes.extend(self.route.as_deref().map(|route| text("http.route", route)));
        attributes.extend(trace.user_agent.as_deref().map(|agent| text("user_agent.original", agent)));
        let is_error = self.status.is_server_error();
        attributes.extend(match self.reason {
            Some(reason) => Some(text("error.type", reason.as_str())),
            None if is_error => Some(text("error.type", self.status.as_str())),
            None => None,
        });
        // What breaks off after a good head is no success either; a client's fault is none of the server's.
        let breaks_off = matches!(self.reason, Some(Reason::Truncated | Reason::ResponseStalled));
        let method = method_name(&self.method);
        Span {
            span_id: trace.span_id.to_vec(),
            parent_span_id: trace.parent.map(|parent| parent.to_vec()).unwrap_or_default(),
            name: self.route.as_deref().map_or(method.to_owned(), |route| format!("{method} {route}")),
            kind: SpanKind::Server.into(),
            start_time_unix_nano: nanos(trace.began),
            end_time_unix_nano: nanos(self.ended),
            attributes,
            status: Some(status(is_error || breaks_off)),
            ..self.any()
        }
    }

    fn attempt(&self, attempt: &AttemptTrace, number_of_attempt: i64) -> Span {
        let AttemptTrace { span_id, endpoint, url, began, outcome } = attempt;
        let mut attributes = self.method_attributes();
        attributes.extend([
            text("url.full", &**url),
            text("server.address", endpoint.url.host()),
            number("server.port", endpoint.url.port().into()),
        ]);
        if number_of_attempt > 0 {
            attributes.push(number("http.request.resend_count", number_of_attempt));
        }
        let answered = outcome.as_ref().and_then(|outcome| outcome.result.ok());
        attributes.extend(answered.map(|code| number("http.response.status_code", code.as_u16().into())));
        // Of the one whose response was passed on the request knows the end; without an outcome it was given up with it.
        let reason = match outcome {
            Some(Outcome { result: Err(reason), .. }) => Some(*reason),
            Some(Outcome { result: Ok(_), ended: Some(_) }) => None,
            Some(Outcome { result: Ok(_), ended: None }) | None => self.reason,
        };
        let is_bad = answered.is_some_and(|code| code.is_client_error() || code.is_server_error());
        attributes.extend(match (reason, answered) {
            (Some(reason), _) => Some(text("error.type", reason.as_str())),
            (None, Some(code)) if is_bad => Some(text("error.type", code.as_str())),
            (None, _) => None,
        });
        let ended = outcome.as_ref().and_then(|outcome| outcome.ended).unwrap_or(self.ended);
        Span {
            span_id: span_id.to_vec(),
            parent_span_id: self.trace.span_id.to_vec(),
            name: method_name(&self.method).to_owned(),
            kind: SpanKind::Client.into(),
            start_time_unix_nano: nanos(*began),
            end_time_unix_nano: nanos(ended),
            attributes,
            status: Some(status(is_bad || reason.is_some())),
            ..self.any()
        }
    }

    /// What all spans of a request have in common.
    fn any(&self) -> Span {
        /// W3C Trace Context, 3.2.2.5.
        const SAMPLED: u32 = 1;
        let trace_state = self.trace.state.clone().unwrap_or_default();
        Span { trace_id: self.trace.trace_id.to_vec(), trace_state, flags: SAMPLED, ..Span::default() }
    }

    /// A method that nobody knows is not among the values that are counted by.
    fn method_attributes(&self) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(16);
        if method_name(&self.method) == self.method.as_str() {
            attributes.push(text("http.request.method", self.method.as_str()));
        } else {
            attributes.push(text("http.request.method", "_OTHER"));
            attributes.push(text("http.request.method_original", self.method.as_str()));
        }
        attributes
    }
}

/// In the name of a span.
fn method_name(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::CONNECT
        | Method::OPTIONS
        | Method::TRACE
        | Method::PATCH => method.as_str(),
        _ => "HTTP",
    }
}

fn protocol_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

fn status(is_error: bool) -> Status {
    let code = if is_error { SpanStatus::Error } else { SpanStatus::Unset };
    Status { code: code.into(), message: String::new() }
}

fn nanos(at: SystemTime) -> u64 {
    let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
