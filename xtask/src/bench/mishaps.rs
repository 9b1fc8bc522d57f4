//! What goes wrong in a fleet, and how long it lasts: a change breaks a route; a proxy has to go.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::load::{AtClose, Load};
use crate::fleet::{Fleet, Proxy, Serving};

/// Requests per second for the route that breaks, over all proxies.
const RATE: u32 = 300;
/// Of the 30 s around it.
const HALF: Duration = Duration::from_secs(15);
const LIMIT: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(5);

/// Where nobody listens.
pub(super) fn nobody() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A change turns a route into 502s: for how long, for how many requests?
pub(super) fn take_back(fleet: &Fleet, good: &str, bad: &str) -> Result<String> {
    fleet.save(good)?;
    let before = proven(fleet)?;
    let addrs: Vec<SocketAddr> = fleet.proxies.iter().map(|proxy| proxy.addr).collect();
    let load = Load::start(&addrs, "/fragile", RATE, AtClose::Reopens)?;
    fleet.interrupt().pause(HALF)?;
    fleet.save(bad)?;
    let taken_back = fleet.interrupt().until(LIMIT, || {
        let now: Vec<Serving> = fleet.proxies.iter().map(Proxy::serving).collect::<Result<_>>()?;
        // The bad one has the next number, and what comes back the one after it.
        ensure!(now.iter().all(|now| now.revision == before + 2), "not taken back: {now:?}");
        Ok(Instant::now())
    })?;
    fleet.interrupt().pause(HALF)?;
    let outcome = load.finish()?;
    let first = outcome.first_failed.context("no request failed: the change broke nothing")?;
    let all = outcome.latencies.len() as u64 + outcome.failed;
    Ok(format!(
        "A change breaks a route: {} ms from the first failed request until it is taken back everywhere; {} of the \
         route's {all} requests in the 30 s around it failed ({:.2} %).",
        taken_back.duration_since(first).as_millis(),
        outcome.failed,
        outcome.failed as f64 * 100.0 / all as f64,
    ))
}

/// A proxy is drained under load, whose clients leave when their connections are closed.
pub(super) fn drain(fleet: &Fleet) -> Result<String> {
    let proxy = &fleet.proxies[0];
    let load = Load::start(&[proxy.addr], "/load", RATE, AtClose::Leaves)?;
    fleet.interrupt().pause(Duration::from_secs(2))?;
    let start = Instant::now();
    fleet.order(&["drain", proxy.id, "--grace", &format!("{}s", GRACE.as_secs())])?;
    fleet.interrupt().until(LIMIT, || {
        ensure!(load.has_left(), "a client of {} has not left", proxy.id);
        Ok(())
    })?;
    let took = start.elapsed();
    let outcome = load.finish()?;
    Ok(format!(
        "A proxy is drained (--grace {GRACE:?}): its last client left after {:.1} s; {} of {} requests failed.",
        took.as_secs_f64(),
        outcome.failed,
        outcome.latencies.len() as u64 + outcome.failed,
    ))
}

fn proven(fleet: &Fleet) -> Result<u64> {
    fleet.interrupt().until(Duration::from_secs(120), || {
        let status = fleet.harbrctl(&["status"])?;
        ensure!(status["revision"] == status["proven_revision"], "not proven yet: {status}");
        status["revision"].as_u64().context("no revision")
    })
}
