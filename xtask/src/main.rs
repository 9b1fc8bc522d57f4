//! `cargo xtask check · demo · bench · conformance · fuzz · soak · dist · pictures · man`: what people and machines do with this repository.
//!
//! It depends on none of our crates: it builds the programs and runs them as an operator would. The tidy
//! rules are its tests.
#![allow(clippy::print_stdout, reason = "a command-line tool talks to its user")]

mod bench;
mod certificate;
mod check;
mod conformance;
mod demo;
mod dist;
mod fleet;
mod fuzz;
mod http;
mod interrupt;
mod man;
mod pictures;
mod process;
mod sample_upstream;
mod soak;
#[cfg(test)]
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::interrupt::Interrupted;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Checks, shows and measures Harbr-Router")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Format, lints, documentation, outside tools, build, tests; the last line is the tests' sum
    Check,
    /// A controller, three proxies and two sample upstreams on loopback, to look at
    Demo(demo::Options),
    /// CPU time per request beside other proxies; `--check`: no more instructions than the baseline; `bench fleet`:
    /// edits under load
    Bench(bench::Options),
    /// HTTP/1.1 in bytes, held against our proxy and, where they are installed, nginx and HAProxy
    Conformance(conformance::Options),
    /// Random requests against what must hold of each; a short run is among the tests
    Fuzz(fuzz::Options),
    /// The programs as they are shipped: optimised by a profile of mixed traffic (needs llvm-profdata, h2load)
    Dist,
    /// Manual pages and shell completions of harbrctl
    Man,
    /// The pictures of the documentation, of a real fleet in a real browser (needs chromium, chromedriver)
    Pictures,
    /// All kinds of traffic while the file changes every second: no wrong answer, nothing left behind
    Soak(soak::Options),
    /// A small HTTP server that says its name; ends when its standard input does
    #[command(hide = true)]
    SampleUpstream(sample_upstream::Options),
    /// What stands behind the proxies that are measured
    #[command(hide = true)]
    BenchOrigin(bench::origin::Options),
    /// Load at a fixed rate; prints latencies as JSON
    #[command(hide = true)]
    OpenLoop(bench::open_loop::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Check => check::run(),
        Command::Demo(options) => demo::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Conformance(options) => conformance::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Dist => dist::run(),
        Command::Man => man::run(),
        Command::Pictures => pictures::run(),
        Command::Soak(options) => soak::run(&options),
        Command::SampleUpstream(options) => sample_upstream::run(&options).map(|()| ExitCode::SUCCESS),
        Command::BenchOrigin(options) => bench::origin::run(&options).map(|()| ExitCode::SUCCESS),
        Command::OpenLoop(options) => bench::open_loop::run(&options).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        if error.is::<Interrupted>() {
            println!("interrupted: everything that was started has ended");
        } else {
            println!("error: {error:#}");
        }
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests;
