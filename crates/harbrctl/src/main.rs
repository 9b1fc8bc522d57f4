//! The operator's command line.
//!
//! It asks the controller, tells it what an operator wants, and shows what it answered; it decides nothing itself.
//! `validate`, `explain`, `plan` and `diff` look at a file, by the controller's own checks and the proxies' own table;
//! `pki` makes certificates.
//!
//! Reading order: [`cli`] is what can be asked; [`controller`] asks, [`mod@file`] reads; [`subject`] is a configuration
//! from either; [`document`] is the answer as JSON, which programs rely on; `nodes`, `routes`, `upstreams`, `status`,
//! `rollout`, `history` and `events` are the same for people, and [`top`] is live; [`traffic`] is what nodes remember of
//! requests, which a plan is tried on, and [`tap`] what they tell as they end; [`wait`] asks again until it is so.

use std::process::ExitCode;

use clap::Parser as _;

mod audit;
mod cli;
mod commands;
mod context;
mod controller;
mod document;
mod drain;
mod events;
mod explain;
mod file;
mod history;
mod lookup;
mod node_socket;
mod nodes;
mod output;
mod paint;
mod pki;
mod plan;
mod rollout;
mod routes;
mod status;
mod subject;
mod table;
mod tap;
#[cfg(test)]
mod testing;
mod token;
mod top;
mod traffic;
mod upstreams;
mod validate;
mod wait;
mod when;
mod why;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            if error.is::<cli::UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
