use serde_json::Value;
use tempfile::TempDir;

use crate::config_file::ConfigFile;
use crate::eventually::eventually;
use crate::pki::{Paths, Pki};
use crate::process::{Ended, Process};
use crate::program::Program;

mod controller;
mod node;
mod plan;

pub use controller::Controller;
pub use node::{Node, NodeInfo};
pub use plan::{Plan, Shape};

/// A controller and its nodes on one configuration file.
#[derive(Debug)]
pub struct Fleet {
    pub file: ConfigFile,
    pub controller: Controller,
    pub nodes: Vec<Node>,
    /// Where the processes have to prove who they are: who signs.
    pub pki: Option<Pki>,
    /// What `harbrctl` is given besides the controller's URL.
    operator: Vec<String>,
    /// The folders of processes that keep state; they go with the fleet.
    _state: Option<TempDir>,
}

impl Fleet {
    /// One node, all defaults, serving `text`.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start(shape: Shape, text: &str) -> Self {
        Plan::new(shape).start(text).await
    }

    /// The first node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.nodes[0]
    }

    /// The first node's listener.
    #[must_use]
    pub fn addr(&self) -> std::net::SocketAddr {
        self.node().addr()
    }

    /// Saves a file that means something else, and waits until all nodes serve it.
    ///
    /// # Panics
    /// If they do not.
    pub async fn apply(&self, text: &str) {
        let before = self.newest_served().await;
        self.file.save_by_rename(text);
        self.served_after(before).await;
    }

    /// Waits until all nodes serve the same revision, newer than `before`.
    ///
    /// # Panics
    /// If they do not.
    pub async fn served_after(&self, before: u64) {
        eventually(&format!("all nodes serve one revision after {before}"), async || {
            let mut served = Vec::new();
            for node in &self.nodes {
                served.push(node.info().await.serving_revision);
            }
            (served[0] > before && served.iter().all(|revision| *revision == served[0])).then_some(())
        })
        .await;
    }

    /// The newest revision that any node serves.
    pub async fn newest_served(&self) -> u64 {
        let mut newest = 0;
        for node in &self.nodes {
            newest = newest.max(node.info().await.serving_revision);
        }
        newest
    }

    /// Waits until the controller shows an error of the file, and returns it.
    ///
    /// # Panics
    /// If it does not.
    pub async fn config_error(&self) -> Value {
        eventually("the controller refuses the file", async || {
            let error = self.json(&["status"]).await["config_error"].clone();
            (!error.is_null()).then_some(error)
        })
        .await
    }

    /// Runs `harbrctl` against the controller.
    pub async fn harbrctl(&self, args: &[&str]) -> Ended {
        let url = self.controller.url();
        let mut all = vec!["--controller", &url];
        all.extend(self.operator.iter().map(String::as_str));
        all.extend(args);
        Process::run(Program::Harbrctl, &all).await
    }

    /// Runs `harbrctl` as somebody else.
    pub async fn harbrctl_as(&self, who: &Paths, args: &[&str]) -> Ended {
        let (url, flags) = (self.controller.url(), who.args());
        let mut all = vec!["--controller", &url];
        all.extend(flags.iter().map(String::as_str));
        all.extend(args);
        Process::run(Program::Harbrctl, &all).await
    }

    /// The authority of a fleet that was [planned](Plan::with_tls) with one.
    ///
    /// # Panics
    /// If it was not.
    #[must_use]
    pub fn pki(&self) -> &Pki {
        self.pki.as_ref().expect("the fleet has an authority")
    }

    /// What `harbrctl … -o json` prints.
    ///
    /// # Panics
    /// If it fails, or prints something else.
    pub async fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["-o", "json"]);
        let ended = self.harbrctl(&all).await;
        assert_eq!(ended.code, Some(0), "harbrctl {args:?}: {}", ended.stderr);
        serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("harbrctl {args:?}: {error}:\n{}", ended.stdout))
    }

    /// The health of each endpoint of an upstream, as `harbrctl` says it.
    ///
    /// # Panics
    /// If there is no such upstream.
    pub async fn health(&self, upstream: &str) -> Vec<String> {
        let upstreams = self.json(&["get", "upstreams"]).await;
        let found = upstreams.as_array().into_iter().flatten().find(|found| found["name"] == upstream);
        let found = found.unwrap_or_else(|| panic!("no upstream {upstream} in {upstreams}"));
        let endpoints = found["endpoints"].as_array().expect("an upstream has endpoints");
        endpoints.iter().map(|endpoint| endpoint["health"].as_str().unwrap_or_default().to_owned()).collect()
    }
}
