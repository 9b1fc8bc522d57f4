//! `cargo xtask bench`: all proxies in each round of each workload, in one run, compared by ratios to nginx.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::instructions::{self, Mode};
use super::open_loop::{self, Latencies};
use super::peers::{Extra, Kind, Peer, Setup, Stage, kinds, require_tools, start_origin};
use super::results::{Findings, OpenLoop, REFERENCE, Results, Series};
use super::workload::{self, KEEP_ALIVE, Transport, Workload};
use super::{driven, memory, report, syscalls, usage};
use crate::interrupt::Interrupt;
use crate::workspace::{self, Profile, Programs};

/// Requests per second at a fixed rate where there is no nginx to take a third of.
const DEFAULT_RATE: u32 = 2_000;

#[derive(Args)]
#[group(skip)]
pub(super) struct Options {
    /// Each proxy is measured once a round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Of one measurement
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Only these workloads
    #[arg(long, value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(workload::ids()))]
    only: Vec<String>,
    /// Peers that Debian does not have, installed below the target folder
    #[arg(long, value_delimiter = ',')]
    with: Vec<Extra>,
    /// Write docs/performance.md and its chart
    #[arg(long)]
    report: bool,
    /// Only count our instructions per request, and fail if they have risen by more than 3 %
    #[arg(long, conflicts_with_all = ["report", "with", "set_baseline"])]
    check: bool,
    /// Only count our instructions per request, and make them what `--check` goes by
    #[arg(long, conflicts_with_all = ["report", "with"])]
    set_baseline: bool,
}

pub(super) fn run(options: &Options, interrupt: &Interrupt) -> Result<ExitCode> {
    let workloads = workload::named(&options.only);
    if options.check {
        return instructions::run(Mode::Check, &workloads, interrupt);
    }
    if options.set_baseline {
        return instructions::run(Mode::SetBaseline, &workloads, interrupt);
    }
    require_tools(&["taskset", "wrk", "h2load", "openssl"])?;
    println!("building harbr-router (release profile)");
    let programs = Programs::build(Profile::Release, &["harbr-router"])?;
    let folder = tempfile::Builder::new().prefix("harbr-bench-").tempdir_in(workspace::target_dir()?)?;
    let (_origin, origin) = start_origin(folder.path(), interrupt)?;
    let stage = Stage { folder: folder.path(), origin, interrupt };
    let kinds = kinds(&programs, &options.with)?;
    let results = measure_all(&stage, &kinds, &workloads, options)?;
    println!("\n{}", report::tables(&results));
    if options.report {
        report::write(&results)?;
    }
    let failed: u64 = results.series.values().map(|series| series.failed).sum();
    ensure!(failed == 0, "{failed} requests failed: the figures mean nothing");
    Ok(ExitCode::SUCCESS)
}

fn measure_all(
    stage: &Stage<'_>,
    kinds: &[Kind],
    workloads: &[Workload],
    options: &Options,
) -> Result<Results> {
    let mut setups: Vec<Setup> = Vec::new();
    for workload in workloads {
        if !setups.contains(&workload.setup) {
            setups.push(workload.setup);
        }
    }
    println!("starting {}", kinds.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", "));
    let peers = stage.start_all(kinds, &setups)?;
    // First, while they have served nothing yet.
    let findings = findings(stage, &peers, workloads, options.report)?;
    let mut series: HashMap<(&str, &str), Series> = HashMap::new();
    for round in 0..options.rounds as usize {
        println!("round {} of {}", round + 1, options.rounds);
        for workload in workloads {
            let able: Vec<&Peer> =
                peers[&workload.setup].iter().filter(|peer| peer.kind.is_asked(workload)).collect();
            // Nobody is always the first or always after the same one.
            for place in 0..able.len() {
                let peer = able[(round + place) % able.len()];
                stage.interrupt.pause(Duration::ZERO)?;
                let series = series.entry((workload.id, peer.kind.name)).or_default();
                measure(peer, workload, series, options.seconds, stage.folder)
                    .with_context(|| format!("{}, {}", peer.kind.name, workload.title))?;
            }
        }
    }
    let open_loop = match peers.get(&Setup::FULL) {
        Some(peers) => Some(at_fixed_rate(stage, peers, &series, options)?),
        None => None,
    };
    Ok(Results {
        versions: kinds.iter().map(|kind| (kind.name, kind.version())).collect(),
        workloads: workloads.to_vec(),
        rounds: options.rounds,
        seconds: options.seconds,
        series,
        open_loop,
        findings,
    })
}

fn measure(peer: &Peer, workload: &Workload, series: &mut Series, seconds: u64, folder: &Path) -> Result<()> {
    let (pid, addr) = (peer.process.id(), peer.addr(workload.transport));
    if series.cost.is_empty() {
        driven::run(workload, addr, Duration::from_secs(1), folder).context("warm-up")?;
    }
    let before = usage::cpu_time(pid)?;
    let load = driven::run(workload, addr, Duration::from_secs(seconds), folder)?;
    let spent = usage::cpu_time(pid)?.saturating_sub(before);
    series.add(load, spent);
    Ok(())
}

/// At a third of what nginx can do, all proxies in each round.
fn at_fixed_rate(
    stage: &Stage<'_>,
    peers: &[Peer],
    series: &HashMap<(&str, &str), Series>,
    options: &Options,
) -> Result<OpenLoop> {
    let most = series.get(&(KEEP_ALIVE.id, REFERENCE)).and_then(Series::per_second);
    let rate = most.map_or(DEFAULT_RATE, |most| (most / 3.0) as u32);
    println!("at a fixed rate of {rate} requests/s");
    let mut latencies: HashMap<&'static str, Vec<Latencies>> = HashMap::new();
    let peers: Vec<&Peer> = peers.iter().filter(|peer| peer.kind.is_compared()).collect();
    for round in 0..options.rounds as usize {
        for place in 0..peers.len() {
            let peer = peers[(round + place) % peers.len()];
            stage.interrupt.pause(Duration::ZERO)?;
            let found =
                open_loop::run_pinned(peer.addr(Transport::Http), rate, Duration::from_secs(options.seconds))
                    .with_context(|| peer.kind.name)?;
            latencies.entry(peer.kind.name).or_default().push(found);
        }
    }
    Ok(OpenLoop { rate, latencies })
}

/// What is found once for each proxy; instructions, which take minutes, only for a report.
fn findings(
    stage: &Stage<'_>,
    peers: &HashMap<Setup, Vec<Peer>>,
    workloads: &[Workload],
    with_instructions: bool,
) -> Result<Findings> {
    let mut findings = Findings::default();
    for (setup, peers) in peers {
        for peer in peers {
            let bytes = usage::memory_bytes(peer.process.id())?;
            findings.table_memory.insert((setup.routes, setup.access_log, peer.kind.name), bytes);
        }
    }
    let Some(full) = peers.get(&Setup::FULL) else { return Ok(findings) };
    for peer in full {
        println!("memory and calls into the kernel of {}", peer.kind.name);
        findings.memory.insert(peer.kind.name, memory::of(peer, stage.folder, stage.interrupt)?);
        for workload in workloads.iter().filter(|workload| workload.setup == Setup::FULL) {
            if peer.kind.is_asked(workload)
                && let Some(calls) = syscalls::per_request(peer, workload, stage.folder)?
            {
                findings.syscalls.insert((workload.id, peer.kind.name), calls);
            }
        }
    }
    if with_instructions && require_tools(&instructions::TOOLS).is_ok() {
        for peer in full {
            for workload in workloads.iter().filter(|one| instructions::is_counted(&peer.kind, one)) {
                println!("instructions of {}: {}", peer.kind.name, workload.title);
                let counted = instructions::per_request(stage, &peer.kind, workload)?;
                findings.instructions.insert((workload.id, peer.kind.name), counted);
            }
        }
    }
    Ok(findings)
}
