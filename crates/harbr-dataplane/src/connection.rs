//! One client connection, from accept to close: what phase it is in, and hyper's server on top of it.

use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::task::Waker;
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use harbr_model::{Scheme, Settings};
use http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::connection_limit::Permit;
use crate::connections::Registered;
use crate::draining::Place;
use crate::error::Reason;
use crate::guarded_io::GuardedIo;
use crate::live_listener::LiveListener;
use crate::proxy;
use crate::reception::{Received, receive};
use crate::request_body::pace;
use crate::tls::{ClientTls, ServerTls};
use crate::tracked_io::TrackedIo;
use crate::worker::Worker;
use harbr_routing::headers::address_value;

/// How long a client that has closed its half is waited for an answer. Most have closed both.
const HALF_CLOSED: Duration = Duration::from_secs(1);

/// What the connection is doing; each phase has its own limit in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Accepted; nothing has come yet.
    Fresh,
    /// A head is on its way.
    Head,
    /// Between two requests.
    Idle,
    /// A request waits for its answer.
    Active,
    /// The answer is on its way.
    Answering,
    /// It was answered, and the rest of its body still comes.
    LateBody,
    /// No longer HTTP.
    Tunnel,
}

/// A connection as its worker's sweep sees it. Shared with the I/O type, which hyper may send along with an
/// upgraded connection.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    phase: AtomicU8,
    /// In milliseconds of the worker's clock: when the phase began, since when the client is behind in taking
    /// what is written, and since when it sends no more (0: it is not so).
    phase_since: AtomicU64,
    behind_since: AtomicU64,
    left_since: AtomicU64,
    /// Bytes that it took while it was behind.
    taken_behind: AtomicU64,
    /// Bytes of a next head are here already.
    head_begun: AtomicBool,
    /// Who waits to read on once the answer is given.
    reader: AtomicWaker,
    /// How long the body of the current request may stand still.
    idle_limit: AtomicU64,
    clock: Instant,
    end: Notify,
    ending: AtomicU8,
    /// When it ends while the node is drained.
    pub place: Place,
}

/// Whether the client takes what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteProgress {
    Taken(usize),
    Blocked,
    /// Nothing waits to be written.
    Flushed,
}

/// How the sweep ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// After what runs; at once when nothing does.
    Graceful,
    /// Now.
    Abort,
}

/// What the requests of one connection have in common, and its place among the connections: held until the
/// last of them, or the tunnel that it became, has ended.
#[derive(Debug)]
pub(crate) struct Client {
    pub addr: SocketAddr,
    /// The address as upstreams are told it.
    pub forwarded_for: HeaderValue,
    pub state: Arc<ConnectionState>,
    /// The address of ours that it connected to.
    pub reached: SocketAddr,
    /// How it was received.
    pub listener: Arc<LiveListener>,
    /// `None`: it speaks in the clear.
    pub tls: Option<ClientTls>,
    /// Cancelled when the listener that accepted it is taken away.
    pub closed: CancellationToken,
    _registered: Registered,
    _permit: Permit,
}

impl Client {
    /// The scheme of its requests.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::Https } else { Scheme::Http }
    }

    /// Its certificate, as upstreams are told it.
    pub(crate) fn certificate(&self) -> Option<&HeaderValue> {
        self.tls.as_ref().and_then(|tls| tls.certificate.as_ref())
    }

    /// Who was asked for a certificate as one host's client is not known to others (RFC 9110, 15.5.20).
    pub(crate) fn is_misdirected(&self, host: &str) -> bool {
        let knows_clients = self.listener.tls.as_ref().is_some_and(ServerTls::knows_clients);
        let asked_for = self.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
        knows_clients && asked_for.is_some_and(|name| !name.eq_ignore_ascii_case(host))
    }
}

/// A connection just accepted.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub stream: TcpStream,
    pub addr: SocketAddr,
    pub permit: Permit,
    pub listener: Arc<LiveListener>,
    /// Cancelled when the listener is taken away.
    pub closed: CancellationToken,
}

/// Serves one connection to its end.
pub(crate) async fn serve(worker: Rc<Worker>, accepted: Accepted) {
    let Accepted { stream, addr, permit, listener, closed } = accepted;
    let keep_alive_timeout = worker.shared.table.load().settings.keep_alive_timeout;
    let state = Arc::new(ConnectionState::new(keep_alive_timeout));
    let registered = worker.connections.register(state.clone());
    let Ok(reached) = stream.local_addr() else { return };
    let cells = &worker.shared.cells.of(worker.index).reception;
    let received = tokio::select! {
        received = receive(stream, addr, &listener, cells) => received,
        // Nothing was said yet that would have to end in order.
        () = state.end.notified() => return,
    };
    let Some(Received { stream, addr, tls }) = received else { return };
    let max_head = buffer_size(&worker.shared.table.load().settings);
    let io = GuardedIo::new(TrackedIo::new(stream, state.clone()), state.clone(), max_head);
    let client = Rc::new(Client {
        addr,
        forwarded_for: address_value(addr.ip()),
        state: state.clone(),
        reached,
        listener,
        tls,
        closed,
        _registered: registered,
        _permit: permit,
    });
    let builder = server(&worker);
    let service = service_fn(|request| proxy::serve(worker.clone(), client.clone(), request));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service).with_upgrades());
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                // Any other error is the client's: what it means was said where a request failed.
                if let Err(error) = ended && error.is_parse() {
                    count_unreadable(&worker, &error);
                }
                return;
            }
            () = state.end.notified() => match state.ending() {
                Ending::Graceful => connection.as_mut().graceful_shutdown(),
                Ending::Abort => return,
            },
        }
    }
}

/// hyper has refused a head by itself; nobody else knows of that request.
fn count_unreadable(worker: &Worker, error: &hyper::Error) {
    let cells = worker.shared.cells.of(worker.index);
    let reason = if error.is_parse_too_large() { Reason::HeadTooLarge } else { Reason::BadRequest };
    cells.requests.error.increment();
    cells.reasons[reason as usize].increment();
}

fn server(worker: &Worker) -> http1::Builder {
    let table = worker.shared.table.load();
    let settings = &table.settings;
    let mut builder = http1::Builder::new();
    builder
        // The sweep holds the limits in time.
        .header_read_timeout(None)
        .max_headers(settings.max_headers as usize)
        .max_header_size(settings.max_header_bytes as usize)
        .max_buf_size(buffer_size(settings));
    builder
}

/// What is read ahead of one connection at most.
fn buffer_size(settings: &Settings) -> usize {
    (settings.max_header_bytes as usize).max(64 * 1024)
}

impl ConnectionState {
    /// `idle_limit` holds until a route says how long a body may stand still.
    pub(crate) fn new(idle_limit: Duration) -> Self {
        Self {
            phase: AtomicU8::new(encode(Phase::Fresh)),
            phase_since: AtomicU64::new(0),
            behind_since: AtomicU64::new(0),
            left_since: AtomicU64::new(0),
            taken_behind: AtomicU64::new(0),
            head_begun: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            idle_limit: AtomicU64::new(millis(idle_limit)),
            clock: Instant::now(),
            end: Notify::new(),
            ending: AtomicU8::new(0),
            place: Place::at_random(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Fresh,
            1 => Phase::Head,
            2 => Phase::Idle,
            3 => Phase::Active,
            4 => Phase::LateBody,
            5 => Phase::Tunnel,
            _ => Phase::Answering,
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(encode(phase), Relaxed);
        self.phase_since.store(self.now(), Relaxed);
    }

    pub(crate) fn set_idle_limit(&self, limit: Duration) {
        self.idle_limit.store(millis(limit), Relaxed);
    }

    /// Bytes came: a connection at rest has begun a head. A first head's time runs from accept on.
    pub(crate) fn note_read(&self) {
        match self.phase() {
            Phase::Fresh => self.phase.store(encode(Phase::Head), Relaxed),
            Phase::Idle => self.enter(Phase::Head),
            Phase::LateBody => self.enter(Phase::LateBody),
            Phase::Head | Phase::Active | Phase::Answering | Phase::Tunnel => {}
        }
    }

    pub(crate) fn begin_answer(&self) {
        self.phase.store(encode(Phase::Answering), Relaxed);
    }

    /// A request has been answered. The head of the next one may have come in part while it was.
    pub(crate) fn end_answer(&self, body_has_ended: bool) {
        match (body_has_ended, self.head_begun.load(Relaxed)) {
            (false, _) => self.enter(Phase::LateBody),
            (true, true) => self.enter(Phase::Head),
            (true, false) => self.enter(Phase::Idle),
        }
        self.reader.wake();
    }

    pub(crate) fn set_head_begun(&self, head_begun: bool) {
        self.head_begun.store(head_begun, Relaxed);
    }

    /// Calls once the request that is being served has its answer.
    pub(crate) fn wake_after_answer(&self, waker: &Waker) {
        self.reader.register(waker);
    }

    /// The client sends no more. That is not yet to say that it waits no more.
    pub(crate) fn note_left(&self) {
        if self.left_since.load(Relaxed) == 0 {
            self.left_since.store(self.now().max(1), Relaxed);
        }
    }

    /// The client waits for no answer any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        let since = self.left_since.load(Relaxed);
        since != 0
            && matches!(self.phase(), Phase::Head | Phase::Active)
            && self.now().saturating_sub(since) > millis(HALF_CLOSED)
    }

    /// A client that is behind has to keep the minimum rate until it has caught up.
    pub(crate) fn note_write(&self, progress: WriteProgress) {
        let behind_since = self.behind_since.load(Relaxed);
        match progress {
            WriteProgress::Blocked if behind_since == 0 => {
                self.taken_behind.store(0, Relaxed);
                self.behind_since.store(self.now().max(1), Relaxed);
            }
            WriteProgress::Taken(bytes) if behind_since != 0 => {
                let taken = self.taken_behind.load(Relaxed) + bytes as u64;
                self.taken_behind.store(taken, Relaxed);
                if taken >= pace(Duration::from_millis(self.idle_limit.load(Relaxed))) {
                    self.behind_since.store(0, Relaxed);
                }
            }
            WriteProgress::Flushed if behind_since != 0 => self.behind_since.store(0, Relaxed),
            WriteProgress::Blocked | WriteProgress::Taken(_) | WriteProgress::Flushed => {}
        }
    }

    pub(crate) fn in_phase_for(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.phase_since.load(Relaxed)))
    }

    /// Next to nothing has moved for longer than the request's route allows: the client does not take what is
    /// written, or does not send the body that it owes.
    pub(crate) fn is_stalled(&self) -> bool {
        let since = match (self.behind_since.load(Relaxed), self.phase()) {
            (0, Phase::LateBody) => self.phase_since.load(Relaxed),
            // It has limits of its own.
            (_, Phase::Tunnel) | (0, _) => return false,
            (behind_since, _) => behind_since,
        };
        self.now().saturating_sub(since) > self.idle_limit.load(Relaxed)
    }

    /// Nothing is owed either way: not even the end of an answer that its client is slow to take.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.phase(), Phase::Fresh | Phase::Idle) && self.behind_since.load(Relaxed) == 0
    }

    /// Ends a connection at rest; one that never began has nothing to end in order.
    pub(crate) fn end_at_rest(&self) {
        self.end(if self.phase() == Phase::Fresh { Ending::Abort } else { Ending::Graceful });
    }

    pub(crate) fn end(&self, ending: Ending) {
        self.ending.store(u8::from(ending == Ending::Abort), Relaxed);
        self.end.notify_one();
    }

    fn ending(&self) -> Ending {
        if self.ending.load(Relaxed) == 0 { Ending::Graceful } else { Ending::Abort }
    }

    fn now(&self) -> u64 {
        millis(self.clock.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn encode(phase: Phase) -> u8 {
    match phase {
        Phase::Fresh => 0,
        Phase::Head => 1,
        Phase::Idle => 2,
        Phase::Active => 3,
        Phase::LateBody => 4,
        Phase::Tunnel => 5,
        Phase::Answering => 6,
    }
}

#[cfg(test)]
mod tests;
