//! `cargo xtask bench apply`: what a large change costs those who send requests meanwhile. Every route changes in
//! every apply; each second with an apply is held against the second before it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;

use super::open_loop::{self, Answered};
use super::peers::start_origin;
use super::statistics::{median, quantile};
use super::usage;
use crate::http;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::workspace::{self, Profile, Programs};

/// What a change may take until it serves.
const LIMIT: Duration = Duration::from_secs(30);
/// How long each apply and each time without one is looked at.
const WINDOW: Duration = Duration::from_secs(1);
const CONNECTIONS: u32 = 32;
/// What the targets are.
const APPLY_LIMIT: f64 = 50.0;
const P99_LIMIT: f64 = 1.2;
/// Of the memory after the first applies, when old tables were dropped once.
const MEMORY_LIMIT: f64 = 1.1;
const SETTLED_AFTER: usize = 4;

#[derive(Args)]
#[group(skip)]
pub(super) struct Options {
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    applies: u32,
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    routes: u32,
    /// Requests per second
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
}

/// One apply: when it began and ended as seen from outside, and what the node says it took from the change's arrival.
struct Applied {
    began: Instant,
    took_ms: f64,
    /// Turns of the worker over 5 ms, from the save to the end of the second.
    stalls: u64,
    memory: u64,
}

/// One proxy and its controller. The controller yields to all others: it would be on another machine.
struct Node {
    file: std::path::PathBuf,
    origin: SocketAddr,
    admin_addr: SocketAddr,
    addr: SocketAddr,
    process: Process,
    _controller: Process,
}

pub(super) fn run(options: &Options, interrupt: &Interrupt) -> Result<ExitCode> {
    println!("building the programs (release profile)");
    let programs = Programs::build(Profile::Release, &["harbr-controlplane", "harbr-dataplane"])?;
    let folder = tempfile::Builder::new().prefix("harbr-apply-").tempdir_in(workspace::target_dir()?)?;
    let (_origin, origin) = start_origin(folder.path(), interrupt)?;
    let node = Node::start(&programs, folder.path(), origin, options.routes, interrupt)?;
    let seconds = u64::from(options.applies) * 2 * WINDOW.as_secs() + LIMIT.as_secs();
    let load = open_loop::Options { addr: node.addr, rate: options.rate, seconds, connections: CONNECTIONS };
    let load = std::thread::Builder::new().name("load".to_owned()).spawn(move || open_loop::send(&load))?;
    let applied = apply_all(&node, options, interrupt)?;
    println!("waiting for the load to end");
    let answered = load.join().map_err(|_| anyhow!("the load panicked"))?.context("a request was lost")?;
    Ok(if report(&applied, &answered, options) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn apply_all(node: &Node, options: &Options, interrupt: &Interrupt) -> Result<Vec<Applied>> {
    let mut applied = Vec::new();
    for number in 1..=options.applies {
        // The second without an apply.
        interrupt.pause(WINDOW)?;
        let (before, stalls_before) = (node.revision()?, node.stalls()?);
        let began = Instant::now();
        node.save(options.routes, number)?;
        interrupt.until(LIMIT, || {
            ensure!(node.revision()? > before, "revision {before} still serves");
            Ok(())
        })?;
        let rest = WINDOW.saturating_sub(began.elapsed());
        interrupt.pause(rest)?;
        let took_ms = node.process.last_number("took_ms").context("the node says not how long it took")?;
        let stalls = node.stalls()? - stalls_before;
        applied.push(Applied { began, took_ms, stalls, memory: usage::memory_bytes(node.process.id())? });
    }
    Ok(applied)
}

impl Node {
    fn start(
        programs: &Programs,
        folder: &Path,
        origin: SocketAddr,
        routes: u32,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let config = folder.join("config");
        std::fs::create_dir_all(&config)?;
        let file = config.join("config.yml");
        std::fs::write(&file, text(origin, routes, 0))?;
        let mut controller = Command::new("nice");
        controller.args(["-n", "19"]).arg(programs.path("harbr-controlplane")).arg("-c").arg(&file);
        controller.args(["--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--log-format", "json"]);
        let mut controller = Process::start("controlplane", folder, &mut controller)?;
        let grpc_addr = controller.addr("grpc_addr", interrupt)?;
        let mut command = Command::new(programs.path("harbr-dataplane"));
        command.env("RUST_MIN_THREADS", "1").env("RUST_MAX_THREADS", "1");
        command.args(["--controller", &format!("http://{grpc_addr}"), "--admin-addr", "127.0.0.1:0"]);
        command.args(["--log-format", "json"]);
        let mut process = Process::start("dataplane", folder, &mut command)?;
        let admin_addr = process.addr("admin_addr", interrupt)?;
        let addr = interrupt.until(LIMIT, || http::listener_addr(admin_addr))?;
        Ok(Self { file, origin, admin_addr, addr, process, _controller: controller })
    }

    fn revision(&self) -> Result<u64> {
        http::get_json(self.admin_addr, "/info")?["serving_revision"].as_u64().context("no revision serves")
    }

    /// How often its worker has been busy for more than 5 ms.
    fn stalls(&self) -> Result<u64> {
        let metrics = http::get(self.admin_addr, "/metrics")?;
        parse_stalls(&metrics.body).context("no stalls among the metrics")
    }

    fn save(&self, routes: u32, number: u32) -> Result<()> {
        let draft = self.file.with_extension("new");
        std::fs::write(&draft, text(self.origin, routes, number))?;
        Ok(std::fs::rename(&draft, &self.file)?)
    }
}

/// Each route's timeout is another one in each version.
fn text(origin: SocketAddr, routes: u32, number: u32) -> String {
    let timeout = 2_000 + number;
    let mut text = format!(
        "listen_addr: \"127.0.0.1:0\"\nglobal_timeout_ms: 5000\nmax_connections: 10000\naccess_log: \"off\"\n\
         upstreams:\n  origin: {{ endpoints: [\"http://{origin}\"] }}\n\
         routes:\n  \"/\": {{ upstream: origin, timeout_ms: {timeout} }}\n"
    );
    for route in 1..routes {
        text += &format!("  \"/route-{route}\": {{ upstream: origin, timeout_ms: {timeout} }}\n");
    }
    text
}

/// Those that no bucket up to 5 ms took.
fn parse_stalls(metrics: &str) -> Option<u64> {
    let value =
        |series: &str| metrics.lines().find_map(|line| line.strip_prefix(series)?.trim().parse::<u64>().ok());
    let within = value("harbr_worker_stall_seconds_bucket{le=\"0.005\"}")?;
    Some(value("harbr_worker_stall_seconds_count")? - within)
}

/// Prints what was found, and whether all targets were met.
fn report(applied: &[Applied], answered: &[Answered], options: &Options) -> bool {
    let millis = |share: f64, from: Instant| {
        let within = answered.iter().filter(|one| one.due >= from && one.due < from + WINDOW);
        let sample: Vec<f64> = within.map(|one| one.latency.as_secs_f64() * 1e3).collect();
        quantile(&sample, share).unwrap_or(f64::NAN)
    };
    let column = |of: &dyn Fn(&Applied) -> f64| applied.iter().map(of).collect::<Vec<f64>>();
    let (before, during) = (|one: &Applied| one.began - WINDOW, |one: &Applied| one.began);
    let p99_ratio = column(&|one| millis(0.99, during(one)) / millis(0.99, before(one)));
    let took = column(&|one| one.took_ms);
    let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    let settled = applied.get(SETTLED_AFTER.min(applied.len() - 1)).map_or(0, |one| one.memory);
    let memory = applied.last().map_or(0, |one| one.memory) as f64 / settled.max(1) as f64;
    println!("\n| medians | p50 | p99 | longest | the longest of all |\n|---|---|---|---|---|");
    for (what, from) in [
        ("a second before, ms", &before as &dyn Fn(&Applied) -> Instant),
        ("the second of the apply, ms", &during),
    ] {
        let shown = |share| median(&column(&|one| millis(share, from(one)))).unwrap_or(f64::NAN);
        let worst = quantile(&column(&|one| millis(1.0, from(one))), 1.0).unwrap_or(f64::NAN);
        println!("| {what} | {:.2} | {:.2} | {:.2} | {worst:.2} |", shown(0.5), shown(0.99), shown(1.0));
    }
    let stalls: u64 = applied.iter().map(|one| one.stalls).sum();
    let checks = [
        ("longest apply, from arrival to serving, ms", quantile(&took, 1.0), APPLY_LIMIT),
        ("p99 during to before, median", median(&p99_ratio), P99_LIMIT),
        ("turns of the worker over 5 ms, all applies", Some(stalls as f64), 0.0),
        ("memory after the last apply to after the fifth", Some(memory), MEMORY_LIMIT),
    ];
    println!(
        "\n{} applies of {} routes at {} requests/s, none lost; {:.1} MiB at the end\n",
        applied.len(),
        options.routes,
        options.rate,
        mib(applied.last().map_or(0, |one| one.memory))
    );
    for (what, found, limit) in &checks {
        let found = found.unwrap_or(f64::NAN);
        println!("{what}: {found:.2} (at most {limit}) {}", if found <= *limit { "met" } else { "MISSED" });
    }
    checks.iter().all(|(_, found, limit)| found.is_some_and(|found| found <= *limit))
}

#[cfg(test)]
mod tests;
