//! What a run has found.

use std::collections::HashMap;
use std::time::Duration;

use super::driven::Load;
use super::memory::Memory;
use super::open_loop::Latencies;
use super::statistics::{median, quantile};
use super::workload::Workload;

/// The one that all others are compared with.
pub(super) const REFERENCE: &str = "nginx";

/// Ours, as `cargo build --release` makes it.
pub(super) const OURS: &str = "harbr-router";

/// Ours with two workers, which is compared with ours with one.
pub(super) const TWO_WORKERS: &str = "harbr-router, 2 workers";

/// One proxy's rounds of one workload.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// Microseconds of CPU time per request.
    pub(super) cost: Vec<f64>,
    per_second: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    pub(super) failed: u64,
}

#[derive(Debug)]
pub(super) struct OpenLoop {
    pub(super) rate: u32,
    /// By proxy, a round each.
    pub(super) latencies: HashMap<&'static str, Vec<Latencies>>,
}

/// What is found once; by workload and proxy.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) memory: HashMap<&'static str, Memory>,
    /// Bytes at rest, by routes, whether requests are logged, and proxy.
    pub(super) table_memory: HashMap<(u32, bool, &'static str), u64>,
    pub(super) syscalls: HashMap<(&'static str, &'static str), f64>,
    pub(super) instructions: HashMap<(&'static str, &'static str), u64>,
}

#[derive(Debug)]
pub(super) struct Results {
    /// Names and versions, in the order in which they are shown.
    pub(super) versions: Vec<(&'static str, String)>,
    pub(super) workloads: Vec<Workload>,
    pub(super) rounds: u32,
    pub(super) seconds: u64,
    /// By workload and proxy.
    pub(super) series: HashMap<(&'static str, &'static str), Series>,
    pub(super) open_loop: Option<OpenLoop>,
    pub(super) findings: Findings,
}

/// The median of the rounds' ratios, with the lowest and the highest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ratio {
    pub(super) low: f64,
    pub(super) median: f64,
    pub(super) high: f64,
}

impl Series {
    pub(super) fn add(&mut self, load: Load, cpu_time: Duration) {
        self.cost.push(cpu_time.as_secs_f64() * 1e6 / load.requests.max(1) as f64);
        self.per_second.push(load.per_second);
        self.p50.push(load.p50);
        self.p99.push(load.p99);
        self.failed += load.failed;
    }

    /// Of each round to the other's same round: a slow moment of the machine slows both.
    pub(super) fn ratio_to(&self, other: &Self) -> Option<Ratio> {
        ratio(&self.cost, &other.cost)
    }

    pub(super) fn cost(&self) -> Option<f64> {
        median(&self.cost)
    }

    pub(super) fn per_second(&self) -> Option<f64> {
        median(&self.per_second)
    }

    pub(super) fn p50(&self) -> Option<f64> {
        median(&self.p50)
    }

    pub(super) fn p99(&self) -> Option<f64> {
        median(&self.p99)
    }
}

impl OpenLoop {
    /// Medians over the rounds.
    pub(super) fn median(&self, proxy: &str, of: impl Fn(&Latencies) -> f64) -> Option<f64> {
        median(&self.latencies.get(proxy)?.iter().map(of).collect::<Vec<_>>())
    }

    pub(super) fn p99_ratio(&self, proxy: &str) -> Option<Ratio> {
        let p99 = |proxy| Some(self.latencies.get(proxy)?.iter().map(|found| found.p99).collect::<Vec<_>>());
        ratio(&p99(proxy)?, &p99(REFERENCE)?)
    }
}

impl Results {
    pub(super) fn proxies(&self) -> impl Iterator<Item = &'static str> {
        self.versions.iter().map(|(name, _)| *name).filter(|name| *name != TWO_WORKERS)
    }

    pub(super) fn of(&self, workload: &Workload, proxy: &'static str) -> Option<&Series> {
        self.series.get(&(workload.id, proxy))
    }
}

fn ratio(ours: &[f64], others: &[f64]) -> Option<Ratio> {
    let ratios: Vec<f64> = ours.iter().zip(others).map(|(ours, other)| ours / other).collect();
    Some(Ratio { low: quantile(&ratios, 0.0)?, median: median(&ratios)?, high: quantile(&ratios, 1.0)? })
}

#[cfg(test)]
mod tests;
