//! Has nodes and endpoints left alone, and lets them serve again.

use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use harbr_proto::document::NodeDocument;
use harbr_proto::v1;

use crate::controller::Controller;
use crate::output::print;
use crate::why::Why;

const POLL: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct DrainArgs {
    #[command(subcommand)]
    endpoint: Option<DrainEndpoint>,
    /// Nodes, by id or by labels: `zone=a,tier=web`
    #[arg(required = true, value_name = "NODE|SELECTOR")]
    nodes: Vec<String>,
    #[command(flatten)]
    how: Keep,
    /// Over which their connections end; what runs after that is not cut
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    grace: Duration,
    /// Wait until no connection is left
    #[arg(long)]
    wait: bool,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DrainEndpoint {
    /// Endpoints, by URL: they get no new request, and finish what runs
    Endpoint {
        #[arg(required = true, value_name = "URL")]
        urls: Vec<String>,
        #[command(flatten)]
        how: Keep,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// Refuse if fewer ready nodes would remain, or fewer endpoints of an upstream
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    keep: u32,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct UndrainArgs {
    #[command(subcommand)]
    endpoint: Option<UndrainEndpoint>,
    /// Nodes, by id or by labels: `zone=a,tier=web`
    #[arg(required = true, value_name = "NODE|SELECTOR")]
    nodes: Vec<String>,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UndrainEndpoint {
    /// Endpoints, by URL
    Endpoint {
        #[arg(required = true, value_name = "URL")]
        urls: Vec<String>,
        #[command(flatten)]
        why: Why,
    },
}

pub(crate) async fn drain(controller: &Controller, args: DrainArgs) -> anyhow::Result<()> {
    if let Some(DrainEndpoint::Endpoint { urls, how: Keep { keep, why } }) = args.endpoint {
        let text = format!("{} gets no new request\n", urls.join(", "));
        let targets = v1::Targets { nodes: Vec::new(), endpoints: urls };
        let (targets, actor) = (Some(targets), Some(why.actor()));
        controller.drain(v1::DrainRequest { targets, keep, grace: None, actor }).await?;
        return print(&text);
    }
    let Keep { keep, why } = args.how;
    let (targets, grace, actor) = (nodes(args.nodes), args.grace.try_into().ok(), Some(why.actor()));
    let drained = controller.drain(v1::DrainRequest { targets, keep, grace, actor }).await?.nodes;
    print(&remaining(&of_ids(controller, &drained).await?))?;
    if args.wait { until_alone(controller, &drained, args.timeout).await } else { Ok(()) }
}

pub(crate) async fn undrain(controller: &Controller, args: UndrainArgs) -> anyhow::Result<()> {
    let (targets, why) = match args.endpoint {
        Some(UndrainEndpoint::Endpoint { urls, why }) => {
            (Some(v1::Targets { nodes: Vec::new(), endpoints: urls }), why)
        }
        None => (nodes(args.nodes), args.why),
    };
    let named = targets.clone().unwrap_or_default().endpoints;
    let undrained = controller.undrain(v1::UndrainRequest { targets, actor: Some(why.actor()) }).await?.nodes;
    let named = if named.is_empty() { undrained } else { named };
    print(&format!("{} may serve again\n", named.join(", ")))
}

async fn until_alone(controller: &Controller, ids: &[String], patience: Duration) -> anyhow::Result<()> {
    let deadline = tokio::time::Instant::now() + patience;
    let mut shown = String::new();
    loop {
        let nodes = of_ids(controller, ids).await?;
        let text = remaining(&nodes);
        if text != shown {
            print(&text)?;
            shown = text;
        }
        if nodes.iter().all(|node| node.state == "disconnected" || is_alone(node)) {
            return Ok(());
        }
        if tokio::time::Instant::now() > deadline {
            bail!("connections are left after {}", humantime::format_duration(patience));
        }
        tokio::time::sleep(POLL).await;
    }
}

fn is_alone(node: &NodeDocument) -> bool {
    node.state == "draining" && node.connections == 0
}

async fn of_ids(controller: &Controller, ids: &[String]) -> anyhow::Result<Vec<NodeDocument>> {
    let nodes = controller.nodes().await?.into_iter().filter(|node| ids.contains(&node.id));
    Ok(nodes.map(NodeDocument::from).collect())
}

fn remaining(nodes: &[NodeDocument]) -> String {
    let line = |node: &NodeDocument| {
        let (id, state, count) = (&node.id, node.state, node.connections);
        let connections = if count == 1 { "connection" } else { "connections" };
        format!("{id} is drained: {state}, {count} {connections}\n")
    };
    nodes.iter().map(line).collect()
}

fn nodes(nodes: Vec<String>) -> Option<v1::Targets> {
    Some(v1::Targets { nodes, endpoints: Vec::new() })
}
