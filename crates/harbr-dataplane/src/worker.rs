//! A worker: one thread, one runtime, its own listening sockets, its own upstream connections.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::{Instant, interval, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept_socket::AcceptSocket;
use crate::access_log::WorkerLog;
use crate::alarm::Alarms;
use crate::coarse_clock::{CoarseClock, SWEEP};
use crate::connection::{self, Accepted};
use crate::connection_limit::Permit;
use crate::connections::Connections;
use crate::listener::OpenListener;
use crate::live::LiveTable;
use crate::live_listener::LiveListener;
use crate::pool::Pool;
use crate::sample::Sampler;
use crate::shared::Shared;
use crate::stream::Waiting;
use crate::turns::Turns;

/// What a worker waits when the process has no descriptor left for a connection.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);
/// A connection that rested for this long is not about to be used, when a drained node closes it.
const UNUSED: Duration = Duration::from_secs(2);
/// Listeners on their way to a worker.
const COMMANDS: usize = 64;

#[derive(Debug)]
pub(crate) struct Worker {
    pub index: usize,
    pub shared: Arc<Shared>,
    pub pool: Pool,
    pub connections: Connections,
    pub clock: Arc<CoarseClock>,
    pub waiting: Waiting,
    pub access_log: WorkerLog,
    pub sampler: Sampler,
    pub alarms: Alarms,
    /// What serves clients: a drain waits for all of it.
    pub tasks: TaskTracker,
    /// Connections to upstreams, which live as long as they are kept.
    pub upstream_tasks: TaskTracker,
}

/// A running worker, as the rest of the process knows it.
#[derive(Debug)]
pub(crate) struct WorkerHandle {
    pub listeners: mpsc::Sender<OpenListener>,
    thread: JoinHandle<()>,
}

/// When a worker ends.
#[derive(Debug, Clone)]
pub(crate) struct WorkerStop {
    /// No connection is accepted any more, those that rest end, and the worker ends with the last.
    pub drain: CancellationToken,
    /// What still runs this long after is cut off.
    pub drain_timeout: Duration,
}

impl WorkerHandle {
    /// # Errors
    /// If the system gives no thread or no event queue.
    pub(crate) fn start(index: usize, shared: Arc<Shared>, stop: WorkerStop) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (listeners, open) = mpsc::channel(COMMANDS);
        let body = move || {
            let worker = Rc::new(Worker {
                index,
                access_log: WorkerLog::new(shared.access_log.clone()),
                sampler: Sampler::default(),
                shared: shared.clone(),
                alarms: Alarms::default(),
                pool: Pool::default(),
                connections: Connections::default(),
                clock: Arc::new(CoarseClock::new()),
                waiting: Waiting::default(),
                tasks: TaskTracker::new(),
                upstream_tasks: TaskTracker::new(),
            });
            let tasks = LocalSet::new();
            let work = pin!(tasks.run_until(worker.run(open, stop)));
            runtime.block_on(Turns::of(work, &shared.cells.of(index).turns));
        };
        let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(body)?;
        Ok(Self { listeners, thread })
    }

    /// The thread has ended, though nobody asked it to, if no drain was.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for the thread's end; call off the runtime.
    pub(crate) fn join(self) {
        if self.thread.join().is_err() {
            tracing::error!("a worker panicked");
        }
    }
}

impl Worker {
    async fn run(self: Rc<Self>, mut listeners: mpsc::Receiver<OpenListener>, stop: WorkerStop) {
        self.tasks.spawn_local(self.clone().sweep(stop.drain.clone()));
        while let Some(Some(listener)) = stop.drain.run_until_cancelled(listeners.recv()).await {
            self.tasks.spawn_local(self.clone().accept(listener, stop.drain.clone()));
        }
        stop.drain.cancelled().await;
        // One that was on its way may have clients waiting already.
        while let Ok(listener) = listeners.try_recv() {
            self.tasks.spawn_local(self.clone().accept(listener, stop.drain.clone()));
        }
        self.tasks.close();
        if timeout_at(Instant::now() + stop.drain_timeout, self.tasks.wait()).await.is_err() {
            tracing::warn!(worker = self.index, "connections are cut off after the drain timeout");
        }
    }

    /// Accepts until the listener is taken away or the worker drains; what already waits then is served.
    async fn accept(self: Rc<Self>, listener: OpenListener, drain: CancellationToken) {
        let OpenListener { socket, live, closed } = listener;
        let socket = match AcceptSocket::new(socket) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::error!(%error, "a listening socket cannot be watched");
                return;
            }
        };
        let door = Door { socket, live: RefCell::new(live), closed };
        loop {
            let accept = self.accept_one(&door);
            tokio::select! {
                biased;
                () = drain.cancelled() => break,
                () = door.closed.cancelled() => break,
                () = accept => {}
            }
        }
        while let Ok(stream) = door.socket.accept_last() {
            let permit = self.shared.limit.acquire().await;
            self.serve(stream, permit, &door);
        }
    }

    /// Readable first, then a place under the limit, then accept: a place taken before would be kept from the
    /// worker whose client waits.
    async fn accept_one(self: &Rc<Self>, door: &Door) {
        if door.socket.readable().await.is_err() {
            sleep(ACCEPT_BACK_OFF).await;
            return;
        }
        // Who waits for a place has connections that rest closed: not for a client that was accepted already.
        if self.shared.limit.is_reached() && !door.socket.is_waited_at() {
            return;
        }
        let permit = self.shared.limit.acquire().await;
        match door.socket.accept() {
            Ok(stream) => self.serve(stream, permit, door),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                sleep(ACCEPT_BACK_OFF).await;
            }
        }
    }

    fn serve(self: &Rc<Self>, stream: TcpStream, permit: Permit, door: &Door) {
        let Ok(addr) = stream.peer_addr() else { return };
        self.shared.cells.of(self.index).connections.increment();
        let (listener, closed) = (door.live(&self.shared.table.load()), door.closed.clone());
        let accepted = Accepted { stream, addr, permit, listener, closed };
        self.tasks.spawn_local(connection::serve(self.clone(), accepted));
    }

    async fn sweep(self: Rc<Self>, drain: CancellationToken) {
        let mut tick = interval(SWEEP);
        let mut served = Served::default();
        let ended = &self.shared.cells.of(self.index).connections_ended;
        loop {
            tokio::select! {
                _tick = tick.tick() => {}
                () = self.shared.limit.wanted() => {}
            }
            self.clock.tick();
            if self.shared.is_leaving() {
                self.connections.say_goodbye();
            }
            if drain.is_cancelled() {
                self.connections.end_all_at_rest();
                if self.shared.limit.open() == 0 {
                    return;
                }
            } else if self.shared.limit.is_contended() {
                self.connections.end_longest_at_rest(ended);
            } else if self.shared.draining.is_over() {
                self.connections.end_unused(UNUSED);
            }
            self.access_log.flush();
            self.alarms.sweep();
            let table = self.shared.table.load();
            self.shared.samples.tend(self.index, &self.sampler, table.settings.traffic_sample);
            self.connections.sweep(&table.settings, ended);
            self.waiting.sweep(&self.shared.cells.of(self.index).streams_ended);
            self.pool.sweep(table.settings.upstream_idle_timeout, served.by(&table));
        }
    }
}

/// A listener as its worker stands at it.
#[derive(Debug)]
struct Door {
    socket: AcceptSocket,
    live: RefCell<Arc<LiveListener>>,
    /// Cancelled when the listener is taken away.
    closed: CancellationToken,
}

impl Door {
    /// As the table that serves has it. One that is taken away receives its last clients as it did before.
    fn live(&self, table: &LiveTable) -> Arc<LiveListener> {
        let mut live = self.live.borrow_mut();
        if let Some(now) = table.listeners.get(&live.name) {
            live.clone_from(now);
        }
        live.clone()
    }
}

/// The endpoints of the table that serves, gathered once for each table.
#[derive(Debug, Default)]
struct Served {
    generation: u64,
    endpoints: HashSet<u64, RandomState>,
}

impl Served {
    fn by(&mut self, table: &LiveTable) -> &HashSet<u64, RandomState> {
        if std::mem::replace(&mut self.generation, table.generation) != table.generation {
            self.endpoints = table.endpoints().map(|endpoint| endpoint.id).collect();
        }
        &self.endpoints
    }
}

/// The client was gone before it was accepted; the next one is not.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
