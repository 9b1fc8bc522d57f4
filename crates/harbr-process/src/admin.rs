//! The admin HTTP server: what probes, scrapers and people ask a process. Never on a traffic port.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::Metrics;

/// Connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 128;
/// From the first wait for a request to the end of its head, also between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one connection may be used, so that a client that reads nothing cannot keep its place.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(300);
/// How long a connection has to end once it is told to.
const CLOSE_GRACE: Duration = Duration::from_secs(5);
/// A wait after an accept that failed, as it does while descriptors are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the server shows.
#[derive(Clone)]
pub struct AdminPages {
    /// Why the process is not ready, if it is not.
    pub ready: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
    pub info: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
    pub metrics: Metrics,
    /// What the process shows beside these; asked for every other path.
    pub more: Option<Router>,
}

/// A bound socket that does not serve yet: the bound address can be told before.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    local_addr: SocketAddr,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}: {reason}")]
pub struct BindError {
    pub addr: SocketAddr,
    pub reason: io::Error,
}

impl AdminServer {
    /// # Errors
    /// If the address is taken, not of this machine, or not allowed.
    pub async fn bind(addr: SocketAddr) -> Result<Self, BindError> {
        let failed = |reason| BindError { addr, reason };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, local_addr })
    }

    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `stop`, then lets what runs end within a short time. Nothing that a client does ends it.
    pub async fn run(self, pages: AdminPages, stop: CancellationToken) {
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        while let Some((stream, permit)) = stop
            .run_until_cancelled(async {
                let permit =
                    permits.clone().acquire_owned().await.expect("the semaphore lives as long as the loop");
                (accept(&self.listener).await, permit)
            })
            .await
        {
            while connections.try_join_next().is_some() {}
            let connection = serve(stream, pages.clone(), stop.clone());
            connections.spawn(async move {
                connection.await;
                drop(permit);
            });
        }
        while connections.join_next().await.is_some() {}
    }
}

impl fmt::Debug for AdminPages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminPages").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!("cannot accept an admin connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, pages: AdminPages, stop: CancellationToken) {
    let service = service_fn(move |request: Request<Incoming>| {
        let pages = pages.clone();
        async move { answer(request.map(Body::new), pages).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let lifetime = tokio::time::timeout(CONNECTION_LIFETIME, stop.cancelled());
    tokio::select! {
        // Clients come and go as they like; their errors are not ours.
        _ = &mut connection => {}
        _ = lifetime => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(CLOSE_GRACE, connection).await;
        }
    }
}

async fn answer(request: Request<Body>, pages: AdminPages) -> Result<Response<Body>, Infallible> {
    let is_common = matches!(request.uri().path(), "/livez" | "/readyz" | "/metrics" | "/info");
    match pages.more {
        Some(more) if !is_common => more.oneshot(request).await,
        _ => Ok(answer_common(request.method(), request.uri().path(), &pages).await),
    }
}

async fn answer_common(method: &Method, path: &str, pages: &AdminPages) -> Response<Body> {
    const TEXT: &str = "text/plain; charset=utf-8";
    if !matches!(path, "/livez" | "/readyz" | "/metrics" | "/info") {
        return page(StatusCode::NOT_FOUND, TEXT, "try /livez, /readyz, /metrics or /info\n");
    }
    if *method != Method::GET && *method != Method::HEAD {
        let mut response = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        "/livez" => page(StatusCode::OK, TEXT, "ok\n"),
        "/readyz" => match (pages.ready)() {
            Ok(()) => page(StatusCode::OK, TEXT, "ok\n"),
            Err(reason) => page(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{reason}\n")),
        },
        "/info" => page(StatusCode::OK, "application/json", format!("{}\n", (pages.info)())),
        _ => {
            let metrics = pages.metrics.clone();
            // With many series this takes long enough to hold up other tasks of a small runtime.
            match tokio::task::spawn_blocking(move || metrics.render()).await {
                Ok(text) => page(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text),
                Err(_) => page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "the metrics cannot be shown\n"),
            }
        }
    }
}

fn page(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
