//! A connection after an upgrade: bytes both ways until an end closes or nothing moves for too long.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::connection::Client;
use crate::response_body::Lease;
use crate::worker::Worker;

/// How long a tunnel may rest: far above any protocol's own heartbeat.
const MAX_IDLE: Duration = Duration::from_secs(60 * 60);
const BUFFER_BYTES: usize = 16 * 1024;

/// Joins the two ends once both have changed protocol. Holds the client's place among the connections, and
/// the endpoint's load, until the end.
pub(crate) async fn run(downstream: OnUpgrade, upstream: OnUpgrade, _client: Rc<Client>, lease: Lease) {
    let _counted = Counted::begin(lease.worker.clone());
    let _in_flight = lease.in_flight;
    let (Ok(downstream), Ok(upstream)) = tokio::join!(downstream, upstream) else { return };
    carry(TokioIo::new(downstream), TokioIo::new(upstream)).await;
}

/// The same for a tunnel that a client has asked for as such, to a connection of its own.
pub(crate) async fn run_to(
    downstream: OnUpgrade,
    upstream: TcpStream,
    _client: Rc<Client>,
    worker: Rc<Worker>,
) {
    let _counted = Counted::begin(worker);
    let Ok(downstream) = downstream.await else { return };
    carry(TokioIo::new(downstream), upstream).await;
}

async fn carry(downstream: impl AsyncRead + AsyncWrite, upstream: impl AsyncRead + AsyncWrite) {
    let (from_client, to_client) = tokio::io::split(downstream);
    let (from_upstream, to_upstream) = tokio::io::split(upstream);
    let (moved, last_moved) = watch::channel(Instant::now());
    // An end closes one way and leaves the other; a failure, such as a reset, ends both.
    let both = async {
        tokio::try_join!(copy(from_client, to_upstream, &moved), copy(from_upstream, to_client, &moved))
    };
    tokio::select! {
        _ends = both => {}
        () = rest(last_moved) => {}
    }
}

/// A tunnel among the open ones of its worker.
struct Counted(Rc<Worker>);

impl Counted {
    fn begin(worker: Rc<Worker>) -> Self {
        let cells = worker.shared.cells.of(worker.index);
        cells.tunnels.increment();
        cells.tunnels_open.increment();
        Self(worker)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.shared.cells.of(self.0.index).tunnels_open.decrement();
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &watch::Sender<Instant>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
        to.flush().await?;
        moved.send_replace(Instant::now());
    }
}

/// Resolves when nothing has moved for too long.
async fn rest(last_moved: watch::Receiver<Instant>) {
    loop {
        let until = *last_moved.borrow() + MAX_IDLE;
        if until <= Instant::now() {
            return;
        }
        sleep_until(until).await;
    }
}
