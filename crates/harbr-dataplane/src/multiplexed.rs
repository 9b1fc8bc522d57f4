//! Connections of HTTP/2 to upstreams: each carries many requests at once, as many as its upstream allows. Who
//! needs one more than there is room for opens another connection; of those who need the first one at the same
//! time one opens it for all.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hyper::client::conn::http2;
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::request_body::RequestBody;
use crate::worker::Worker;

/// Bytes of one answer, and of all answers of a connection, that may come before they are taken.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Bytes of one request's body that wait for the upstream to take them.
const MAX_SEND_BUFFER: usize = 64 * 1024;
/// A connection that is silent this long while requests are under way is asked whether somebody is there. More
/// often gRPC servers take it for an attack.
const PING_AFTER: Duration = Duration::from_secs(310);
const PONG_WITHIN: Duration = Duration::from_secs(20);
/// A request that is given up this late, with nothing having come over its connection, says that nobody is there.
const SUSPICIOUS: Duration = Duration::from_secs(1);

/// The connections of one worker, by endpoint.
#[derive(Debug, Default)]
pub(crate) struct Multiplexed {
    open: RefCell<HashMap<u64, Vec<Rc<Connection>>, RandomState>>,
    opening: RefCell<HashMap<u64, Rc<Notify>, RandomState>>,
    /// Endpoints that chose HTTP/1 when they could choose.
    without: RefCell<HashSet<u64, RandomState>>,
}

struct Connection {
    sender: http2::SendRequest<RequestBody>,
    /// Requests that its upstream takes at once.
    limit: Box<dyn Fn() -> usize>,
    under_way: Cell<usize>,
    /// It takes no further requests.
    is_retired: Cell<bool>,
    rests_since: Cell<Instant>,
    last_read: Rc<Cell<Instant>>,
}

/// A place for one request, until dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connection: Rc<Connection>,
    since: Instant,
    is_answered: Cell<bool>,
}

/// Whose it is to open a connection.
#[derive(Debug)]
pub(crate) enum Turn<'a> {
    /// Everybody's: nothing is shared with this endpoint.
    Each,
    Ours(Opening<'a>),
    /// Somebody else's; it has ended when this wakes.
    Theirs(Rc<Notify>),
}

/// Lets those who wait look again when dropped.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    all: &'a Multiplexed,
    endpoint: u64,
}

impl Multiplexed {
    pub(crate) fn take(&self, endpoint: u64) -> Option<Place> {
        let open = self.open.borrow();
        open.get(&endpoint)?.iter().find(|connection| connection.has_room()).map(Connection::place)
    }

    /// Who waits must look again with [`take`](Self::take).
    pub(crate) fn turn(&self, endpoint: u64) -> Turn<'_> {
        if self.without.borrow().contains(&endpoint) {
            return Turn::Each;
        }
        let mut opening = self.opening.borrow_mut();
        if let Some(ended) = opening.get(&endpoint) {
            return Turn::Theirs(ended.clone());
        }
        opening.insert(endpoint, Rc::default());
        Turn::Ours(Opening { all: self, endpoint })
    }

    /// The endpoint has chosen HTTP/1.
    pub(crate) fn note_without(&self, endpoint: u64) {
        self.without.borrow_mut().insert(endpoint);
    }

    /// Drops what takes no more requests or rests for too long, and all of endpoints that are no longer served.
    /// What is under way goes on.
    pub(crate) fn sweep(&self, idle_timeout: Duration, served: &HashSet<u64, RandomState>) {
        self.without.borrow_mut().retain(|endpoint| served.contains(endpoint));
        self.open.borrow_mut().retain(|endpoint, connections| {
            connections.retain(|connection| {
                let rests =
                    connection.under_way.get() == 0 && connection.rests_since.get().elapsed() >= idle_timeout;
                !rests && connection.is_usable()
            });
            !connections.is_empty() && served.contains(endpoint)
        });
    }

    /// Speaks HTTP/2 over a new connection, and takes its first place.
    pub(crate) async fn open(
        &self,
        worker: &Rc<Worker>,
        endpoint: u64,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    ) -> Result<Place, hyper::Error> {
        let last_read = Rc::new(Cell::new(Instant::now()));
        let io = TokioIo::new(ReadClock { inner: stream, last_read: last_read.clone() });
        let max_header_bytes = worker.shared.table.load().settings.max_header_bytes;
        let mut builder = http2::Builder::new(UpstreamTasks(worker.upstream_tasks.clone()));
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(max_header_bytes)
            .max_send_buf_size(MAX_SEND_BUFFER)
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PONG_WITHIN);
        let (sender, driver) = builder.handshake(io).await?;
        let driver = Rc::new(RefCell::new(Some(driver)));
        let running = driver.clone();
        worker.upstream_tasks.spawn_local(async move {
            let ended = std::future::poll_fn(|cx| match running.borrow_mut().as_mut() {
                Some(driver) => Pin::new(driver).poll(cx),
                None => Poll::Ready(Ok(())),
            });
            let ended = ended.await;
            // Only with it the sender counts as closed, and requests that wait in it fail instead of waiting on.
            drop(running.borrow_mut().take());
            if let Err(error) = ended {
                tracing::debug!(%error, "an upstream connection ended");
            }
        });
        let connection = Rc::new(Connection {
            sender,
            // While it is being driven nobody asks.
            limit: Box::new(move || {
                driver.try_borrow().map_or(usize::MAX, |driver| {
                    driver.as_ref().map_or(0, |driver| driver.current_max_send_streams())
                })
            }),
            under_way: Cell::new(0),
            is_retired: Cell::new(false),
            rests_since: Cell::new(Instant::now()),
            last_read,
        });
        let place = connection.place();
        self.without.borrow_mut().remove(&endpoint);
        self.open.borrow_mut().entry(endpoint).or_default().push(connection);
        Ok(place)
    }
}

impl Connection {
    fn has_room(&self) -> bool {
        self.is_usable() && self.under_way.get() < (self.limit)()
    }

    fn is_usable(&self) -> bool {
        !self.is_retired.get() && !self.sender.is_closed()
    }

    fn place(self: &Rc<Self>) -> Place {
        self.under_way.set(self.under_way.get() + 1);
        Place { connection: self.clone(), since: Instant::now(), is_answered: Cell::new(false) }
    }
}

impl Place {
    pub(crate) fn sender(&self) -> http2::SendRequest<RequestBody> {
        self.connection.sender.clone()
    }

    pub(crate) fn note_answered(&self) {
        self.is_answered.set(true);
    }

    /// The connection has shown that it takes no more requests.
    pub(crate) fn retire_connection(&self) {
        self.connection.is_retired.set(true);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Connection { under_way, rests_since, is_retired, last_read, .. } = &*self.connection;
        under_way.set(under_way.get() - 1);
        if under_way.get() == 0 {
            rests_since.set(Instant::now());
        }
        let is_silent = last_read.get() <= self.since && self.since.elapsed() >= SUSPICIOUS;
        if !self.is_answered.get() && is_silent {
            is_retired.set(true);
        }
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if let Some(ended) = self.all.opening.borrow_mut().remove(&self.endpoint) {
            ended.notify_waiters();
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { under_way, is_retired, .. } = self;
        f.debug_struct("Connection").field("under_way", under_way).field("is_retired", is_retired).finish()
    }
}

/// Runs what an upstream connection is made of. It must not hold the worker, which holds the connection.
#[derive(Clone)]
struct UpstreamTasks(TaskTracker);

impl<F: Future<Output = ()> + 'static> Executor<F> for UpstreamTasks {
    fn execute(&self, future: F) {
        self.0.spawn_local(future);
    }
}

/// Notes when something came last.
struct ReadClock<T> {
    inner: T,
    last_read: Rc<Cell<Instant>>,
}

impl<T: AsyncRead + Unpin> AsyncRead for ReadClock<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.last_read.set(Instant::now());
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ReadClock<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
