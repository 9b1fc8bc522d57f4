use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Load;
use crate::bench::peers::pinned;
use crate::bench::statistics::quantile;
use crate::bench::workload::{CONCURRENCY, Traffic, Transport, Workload};

/// Streams of one HTTP/2 connection at once.
const STREAMS: u32 = 8;

pub(super) fn run(workload: &Workload, addr: SocketAddr, duration: Duration, folder: &Path) -> Result<Load> {
    // A line for each request; h2load appends.
    let log = folder.join("h2load.log");
    std::fs::write(&log, "")?;
    let mut command = command(workload, addr, folder)?;
    command.arg(format!("-D{}", duration.as_secs())).arg("--log-file").arg(&log);
    let (text, succeeded, failed) = finish(command.arg(url(workload, addr)))?;
    let times = parse_log(&std::fs::read_to_string(&log)?);
    let time = |share| quantile(&times, share).context("h2load logged no request");
    Ok(Load {
        requests: succeeded,
        failed,
        per_second: parse_rate(&text)?,
        p50: time(0.5)?,
        p99: time(0.99)?,
    })
}

/// So many requests and not one more, over HTTP/1.1 too.
pub(in crate::bench) fn run_count(
    workload: &Workload,
    addr: SocketAddr,
    requests: u32,
    folder: &Path,
) -> Result<()> {
    let mut command = command(workload, addr, folder)?;
    command.arg(format!("-n{requests}"));
    let (_, succeeded, failed) = finish(command.arg(url(workload, addr)))?;
    ensure!(
        failed == 0 && succeeded == u64::from(requests),
        "{succeeded} requests succeeded, {failed} failed"
    );
    Ok(())
}

fn command(workload: &Workload, addr: SocketAddr, folder: &Path) -> Result<Command> {
    let mut command = pinned("1", Path::new("h2load"));
    command.args(["-t1", "-H", &format!(":authority: {addr}")]);
    match workload.transport {
        Transport::Http | Transport::Https => command.args(["--h1".to_owned(), format!("-c{CONCURRENCY}")]),
        Transport::H2 | Transport::H2c => {
            command.args([format!("-c{}", CONCURRENCY / STREAMS), format!("-m{STREAMS}")])
        }
    };
    if workload.traffic == Traffic::Upload {
        let body = folder.join("upload");
        std::fs::write(&body, vec![b'x'; 64 * 1024])?;
        command.arg("-d").arg(body);
    }
    Ok(command)
}

fn url(workload: &Workload, addr: SocketAddr) -> String {
    let scheme = match workload.transport {
        Transport::Http | Transport::H2c => "http",
        Transport::Https | Transport::H2 => "https",
    };
    let path = match workload.traffic {
        Traffic::Get(path) => path.to_owned(),
        Traffic::NewConnections | Traffic::Upload => "/1k".to_owned(),
        Traffic::AnyRoute => format!("/route-{}/1k", workload.setup.routes / 2),
    };
    format!("{scheme}://{addr}{path}")
}

/// What it said, and how many requests succeeded and failed.
fn finish(command: &mut Command) -> Result<(String, u64, u64)> {
    let output = command.output().context("taskset does not start")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "h2load: {}", String::from_utf8_lossy(&output.stderr));
    let (succeeded, failed) = parse_requests(&text).with_context(|| format!("h2load said: {text}"))?;
    Ok((text, succeeded, failed))
}

/// `requests: 10 total, 10 started, 9 done, 8 succeeded, 1 failed, 0 errored, 0 timeout`, and the status codes.
fn parse_requests(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().find_map(|line| line.strip_prefix("requests: "))?;
    let count = |name: &str| {
        let part = line.split(", ").find(|part| part.ends_with(name))?;
        part.split(' ').next()?.parse::<u64>().ok()
    };
    Some((count("succeeded")?, count("failed")? + count("errored")? + count("timeout")?))
}

fn parse_rate(text: &str) -> Result<f64> {
    let rate = text.lines().find_map(|line| line.strip_prefix("finished in ")?.split(", ").nth(1));
    let rate = rate.and_then(|rate| rate.strip_suffix(" req/s")?.parse().ok());
    rate.with_context(|| format!("h2load said: {text}"))
}

/// A line of the log: when it began, the status, how many microseconds it took.
fn parse_log(log: &str) -> Vec<f64> {
    log.lines().filter_map(|line| line.split('\t').nth(2)?.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests;
