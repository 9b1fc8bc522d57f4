use std::fmt;
use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Hangup;
use super::record::Record;
use crate::body::{TestBody, empty};

/// Requests that one connection of HTTP/2 takes at once.
const STREAMS: u32 = 10;

#[derive(Clone)]
pub(super) enum Transport {
    Plain,
    /// HTTP/2 by prior knowledge.
    Http2,
    Tls(TlsAcceptor),
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Http2 => "Http2",
            Self::Tls(_) => "Tls",
        })
    }
}

/// Ends, with all connections, when the set is dropped.
pub(super) fn serve(listener: TcpListener, transport: Transport, record: Arc<Record>) -> JoinSet<()> {
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            record.note_connection();
            connections.spawn(serve_connection(stream, transport.clone(), Arc::clone(&record)));
            while connections.try_join_next().is_some() {}
        }
    });
    server
}

async fn serve_connection(stream: TcpStream, transport: Transport, record: Arc<Record>) {
    // Small pieces of a stream must not wait for the ones after them.
    let _ = stream.set_nodelay(true);
    match transport {
        Transport::Plain => serve_http(stream, record).await,
        Transport::Http2 => serve_http2(stream, record).await,
        Transport::Tls(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => serve_http2(stream, record).await,
                    _ => serve_http(stream, record).await,
                }
            }
        }
    }
}

async fn serve_http(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, record: Arc<Record>) {
    let service = service_fn(move |request| respond(request, Arc::clone(&record)));
    // A client that goes away is the test's doing.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(io), service).with_upgrades().await;
}

async fn serve_http2(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, record: Arc<Record>) {
    let service = service_fn(move |request| respond(request, Arc::clone(&record)));
    let mut builder = http2::Builder::new(TokioExecutor::new());
    // A client that goes away is the test's doing.
    let _ = builder.max_concurrent_streams(STREAMS).serve_connection(TokioIo::new(io), service).await;
}

async fn respond(mut request: Request<Incoming>, record: Arc<Record>) -> Result<Response<TestBody>, Hangup> {
    if request.method() == Method::GET && request.uri().path() == "/health" {
        record.note_probe();
        let mut response = Response::new(empty());
        *response.status_mut() = record.health_status().try_into().expect("the test's status is one");
        return Ok(response);
    }
    record.note_request(&request);
    request.extensions_mut().insert(record.name());
    let answer = record.handler()(request);
    answer.await
}
