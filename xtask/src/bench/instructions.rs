//! User instructions per request, by callgrind: they repeat within a percent on any machine, so that they are what
//! a change is held against (`cargo xtask bench --check`). All threads count, the access log's writer too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use super::driven;
use super::peers::{Kind, Peer, Stage, kinds, require_tools, start_origin};
use super::workload::{self, KEEP_ALIVE, Traffic, Transport, Workload};
use crate::http;
use crate::interrupt::Interrupt;
use crate::workspace::{self, Profile, Programs};

/// A rise beyond this share of the baseline is a failure.
const TOLERANCE: f64 = 0.03;
/// Routes that a file may have to be read under callgrind.
const MOST_ROUTES: u32 = 10_000;
/// Before anything is counted: pools are filled, lazy things are made.
const WARM_UP: u32 = 640;

pub(super) const TOOLS: [&str; 4] = ["taskset", "h2load", "valgrind", "callgrind_control"];

/// What to do with the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Fail if one has risen beyond the baseline.
    Check,
    /// Make them the baseline.
    SetBaseline,
}

/// Counts the release build's instructions for these workloads.
pub(super) fn run(mode: Mode, workloads: &[Workload], interrupt: &Interrupt) -> Result<ExitCode> {
    require_tools(&TOOLS)?;
    println!("building harbr-router (release profile)");
    let programs = Programs::build(Profile::Release, &["harbr-router"])?;
    let folder = tempfile::Builder::new().prefix("harbr-bench-").tempdir_in(workspace::target_dir()?)?;
    let (_origin, origin) = start_origin(folder.path(), interrupt)?;
    let stage = Stage { folder: folder.path(), origin, interrupt };
    let kinds = kinds(&programs, &[])?;
    let ours = kinds.iter().find(|kind| kind.is_ours()).context("harbr-router is not there")?;
    let mut baseline = read_baseline()?;
    let mut risen = Vec::new();
    for workload in workloads.iter().filter(|workload| is_counted(ours, workload)) {
        let counted = per_request(&stage, ours, workload)?;
        let before = baseline.get(workload.id).copied();
        println!("{}", line(workload, counted, before));
        if before.is_some_and(|before| counted as f64 > before as f64 * (1.0 + TOLERANCE)) {
            risen.push(workload.id);
        }
        baseline.insert(workload.id.to_owned(), counted);
    }
    if mode == Mode::SetBaseline {
        std::fs::write(baseline_file(), show_baseline(&baseline))?;
        println!("written to {}", baseline_file().display());
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(risen.is_empty(), "more than {:.0} % above the baseline: {}", TOLERANCE * 1e2, risen.join(", "));
    Ok(ExitCode::SUCCESS)
}

fn line(workload: &Workload, counted: u64, before: Option<u64>) -> String {
    let change = match before {
        Some(before) => format!("{before} before, {:+.1} %", (counted as f64 / before as f64 - 1.0) * 1e2),
        None => "no baseline".to_owned(),
    };
    format!("{}: {counted} instructions per request ({change})", workload.id)
}

/// What takes minutes to start under callgrind is not; of the others one workload is enough to compare with.
pub(super) fn is_counted(kind: &Kind, workload: &Workload) -> bool {
    kind.can_be_counted()
        && kind.speaks(workload.transport)
        && workload.setup.routes <= MOST_ROUTES
        && (kind.is_ours() || workload.id == KEEP_ALIVE.id)
}

/// Starts the proxy under callgrind for this one workload.
pub(super) fn per_request(stage: &Stage<'_>, kind: &Kind, workload: &Workload) -> Result<u64> {
    let dump = stage.folder.join("callgrind.out");
    let wrapper = ["valgrind", "--tool=callgrind", "--instr-atstart=no"].map(str::to_owned);
    let wrapper = [&wrapper[..], &[format!("--callgrind-out-file={}", dump.display())]].concat();
    let peer = stage.start(kind, workload.setup, &wrapper)?;
    let pid = peer.process.id();
    let requests = requests(workload);
    send(&peer, workload, WARM_UP.min(requests), stage.folder)?;
    control(pid, &["--instr=on"])?;
    // Once more with what callgrind does at its first look at each instruction behind it.
    send(&peer, workload, WARM_UP.min(requests), stage.folder)?;
    control(pid, &["--zero"])?;
    send(&peer, workload, requests, stage.folder)?;
    control(pid, &["--dump"])?;
    let text = std::fs::read_to_string(dumped(&dump)?)?;
    let total = parse_totals(&text).context("callgrind's dump has no total")?;
    Ok(total / u64::from(requests))
}

/// So many that what a process does beside them does not show.
fn requests(workload: &Workload) -> u32 {
    match workload.traffic {
        Traffic::Get("/1m") => 320,
        Traffic::Get("/64k") | Traffic::Upload => 1_920,
        Traffic::NewConnections => 1_500,
        Traffic::Get(_) | Traffic::AnyRoute => 6_400,
    }
}

fn send(peer: &Peer, workload: &Workload, requests: u32, folder: &Path) -> Result<()> {
    let addr = peer.addr(workload.transport);
    if workload.traffic == Traffic::NewConnections {
        for _ in 0..requests {
            ensure!(http::get_and_close(addr, "/1k")?.status == 200, "a request failed");
        }
        return Ok(());
    }
    ensure!(workload.transport != Transport::H2c || peer.kind.speaks(Transport::H2c), "no HTTP/2");
    driven::run_count(workload, addr, requests, folder)
}

fn control(pid: u32, arguments: &[&str]) -> Result<()> {
    let output = Command::new("callgrind_control").args(arguments).arg(pid.to_string()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && !said.contains("Error"), "callgrind_control: {said}");
    Ok(())
}

/// A dump on demand has a number after the file's name.
fn dumped(file: &Path) -> Result<PathBuf> {
    let numbered = |number: u32| file.with_extension(format!("out.{number}"));
    (1..=9).rev().map(numbered).find(|file| file.is_file()).context("callgrind has dumped nothing")
}

fn parse_totals(dump: &str) -> Option<u64> {
    let line = dump.lines().rev().find_map(|line| line.strip_prefix("totals: "))?;
    line.trim().parse().ok()
}

fn baseline_file() -> PathBuf {
    workspace::root().join("xtask/bench/baseline.toml")
}

/// `name = count` a line.
fn read_baseline() -> Result<BTreeMap<String, u64>> {
    let file = baseline_file();
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    parse_baseline(&text)
}

fn parse_baseline(text: &str) -> Result<BTreeMap<String, u64>> {
    let entries =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '[']));
    entries
        .map(|line| {
            let (name, count) = line.split_once('=').with_context(|| format!("`{line}`"))?;
            Ok((
                name.trim().to_owned(),
                count.trim().replace('_', "").parse().with_context(|| line.to_owned())?,
            ))
        })
        .collect()
}

fn show_baseline(baseline: &BTreeMap<String, u64>) -> String {
    let mut text = "# User instructions per request of the release build, with everything on, by callgrind.\n\
                    # `cargo xtask bench --check` fails on a rise of more than 3 %; `--set-baseline` writes this\n\
                    # file. Who raises a number for a feature says so in the commit.\n\n\
                    [instructions_per_request]\n"
        .to_owned();
    for id in workload::ids() {
        if let Some(count) = baseline.get(id) {
            text += &format!("{id} = {count}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests;
