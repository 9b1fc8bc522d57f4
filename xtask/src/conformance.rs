//! `cargo xtask conformance`: HTTP/1.1 in bytes, held against our proxy and against others.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::workspace::{self, Profile, Programs};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these: harbr-router, nginx, haproxy; those that are not installed are named and left out
    #[arg(long, value_name = "PROXY")]
    against: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let programs = Programs::build(Profile::Debug, &["harbr-router", "conformance"])?;
    let folder = workspace::target_dir()?.join("debug");
    let status = std::process::Command::new(programs.path("conformance"))
        .args(&options.against)
        .env("HARBR_BIN_DIR", folder)
        .status()
        .context("the cases do not start")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
