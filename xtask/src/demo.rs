//! The main job, to look at: a small fleet, some traffic, and things to try.

mod config;
mod report;
mod tour;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::fleet::{Fleet, Proxy};
use crate::interrupt::Interrupt;
use crate::workspace::{Profile, Programs};

#[derive(Args)]
pub(crate) struct Options {
    /// Try everything by itself, check each step, and end with 0 or 1
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    println!("building the programs (debug profile: to look at, not to measure)");
    let programs = Programs::build(Profile::Debug, &["harbr-controlplane", "harbr-dataplane", "harbrctl"])?;
    let interrupt = Interrupt::on_signals()?;
    println!("starting two sample upstreams, a controller and three proxies");
    let fleet = Fleet::start(programs, interrupt, 3, config::first)?;
    println!("everything is in {}\n", fleet.folder().display());
    if options.once { tour::run(fleet) } else { show(fleet) }
}

fn show(fleet: Fleet) -> Result<ExitCode> {
    let table = who_serves_what(&fleet)?;
    println!("{table}\n{}", things_to_try(&fleet));
    // Until the user has seen enough.
    fleet.interrupt().wait();
    println!("\nending all of it");
    fleet.stop()?;
    Ok(ExitCode::SUCCESS)
}

/// Six requests for each route through each proxy.
fn who_serves_what(fleet: &Fleet) -> Result<String> {
    let mut table = format!("{:<10}{:<6}{:<24}{:<24}answered by\n", "proxy", "zone", "address", "request");
    for proxy in &fleet.proxies {
        for path in ["/blue/hello", "/green/hello", "/anything"] {
            let names = answers(proxy, path, 6)?.join(", ");
            let Proxy { id, zone, addr, .. } = proxy;
            table +=
                &format!("{id:<10}{zone:<6}{:<24}{:<24}{names}\n", addr.to_string(), format!("GET {path}"));
        }
    }
    Ok(table)
}

/// The upstreams that answered, each once, in order.
fn answers(proxy: &Proxy, path: &str, requests: usize) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for _ in 0..requests {
        let body = proxy.get(path)?;
        names.push(body.split(' ').next().unwrap_or_default().to_owned());
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn things_to_try(fleet: &Fleet) -> String {
    let addrs: Vec<_> = fleet.proxies.iter().map(|proxy| proxy.addr.to_string()).collect();
    let admins: Vec<_> = fleet.proxies.iter().map(|proxy| proxy.admin_addr.to_string()).collect();
    format!(
        "controller   gRPC {}, HTTP http://{}/readyz\n\
         proxies      http://{}\n\
         admin        http://{}/metrics\n\
         upstreams    blue http://{}, green http://{}\n\
         \n\
         Three things to try in another terminal:\n\
         1. Edit the file; all three proxies follow within a second. A mistake in it changes nothing.\n\
         \x20    $EDITOR {}\n\
         \x20    curl http://{}/blue/hello\n\
         2. Stop an upstream; within a probe or two no request goes there.\n\
         \x20    kill {}    # green\n\
         \x20    curl http://{}/anything\n\
         3. Ask the controller.\n\
         \x20    {}\n\
         \n\
         Ctrl-C ends all of it.",
        fleet.controller_addr,
        fleet.controller_http_addr,
        addrs.join(" http://"),
        admins.join("/metrics http://"),
        fleet.blue.addr,
        fleet.green.addr,
        fleet.config_file().display(),
        addrs[0],
        fleet.green.process.id(),
        addrs[0],
        fleet.harbrctl_line("get nodes"),
    )
}
