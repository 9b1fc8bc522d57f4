//! `harbrctl tap`: requests as they end.

mod filter;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use harbr_proto::document::TappedDocument;
use harbr_proto::v1;

use crate::cli::Format;
use crate::controller::Controller;
use crate::output::{complain, print};
use crate::paint::Paint;
use filter::{Rate, Statuses};

#[derive(Debug, Args)]
pub(crate) struct TapArgs {
    /// Only of this route, by its name as `get routes` shows it
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// Only where the path, as the client sent it, begins so
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Only with this status: 503, 5xx or 400-499
    #[arg(long, value_name = "STATUS")]
    status: Option<Statuses>,
    /// Only of this node; may be repeated
    #[arg(long = "node", value_name = "ID")]
    nodes: Vec<String>,
    /// How many each node tells at most; the others are counted
    #[arg(long, value_name = "N/s", default_value = "10/s")]
    rate: Rate,
    /// End after so many requests
    #[arg(long, value_name = "COUNT")]
    count: Option<u64>,
    /// End after this, at most 1h
    #[arg(long = "for", value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    time: Duration,
}

/// Goes on until the time is over, enough was seen, or the caller ends it.
pub(crate) async fn run(controller: &Controller, args: TapArgs, format: Format) -> anyhow::Result<ExitCode> {
    let TapArgs { route, path, status, nodes, rate, count, time } = args;
    let Statuses { least, most } = status.unwrap_or_default();
    let tap = v1::Tap {
        id: 0,
        route: route.unwrap_or_default(),
        path: path.unwrap_or_default(),
        min_status: least,
        max_status: most,
        per_second: rate.0,
        ttl: time.try_into().ok(),
    };
    let mut messages = controller.tap(v1::TapRequest { nodes, tap: Some(tap) }).await?;
    let (paint, mut seen) = (Paint::for_stdout(), 0);
    while let Some(v1::TapResponse { node, requests, left_out }) = messages.next().await? {
        for request in requests {
            let document = TappedDocument::of(&node, request);
            match format {
                Format::Json => {
                    print(&(serde_json::to_string(&document).context("cannot write it")? + "\n"))?
                }
                Format::Yaml => {
                    print(&format!("---\n{}", serde_yaml::to_string(&document).context("cannot write it")?))?
                }
                Format::Table | Format::Wide => print(&line(&document, paint))?,
            }
            seen += 1;
            if Some(seen) == count {
                return Ok(ExitCode::SUCCESS);
            }
        }
        if left_out > 0 {
            complain(&anyhow!("{left_out} more on {node}, over the rate"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `12:00:03.120 proxy-1 502 GET shop.test/cart?id=* 13ms /cart → http://10.0.0.1:80 (2 attempts): connect`
fn line(document: &TappedDocument, paint: Paint) -> String {
    let time = document.time.map(|time| time.to_string()).unwrap_or_default();
    let time = time.split_once('T').map_or(time.as_str(), |(_, time)| time).trim_end_matches('Z');
    let status = match document.status {
        status @ 500.. => paint.bad(&status.to_string()),
        status @ 400.. => paint.uncertain(&status.to_string()),
        status => status.to_string(),
    };
    let query = document.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let TappedDocument { node, method, host, path, duration_ms, .. } = document;
    let mut text = format!("{time} {node} {status} {method} {host}{path}{query} {duration_ms}ms");
    text.extend(document.route.iter().map(|route| format!(" {route}")));
    text.extend(document.endpoint.iter().map(|endpoint| format!(" → {endpoint}")));
    if document.attempts > 1 {
        text += &format!(" ({} attempts)", document.attempts);
    }
    text.extend(document.reason.iter().map(|reason| format!(": {reason}")));
    text + "\n"
}

#[cfg(test)]
mod tests;
