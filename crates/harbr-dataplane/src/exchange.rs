use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderValue, Method, Request, StatusCode, Uri, Version};
use hyper::body::Incoming;

use crate::access_log::{Heard, Phases, Record};
use crate::connection::Client;
use crate::endpoint::LiveEndpoint;
use crate::error::{ProxyError, Reason, RetryEnd};
use crate::grpc;
use crate::live::LiveRoute;
use crate::request_body::BodySource;
use crate::stream::Stream;
use crate::trace::{EndedRequest, RequestTrace, TraceId};
use crate::traffic::FailureClass;
use crate::worker::Worker;

/// Characters of what a client has sent that its span shows.
const MAX_SHOWN: usize = 4 * 1024;

/// One request and its response, from the head's arrival until the last byte of the answer is handed over or
/// given up. What became of it is counted and logged when it is dropped, so that no path can forget to.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub worker: Rc<Worker>,
    pub client: Rc<Client>,
    /// Its place on a connection of HTTP/2.
    stream: Option<Rc<Stream>>,
    pub route: Option<Arc<LiveRoute>>,
    /// The one asked last.
    pub endpoint: Option<Arc<LiveEndpoint>>,
    pub attempts: u32,
    pub body: Option<BodySource>,
    pub request_id: Option<HeaderValue>,
    pub host: Option<HeaderValue>,
    /// Who the client is by the word of the proxies that are trusted.
    pub real_client: Option<IpAddr>,
    is_grpc: bool,
    method: Method,
    uri: Uri,
    version: Version,
    pub began: Instant,
    /// What its head took to come.
    head: Option<Duration>,
    /// What new connections to endpoints took.
    pub connecting: Cell<Duration>,
    /// When an upstream's response began.
    answered: Option<Instant>,
    pub retry_end: Option<RetryEnd>,
    pub trace_id: Option<TraceId>,
    /// What its spans will be made of, if it is sampled.
    pub trace: Option<Box<RequestTrace>>,
    status: StatusCode,
    reason: Option<Reason>,
    sent: u64,
    is_whole: bool,
}

impl Exchange {
    /// Boxed: it goes with the response's body through many hands, of which each copies what it is given.
    pub(crate) fn begin(
        worker: Rc<Worker>,
        client: Rc<Client>,
        stream: Option<Rc<Stream>>,
        request: &Request<Incoming>,
    ) -> Box<Self> {
        let head = client.state.begin_request();
        Box::new(Self {
            worker,
            client,
            stream,
            route: None,
            endpoint: None,
            attempts: 0,
            body: None,
            request_id: None,
            host: None,
            real_client: None,
            is_grpc: grpc::is_grpc(request.headers()),
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            began: Instant::now(),
            head,
            connecting: Cell::default(),
            answered: None,
            retry_end: None,
            trace_id: None,
            trace: None,
            // Until an answer is decided on, none was given: the client left.
            status: StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            reason: None,
            sent: 0,
            is_whole: false,
        })
    }

    /// The answer's head is decided.
    pub(crate) fn answer(&mut self, status: StatusCode) {
        self.status = status;
    }

    /// The answer's head has come from an upstream.
    pub(crate) fn pass_on(&mut self, status: StatusCode) {
        self.status = status;
        self.answered = Some(Instant::now());
        if let Some(trace) = &mut self.trace {
            trace.pass_on(status);
        }
    }

    pub(crate) fn refuse(&mut self, error: &ProxyError) {
        self.status = error.status();
        self.reason = Some(error.reason());
    }

    /// How long a body may stand still, either way.
    pub(crate) fn set_idle_limit(&self, limit: Duration) {
        self.client.state.set_idle_limit(limit);
        if let Some(stream) = &self.stream {
            stream.set_idle_limit(limit);
        }
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.is_grpc
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// The client takes more of the answer.
    pub(crate) fn note_asked(&self) {
        if let Some(stream) = &self.stream {
            stream.note_asked();
        }
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        if let Some(stream) = &self.stream {
            stream.note_handed();
            self.client.state.note_answered(bytes);
        }
    }

    /// All of the answer is handed over.
    pub(crate) fn complete(&mut self) {
        self.is_whole = true;
        self.client.state.note_whole_answer();
    }

    /// The answer's body cannot be brought to its end.
    pub(crate) fn fail(&mut self, reason: Reason) {
        self.reason = Some(reason);
    }

    /// What its spans are made of, without anything that the connection's buffers would stay for.
    fn ended(&self, trace: Box<RequestTrace>, reason: Option<Reason>) -> EndedRequest {
        let shown = |text: &str| text.chars().take(MAX_SHOWN).collect();
        EndedRequest {
            trace,
            method: self.method.clone(),
            scheme: self.client.scheme(),
            host: self.host.as_ref().and_then(|host| host.to_str().ok()).map(shown),
            path: shown(self.uri.path()),
            query: self.uri.query().map(shown),
            version: self.version,
            peer: self.client.addr,
            client: self.real_client,
            route: self.route.as_ref().map(|route| route.name.clone()),
            status: self.status,
            reason,
            ended: SystemTime::now(),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let duration = self.began.elapsed();
        let reason = self.reason.or((!self.is_whole).then_some(Reason::ClientGone));
        let success = reason.is_none() && self.status.as_u16() < 500;

        let Worker { index, shared, access_log, .. } = &*self.worker;
        let cells = shared.cells.of(*index);
        cells.requests.record(success, duration);
        if let Some(reason) = reason {
            cells.reasons[reason as usize].increment();
        }
        let failure = FailureClass::of(self.status, reason);
        match &self.route {
            Some(route) => {
                let (outcomes, traffic) = route.cells(*index);
                outcomes.record(success, duration);
                traffic.record(failure, duration);
            }
            None => cells.unrouted.record(failure, duration),
        }
        let body_has_ended = self.body.as_ref().is_none_or(BodySource::has_ended);
        self.client.state.end_request(body_has_ended);
        if let (Some(stream), Some(body), false) = (&self.stream, &self.body, body_has_ended) {
            self.worker.waiting.watch_body(body.clone(), stream.idle_limit());
        }
        let is_tapped = shared.taps.are_open();
        let is_written = access_log.takes(reason.is_none() && self.status.as_u16() < 400);
        if is_written || is_tapped {
            let response = self.answered.map(|answered| answered.duration_since(self.began));
            let record = Record {
                peer: self.client.addr,
                peer_ip: &self.client.forwarded_for,
                client: self.real_client,
                listener: &self.client.listener.name,
                tls: self.client.tls.as_ref().map(|tls| tls.version),
                heard: Some(Heard {
                    method: &self.method,
                    uri: &self.uri,
                    version: self.version,
                    host: self.host.as_ref(),
                }),
                status: self.status,
                bytes_received: self.body.as_ref().map_or(0, BodySource::received),
                bytes_sent: self.sent,
                ended_at: SystemTime::now(),
                phases: Phases { head: self.head, total: duration, connect: self.connecting.get(), response },
                route: self.route.as_ref().map(|route| &route.name),
                upstream: self.route.as_ref().map(|route| &route.upstream.name),
                endpoint: self.endpoint.as_ref().map(|endpoint| &endpoint.name),
                attempts: self.attempts,
                reason,
                retry_end: self.retry_end,
                request_id: self.request_id.as_ref(),
                trace_id: self.trace_id,
            };
            if is_written {
                access_log.write(&record);
            }
            if is_tapped {
                shared.taps.offer(&record);
            }
        }
        if let Some(trace) = self.trace.take() {
            shared.spans.hand_over(self.ended(trace, reason));
        }
    }
}
