//! One attempt: a connection to one endpoint, one request over it, its response's head.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
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
use crate::pool::Sender;
use crate::proxy_protocol;
use crate::request_body::RequestBody;
use crate::retry::Failure;
use crate::worker::Worker;

/// How long an address may be silent before the next one is tried beside it.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

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
pub(crate) fn reuse(worker: &Worker, endpoint: &LiveEndpoint, origin: Origin) -> Option<Connected> {
    if origin == Origin::Fresh {
        return None;
    }
    worker.pool.take(endpoint.id).map(|sender| Connected { sender, origin })
}

/// A new connection.
pub(crate) async fn connect(
    worker: &Rc<Worker>,
    endpoint: &LiveEndpoint,
    client: &Client,
) -> Result<Connected, AttemptError> {
    let opened = open(worker, endpoint, client).await;
    let sender = opened.map_err(|error| AttemptError { failure: Failure::Unsent, error })?;
    Ok(Connected { sender, origin: Origin::Fresh })
}

/// Writes the request and waits for the response's head. The sender is given back beside it.
pub(crate) async fn send(
    mut connected: Connected,
    request: Request<RequestBody>,
) -> Result<(Response<Incoming>, Sender), AttemptError> {
    match connected.sender.try_send_request(request).await {
        Ok(response) => Ok((response, connected.sender)),
        Err(mut error) => {
            let unsent = error.take_message().is_some();
            Err(classify(&error.into_error(), connected.origin, unsent))
        }
    }
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

async fn open(worker: &Rc<Worker>, endpoint: &LiveEndpoint, client: &Client) -> Result<Sender, ProxyError> {
    let mut stream = dial(endpoint).await?;
    if let Some(version) = endpoint.link.proxy_protocol {
        let header = proxy_protocol::header(version, client.addr, client.reached);
        stream.write_all(&header).await.map_err(|_| ProxyError::Connect)?;
    }
    match endpoint.url.scheme() {
        harbr_model::Scheme::Http => handshake(worker, stream).await,
        harbr_model::Scheme::Https => {
            let (config, name) = match &endpoint.link.tls {
                Some(tls) => (tls.config.clone(), tls.server_name(&endpoint.url)),
                None => (worker.shared.tls.clone(), endpoint.url.host().to_owned().try_into().ok()),
            };
            let name = name.ok_or(ProxyError::Tls)?;
            let connector = TlsConnector::from(config);
            let stream = connector.connect(name, stream).await.map_err(|error| {
                tracing::debug!(endpoint = &*endpoint.name, %error, "TLS failed");
                ProxyError::Tls
            })?;
            handshake(worker, stream).await
        }
    }
}

/// Tries each of the endpoint's addresses: the next one as soon as one fails, or is silent for a moment
/// (RFC 8305, 5). The one that answers is tried first from then on.
async fn dial(endpoint: &LiveEndpoint) -> Result<TcpStream, ProxyError> {
    let addrs = endpoint.resolved().await.ok_or(ProxyError::Unresolved)?;
    let mut waiting = addrs.iter().copied();
    let mut dialling = FuturesUnordered::new();
    dialling.extend(waiting.next().map(dial_one));
    while !dialling.is_empty() {
        match timeout(NEXT_ADDRESS, dialling.next()).await {
            Ok(Some((addr, Ok(stream)))) => {
                endpoint.prefer(addr);
                // Without it small requests wait for acknowledgements; a socket that cannot is no worse.
                let _set = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Some((addr, Err(error)))) => {
                tracing::debug!(endpoint = &*endpoint.name, %addr, %error, "cannot connect");
            }
            Ok(None) | Err(_) => {}
        }
        dialling.extend(waiting.next().map(dial_one));
    }
    Err(ProxyError::Connect)
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
        .max_buf_size(max_header_bytes.max(64 * 1024))
        .handshake(TokioIo::new(stream));
    let (sender, connection) = handshake.await.map_err(|_| ProxyError::Connect)?;
    worker.upstream_tasks.spawn_local(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "an upstream connection ended");
        }
    });
    Ok(sender)
}
