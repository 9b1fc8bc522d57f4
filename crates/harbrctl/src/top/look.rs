use harbr_proto::document::{NodeDocument, RouteDocument, StatusDocument, UpstreamDocument};
use harbr_proto::v1;

use super::row::{self, Load, Row};
use crate::cli::Kind;
use crate::controller::Controller;
use crate::paint::Paint;
use crate::when::Now;
use crate::why::Why;
use crate::{lookup, nodes, routes, upstreams};

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) view: Kind,
    /// The name of one that is looked at closely.
    pub(crate) described: Option<String>,
}

/// What was seen.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) status: StatusDocument,
    pub(crate) total: Load,
    /// Of which they are.
    pub(crate) view: Kind,
    pub(crate) rows: Vec<Row>,
    /// What `harbrctl describe` says of it, or why not.
    pub(crate) description: Option<String>,
}

/// What an operator wants done to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    Drain(String),
    Undrain(String),
}

pub(crate) async fn look(controller: &Controller, wanted: &Wanted) -> anyhow::Result<Look> {
    let status = StatusDocument::from(controller.status().await?);
    // Of routes that are not shown the busiest is enough: it cannot be none, which means all.
    let most = if wanted.view == Kind::Node { 1 } else { 0 };
    let traffic = controller.traffic(most).await?;
    let total = traffic.total.unwrap_or_default().into();
    let (now, name) = (Now::of_clock(), wanted.described.as_ref());
    let (rows, description) = match wanted.view {
        Kind::Node => {
            let nodes = controller.nodes().await?;
            let documents = || nodes.iter().cloned().map(NodeDocument::from).collect();
            let describe = |node: &NodeDocument| nodes::describe(node, now, Paint::Plain);
            let description = name.map(|name| described(documents(), name, describe));
            (row::of_nodes(nodes), description)
        }
        Kind::Route => {
            let description = match name {
                Some(name) => {
                    let routes = controller.routes().await?.into_iter().map(RouteDocument::from).collect();
                    Some(described(routes, name, routes::describe))
                }
                None => None,
            };
            (row::of_routes(traffic.routes), description)
        }
        Kind::Upstream => {
            let all: Vec<_> = controller.upstreams().await?.into_iter().map(UpstreamDocument::from).collect();
            let rows = row::of_upstreams(&all, traffic.upstreams);
            let describe = |upstream: &UpstreamDocument| upstreams::describe(upstream, now, Paint::Plain);
            (rows, name.map(|name| described(all, name, describe)))
        }
    };
    Ok(Look { status, total, view: wanted.view, rows, description })
}

fn described<T: lookup::Named + Clone>(all: Vec<T>, name: &str, describe: impl Fn(&T) -> String) -> String {
    match lookup::named(all, &[name.to_owned()]) {
        Ok(found) => found.iter().map(describe).collect::<Vec<_>>().join("\n"),
        Err(error) => error.to_string(),
    }
}

/// What came of it, for people.
pub(crate) async fn obey(controller: &Controller, order: Order) -> anyhow::Result<String> {
    let actor = Some(Why { reason: "by harbrctl top".to_owned() }.actor());
    let targets = |node: &String| Some(v1::Targets { nodes: vec![node.clone()], endpoints: Vec::new() });
    match order {
        Order::Drain(node) => {
            let request = v1::DrainRequest { targets: targets(&node), keep: 1, grace: None, actor };
            controller.drain(request).await?;
            Ok(format!("{node} is drained"))
        }
        Order::Undrain(node) => {
            controller.undrain(v1::UndrainRequest { targets: targets(&node), actor }).await?;
            Ok(format!("{node} may serve again"))
        }
    }
}
