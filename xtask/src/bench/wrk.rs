//! The load generator: keep-alive connections that send as fast as they are answered.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

pub(super) const CONNECTIONS: u32 = 64;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    pub(super) requests: u64,
    /// Answers other than 2xx and 3xx, and broken connections.
    pub(super) failed: u64,
    pub(super) per_second: f64,
}

/// On the second core: the proxy has the first for itself.
pub(super) fn run(addr: SocketAddr, duration: Duration) -> Result<Load> {
    let seconds = format!("{}s", duration.as_secs());
    let output = Command::new("taskset")
        .args([
            "-c",
            "1",
            "wrk",
            "-t1",
            &format!("-c{CONNECTIONS}"),
            "-d",
            &seconds,
            &format!("http://{addr}/"),
        ])
        .output()
        .context("taskset does not start")?;
    ensure!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).with_context(|| format!("wrk said: {text}"))
}

fn parse(text: &str) -> Option<Load> {
    let (mut requests, mut failed, mut per_second) = (None, 0, None);
    for line in text.lines().map(str::trim) {
        if let Some((count, _)) = line.split_once(" requests in ") {
            requests = Some(count.parse().ok()?);
        } else if let Some(rate) = line.strip_prefix("Requests/sec:") {
            per_second = Some(rate.trim().parse().ok()?);
        } else if let Some(count) = line.strip_prefix("Non-2xx or 3xx responses:") {
            failed += count.trim().parse::<u64>().ok()?;
        } else if let Some(errors) = line.strip_prefix("Socket errors:") {
            failed += errors
                .split(',')
                .map(|part| part.split_ascii_whitespace().nth(1)?.parse::<u64>().ok())
                .sum::<Option<u64>>()?;
        }
    }
    Some(Load { requests: requests?, failed, per_second: per_second? })
}

#[cfg(test)]
mod tests;
