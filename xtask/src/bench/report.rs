//! The results as people read them: tables for the terminal, and `docs/performance.md` with its chart.

mod chart;

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, Result};

use super::results::{OURS, REFERENCE, Ratio, Results, Series, TWO_WORKERS};
use super::workload::{FEW_ROUTES, KEEP_ALIVE, Traffic, Workload};
use crate::workspace;

const METHOD: &str = "\
CPU time (user and system) of the proxy's process per request, from `/proc/PID/stat`, as the median of each round's *ratio* to nginx:
all proxies are measured in each round of each workload, in changing order, so that a slow moment of the machine slows all of them.
Absolute microseconds and requests per second are this machine's only.

- One worker on the first core; the load and an origin that costs next to nothing on the second; loopback; 64 requests at once
  (HTTP/2: 8 connections of 8 streams).
- Ours runs with everything on: access log in JSON, retries, health checks, metrics of each route. nginx writes a buffered
  access log with the same fields; the others log as they can.
- The configurations are in [xtask/bench](../xtask/bench): judge them, and say how they could be fairer.
- Closed loops by wrk and h2load. The fixed rate is by a generator of our own that counts each request from when it was due.
- `harbr-router` is `cargo build --release`; `harbr-router (dist)` is `cargo xtask dist`, optimised by a profile of other traffic.
";

/// All tables, in Markdown.
pub(super) fn tables(results: &Results) -> String {
    let mut text = ratios(results);
    for workload in &results.workloads {
        text += &details(results, workload);
    }
    text += &open_loop(results);
    text += &two_workers(results);
    text += &memory(results);
    text += &per_request(results);
    text
}

/// `docs/performance.md` and the chart that it shows.
pub(super) fn write(results: &Results) -> Result<()> {
    let docs = workspace::root().join("docs");
    std::fs::write(docs.join("performance.svg"), chart::draw(results))?;
    let versions: Vec<String> =
        results.versions.iter().map(|(name, version)| format!("- {name}: {version}\n")).collect();
    let page = format!(
        "# Performance\n\nWritten by `cargo xtask bench --report`. Each figure is of one run on one machine.\n\n\
         ![CPU time per request as a ratio to nginx](performance.svg)\n\n## How it is measured\n\n{METHOD}\n\
         {} rounds of {} s. {}\n\n{}\n{}",
        results.rounds,
        results.seconds,
        machine()?,
        versions.concat(),
        tables(results)
    );
    let file = docs.join("performance.md");
    std::fs::write(&file, page)?;
    println!("written to {}", file.display());
    Ok(())
}

fn machine() -> Result<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let kernel = Command::new("uname").arg("-sr").output().context("uname does not start")?;
    let cores = std::thread::available_parallelism()?;
    Ok(format!("{model}, {cores} cores, {}.", String::from_utf8_lossy(&kernel.stdout).trim()))
}

fn ratios(results: &Results) -> String {
    let mut text = format!("## CPU time per request, as a ratio to {REFERENCE}\n\n");
    text += &header(results, "workload");
    for workload in &results.workloads {
        let reference = results.of(workload, REFERENCE);
        let cell = |proxy| show(results.of(workload, proxy)?.ratio_to(reference?)?).into();
        text += &row(results, workload.title, cell);
    }
    text += "\nMedians of the rounds' ratios; the lowest and the highest in brackets.\n\n";
    let many: Vec<_> = results.workloads.iter().filter(|workload| is_about_routes(workload)).collect();
    if !many.is_empty() {
        text += "To the same proxy's cost with 3 routes:\n\n";
        text += &header(results, "routes");
        for workload in many {
            let cell = |proxy| {
                let few = results.of(&FEW_ROUTES, proxy)?;
                show(results.of(workload, proxy)?.ratio_to(few)?).into()
            };
            text += &row(results, workload.title, cell);
        }
        text.push('\n');
    }
    text
}

fn is_about_routes(workload: &Workload) -> bool {
    workload.traffic == Traffic::AnyRoute && workload.id != FEW_ROUTES.id
}

fn details(results: &Results, workload: &Workload) -> String {
    let mut text = format!(
        "### {}\n\n| proxy | CPU µs/request | requests/s | p50 ms | p99 ms |\n|---|---|---|---|---|\n",
        workload.title
    );
    for proxy in results.proxies() {
        let Some(series) = results.of(workload, proxy) else { continue };
        let number = |value: Option<f64>, scale: f64| value.map_or(f64::NAN, |value| value / scale);
        let _written = writeln!(
            text,
            "| {proxy} | {:.1} | {:.0} | {:.2} | {:.2} |",
            number(series.cost(), 1.0),
            number(series.per_second(), 1.0),
            number(series.p50(), 1e3),
            number(series.p99(), 1e3)
        );
    }
    text.push('\n');
    text
}

fn open_loop(results: &Results) -> String {
    let Some(found) = &results.open_loop else { return String::new() };
    let mut text = format!(
        "## At a fixed rate: {} requests/s, a third of {REFERENCE}'s most\n\n\
         | proxy | p50 µs | p99 µs | max µs | p99 to {REFERENCE} |\n|---|---|---|---|---|\n",
        found.rate
    );
    for proxy in results.proxies().filter(|proxy| found.latencies.contains_key(proxy)) {
        let micros =
            |of: fn(&super::open_loop::Latencies) -> f64| found.median(proxy, of).unwrap_or(f64::NAN);
        let _written = writeln!(
            text,
            "| {proxy} | {:.0} | {:.0} | {:.0} | {} |",
            micros(|found| found.p50),
            micros(|found| found.p99),
            micros(|found| found.max),
            found.p99_ratio(proxy).map_or_else(|| "–".to_owned(), show)
        );
    }
    text.push('\n');
    text
}

/// What workers cost each other: on two cores that the load shares with them only the CPU time tells.
fn two_workers(results: &Results) -> String {
    let of = |proxy| results.of(&KEEP_ALIVE, proxy);
    let (Some(one), Some(two)) = (of(OURS), of(TWO_WORKERS)) else { return String::new() };
    let Some(ratio) = two.ratio_to(one) else { return String::new() };
    let rate = |series: &Series| series.per_second().unwrap_or(f64::NAN);
    format!(
        "## Two workers\n\nCPU time per request of two workers to that of one, {}: {}. Requests/s: {:.0} by two on \
         both cores, beside the load; {:.0} by one on a core of its own.\n\n",
        KEEP_ALIVE.title,
        show(ratio),
        rate(two),
        rate(one)
    )
}

fn memory(results: &Results) -> String {
    let found = &results.findings;
    if found.table_memory.is_empty() {
        return String::new();
    }
    let mib = |bytes: u64| format!("{:.1}", bytes as f64 / 1024.0 / 1024.0);
    let mut text = format!("## Memory (proportional set size)\n\n{}", header(results, ""));
    let of = |proxy| found.memory.get(proxy);
    text += &row(results, "idle, MiB", |proxy| Some(mib(of(proxy)?.idle)));
    text += &row(results, "an idle connection, KiB", |proxy| {
        Some(format!("{:.1}", of(proxy)?.per_idle_connection / 1024.0))
    });
    text += &row(results, "under load, MiB", |proxy| Some(mib(of(proxy)?.under_load)));
    for routes in [10_000, 100_000] {
        let title = format!("idle with {routes} routes, MiB");
        if found.table_memory.keys().any(|(count, ..)| *count == routes) {
            text += &row(results, &title, |proxy| {
                found.table_memory.get(&(routes, true, proxy)).copied().map(mib)
            });
        }
    }
    text.push('\n');
    text
}

fn per_request(results: &Results) -> String {
    let found = &results.findings;
    let mut text = String::new();
    if !found.syscalls.is_empty() {
        text += &format!("## Calls into the kernel per request\n\n{}", header(results, "workload"));
        for workload in results.workloads.iter().filter(|workload| is_known(workload, &found.syscalls)) {
            text += &row(results, workload.title, |proxy| {
                Some(format!("{:.2}", found.syscalls.get(&(workload.id, proxy))?))
            });
        }
        text.push('\n');
    }
    if !found.instructions.is_empty() {
        text += &format!("## User instructions per request\n\n{}", header(results, "workload"));
        for workload in results.workloads.iter().filter(|workload| is_known(workload, &found.instructions)) {
            text += &row(results, workload.title, |proxy| {
                found.instructions.get(&(workload.id, proxy)).map(u64::to_string)
            });
        }
        text.push('\n');
    }
    text
}

fn is_known<V>(workload: &Workload, found: &std::collections::HashMap<(&str, &str), V>) -> bool {
    found.keys().any(|(id, _)| *id == workload.id)
}

fn header(results: &Results, first: &str) -> String {
    let names: Vec<_> = results.proxies().collect();
    format!("| {first} | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()))
}

fn row(results: &Results, title: &str, cell: impl Fn(&'static str) -> Option<String>) -> String {
    let cells: Vec<_> =
        results.proxies().map(|proxy| cell(proxy).unwrap_or_else(|| "–".to_owned())).collect();
    format!("| {title} | {} |\n", cells.join(" | "))
}

fn show(Ratio { low, median, high }: Ratio) -> String {
    format!("{median:.2} ({low:.2}–{high:.2})")
}
