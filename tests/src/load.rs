use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::Method;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::body::empty;
use crate::client::{Client, NotAnswered, Reply, request};
use crate::eventually::{GENEROUS, eventually};

const MAX_REPORTED: usize = 10;

/// Clients that send GETs at a steady rate on kept-alive connections until they are stopped.
///
/// They behave as any client: a connection that the server closes between two requests is opened anew, and a
/// request of which nothing was written is sent again. All else that is not a whole 200 has failed.
#[derive(Debug)]
pub struct Load {
    clients: JoinSet<()>,
    state: Arc<State>,
}

/// What became of a load.
#[derive(Debug)]
pub struct LoadReport {
    pub answered: usize,
    pub failed: usize,
    /// Those of the failed that were the first on their connection, which ended before anything was answered.
    pub failed_on_new_connections: usize,
    /// The first of the failures.
    pub failures: Vec<String>,
    /// When the first one was, and the last.
    pub failed_from: Option<SystemTime>,
    pub failed_until: Option<SystemTime>,
}

#[derive(Debug, Default)]
struct State {
    stop: AtomicBool,
    connected: AtomicUsize,
    answered: AtomicUsize,
    failed: AtomicUsize,
    failed_on_new_connections: AtomicUsize,
    refused: AtomicUsize,
    failures: Mutex<Vec<String>>,
    failed_between: Mutex<Option<(SystemTime, SystemTime)>>,
}

impl Load {
    /// `clients` for each address, that many requests per second all together, for one path.
    #[must_use]
    pub fn start(addrs: &[SocketAddr], clients: usize, per_second: usize, path: &str) -> Self {
        let state = Arc::new(State::default());
        let total = addrs.len() * clients;
        let pause = Duration::from_secs_f64(total as f64 / per_second as f64);
        let mut tasks = JoinSet::new();
        for number in 0..total {
            let run = Run { addr: addrs[number % addrs.len()], path: path.to_owned(), pause };
            // Spread over the pause, so that they do not all send at once.
            let start = Instant::now() + pause.mul_f64(number as f64 / total as f64);
            tasks.spawn(run.drive(start, Arc::clone(&state)));
        }
        Self { clients: tasks, state }
    }

    /// Waits until this many more requests were answered.
    ///
    /// # Panics
    /// If they are not.
    pub async fn answers(&self, count: usize) {
        let target = self.state.answered.load(Ordering::SeqCst) + count;
        eventually(&format!("{count} more requests are answered"), async || {
            let failed = self.state.failed.load(Ordering::SeqCst);
            (self.state.answered.load(Ordering::SeqCst) + failed >= target).then_some(())
        })
        .await;
    }

    /// Waits until every client has had a connection.
    ///
    /// # Panics
    /// If one has none.
    pub async fn connected(&self) {
        let all = self.clients.len();
        eventually("every client is connected", async || {
            (self.state.connected.load(Ordering::SeqCst) >= all).then_some(())
        })
        .await;
    }

    /// Lets each client finish what it has begun. One that found its server gone has failed.
    pub async fn stop(mut self) -> LoadReport {
        self.state.stop.store(true, Ordering::SeqCst);
        while self.clients.join_next().await.is_some() {}
        for _ in 0..self.state.refused.load(Ordering::SeqCst) {
            self.state.note_failure("the connection is refused".to_owned());
        }
        self.report()
    }

    /// Waits until each client finds its server gone, which ends it and is no failure.
    pub async fn until_refused(mut self) -> LoadReport {
        let all = async { while self.clients.join_next().await.is_some() {} };
        let ended = timeout(GENEROUS, all).await.is_ok();
        assert!(ended, "a client still has a server");
        self.report()
    }

    fn report(&self) -> LoadReport {
        let between = *self.state.failed_between.lock().unwrap_or_else(PoisonError::into_inner);
        LoadReport {
            failed_from: between.map(|(first, _)| first),
            failed_until: between.map(|(_, last)| last),
            answered: self.state.answered.load(Ordering::SeqCst),
            failed: self.state.failed.load(Ordering::SeqCst),
            failed_on_new_connections: self.state.failed_on_new_connections.load(Ordering::SeqCst),
            failures: self.state.failures.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

impl LoadReport {
    /// # Panics
    /// If a request failed, or fewer than `least` were answered.
    pub fn assert_lossless(&self, least: usize) {
        self.assert(least, self.failed);
    }

    /// For a server that ends: a connection that is opened as it does may be reset as well as refused.
    ///
    /// # Panics
    /// If a request on a connection that had been answered before failed, or fewer than `least` were answered.
    pub fn assert_lossless_on_kept_connections(&self, least: usize) {
        self.assert(least, self.failed - self.failed_on_new_connections);
    }

    fn assert(&self, least: usize, failed: usize) {
        let Self { answered, failures, .. } = self;
        assert!(failed == 0, "{failed} of {} requests failed: {failures:#?}", answered + failed);
        assert!(*answered >= least, "only {answered} requests were answered");
    }
}

struct Run {
    addr: SocketAddr,
    path: String,
    pause: Duration,
}

impl Run {
    async fn drive(self, start: Instant, state: Arc<State>) {
        let mut client = None;
        let mut next = start;
        while !state.stop.load(Ordering::SeqCst) {
            sleep_until(next).await;
            next = (next + self.pause).max(Instant::now());
            match timeout(GENEROUS, self.once(&mut client, &state)).await {
                Ok(Ok(())) => _ = state.answered.fetch_add(1, Ordering::SeqCst),
                Ok(Err(Failure::Refused)) => {
                    state.refused.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Ok(Err(Failure::Lost(what))) => {
                    client = None;
                    state.note_failure(what);
                }
                Ok(Err(Failure::LostFirst(what))) => {
                    client = None;
                    state.failed_on_new_connections.fetch_add(1, Ordering::SeqCst);
                    state.note_failure(what);
                }
                Err(_) => {
                    client = None;
                    state.note_failure(format!("no answer within {GENEROUS:?}"));
                }
            }
        }
    }

    async fn once(&self, client: &mut Option<Client>, state: &State) -> Result<(), Failure> {
        let mut request = request(Method::GET, &self.path, empty());
        let mut is_first = false;
        let response = loop {
            let connected = match client {
                Some(connected) if !connected.is_closed() => connected,
                Some(_) | None => {
                    let new = Client::connect(self.addr).await.map_err(|_| Failure::Refused)?;
                    state.connected.fetch_add(1, Ordering::SeqCst);
                    is_first = true;
                    client.insert(new)
                }
            };
            match connected.try_start(request).await {
                Ok(response) => break response,
                Err(NotAnswered::Unsent(unsent)) => {
                    *client = None;
                    request = *unsent;
                }
                Err(NotAnswered::Lost(error)) if is_first => {
                    return Err(Failure::LostFirst(format!("on a new connection: {}", chain(&error))));
                }
                Err(NotAnswered::Lost(error)) => return Err(Failure::Lost(chain(&error))),
            }
        };
        let reply = Reply::collect(response).await.map_err(|error| Failure::Lost(chain(&error)))?;
        match reply.status.as_u16() {
            200 => Ok(()),
            status => Err(Failure::Lost(format!("{status} {}", reply.text()))),
        }
    }
}

enum Failure {
    /// Nobody listens.
    Refused,
    /// Nothing was ever answered on this connection.
    LostFirst(String),
    Lost(String),
}

impl State {
    fn note_failure(&self, what: String) {
        self.failed.fetch_add(1, Ordering::SeqCst);
        let now = SystemTime::now();
        let mut between = self.failed_between.lock().unwrap_or_else(PoisonError::into_inner);
        *between = Some((between.map_or(now, |(first, _)| first), now));
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < MAX_REPORTED {
            failures.push(what);
        }
    }
}

fn chain(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
