//! `cargo xtask bench fleet`: the file is edited again and again under constant load. How long until every
//! node serves an edit, and does a request fail? Then a change breaks a route, and a proxy is drained.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;

use super::load::{AtClose, Load, Outcome};
use super::mishaps;
use super::statistics::quantile;
use crate::fleet::{Fleet, Proxy, Serving};
use crate::interrupt::{Interrupt, Interrupted};
use crate::workspace::{Profile, Programs};

/// An edit that takes longer counts as lost.
const LIMIT: Duration = Duration::from_secs(10);

#[derive(Args)]
#[group(skip)]
pub(super) struct Options {
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    edits: u32,
    /// Requests per second over all proxies
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(3..=10))]
    proxies: u8,
}

#[derive(Default)]
struct Edits {
    /// Milliseconds from each save to the last node's swap.
    converged: Vec<f64>,
    lost: u64,
}

pub(super) fn run(options: &Options, interrupt: &Interrupt) -> Result<ExitCode> {
    println!("building the programs (release profile)");
    let programs = Programs::build(Profile::Release, &["harbr-controlplane", "harbr-dataplane", "harbrctl"])?;
    let proxies = usize::from(options.proxies);
    let fleet = Fleet::start(programs, interrupt.clone(), proxies, |blue, green| file(blue, green, blue, 0))?;
    let addrs: Vec<SocketAddr> = fleet.proxies.iter().map(|proxy| proxy.addr).collect();
    let load = Load::start(&addrs, "/load", options.rate, AtClose::Reopens)?;
    let edits = edit(&fleet, options.edits);
    let outcome = load.finish()?;
    let edits = edits?;
    println!("\n{}", table(&edits, &outcome, options));
    if let Some(failure) = &outcome.first_failure {
        println!("first failure: {failure}");
    }
    let good = file(fleet.blue.addr, fleet.green.addr, fleet.blue.addr, options.edits);
    let bad = file(fleet.blue.addr, fleet.green.addr, mishaps::nobody()?, options.edits);
    println!("{}", mishaps::take_back(&fleet, &good, &bad)?);
    println!("{}", mishaps::drain(&fleet)?);
    fleet.stop()?;
    Ok(if edits.lost == 0 && outcome.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn edit(fleet: &Fleet, count: u32) -> Result<Edits> {
    let mut edits = Edits::default();
    for number in 1..=count {
        let before = serving(fleet)?;
        let text = file(fleet.blue.addr, fleet.green.addr, fleet.blue.addr, number);
        let start = Instant::now();
        // Both ways of saving a file in turn.
        match number % 2 {
            0 => fleet.save(&text)?,
            _ => std::fs::write(fleet.config_file(), &text)?,
        }
        match fleet.interrupt().until(LIMIT, || converged(fleet, &before)) {
            Ok(()) => edits.converged.push(start.elapsed().as_secs_f64() * 1e3),
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                println!("edit {number}: {error:#}");
                edits.lost += 1;
            }
        }
        if number % 20 == 0 {
            println!("{number} of {count} edits");
        }
    }
    Ok(edits)
}

fn serving(fleet: &Fleet) -> Result<Vec<Serving>> {
    fleet.proxies.iter().map(Proxy::serving).collect()
}

/// Each node serves something newer than before, and all the same.
fn converged(fleet: &Fleet, before: &[Serving]) -> Result<()> {
    let now = serving(fleet)?;
    let newer =
        now.iter().zip(before).all(|(now, before)| now.revision > before.revision && now.hash != before.hash);
    ensure!(newer && now.windows(2).all(|pair| pair[0] == pair[1]), "not converged: {now:?}");
    Ok(())
}

/// Each edit changes a route in use and adds one. `/fragile` goes to `fragile`.
fn file(blue: SocketAddr, green: SocketAddr, fragile: SocketAddr, number: u32) -> String {
    format!(
        r#"listen_addr: "127.0.0.1:8080"
global_timeout_ms: 5000
max_connections: 10000
access_log: "off"
upstreams:
  both:
    endpoints: ["http://{blue}", "http://{green}"]
    health_check: {{ path: /health }}
routes:
  "/":
    upstream: both
    timeout_ms: {}
  "/fragile":
    upstream: "http://{fragile}"
  "/edit-{number}":
    upstream: "http://{blue}"
"#,
        2000 + number % 1000
    )
}

fn table(edits: &Edits, load: &Outcome, options: &Options) -> String {
    let shown = |sample: &[f64], share| quantile(sample, share).unwrap_or(f64::NAN);
    let row = |what: &str, sample: &[f64], failed: u64| {
        format!(
            "| {what} | {} | {failed} | {:.1} | {:.1} | {:.1} |\n",
            sample.len() as u64 + failed,
            shown(sample, 0.5),
            shown(sample, 0.99),
            shown(sample, 1.0)
        )
    };
    format!(
        "{} proxies, {} requests/s; times in ms.\n\n| what | count | failed | p50 | p99 | max |\n|---|---|---|---|---|---|\n{}{}",
        options.proxies,
        options.rate,
        row("save to all nodes converged", &edits.converged, edits.lost),
        row("request, from when it was due", &load.latencies, load.failed)
    )
}
