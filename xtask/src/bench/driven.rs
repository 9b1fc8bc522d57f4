//! Load by programs that others wrote and know: wrk for HTTP/1.1, h2load for HTTP/2. Closed loops: a client sends
//! its next request when it has the answer to the last. On the second core: the proxy has the first for itself.

mod h2load;
mod wrk;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::workload::{Transport, Workload};

pub(super) use h2load::run_count;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    pub(super) requests: u64,
    /// Answers other than 2xx and 3xx, and broken connections.
    pub(super) failed: u64,
    pub(super) per_second: f64,
    /// Microseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// `folder`: for what the programs write.
pub(super) fn run(workload: &Workload, addr: SocketAddr, duration: Duration, folder: &Path) -> Result<Load> {
    match workload.transport {
        Transport::Http | Transport::Https => wrk::run(workload, addr, duration),
        Transport::H2 | Transport::H2c => h2load::run(workload, addr, duration, folder),
    }
}
