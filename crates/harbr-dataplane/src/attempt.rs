//! One attempt: a connection to one endpoint, one request over it, its response's head.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use harbr_model::{Protocol, Scheme};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::connection::Client;
use crate::endpoint::LiveEndpoint;
use crate::error::ProxyError;
use crate::multiplexed::{Place, Turn};
use crate::pool::Sender;
use crate::proxy_protocol;
use crate::request_body::RequestBody;
use crate::retry::Failure;
use crate::tls;
use crate::worker::Worker;

/// How long an address may be silent before the next one is tried beside it.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// Bytes of an answer that are read at once, where they come fast: of 1 MiB each read and write is then a fifth of
/// the calls into the kernel that 64 KiB take. A connection whose answers are small has a buffer of 8 KiB.
const MOST_READ: usize = 256 * 1024;

/// A connection that a request can be written to.
#[derive(Debug)]
pub(crate) struct Connected {
    pub sender: Sender,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Fresh,
    Reused,
}

/// Why an attempt brought no response.
#[derive(Debug)]
pub(crate) struct AttemptError {
    pub failure: Failure,
    pub error: ProxyError,
}

/// A kept connection, if there is one and `origin` allows it.
pub(crate) fn reuse(
    worker: &Worker,
    endpoint: &LiveEndpoint,
    protocol: Protocol,
    origin: Origin,
) -> Option<Connected> {
    if origin == Origin::Fresh {
        return None;
    }
    let sender = match protocol {
        Protocol::Http1 => worker.pool.take_http1(endpoint.id),
        Protocol::Http2 | Protocol::Http2Cleartext | Protocol::Auto => worker.pool.take(endpoint.id),
    };
    sender.map(|sender| Connected { sender, origin })
}

/// A new connection; of HTTP/2 also one that somebody else has opened meanwhile.
pub(crate) async fn connect(
    worker: &Rc<Worker>,
    endpoint: &LiveEndpoint,
    protocol: Protocol,
    client: &Client,
) -> Result<Connected, AttemptError> {
    let opened = match protocol {
        Protocol::Http1 => open(worker, endpoint, protocol, client).await,
        // It is told who the client is, and is for no other.
        _ if !endpoint.link.keeps_connections() => {
            open(worker, endpoint, protocol, client).await.inspect(Sender::share_no_more)
        }
        Protocol::Http2 | Protocol::Http2Cleartext | Protocol::Auto => loop {
            // One that failed is not among them any more.
            if let Some(sender) = worker.pool.take(endpoint.id) {
                return Ok(Connected { sender, origin: Origin::Reused });
            }
            match worker.pool.multiplexed.turn(endpoint.id) {
                Turn::Each => break open(worker, endpoint, protocol, client).await,
                Turn::Ours(_opening) => break open(worker, endpoint, protocol, client).await,
                Turn::Theirs(ended) => ended.notified().await,
            }
        },
    };
    let sender = opened.map_err(|error| AttemptError { failure: Failure::Unsent, error })?;
    Ok(Connected { sender, origin: Origin::Fresh })
}

/// Writes the request and waits for the response's head. The sender is given back beside it.
pub(crate) async fn send(
    mut connected: Connected,
    request: Request<RequestBody>,
) -> Result<(Response<Incoming>, Sender), AttemptError> {
    let sent = match &mut connected.sender {
        Sender::Http1(sender) => sender.try_send_request(request).await,
        Sender::Http2(place) => place.sender().try_send_request(request).await,
    };
    match (sent, &connected.sender) {
        (Ok(response), Sender::Http1(_)) => Ok((response, connected.sender)),
        (Ok(response), Sender::Http2(place)) => {
            place.note_answered();
            Ok((response, connected.sender))
        }
        (Err(mut error), sender) => {
            let unsent = error.take_message().is_some();
            let error = error.into_error();
            match sender {
                Sender::Http1(_) => Err(classify(&error, connected.origin, unsent)),
                Sender::Http2(place) => Err(classify_http2(&error, place, connected.origin, unsent)),
            }
        }
    }
}

/// A stream that was refused, and one beyond the last that a GOAWAY speaks of, was not processed (RFC 9113, 6.8
/// and 8.7): it is as if it had not been sent.
fn classify_http2(error: &hyper::Error, place: &Place, origin: Origin, unsent: bool) -> AttemptError {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<h2::Error>());
    let is_remote = cause.is_some_and(h2::Error::is_remote);
    let was_refused = cause.is_some_and(|cause| cause.reason() == Some(h2::Reason::REFUSED_STREAM));
    let was_left_out = cause.is_some_and(h2::Error::is_go_away);
    let is_of_stream = cause.is_some_and(h2::Error::is_reset);
    if !is_of_stream || was_refused {
        place.retire_connection();
    }
    let unsent = unsent || is_remote && (was_refused || was_left_out);
    let failure = match (unsent, origin) {
        (true, Origin::Reused) => Failure::UnsentOnReused,
        (true, Origin::Fresh) => Failure::Unsent,
        (false, Origin::Reused) if !is_of_stream => Failure::ResetOnReused,
        (false, Origin::Reused | Origin::Fresh) => Failure::Reset,
    };
    // What this side resets, or gives the connection up for, is no HTTP/2.
    let is_malformed = cause.is_some_and(h2::Error::is_library);
    AttemptError { failure, error: if is_malformed { ProxyError::Malformed } else { ProxyError::Reset } }
}

fn classify(error: &hyper::Error, origin: Origin, unsent: bool) -> AttemptError {
    // Its end before any answer is the one sign of a kept connection that was dead already.
    let ended = error.is_incomplete_message() || error.is_canceled() || error.is_closed() || is_io(error);
    let failure = match (unsent, origin, ended) {
        (true, Origin::Reused, _) => Failure::UnsentOnReused,
        (true, Origin::Fresh, _) => Failure::Unsent,
        (false, Origin::Reused, true) => Failure::ResetOnReused,
        (false, _, _) => Failure::Reset,
    };
    AttemptError { failure, error: if ended { ProxyError::Reset } else { ProxyError::Malformed } }
}

fn is_io(error: &hyper::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<io::Error>)
}

async fn open(
    worker: &Rc<Worker>,
    endpoint: &LiveEndpoint,
    protocol: Protocol,
    client: &Client,
) -> Result<Sender, ProxyError> {
    let mut stream = dial(endpoint).await?;
    if let Some(version) = endpoint.link.proxy_protocol {
        let header = proxy_protocol::header(version, client.addr, client.reached);
        stream.write_all(&header).await.map_err(|_| ProxyError::Connect)?;
    }
    match endpoint.url.scheme() {
        Scheme::Http if protocol == Protocol::Http2Cleartext => {
            handshake_http2(worker, endpoint, stream).await
        }
        Scheme::Http => handshake(worker, stream).await,
        Scheme::Https => {
            let (config, name) = match &endpoint.link.tls {
                Some(tls) => (&tls.config, tls.server_name(&endpoint.url)),
                None => (&worker.shared.tls, endpoint.url.host().to_owned().try_into().ok()),
            };
            let name = name.ok_or(ProxyError::Tls)?;
            let connector = TlsConnector::from(tls::offering(config, protocol));
            let stream = connector.connect(name, stream).await.map_err(|error| {
                tracing::debug!(endpoint = &*endpoint.name, %error, "TLS failed");
                ProxyError::Tls
            })?;
            match (stream.get_ref().1.alpn_protocol() == Some(tls::H2), protocol) {
                (true, _) => handshake_http2(worker, endpoint, stream).await,
                (false, Protocol::Http2) => {
                    tracing::debug!(endpoint = &*endpoint.name, "no HTTP/2 was agreed to");
                    Err(ProxyError::Tls)
                }
                (false, Protocol::Auto) => {
                    worker.pool.multiplexed.note_without(endpoint.id);
                    handshake(worker, stream).await
                }
                (false, Protocol::Http1 | Protocol::Http2Cleartext) => handshake(worker, stream).await,
            }
        }
    }
}

async fn handshake_http2(
    worker: &Rc<Worker>,
    endpoint: &LiveEndpoint,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
) -> Result<Sender, ProxyError> {
    let opened = worker.pool.multiplexed.open(worker, endpoint.id, stream).await;
    opened.map(Sender::Http2).map_err(|_| ProxyError::Connect)
}

/// The address that answers is tried first from then on.
async fn dial(endpoint: &LiveEndpoint) -> Result<TcpStream, ProxyError> {
    let addrs = endpoint.resolved().await.ok_or(ProxyError::Unresolved)?;
    let (addr, stream) = dial_any(&addrs, &endpoint.name).await.ok_or(ProxyError::Connect)?;
    endpoint.prefer(addr);
    Ok(stream)
}

/// Tries each address: the next one as soon as one fails, or is silent for a moment (RFC 8305, 5).
pub(crate) async fn dial_any(addrs: &[SocketAddr], name: &str) -> Option<(SocketAddr, TcpStream)> {
    let mut waiting = addrs.iter().copied();
    let mut dialling = FuturesUnordered::new();
    dialling.extend(waiting.next().map(dial_one));
    while !dialling.is_empty() {
        match timeout(NEXT_ADDRESS, dialling.next()).await {
            Ok(Some((addr, Ok(stream)))) => {
                // Without it small requests wait for acknowledgements; a socket that cannot is no worse.
                let _set = stream.set_nodelay(true);
                return Some((addr, stream));
            }
            Ok(Some((addr, Err(error)))) => {
                tracing::debug!(name, %addr, %error, "cannot connect");
            }
            Ok(None) | Err(_) => {}
        }
        dialling.extend(waiting.next().map(dial_one));
    }
    None
}

async fn dial_one(addr: SocketAddr) -> (SocketAddr, io::Result<TcpStream>) {
    (addr, TcpStream::connect(addr).await)
}

async fn handshake(
    worker: &Rc<Worker>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Sender, ProxyError> {
    let (max_headers, max_header_bytes) = {
        let table = worker.shared.table.load();
        (table.settings.max_headers as usize, table.settings.max_header_bytes as usize)
    };
    let handshake = http1::Builder::new()
        .max_headers(max_headers)
        .max_header_size(max_header_bytes)
        .max_buf_size(max_header_bytes.max(MOST_READ))
        .handshake(TokioIo::new(stream));
    let (sender, connection) = handshake.await.map_err(|_| ProxyError::Connect)?;
    worker.upstream_tasks.spawn_local(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "an upstream connection ended");
        }
    });
    Ok(Sender::Http1(sender))
}
