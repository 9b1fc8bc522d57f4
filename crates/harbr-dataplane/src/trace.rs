//! Spans of requests (OpenTelemetry): one for the request, as a server, and below it one for each attempt, as a client.
//!
//! Without `tracing` in the configuration nothing is made, and `traceparent` and `tracestate` go on as they came. With
//! it, a request that is sampled gathers what its spans say in a [`RequestTrace`]; when it ends that goes into a bounded
//! queue, and a task outside of the workers sends it to the collector.

mod context;
mod exporter;
mod span;

use std::sync::Arc;
use std::time::SystemTime;

use harbr_model::Tracing;
use harbr_routing::headers::Trust;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::endpoint::LiveEndpoint;
use crate::error::Reason;

pub(crate) use context::TraceId;
use context::{SpanId, TraceParent};
pub(crate) use exporter::{Collector, Spans};
pub(crate) use span::EndedRequest;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// Characters of a header that a span shows.
const MAX_HEADER: usize = 512;

/// What the spans of a request are made of.
#[derive(Debug)]
pub(crate) struct RequestTrace {
    trace_id: TraceId,
    span_id: SpanId,
    /// The span of the client that asked.
    parent: Option<SpanId>,
    state: Option<String>,
    began: SystemTime,
    user_agent: Option<String>,
    attempts: Vec<AttemptTrace>,
}

#[derive(Debug)]
struct AttemptTrace {
    span_id: SpanId,
    endpoint: Arc<LiveEndpoint>,
    url: String,
    began: SystemTime,
    outcome: Option<Outcome>,
}

/// What an attempt came to. `ended` is missing of the one whose response was passed on: it ends with the request.
#[derive(Debug)]
struct Outcome {
    result: Result<StatusCode, Reason>,
    ended: Option<SystemTime>,
}

/// What a request's head says of its trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told(Option<TraceParent>);

impl Told {
    /// By a `traceparent` that is valid.
    pub(crate) fn by(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(TRACEPARENT).iter();
        match (lines.next(), lines.next()) {
            (Some(line), None) => Self(TraceParent::parse(line.as_bytes())),
            _ => Self(None),
        }
    }

    pub(crate) fn trace_id(self) -> Option<TraceId> {
        self.0.map(|parent| parent.trace_id)
    }

    /// Decides whether spans are made. What a trusted proxy has decided is followed; for others the share decides.
    pub(crate) fn sample(self, tracing: &Tracing, trust: Trust) -> bool {
        match (self.0, trust) {
            (Some(parent), Trust::Yes) => parent.is_sampled,
            (Some(_), Trust::No) | (None, _) => tracing.sample.takes(fastrand::u32(..)),
        }
    }

    /// A trace that this request begins, for others to go on with, without spans of ours (W3C Trace Context, 4.3). One
    /// that is told of goes on as it is.
    pub(crate) fn go_on_unsampled(self, headers: &mut HeaderMap) -> TraceId {
        if let Some(parent) = self.0 {
            return parent.trace_id;
        }
        let own = TraceParent::random();
        // It belongs to a `traceparent` that cannot be understood.
        headers.remove(TRACESTATE);
        headers.insert(TRACEPARENT, own.to_value());
        own.trace_id
    }

    pub(crate) fn begin(self, headers: &mut HeaderMap) -> RequestTrace {
        if self.0.is_none() {
            headers.remove(TRACESTATE);
        }
        let text = |name| {
            let value: &HeaderValue = headers.get(name)?;
            value.to_str().ok().map(|text: &str| text.chars().take(MAX_HEADER).collect())
        };
        RequestTrace {
            trace_id: self.trace_id().unwrap_or_else(TraceId::random),
            span_id: SpanId::random(),
            parent: self.0.map(|parent| parent.span_id),
            state: text(TRACESTATE),
            began: SystemTime::now(),
            user_agent: text(USER_AGENT),
            attempts: Vec::new(),
        }
    }
}

impl RequestTrace {
    pub(crate) fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// A new attempt, and what its upstream is told: that the attempt's span is the parent of its own.
    pub(crate) fn begin_attempt(&mut self, endpoint: &Arc<LiveEndpoint>, url: String) -> HeaderValue {
        let (trace_id, span_id) = (self.trace_id, SpanId::random());
        let attempt = AttemptTrace {
            span_id,
            endpoint: endpoint.clone(),
            url,
            began: SystemTime::now(),
            outcome: None,
        };
        self.attempts.push(attempt);
        TraceParent { trace_id, span_id, is_sampled: true }.to_value()
    }

    /// The attempt's response is passed on.
    pub(crate) fn pass_on(&mut self, status: StatusCode) {
        self.end(Outcome { result: Ok(status), ended: None });
    }

    /// The attempt came to nothing that is passed on, for now.
    pub(crate) fn end_attempt(&mut self, result: Result<StatusCode, Reason>) {
        self.end(Outcome { result, ended: Some(SystemTime::now()) });
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.outcome = Some(outcome);
        }
    }
}

/// The header by which an upstream is told of the trace.
pub(crate) fn tell(headers: &mut HeaderMap, parent: HeaderValue) {
    headers.insert(TRACEPARENT, parent);
}

#[cfg(test)]
mod tests;
