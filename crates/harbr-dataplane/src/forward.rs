//! From a route to a response's head: attempts, until one brings an answer or no other is worth it. The loop
//! obeys the pure decisions of [`retry`], [`LiveUpstream::pick`](crate::live::LiveUpstream::pick) and
//! [`Clocks::deadline`].

use std::cell::Cell;
use std::future::pending;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use harbr_model::Protocol;
use http::{HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep};

use crate::attempt::{self, AttemptError, Connected, Origin};
use crate::connection::Client;
use crate::deadline::{BodyProgress, Clocks, Elapsed, shortened_by_client, within};
use crate::endpoint::LiveEndpoint;
use crate::error::{ProxyError, RetryEnd};
use crate::exchange::Exchange;
use crate::expectation::{Expectation, MAX_PATIENCE, Signal};
use crate::live::LiveRoute;
use crate::outgoing::Outgoing;
use crate::outlier::Seen;
use crate::request_body::{BodySource, RequestBody};
use crate::response_body::Lease;
use crate::retry::{self, Decision, Failure, Repeatable, Tries};
use crate::stats::{AttemptResult, ProxyCells};
use crate::trace::{self, RequestTrace};
use crate::worker::Worker;
use harbr_routing::headers;

/// A response's head, with its body to come, and the connection that it comes over.
pub(crate) type Answer = (Response<Incoming>, Lease);

/// The wait before the same endpoint is asked again doubles from here; drawn at random up to it.
const BACK_OFF: Duration = Duration::from_millis(25);

pub(crate) async fn forward(
    exchange: &mut Exchange,
    route: &LiveRoute,
    outgoing: &Outgoing,
    body: Option<&BodySource>,
) -> Result<Answer, ProxyError> {
    let (worker, client) = (exchange.worker.clone(), exchange.client.clone());
    let upstream = &route.upstream;
    let _active = upstream.budget.request();
    // The first attempt begins with the request, as far as a clock can tell.
    let request_began = Instant::from_std(exchange.began);
    let mut attempt_began = request_began;
    let timeouts = shortened_by_client(route.route.timeouts, &outgoing.headers);
    let mut tries = Tries { retries_left: route.route.max_retries, resent: false };
    let mut tried: Vec<Arc<LiveEndpoint>> = Vec::new();
    let mut endpoint = upstream.pick(&tried).ok_or(ProxyError::NoHealthyEndpoint)?.clone();
    let mut origin = Origin::Reused;
    let mut _retrying = None;
    exchange.attempts = 1;
    loop {
        exchange.endpoint = Some(endpoint.clone());
        let clocks = Clocks { timeouts, request_began, attempt_began };
        let begun =
            |trace: &mut Box<RequestTrace>| trace.begin_attempt(&endpoint, outgoing.url(route, &endpoint));
        let attempt = Attempt {
            worker: &worker,
            client: &client,
            route,
            endpoint: &endpoint,
            outgoing,
            body,
            clocks,
            trace_parent: exchange.trace.as_mut().map(begun),
            connecting: &exchange.connecting,
        };
        let (failure, answer) = match attempt.run(origin).await {
            Ok(answer) => match Failure::of_status(answer.0.status()) {
                None => {
                    let result = result_of_status(answer.0.status());
                    count(&worker, route, &endpoint, (result, seen_of(result)));
                    return Ok(answer);
                }
                Some(failure) => (failure, Ok(answer)),
            },
            // What the client does wrong is no failure of the upstream, and no reason to try another.
            Err(AttemptError { error: error @ ProxyError::BodyStalled, .. }) => return Err(error),
            Err(AttemptError { failure, error }) => match body.and_then(BodySource::fault) {
                Some(fault) => return Err(fault),
                None => (failure, Err(error)),
            },
        };
        let repeatable = Repeatable {
            idempotent: outgoing.method.is_idempotent(),
            replayable: body.is_none_or(BodySource::is_replayable),
        };
        let decision = retry::decide(failure, repeatable, tries);
        if let (Some(trace), Err(error)) = (&mut exchange.trace, &answer) {
            trace.end_attempt(Err(error.reason()));
        }
        if decision == Decision::Resend {
            tries.resent = true;
            origin = Origin::Fresh;
            attempt_began = Instant::now();
            cells(&worker).resends.increment();
            continue;
        }
        let seen = if failure == Failure::Unsent { Seen::ConnectFailure } else { Seen::Failure };
        count(&worker, route, &endpoint, (result_of(&answer), seen));
        if decision == Decision::GiveUp || clocks.request_deadline(at_rest(body)) <= Instant::now() {
            let were_all_made = route.route.max_retries > 0 && tries.retries_left == 0;
            exchange.retry_end = were_all_made.then_some(RetryEnd::Limit);
            return answer;
        }
        _retrying = None;
        let Some(place) = upstream.budget.retry() else {
            cells(&worker).retries_refused.increment();
            exchange.retry_end = Some(RetryEnd::Budget);
            return answer;
        };
        _retrying = Some(place);
        tries.retries_left -= 1;
        exchange.attempts += 1;
        tried.push(endpoint);
        let Some(next) = upstream.pick(&tried) else { return answer };
        if let (Some(trace), Ok((response, _))) = (&mut exchange.trace, &answer) {
            trace.end_attempt(Ok(response.status()));
        }
        let times_tried = tried.iter().filter(|tried| Arc::ptr_eq(tried, next)).count();
        endpoint = next.clone();
        origin = Origin::Reused;
        cells(&worker).retries.increment();
        route.cells(worker.index).1.record_retry();
        if times_tried > 0 {
            sleep(back_off(times_tried)).await;
        }
        attempt_began = Instant::now();
    }
}

/// All that one attempt goes by.
struct Attempt<'a> {
    worker: &'a Rc<Worker>,
    client: &'a Client,
    route: &'a LiveRoute,
    endpoint: &'a Arc<LiveEndpoint>,
    outgoing: &'a Outgoing,
    body: Option<&'a BodySource>,
    clocks: Clocks,
    /// What the upstream is told of the trace, if the request is sampled.
    trace_parent: Option<HeaderValue>,
    connecting: &'a Cell<Duration>,
}

impl Attempt<'_> {
    async fn run(&self, origin: Origin) -> Result<Answer, AttemptError> {
        let in_flight = self.endpoint.begin();
        let protocol = self.outgoing.protocol(self.endpoint);
        let connected = match attempt::reuse(self.worker, self.endpoint, protocol, origin) {
            Some(kept) => kept,
            None => self.connect(protocol).await?,
        };
        let signal = self.outgoing.expects_continue.then(Arc::<Signal>::default);
        let body = self.body.map_or(RequestBody::Empty, |body| body.attempt(self.expectation(&signal)));
        let request =
            self.outgoing.for_endpoint(self.route, self.endpoint, (connected.sender.speaks(), body));
        let mut request = request.map_err(|error| AttemptError { failure: Failure::Reset, error })?;
        if let Some(signal) = &signal {
            signal.watch(&mut request);
        }
        if let Some(parent) = &self.trace_parent {
            trace::tell(request.headers_mut(), parent.clone());
        }
        let deadline = || self.clocks.deadline(self.body.map_or(BodyProgress::AtRest, BodySource::progress));
        let body_turned = async || match self.body {
            Some(body) => body.turned().await,
            None => pending().await,
        };
        let send = pin!(attempt::send(connected, request));
        let (alarms, now) = (&self.worker.alarms, self.clocks.attempt_began);
        match within(alarms, now, send, deadline, body_turned).await {
            Ok(sent) => {
                let (response, sender) = sent?;
                if let Some(signal) = &signal {
                    signal.answer();
                }
                if !self.is_well_formed(&response) {
                    return Err(AttemptError { failure: Failure::Reset, error: ProxyError::Malformed });
                }
                let worker = self.worker.clone();
                let kept_for = self.endpoint.link.keeps_connections().then_some(self.endpoint.id);
                Ok((response, Lease { worker, kept_for, sender, in_flight }))
            }
            Err(Elapsed) => Err(self.timed_out(Failure::Timeout)),
        }
    }

    /// Boxed: it is rare, and large beside what a request over a kept connection has to carry along.
    async fn connect(&self, protocol: Protocol) -> Result<Connected, AttemptError> {
        let mut connect = Box::pin(attempt::connect(self.worker, self.endpoint, protocol, self.client));
        let by = self.clocks.deadline(at_rest(self.body));
        let (alarms, now) = (&self.worker.alarms, self.clocks.attempt_began);
        let began = Instant::now();
        let connected = within(alarms, now, connect.as_mut(), || by, pending).await;
        self.connecting.set(self.connecting.get() + began.elapsed());
        match connected {
            Ok(connected) => connected,
            Err(Elapsed) => Err(self.timed_out(Failure::Unsent)),
        }
    }

    /// RFC 9110, 10.1.1: the body waits for the upstream to ask for it, as the client does.
    fn expectation(&self, signal: &Option<Arc<Signal>>) -> Option<Expectation> {
        let patience = (self.clocks.timeouts.attempt / 2).min(MAX_PATIENCE);
        signal.as_ref().map(|signal| Expectation::new(signal.clone(), patience))
    }

    /// It can be read in one way, and changes protocol only if it was asked to.
    fn is_well_formed(&self, response: &Response<Incoming>) -> bool {
        let Outgoing { method, upgrade, .. } = self.outgoing;
        let (status, headers) = (response.status(), response.headers());
        let changes = status == StatusCode::SWITCHING_PROTOCOLS;
        headers::is_framing_clear(headers, method, status)
            && (!changes || headers::grants(upgrade.as_ref(), headers))
    }

    /// A deadline has come. While the client owes bytes of its body it is the client that is late.
    fn timed_out(&self, failure: Failure) -> AttemptError {
        cells(self.worker).timeouts.increment();
        let error = match self.body {
            Some(body) if body.awaits_client() && !body.has_ended() => ProxyError::BodyStalled,
            Some(_) | None => ProxyError::Timeout,
        };
        AttemptError { failure, error }
    }
}

impl Failure {
    fn of_status(status: StatusCode) -> Option<Self> {
        retry::is_retried(status).then_some(Self::Status(status))
    }
}

/// The body as it bears on a connect, while it does not move.
fn at_rest(body: Option<&BodySource>) -> BodyProgress {
    match body.map(BodySource::progress) {
        Some(ended @ BodyProgress::Ended { .. }) => ended,
        Some(BodyProgress::AtRest | BodyProgress::Moving { .. }) | None => BodyProgress::AtRest,
    }
}

fn result_of(answer: &Result<Answer, ProxyError>) -> AttemptResult {
    match answer {
        Ok((response, _)) => result_of_status(response.status()),
        Err(ProxyError::Timeout) => AttemptResult::Timeout,
        Err(_) => AttemptResult::Failure,
    }
}

fn result_of_status(status: StatusCode) -> AttemptResult {
    if status.is_server_error() { AttemptResult::Failure } else { AttemptResult::Success }
}

fn seen_of(result: AttemptResult) -> Seen {
    match result {
        AttemptResult::Success => Seen::Success,
        AttemptResult::Failure | AttemptResult::Timeout => Seen::Failure,
    }
}

fn count(worker: &Worker, route: &LiveRoute, endpoint: &LiveEndpoint, (result, seen): (AttemptResult, Seen)) {
    cells(worker).attempts.record(result);
    let upstream = &route.upstream;
    let stats = upstream.stats.of(worker.index);
    stats.attempts.record(result);
    if upstream.note(endpoint, seen) {
        stats.ejections.increment();
    }
}

fn cells(worker: &Worker) -> &ProxyCells {
    worker.shared.cells.of(worker.index)
}

fn back_off(times_tried: usize) -> Duration {
    let doublings = u32::try_from(times_tried - 1).unwrap_or(u32::MAX).min(4);
    (BACK_OFF * 2_u32.pow(doublings)).mul_f64(fastrand::f64())
}
