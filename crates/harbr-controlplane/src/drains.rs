//! Which nodes and endpoints operators want left alone. Decides only; keeping and telling is for others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use harbr_model::Snapshot;
use harbr_proto::v1;
use serde::{Deserialize, Serialize};

use crate::fleet::{Node, NodeState};

/// Nodes, and endpoints, that can be drained at once.
const MAX_DRAINED: usize = 1_000;

/// Survives a restart of whoever is drained: the order is by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drains {
    /// By id.
    pub(crate) nodes: BTreeMap<String, Drained>,
    /// By URL.
    pub(crate) endpoints: BTreeMap<String, Drained>,
}

/// Who wanted it, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drained {
    /// Over which a node's connections end.
    pub(crate) grace: Duration,
    pub(crate) actor: String,
    pub(crate) reason: String,
    /// Milliseconds since the epoch.
    pub(crate) since: u64,
}

/// A node as it matters here.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) id: String,
    pub(crate) labels: Vec<v1::Label>,
    pub(crate) is_ready: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RefusedDrain {
    #[error("there is no node `{0}`")]
    NoNode(String),
    #[error("no node has the labels {0}")]
    NoMatch(String),
    #[error("{0} is not drained")]
    NotDrained(String),
    #[error("nothing is named")]
    Nothing,
    #[error("{left} ready {} would remain without {}, fewer than --keep {keep}{}", nodes(*left), targets.join(", "), also(drained))]
    TooFewNodes { left: usize, keep: usize, targets: Vec<String>, drained: Vec<String> },
    #[error("no upstream has the endpoint {0}")]
    NoEndpoint(String),
    #[error("upstream {upstream} would have {left} endpoints that are not drained, fewer than --keep {keep}")]
    TooFewEndpoints { upstream: String, left: usize, keep: usize },
    #[error("more than {MAX_DRAINED} cannot be drained at once")]
    TooMany,
}

impl Drains {
    /// Adds nodes, by id or by labels (`zone=a,tier=web`); gives their ids.
    ///
    /// # Errors
    /// If one is not there, or fewer than `keep` ready ones would remain.
    pub(crate) fn drain_nodes(
        &mut self,
        targets: &[String],
        keep: usize,
        order: &Drained,
        fleet: &[Candidate],
    ) -> Result<Vec<String>, RefusedDrain> {
        let nodes = fleet.iter().map(|node| (node.id.as_str(), node.labels.as_slice()));
        let ids = select(targets, nodes, RefusedDrain::NoNode)?;
        let stays = |node: &&Candidate| node.is_ready && !self.nodes.contains_key(&node.id);
        let serving: BTreeSet<&str> = fleet.iter().filter(stays).map(|node| node.id.as_str()).collect();
        let left = serving.iter().filter(|id| !ids.contains(**id)).count();
        // Whoever does not serve is not missed.
        if left < serving.len() && left < keep {
            let drained = self.nodes.keys().cloned().collect();
            let targets = ids.into_iter().collect();
            return Err(RefusedDrain::TooFewNodes { left, keep, targets, drained });
        }
        self.nodes.extend(ids.iter().map(|id| (id.clone(), order.clone())));
        check_count(&self.nodes)?;
        Ok(ids.into_iter().collect())
    }

    /// Takes nodes out again; gives their ids.
    ///
    /// # Errors
    /// If one is not drained.
    pub(crate) fn undrain_nodes(
        &mut self,
        targets: &[String],
        fleet: &[Candidate],
    ) -> Result<Vec<String>, RefusedDrain> {
        let labels = |id: &str| fleet.iter().find(|node| node.id == id).map_or(&[][..], |node| &node.labels);
        let drained = self.nodes.keys().map(|id| (id.as_str(), labels(id)));
        let ids = select(targets, drained, RefusedDrain::NotDrained)?;
        self.nodes.retain(|id, _| !ids.contains(id));
        Ok(ids.into_iter().collect())
    }

    /// Adds endpoints of this snapshot.
    ///
    /// # Errors
    /// If one is not there, or an upstream would have fewer than `keep` left.
    pub(crate) fn drain_endpoints(
        &mut self,
        urls: &[String],
        keep: usize,
        order: &Drained,
        snapshot: &Snapshot,
    ) -> Result<(), RefusedDrain> {
        if urls.is_empty() {
            return Err(RefusedDrain::Nothing);
        }
        let mut unknown: BTreeSet<&String> = urls.iter().collect();
        for (name, upstream) in snapshot.upstreams() {
            let endpoints: Vec<String> =
                upstream.endpoints.iter().map(|endpoint| endpoint.url.to_string()).collect();
            let serving = || endpoints.iter().filter(|url| !self.endpoints.contains_key(*url));
            let left = serving().filter(|url| !urls.contains(url)).count();
            if left < serving().count() && left < keep {
                return Err(RefusedDrain::TooFewEndpoints { upstream: name.to_string(), left, keep });
            }
            unknown.retain(|url| !endpoints.contains(url));
        }
        if let Some(url) = unknown.first() {
            return Err(RefusedDrain::NoEndpoint((*url).clone()));
        }
        self.endpoints.extend(urls.iter().map(|url| (url.clone(), order.clone())));
        check_count(&self.endpoints)
    }

    /// # Errors
    /// If one is not drained.
    pub(crate) fn undrain_endpoints(&mut self, urls: &[String]) -> Result<(), RefusedDrain> {
        if urls.is_empty() {
            return Err(RefusedDrain::Nothing);
        }
        if let Some(url) = urls.iter().find(|url| !self.endpoints.contains_key(*url)) {
            return Err(RefusedDrain::NotDrained(url.clone()));
        }
        self.endpoints.retain(|url, _| !urls.contains(url));
        Ok(())
    }
}

impl Candidate {
    pub(crate) fn new(node: &Node, state: NodeState) -> Self {
        let greeting = &node.greeting;
        let (id, labels) = (greeting.id.clone(), greeting.labels.clone());
        Self { id, labels, is_ready: state == NodeState::Ready }
    }
}

/// The ids that targets mean.
fn select<'a>(
    targets: &[String],
    nodes: impl Iterator<Item = (&'a str, &'a [v1::Label])> + Clone,
    missing: fn(String) -> RefusedDrain,
) -> Result<BTreeSet<String>, RefusedDrain> {
    let mut ids = BTreeSet::new();
    for target in targets {
        let is_selector = target.contains('=');
        let is_meant = |(id, labels): &(&str, &[v1::Label])| {
            if is_selector { has_labels(labels, target) } else { id == target }
        };
        let mut meant = nodes.clone().filter(is_meant).map(|(id, _)| id.to_owned()).peekable();
        if meant.peek().is_none() {
            let target = target.clone();
            return Err(if is_selector { RefusedDrain::NoMatch(target) } else { missing(target) });
        }
        ids.extend(meant);
    }
    if ids.is_empty() { Err(RefusedDrain::Nothing) } else { Ok(ids) }
}

/// `zone=a,tier=web`: all of them.
fn has_labels(labels: &[v1::Label], selector: &str) -> bool {
    selector.split(',').all(|wanted| {
        wanted.split_once('=').is_some_and(|(name, value)| {
            labels.iter().any(|label| label.name == name && label.value == value)
        })
    })
}

fn check_count(drained: &BTreeMap<String, Drained>) -> Result<(), RefusedDrain> {
    if drained.len() > MAX_DRAINED { Err(RefusedDrain::TooMany) } else { Ok(()) }
}

fn nodes(count: usize) -> &'static str {
    if count == 1 { "node" } else { "nodes" }
}

fn also(drained: &[String]) -> String {
    match drained {
        [] => String::new(),
        [one] => format!("; {one} is drained"),
        many => format!("; {} are drained", many.join(", ")),
    }
}

#[cfg(test)]
mod tests;
