//! `cargo xtask soak`: all kinds of traffic at once while the file changes every second, on the release build. The
//! test is `tests/it/soak.rs`, with the harness of all end-to-end tests.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::workspace::{self, Profile, Programs};

#[derive(Args)]
pub(crate) struct Options {
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=24 * 60))]
    minutes: u64,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    println!("building harbr-router (release profile)");
    let programs = Programs::build(Profile::Release, &["harbr-router", "harbrctl"])?;
    let mut command = workspace::cargo(&["test", "--package", "harbr-tests", "--test", "it"]);
    command.env("HARBR_BIN_DIR", programs.folder());
    command.args(["--", "--ignored", "--nocapture", "--exact"]);
    command.arg("soak::all_kinds_of_traffic_under_reloads_are_answered_right_and_leave_nothing_behind");
    let status = command.env("HARBR_SOAK_SECONDS", (options.minutes * 60).to_string()).status();
    let status = status.context("cargo does not start")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
