//! `CONNECT`: a tunnel to where its listener lets one go (RFC 9110, 9.3.6). No route has a part in it.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use crate::attempt::dial_any;
use crate::connection::Phase;
use crate::error::ProxyError;
use crate::exchange::Exchange;
use crate::head::{host, is_valid_host, without_port};
use crate::response_body::Source;
use crate::tunnel;

/// To look the name up and open the connection.
const WITHIN: Duration = Duration::from_secs(10);

/// Opens the tunnel; its client is told so by the answer, and what it sends goes there from then on.
pub(crate) async fn open(
    exchange: &mut Exchange,
    mut request: Request<Incoming>,
) -> Result<Response<Source>, ProxyError> {
    let listener = exchange.client.listener.clone();
    // Over HTTP/2 it would share its connection with requests, which a tunnel is not held to the limits of.
    if listener.connect.is_empty() || request.version() == Version::HTTP_2 {
        return Err(ProxyError::MethodNotAllowed(Vec::new()));
    }
    let (name, port) = target(&request)?;
    exchange.host = HeaderValue::try_from(format!("{name}:{port}")).ok();
    if !listener.connect.iter().any(|target| target.covers(&name, port)) {
        return Err(ProxyError::Forbidden);
    }
    let began = Instant::now();
    let dialled = timeout(WITHIN, dial(&name, port)).await.unwrap_or(Err(ProxyError::Timeout));
    exchange.connecting.set(began.elapsed());
    let upstream = dialled?;
    let downstream = hyper::upgrade::on(&mut request);
    exchange.client.state.enter(Phase::Tunnel);
    let (worker, client) = (exchange.worker.clone(), exchange.client.clone());
    exchange.worker.tasks.spawn_local(tunnel::run_to(downstream, upstream, client, worker));
    exchange.answer(StatusCode::OK);
    Ok(Response::new(Source::Text(None)))
}

/// RFC 9112, 3.2.3: a host and a port, and `Host` as in any request. It has no body (RFC 9110, 9.3.6): what comes
/// behind it is the tunnel's.
fn target(request: &Request<Incoming>) -> Result<(String, u16), ProxyError> {
    let (uri, headers) = (request.uri(), request.headers());
    host(request.version(), headers)?;
    if headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING) {
        return Err(ProxyError::BadRequest("a tunnel has no body"));
    }
    let authority = uri.authority().filter(|_| uri.scheme().is_none()).map(|authority| authority.as_str());
    let authority = authority.filter(|authority| is_valid_host(authority));
    let named = authority.and_then(|authority| {
        let name = without_port(authority);
        let port = authority.get(name.len() + 1..)?.parse().ok().filter(|port| *port != 0)?;
        Some((name.to_ascii_lowercase(), port))
    });
    named.ok_or(ProxyError::BadRequest("the target is no host and port"))
}

async fn dial(name: &str, port: u16) -> Result<TcpStream, ProxyError> {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let addrs: Vec<_> = lookup_host((bare, port)).await.map_err(|_| ProxyError::Unresolved)?.collect();
    let dialled = dial_any(&addrs, name).await;
    dialled.map(|(_, stream)| stream).ok_or(ProxyError::Connect)
}
