//! `cargo xtask bench`: CPU time per request, all proxies in each round, as ratios to nginx.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::peers::{Bench, Peer, require_tools, start_origin};
use super::statistics::{median, quantile};
use super::{cpu, wrk};
use crate::interrupt::Interrupt;
use crate::workspace::{self, Profile, Programs};

const REFERENCE: &str = "nginx";

#[derive(Args)]
#[group(skip)]
pub(super) struct Options {
    /// Each proxy is measured once a round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Of one measurement
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
}

/// One proxy's rounds.
struct Series {
    name: &'static str,
    /// Microseconds of CPU time per request.
    cost: Vec<f64>,
    per_second: Vec<f64>,
    failed: u64,
}

pub(super) fn run(options: &Options, interrupt: &Interrupt) -> Result<ExitCode> {
    require_tools()?;
    println!("building harbr-router (release profile)");
    let programs = Programs::build(Profile::Release, &["harbr-router"])?;
    let folder = tempfile::Builder::new().prefix("harbr-bench-").tempdir_in(workspace::target_dir()?)?;
    let (_origin, origin) = start_origin(folder.path(), interrupt)?;
    let peers = Bench { folder: folder.path(), origin, interrupt }.start_peers(&programs)?;
    let mut series: Vec<Series> = peers
        .iter()
        .map(|peer| Series { name: peer.name, cost: Vec::new(), per_second: Vec::new(), failed: 0 })
        .collect();
    for round in 0..options.rounds as usize {
        println!("round {} of {}", round + 1, options.rounds);
        // Nobody is always the first or always after the same one.
        for place in 0..peers.len() {
            let index = (round + place) % peers.len();
            interrupt.pause(Duration::ZERO)?;
            measure(&peers[index], &mut series[index], options)?;
        }
    }
    println!("\n{}", table(&series, options));
    let failed: u64 = series.iter().map(|series| series.failed).sum();
    ensure!(failed == 0, "{failed} requests failed: the figures mean nothing");
    Ok(ExitCode::SUCCESS)
}

fn measure(peer: &Peer, series: &mut Series, options: &Options) -> Result<()> {
    let pid = peer.process.id();
    wrk::run(peer.addr, Duration::from_secs(1)).context("warm-up")?;
    let before = cpu::time_of(pid)?;
    let load = wrk::run(peer.addr, Duration::from_secs(options.seconds))?;
    let spent = cpu::time_of(pid)?.saturating_sub(before);
    series.failed += load.failed;
    series.cost.push(spent.as_secs_f64() * 1e6 / load.requests.max(1) as f64);
    series.per_second.push(load.per_second);
    Ok(())
}

fn table(series: &[Series], options: &Options) -> String {
    let reference = series.iter().find(|series| series.name == REFERENCE);
    let mut table = format!(
        "Keep-alive, 1 KiB, {} connections, one worker; {} rounds of {} s; medians, the ratio's range in brackets.\n\n\
         | proxy | CPU time to {REFERENCE} | CPU µs/request | requests/s | failed |\n|---|---|---|---|---|\n",
        wrk::CONNECTIONS,
        options.rounds,
        options.seconds
    );
    for Series { name, cost, per_second, failed } in series {
        let ratio =
            reference.and_then(|reference| ratio(cost, &reference.cost)).unwrap_or_else(|| "–".to_owned());
        let (cost, rate) = (median(cost).unwrap_or_default(), median(per_second).unwrap_or_default());
        table += &format!("| {name} | {ratio} | {cost:.1} | {rate:.0} | {failed} |\n");
    }
    table
}

/// The median of the rounds' ratios: a slow moment of the machine slows both sides of one.
fn ratio(cost: &[f64], reference: &[f64]) -> Option<String> {
    let ratios: Vec<f64> = cost.iter().zip(reference).map(|(cost, reference)| cost / reference).collect();
    let (low, middle, high) = (quantile(&ratios, 0.0)?, median(&ratios)?, quantile(&ratios, 1.0)?);
    Some(format!("{middle:.2} ({low:.2}–{high:.2})"))
}
