//! The demo's tour by itself: every promise of the main job is tried once, in order.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::report::Report;
use super::{answers, config};
use crate::fleet::{Fleet, Serving};

/// For what takes well under a second on a quiet machine.
const SOON: Duration = Duration::from_secs(10);

pub(super) fn run(mut fleet: Fleet) -> Result<ExitCode> {
    let mut report = Report::default();
    walk(&mut fleet, &mut report)?;
    report.step("the proxies end cleanly", || fleet.stop())?;
    println!();
    match report.failed() {
        0 => {
            println!("everything holds");
            Ok(ExitCode::SUCCESS)
        }
        failed => {
            println!("failed: {failed}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn walk(fleet: &mut Fleet, report: &mut Report) -> Result<()> {
    let (blue, green) = (fleet.blue.addr, fleet.green.addr);
    report.step("all three nodes serve the same revision", || {
        fleet.interrupt().until(SOON, || converged(fleet).map(|_| ()))
    })?;
    report.step("each route reaches its upstream through each proxy", || each_route(fleet, "blue"))?;
    report
        .step("harbrctl lists three ready nodes", || fleet.interrupt().until(SOON, || nodes_ready(fleet)))?;
    report.step("an edit of the file is served by all three", || {
        fleet.save(&config::edited(blue, green))?;
        fleet.interrupt().until(SOON, || each_route(fleet, "green"))
    })?;
    report.step("a broken edit is refused, shown by harbrctl, and changes nothing", || {
        let before = converged(fleet)?;
        fleet.save(&config::broken(blue, green))?;
        fleet.interrupt().until(SOON, || shows_config_error(fleet))?;
        each_route(fleet, "green")?;
        ensure!(converged(fleet)? == before, "the nodes serve another revision");
        Ok(())
    })?;
    report.step("the file, mended, is accepted again", || {
        fleet.save(&config::first(blue, green))?;
        fleet.interrupt().until(SOON, || each_route(fleet, "blue"))?;
        fleet.interrupt().until(SOON, || {
            let error = &fleet.harbrctl(&["status"])?["config_error"];
            ensure!(error.is_null(), "harbrctl still shows {error}");
            Ok(())
        })
    })?;
    report.step("an upstream that was killed is taken out, and no request fails", || {
        fleet.green.process.kill()?;
        all_answer(fleet, 20)?;
        fleet.interrupt().until(SOON, || is_unhealthy(fleet, &format!("http://{green}")))?;
        fleet.interrupt().until(SOON, || only_blue(fleet))
    })?;
    report.step("the controller is killed, and traffic goes on", || {
        fleet.controller.kill()?;
        all_answer(fleet, 50)
    })
}

/// What all nodes serve.
fn converged(fleet: &Fleet) -> Result<Serving> {
    let serving = fleet.proxies.iter().map(crate::fleet::Proxy::serving).collect::<Result<Vec<_>>>()?;
    let first = serving.first().context("no proxies")?;
    ensure!(first.revision > 0, "{} serves no revision", fleet.proxies[0].id);
    ensure!(serving.iter().all(|other| other == first), "the nodes serve different revisions: {serving:?}");
    Ok(first.clone())
}

fn each_route(fleet: &Fleet, answers_blue: &str) -> Result<()> {
    for proxy in &fleet.proxies {
        for (path, expected) in
            [("/blue/x", vec![answers_blue]), ("/green/x", vec!["green"]), ("/x", vec!["blue", "green"])]
        {
            let names = answers(proxy, path, 6)?;
            ensure!(names == expected, "{} {path} was answered by {}", proxy.id, names.join(", "));
        }
    }
    Ok(())
}

fn nodes_ready(fleet: &Fleet) -> Result<()> {
    let nodes = fleet.harbrctl(&["get", "nodes"])?;
    let nodes = nodes.as_array().context("not an array")?;
    let ready = nodes.iter().filter(|node| node["state"] == "ready").count();
    ensure!(nodes.len() == 3 && ready == 3, "{ready} of {} nodes are ready", nodes.len());
    Ok(())
}

fn shows_config_error(fleet: &Fleet) -> Result<()> {
    let error = fleet.harbrctl(&["status"])?["config_error"].take();
    let message = error["message"].as_str().context("harbrctl status shows no config_error")?;
    ensure!(message.contains("retry_cont"), "the message does not name the mistake: {message}");
    ensure!(error["line"].as_u64().is_some_and(|line| line > 1), "the line is {}", error["line"]);
    Ok(())
}

/// A route with two endpoints and one retry, while one of them may be gone.
fn all_answer(fleet: &Fleet, requests: usize) -> Result<()> {
    fleet.proxies.iter().try_for_each(|proxy| answers(proxy, "/x", requests).map(|_| ()))
}

fn is_unhealthy(fleet: &Fleet, url: &str) -> Result<()> {
    let upstreams = fleet.harbrctl(&["get", "upstreams"])?;
    let upstreams = upstreams.as_array().context("not an array")?;
    let both = upstreams.iter().find(|upstream| upstream["name"] == "both").context("no upstream `both`")?;
    let endpoints = both["endpoints"].as_array().context("no endpoints")?;
    let endpoint = endpoints.iter().find(|endpoint| endpoint["url"] == url).context("no such endpoint")?;
    ensure!(endpoint["health"] == "unhealthy", "{url} is {}", endpoint["health"]);
    Ok(())
}

fn only_blue(fleet: &Fleet) -> Result<()> {
    for proxy in &fleet.proxies {
        let names = answers(proxy, "/x", 6)?;
        ensure!(names == ["blue"], "{} /x was answered by {}", proxy.id, names.join(", "));
    }
    Ok(())
}
