use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Load;
use crate::bench::peers::{pinned, templates};
use crate::bench::workload::{CONCURRENCY, Traffic, Transport, Workload};

pub(super) fn run(workload: &Workload, addr: SocketAddr, duration: Duration) -> Result<Load> {
    let output = command(workload, addr, duration).output().context("taskset does not start")?;
    ensure!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).with_context(|| format!("wrk said: {text}"))
}

fn command(workload: &Workload, addr: SocketAddr, duration: Duration) -> Command {
    let mut command = pinned("1", Path::new("wrk"));
    command.args(["-t1", "--latency", &format!("-c{CONCURRENCY}"), &format!("-d{}s", duration.as_secs())]);
    let scheme = if workload.transport == Transport::Https { "https" } else { "http" };
    let mut path = "/1k";
    let mut routes = None;
    match workload.traffic {
        Traffic::Get(asked) => path = asked,
        Traffic::NewConnections => {
            command.args(["-H", "Connection: close"]);
        }
        Traffic::Upload => {
            command.arg("-s").arg(templates().join("upload.lua"));
        }
        Traffic::AnyRoute => {
            command.arg("-s").arg(templates().join("routes.lua"));
            // The one that takes the rest is not asked for.
            routes = Some((workload.setup.routes - 1).to_string());
        }
    }
    command.arg(format!("{scheme}://{addr}{path}"));
    if let Some(routes) = routes {
        command.args(["--", &routes]);
    }
    command
}

fn parse(text: &str) -> Option<Load> {
    let (mut requests, mut failed, mut per_second, mut p50, mut p99) = (None, 0, None, None, None);
    for line in text.lines().map(str::trim) {
        if let Some((count, _)) = line.split_once(" requests in ") {
            requests = Some(count.parse().ok()?);
        } else if let Some(time) = line.strip_prefix("50%") {
            p50 = Some(micros(time.trim())?);
        } else if let Some(time) = line.strip_prefix("99%") {
            p99 = Some(micros(time.trim())?);
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
    Some(Load { requests: requests?, failed, per_second: per_second?, p50: p50?, p99: p99? })
}

fn micros(time: &str) -> Option<f64> {
    let digits = time.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &time[digits.len()..] {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => return None,
    };
    Some(digits.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests;
