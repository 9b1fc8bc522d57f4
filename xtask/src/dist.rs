//! `cargo xtask dist`: the programs as they are shipped, optimised for what a proxy does most.
//!
//! A build that counts, a training with mixed traffic, and the build that goes by the counts. The training is
//! other traffic than `cargo xtask bench` measures.

mod train;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::interrupt::Interrupt;
use crate::workspace;

const PROGRAMS: [&str; 4] = ["harbr-router", "harbr-controlplane", "harbr-dataplane", "harbrctl"];
/// The names under which LLVM's merger is installed; it must not be older than what rustc writes by much.
const MERGERS: [&str; 4] = ["llvm-profdata-21", "llvm-profdata-20", "llvm-profdata-19", "llvm-profdata"];

/// Where the finished programs are.
pub(crate) fn folder() -> Result<PathBuf> {
    Ok(workspace::target_dir()?.join("dist"))
}

pub(crate) fn run() -> Result<ExitCode> {
    let interrupt = Interrupt::on_signals()?;
    let merger = merger()?;
    let work = tempfile::Builder::new().prefix("harbr-dist-").tempdir_in(workspace::target_dir()?)?;
    // Paths stand in the compiler's flags: the same ones each time, or all is built anew.
    let counts = workspace::target_dir()?.join("pgo-counts");
    let profile = workspace::target_dir()?.join("pgo.profdata");
    if counts.exists() {
        std::fs::remove_dir_all(&counts)?;
    }

    println!("building harbr-router with counters");
    let counting =
        build("pgo-generate", &format!("-Cprofile-generate={}", counts.display()), &["harbr-router"])?;
    println!("training");
    train::run(&counting.join("harbr-router"), work.path(), &interrupt)?;
    merge(merger, &counts, &profile)?;
    println!("building the programs by the profile");
    let built = build("pgo-use", &format!("-Cprofile-use={}", profile.display()), &PROGRAMS)?;

    let folder = folder()?;
    std::fs::create_dir_all(&folder)?;
    for program in PROGRAMS {
        std::fs::copy(built.join(program), folder.join(program)).with_context(|| program)?;
    }
    println!("{} are in {}", PROGRAMS.join(", "), folder.display());
    Ok(ExitCode::SUCCESS)
}

/// Builds in a folder of its own, as flags would have all else built anew. A target is named so that they do
/// not reach build scripts.
fn build(folder: &str, flags: &str, programs: &[&str]) -> Result<PathBuf> {
    let host = host()?;
    let target_dir = workspace::target_dir()?.join(folder);
    let mut command = workspace::cargo(&["build", "--release", "--locked", "--target", &host]);
    command.arg("--target-dir").arg(&target_dir).env("RUSTFLAGS", flags);
    for program in programs {
        command.args(["--package", program]);
    }
    ensure!(command.status().context("cargo does not start")?.success(), "the programs do not build");
    Ok(target_dir.join(host).join("release"))
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc does not start")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}

fn merger() -> Result<&'static str> {
    let is_there = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    match MERGERS.iter().find(is_there) {
        Some(name) => Ok(name),
        None => bail!("llvm-profdata not found (apt-get install llvm-19)"),
    }
}

fn merge(merger: &str, counts: &Path, profile: &Path) -> Result<()> {
    let status = Command::new(merger).arg("merge").arg("-o").arg(profile).arg(counts).status()?;
    ensure!(status.success(), "{merger} cannot merge what the training counted");
    Ok(())
}
