//! Constant load on several addresses: a request is due at its time, whatever became of those before it.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use crate::http::Connection;
use crate::interrupt::Interrupt;

/// Connections to each address. One waits for its answer before it sends again, and is late then.
const CONNECTIONS: u32 = 4;
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Load {
    end: Interrupt,
    threads: Vec<JoinHandle<Outcome>>,
}

#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// From when a request was due to the end of its answer, in milliseconds.
    pub(super) latencies: Vec<f64>,
    pub(super) failed: u64,
    pub(super) first_failure: Option<String>,
    pub(super) first_failed: Option<Instant>,
}

/// What a client does when the server closes its connection in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtClose {
    Reopens,
    /// As one that a balancer sends elsewhere.
    Leaves,
}

impl Load {
    /// `rate`: requests per second over all addresses.
    pub(super) fn start(
        addrs: &[SocketAddr],
        path: &'static str,
        rate: u32,
        at_close: AtClose,
    ) -> Result<Self> {
        let end = Interrupt::default();
        let connections = u32::try_from(addrs.len())? * CONNECTIONS;
        ensure!(rate > 0 && connections > 0, "nothing to send");
        let period = Duration::from_secs(1) * connections / rate;
        let mut threads = Vec::new();
        for index in 0..connections {
            let addr = addrs[index as usize % addrs.len()];
            let end = end.clone();
            let start = Instant::now() + period * index / connections;
            let schedule = Schedule { start, period, at_close };
            threads.push(
                std::thread::Builder::new()
                    .name("load".to_owned())
                    .spawn(move || send(addr, path, &schedule, &end))?,
            );
        }
        Ok(Self { end, threads })
    }

    /// All clients have left.
    pub(super) fn has_left(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    pub(super) fn finish(mut self) -> Result<Outcome> {
        self.end.raise();
        let mut all = Outcome::default();
        for thread in self.threads.drain(..) {
            let outcome = thread.join().map_err(|_| anyhow!("a thread of the load panicked"))?;
            all.latencies.extend(outcome.latencies);
            all.failed += outcome.failed;
            all.first_failure = all.first_failure.or(outcome.first_failure);
            all.first_failed = all.first_failed.into_iter().chain(outcome.first_failed).min();
        }
        Ok(all)
    }
}

impl Drop for Load {
    /// Where something failed before `finish`, the threads end as well.
    fn drop(&mut self) {
        self.end.raise();
    }
}

struct Schedule {
    start: Instant,
    period: Duration,
    at_close: AtClose,
}

fn send(addr: SocketAddr, path: &str, schedule: &Schedule, end: &Interrupt) -> Outcome {
    let mut outcome = Outcome::default();
    let mut connection = None;
    let mut due = schedule.start;
    while end.pause(due.saturating_duration_since(Instant::now())).is_ok() {
        match request(addr, path, &mut connection) {
            Ok(()) => outcome.latencies.push(due.elapsed().as_secs_f64() * 1e3),
            Err(error) => {
                connection = None;
                outcome.failed += 1;
                outcome.first_failed.get_or_insert_with(Instant::now);
                outcome.first_failure.get_or_insert_with(|| format!("{addr}: {error:#}"));
            }
        }
        if connection.as_ref().is_some_and(Connection::closes) {
            connection = None;
            if schedule.at_close == AtClose::Leaves {
                break;
            }
        }
        due += schedule.period;
    }
    outcome
}

fn request(addr: SocketAddr, path: &str, connection: &mut Option<Connection>) -> Result<()> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection::open(addr, TIMEOUT)?),
    };
    let status = connection.get(path)?.status;
    ensure!(status == 200, "answered {status}");
    Ok(())
}
