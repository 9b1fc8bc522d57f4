//! The life of a request, from top to bottom: one linear function. Each step is a pure decision or one await.

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use harbr_model::Tracing;
use harbr_routing::{Found, RequestHead};
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use crate::connect;
use crate::connection::{Client, Phase, Speaks};
use crate::error::ProxyError;
use crate::exchange::Exchange;
use crate::forward::{Answer, forward};
use crate::grpc;
use crate::head::Target;
use crate::live::{LiveRoute, LiveTable};
use crate::outgoing::Outgoing;
use crate::redirect;
use crate::request_body::{BodySource, Replay};
use crate::response_body::{ResponseBody, Source, UpstreamBody};
use crate::stream::Stream;
use crate::trace::{Told, TraceId};
use crate::tunnel;
use crate::worker::Worker;
use harbr_routing::headers::{self, Trust};

/// Answers one request. Errors become a response here and nowhere else.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    client: Rc<Client>,
    stream: Option<Rc<Stream>>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let mut exchange = Exchange::begin(worker, client, stream, &request);
    let mut response = match answer(&mut exchange, request).await {
        Ok(response) => response,
        Err(error) => refusal(&mut exchange, &error),
    };
    if exchange.client.state.phase() != Phase::Tunnel {
        exchange.client.state.begin_answer();
        let Exchange { worker, client, .. } = &*exchange;
        if client.closed.is_cancelled()
            || worker.shared.wants_connections_closed()
            || worker.shared.draining.reaches(client.state.place)
        {
            close_after(&exchange, &mut response);
        }
    }
    Ok(response.map(|source| ResponseBody::new(source, exchange)))
}

async fn answer(
    exchange: &mut Exchange,
    mut request: Request<Incoming>,
) -> Result<Response<Source>, ProxyError> {
    if let Some(port) = exchange.client.listener.redirect_https {
        return redirect::to_https(exchange, &request, port);
    }
    if *request.method() == Method::CONNECT {
        return connect::open(exchange, request).await;
    }
    let (target, route, trust) = find_route(exchange, &mut request)?;
    if headers::is_looping(request.headers()) {
        return Err(ProxyError::Loop);
    }
    let method = request.method().clone();
    headers::spend_forward(request.headers_mut(), &method)
        .map_err(|_| ProxyError::NoForwardsLeft(route.route.matches.methods.clone()))?;
    exchange.set_idle_limit(route.route.timeouts.idle);
    let policies = &route.route;
    if request.body().size_hint().lower() > policies.max_body {
        return Err(ProxyError::BodyTooLarge);
    }

    let downstream = hyper::upgrade::on(&mut request);
    let (parts, incoming) = request.into_parts();
    let may_repeat = parts.method.is_idempotent() || route.upstream.may_refuse_unseen();
    let replay = if may_repeat { Replay::Remember } else { Replay::Forget };
    let outgoing = Outgoing::new(parts, target, (&exchange.client, trust), policies, &incoming);
    exchange.request_id = Some(outgoing.request_id.clone());
    let body = (!incoming.is_end_stream())
        .then(|| BodySource::new(incoming, policies.max_body, policies.timeouts.idle, replay));
    exchange.body.clone_from(&body);
    let (mut response, lease) = forward(exchange, &route, &outgoing, body.as_ref()).await?;

    let status = response.status();
    exchange.pass_on(status);
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return switch_protocols(exchange, downstream, (response, lease));
    }
    let headers = response.headers_mut();
    headers::strip_response(headers, &outgoing.method, status);
    headers::edit(headers, &policies.response_headers);
    *response.version_mut() = Version::HTTP_11;
    Ok(response
        .map(|incoming| Source::Upstream(UpstreamBody::new(incoming, body, policies.timeouts.idle, lease))))
}

/// The one look at the table: what is asked for, the route, and whether the client's word counts. What comes
/// after holds the route only, so that a long answer keeps no old table alive.
fn find_route(
    exchange: &mut Exchange,
    request: &mut Request<Incoming>,
) -> Result<(Target, Arc<LiveRoute>, Trust), ProxyError> {
    let table = exchange.worker.shared.table.load();
    let LiveTable { settings, routes, matched_headers, .. } = &**table;
    let trusted = &settings.trusted_proxies;
    let peer = exchange.client.addr.ip();
    let trust = if trusted.iter().any(|network| network.contains(peer)) { Trust::Yes } else { Trust::No };
    if trust == Trust::Yes {
        exchange.real_client = headers::client_by_trusted(request.headers(), trusted);
    }
    exchange.trace_id = follow_trace(exchange, request.headers_mut(), (settings.tracing.as_ref(), trust));
    let target = Target::of(
        request.method(),
        request.uri(),
        request.version(),
        request.headers(),
        settings.odd_paths,
    )?;
    exchange.host.clone_from(&target.authority);
    if exchange.client.is_misdirected(target.host()) {
        return Err(ProxyError::Misdirected);
    }
    // Of HTTP/1 the number was held when it was read.
    if request.version() == Version::HTTP_2 && request.headers().len() > settings.max_headers as usize {
        return Err(ProxyError::HeadTooLarge);
    }
    let head = RequestHead {
        host: target.host(),
        path: target.path(request.uri()),
        method: request.method(),
        headers: request.headers(),
    };
    if exchange.worker.sampler.is_due() {
        exchange.worker.sampler.remember(&head, matched_headers, exchange.began);
    }
    match routes.find(&head) {
        Found::Route(route) => {
            exchange.route = Some(route.clone());
            let route = route.clone();
            Ok((target, route, trust))
        }
        Found::MethodNotAllowed(methods) => Err(ProxyError::MethodNotAllowed(methods)),
        Found::NoRoute => Err(ProxyError::NoRoute),
    }
}

/// Which trace the request belongs to; where traces are made, it is in one from here on.
fn follow_trace(
    exchange: &mut Exchange,
    headers: &mut HeaderMap,
    (tracing, trust): (Option<&Tracing>, Trust),
) -> Option<TraceId> {
    let told = Told::by(headers);
    let Some(tracing) = tracing else { return told.trace_id() };
    if !told.sample(tracing, trust) {
        return Some(told.go_on_unsampled(headers));
    }
    let trace = told.begin(headers);
    let trace_id = trace.trace_id();
    exchange.trace = Some(Box::new(trace));
    Some(trace_id)
}

/// Hands both ends over to a tunnel and passes the 101 on.
fn switch_protocols(
    exchange: &mut Exchange,
    downstream: OnUpgrade,
    (mut response, lease): Answer,
) -> Result<Response<Source>, ProxyError> {
    let protocol = response.headers().get(UPGRADE).cloned().ok_or(ProxyError::Malformed)?;
    let upstream = hyper::upgrade::on(&mut response);
    headers::strip_response(response.headers_mut(), &Method::GET, StatusCode::SWITCHING_PROTOCOLS);
    headers::set_upgrade(response.headers_mut(), protocol);
    exchange.client.state.enter(Phase::Tunnel);
    let tasks = &exchange.worker.tasks;
    tasks.spawn_local(tunnel::run(downstream, upstream, exchange.client.clone(), lease));
    Ok(response.map(|_| Source::Text(None)))
}

fn refusal(exchange: &mut Exchange, error: &ProxyError) -> Response<Source> {
    exchange.refuse(error);
    if exchange.is_grpc() {
        return grpc::refusal(error);
    }
    let text = Bytes::from(format!("{error}\n"));
    // hyper leaves it out for HTTP/1 only.
    let text = (*exchange.method() != Method::HEAD || exchange.version() != Version::HTTP_2).then_some(text);
    let mut response = Response::new(Source::Text(text));
    *response.status_mut() = error.status();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Some(methods) = error.allowed() {
        let methods: Vec<_> = methods.iter().map(Method::as_str).collect();
        let allow = HeaderValue::try_from(methods.join(", ")).expect("methods are tokens");
        response.headers_mut().insert(ALLOW, allow);
    }
    if error.ends_connection() && exchange.version() != Version::HTTP_2 {
        close_after(exchange, &mut response);
    }
    response
}

fn close_after(exchange: &Exchange, response: &mut Response<Source>) {
    match exchange.client.state.speaks() {
        Speaks::Http1 => _ = response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close")),
        Speaks::Http2 => exchange.client.state.end_once(),
    }
}
