//! `cargo xtask fuzz`: the fuzz targets of the request path, for longer than a test run has time.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::workspace;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Runs of each target
    #[arg(long, default_value_t = 10_000_000)]
    runs: u64,
    /// The seed of the first run; each run has the next one
    #[arg(long, default_value_t = 0)]
    first: u64,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let status =
        workspace::cargo(&["test", "--profile", "fuzz", "--locked", "-p", "harbr-dataplane", "--lib"])
            .args(["fuzz::", "--", "--nocapture"])
            .env("HARBR_FUZZ_RUNS", options.runs.to_string())
            .env("HARBR_FUZZ_FIRST", options.first.to_string())
            .status()
            .context("cargo test does not start")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
