//! What a proxy holds: at rest, with 1,000 clients that rest, and at work.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::peers::Peer;
use super::workload::{KEEP_ALIVE, Transport};
use super::{driven, usage};
use crate::http::Connection;
use crate::interrupt::Interrupt;

const IDLE_CONNECTIONS: u32 = 1_000;
const TIMEOUT: Duration = Duration::from_secs(10);
/// Until a proxy has put its connections to rest, and given back what they held.
const SETTLE: Duration = Duration::from_secs(3);

/// Bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    pub(super) idle: u64,
    pub(super) per_idle_connection: f64,
    pub(super) under_load: u64,
}

/// Of a proxy that has served nothing yet but a request or two.
pub(super) fn of(peer: &Peer, folder: &Path, interrupt: &Interrupt) -> Result<Memory> {
    let (pid, addr) = (peer.process.id(), peer.addr(Transport::Http));
    let idle = usage::memory_bytes(pid)?;
    let resting = rest(addr)?;
    interrupt.pause(SETTLE)?;
    let with_idle = usage::memory_bytes(pid)?;
    drop(resting);
    let under_load = std::thread::scope(|scope| {
        let load = scope.spawn(|| driven::run(&KEEP_ALIVE, addr, Duration::from_secs(3), folder));
        interrupt.pause(Duration::from_secs(2))?;
        let under_load = usage::memory_bytes(pid)?;
        load.join().map_err(|_| anyhow::anyhow!("the load panicked"))??;
        anyhow::Ok(under_load)
    })?;
    let per_idle_connection = with_idle.saturating_sub(idle) as f64 / f64::from(IDLE_CONNECTIONS);
    Ok(Memory { idle, per_idle_connection, under_load })
}

/// Connections that have asked once and rest.
fn rest(addr: SocketAddr) -> Result<Vec<Connection>> {
    let ask = |_| {
        let mut connection = Connection::open(addr, TIMEOUT)?;
        connection.get("/1k").context("a connection that is to rest")?;
        Ok(connection)
    };
    (0..IDLE_CONNECTIONS).map(ask).collect()
}
