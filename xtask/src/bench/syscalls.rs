//! Calls into the kernel per request, counted by `perf` while a load runs: it slows nothing, as tracing would.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::driven;
use super::peers::{Peer, find};
use super::workload::Workload;

const SECONDS: u64 = 2;

/// `None` where `perf` is missing or may not count.
pub(super) fn per_request(peer: &Peer, workload: &Workload, folder: &Path) -> Result<Option<f64>> {
    if find("perf").is_none() {
        return Ok(None);
    }
    let pid = peer.process.id().to_string();
    let mut perf = Command::new("perf");
    perf.args(["stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", &pid]);
    let perf = perf.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context("perf does not start")?;
    let load = driven::run(workload, peer.addr(workload.transport), Duration::from_secs(SECONDS), folder);
    if let Some(pid) = i32::try_from(perf.id()).ok().and_then(Pid::from_raw) {
        // A failure means that it has ended: its output says why.
        let _ = kill_process(pid, Signal::INT);
    }
    let said = perf.wait_with_output()?;
    let load = load?;
    ensure!(load.requests > 0, "no request was answered");
    let text = String::from_utf8_lossy(&said.stderr);
    Ok(parse(&text).map(|calls| calls as f64 / load.requests as f64))
}

/// `1234,,raw_syscalls:sys_enter,…`
fn parse(text: &str) -> Option<u64> {
    text.lines().find(|line| line.contains("sys_enter"))?.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests;
