//! Load at a fixed rate: a request is due at its time, whatever became of those before it, and its latency counts
//! from then on, not from when a connection was free (what is called coordinated omission is to leave that wait
//! out). One thread that waits in `poll`, as timers of a runtime are exact to a millisecond only.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};

use super::peers::pinned;
use super::statistics::quantile;

/// What a request may take at most, once the last is due.
const PATIENCE: Duration = Duration::from_secs(5);
const BUFFER: usize = 64 * 1024;

#[derive(Args)]
pub(crate) struct Options {
    #[arg(long)]
    pub(super) addr: SocketAddr,
    /// Requests per second over all connections
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) rate: u32,
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(super) seconds: u64,
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) connections: u32,
}

/// One request and how long it took, from when it was due to the end of its answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Answered {
    pub(super) due: Instant,
    pub(super) latency: Duration,
}

/// Microseconds from when requests were due to the end of their answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Latencies {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
    pub(super) requests: u64,
}

/// A process of its own on the second core.
pub(super) fn run_pinned(addr: SocketAddr, rate: u32, duration: Duration) -> Result<Latencies> {
    let mut command = pinned("1", &std::env::current_exe()?);
    command.args(["open-loop", "--addr", &addr.to_string(), "--rate", &rate.to_string()]);
    let output = command.args(["--seconds", &duration.as_secs().to_string()]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the load at a fixed rate: {text}");
    parse(&serde_json::from_str(&text)?).with_context(|| format!("the load at a fixed rate said: {text}"))
}

fn parse(said: &Value) -> Option<Latencies> {
    Some(Latencies {
        p50: said["p50"].as_f64()?,
        p99: said["p99"].as_f64()?,
        max: said["max"].as_f64()?,
        requests: said["requests"].as_u64()?,
    })
}

/// Sends, waits for the last answer and says how long they took. A request that fails ends it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let answered = send(options)?;
    let latencies: Vec<f64> = answered.iter().map(|answered| answered.latency.as_secs_f64() * 1e6).collect();
    let micros = |share| quantile(&latencies, share).unwrap_or_default();
    let said =
        json!({ "p50": micros(0.5), "p99": micros(0.99), "max": micros(1.0), "requests": latencies.len() });
    println!("{said}");
    Ok(())
}

/// In this process; as it is answered.
pub(super) fn send(options: &Options) -> Result<Vec<Answered>> {
    let head = format!("GET /1k HTTP/1.1\r\nHost: {}\r\nUser-Agent: open-loop\r\n\r\n", options.addr);
    let mut connections =
        (0..options.connections).map(|_| Connection::open(options.addr)).collect::<Result<Vec<_>>>()?;
    let mut free: VecDeque<usize> = (0..connections.len()).collect();
    let total = u64::from(options.rate) * options.seconds;
    let period = Duration::from_secs(1) / options.rate;
    let start = Instant::now();
    let due_at = |number: u64| start + period * u32::try_from(number).unwrap_or(u32::MAX);
    let mut answers = Vec::with_capacity(usize::try_from(total)?);
    let mut sent = 0;
    let mut buffer = vec![0; BUFFER];
    while (answers.len() as u64) < total {
        let now = Instant::now();
        while sent < total
            && due_at(sent) <= now
            && let Some(index) = free.pop_front()
        {
            connections[index].send(head.as_bytes(), due_at(sent))?;
            sent += 1;
        }
        // With no free connection requests that are due wait for one, and are late.
        let next = if sent < total && !free.is_empty() { due_at(sent) } else { now + PATIENCE };
        let ready = wait(&connections, next.saturating_duration_since(Instant::now()))?;
        ensure!(!ready.is_empty() || next < now + PATIENCE, "no answer within {PATIENCE:?}");
        for index in ready {
            if let Some(answered) = connections[index].receive(&mut buffer)? {
                answers.push(answered);
                free.push_back(index);
            }
        }
    }
    Ok(answers)
}

fn wait(connections: &[Connection], limit: Duration) -> Result<Vec<usize>> {
    let mut polled: Vec<PollFd<'_>> =
        connections.iter().map(|connection| PollFd::new(&connection.stream, PollFlags::IN)).collect();
    let limit = Timespec { tv_sec: limit.as_secs().try_into()?, tv_nsec: limit.subsec_nanos().into() };
    poll(&mut polled, Some(&limit))?;
    Ok((0..polled.len()).filter(|index| !polled[*index].revents().is_empty()).collect())
}

struct Connection {
    stream: TcpStream,
    due: Instant,
    /// Of the answer's head.
    head: Vec<u8>,
    /// Of its body, once the head is there.
    body_left: Option<usize>,
}

impl Connection {
    fn open(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, due: Instant::now(), head: Vec::new(), body_left: None })
    }

    fn send(&mut self, request: &[u8], due: Instant) -> Result<()> {
        self.due = due;
        let count = self.stream.write(request)?;
        ensure!(count == request.len(), "a request did not fit into an empty socket");
        Ok(())
    }

    /// How long it took, if the answer is whole.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<Answered>> {
        let count = match self.stream.read(buffer) {
            Ok(0) => bail!("the proxy closed a connection"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut body = count;
        if self.body_left.is_none() {
            self.head.extend_from_slice(&buffer[..count]);
            let Some((length, head_bytes)) = parse_head(&self.head)? else { return Ok(None) };
            self.body_left = Some(length);
            body = self.head.len() - head_bytes;
        }
        let left = self.body_left.map(|left| left.checked_sub(body).context("more than the answer came"));
        self.body_left = left.transpose()?;
        if self.body_left != Some(0) {
            return Ok(None);
        }
        self.body_left = None;
        self.head.clear();
        Ok(Some(Answered { due: self.due, latency: self.due.elapsed() }))
    }
}

/// The body's length and the head's, if all of the head is there.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?;
    ensure!(
        head.starts_with("HTTP/1.1 200 "),
        "the proxy answered {}",
        head.lines().next().unwrap_or_default()
    );
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("an answer without a length")?;
    Ok(Some((length.1.trim().parse()?, end + 4)))
}

#[cfg(test)]
mod tests;
