//! The gRPC server for nodes and operators, over TCP and over pipes inside the process.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use harbr_proto::v1::admin_service_server::AdminServiceServer;
use harbr_proto::v1::node_service_server::NodeServiceServer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use crate::admin::Admin;
use crate::session::Sessions;

/// Connections at once; more wait to be accepted. Above the number of sessions, so that operators get in.
const MAX_CONNECTIONS: usize = 10_500;
/// A peer that does not answer pings is gone, also where no packet says so.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// What a node says is small.
const MAX_FROM_NODE: usize = 256 * 1024;
/// One resource, or a batch of them.
const MAX_TO_NODE: usize = 16 * 1024 * 1024;
/// All routes of a large configuration in one answer.
const MAX_TO_OPERATOR: usize = 256 * 1024 * 1024;
/// Streams in one connection: a node needs one, `harbrctl` a few.
const MAX_STREAMS: u32 = 32;
/// A connection begins with the preface of HTTP/2 (RFC 9113 section 3.4), within this time. From then on pings show
/// whether anybody is there.
const PREFACE_BYTES: usize = 24;
const PREFACE_TIMEOUT: Duration = Duration::from_secs(10);
/// A wait after an accept that failed, as it does while descriptors are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long connections may take to end once all sessions have: one that never said a word does not end itself.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// Serves what comes in until `stop`, then until the last stream has ended.
pub(crate) async fn serve<S, C>(
    incoming: S,
    sessions: Sessions,
    admin: Admin,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error>
where
    S: Stream<Item = io::Result<C>>,
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let nodes = NodeServiceServer::new(sessions.clone())
        .max_decoding_message_size(MAX_FROM_NODE)
        .max_encoding_message_size(MAX_TO_NODE);
    let operators = AdminServiceServer::new(admin)
        .max_decoding_message_size(MAX_FROM_NODE)
        .max_encoding_message_size(MAX_TO_OPERATOR);
    let serve = Server::builder()
        .http2_keepalive_interval(Some(PING_INTERVAL))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
        .max_concurrent_streams(MAX_STREAMS)
        .add_service(nodes)
        .add_service(operators)
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned());
    tokio::select! {
        served = serve => served,
        () = async {
            sessions.ended().await;
            sleep(CLOSE_GRACE).await;
        } => Ok(()),
    }
}

/// A bound socket that hands out its connections, never more than allowed at once, and never an error.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

/// A connection that counts as long as it lives, and does not live long if it says nothing.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    preface: Option<Preface>,
    _permit: OwnedSemaphorePermit,
}

/// What has to come first.
#[derive(Debug)]
struct Preface {
    missing: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Listener {
    pub(crate) async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Ok(Self { listener: TcpListener::bind(addr).await?, permits })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(crate) fn incoming(self) -> impl Stream<Item = io::Result<Connection>> {
        futures_util::stream::unfold(self, |this| async move { Some((Ok(this.accept().await), this)) })
    }

    async fn accept(&self) -> Connection {
        let permit = self.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    // Only latency is lost without it.
                    let _ = stream.set_nodelay(true);
                    let preface =
                        Preface { missing: PREFACE_BYTES, deadline: Box::pin(sleep(PREFACE_TIMEOUT)) };
                    return Connection { stream, preface: Some(preface), _permit: permit };
                }
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(preface) = &mut self.preface else { return read };
        preface.missing = preface.missing.saturating_sub(buffer.filled().len() - before);
        if preface.missing == 0 {
            self.preface = None;
        } else if read.is_pending() && preface.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
