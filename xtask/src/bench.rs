//! Measurements. Figures of one run compare only with each other: every proxy is measured in every round.

mod apply;
mod driven;
mod edits;
mod instructions;
mod load;
mod memory;
mod mishaps;
pub(crate) mod open_loop;
pub(crate) mod origin;
mod peers;
mod report;
mod results;
mod side_by_side;
mod statistics;
mod syscalls;
mod usage;
mod workload;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::interrupt::Interrupt;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(flatten)]
    side_by_side: side_by_side::Options,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// A controller, ten proxies and constant load, while the file is edited again and again, a change breaks a route
    /// and a proxy is drained
    Fleet(edits::Options),
    /// One proxy under load at a fixed rate, while all of its ten thousand routes change again and again
    Apply(apply::Options),
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let interrupt = Interrupt::on_signals()?;
    match &options.what {
        None => side_by_side::run(&options.side_by_side, &interrupt),
        Some(What::Fleet(options)) => edits::run(options, &interrupt),
        Some(What::Apply(options)) => apply::run(options, &interrupt),
    }
}
