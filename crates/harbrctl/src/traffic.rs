//! Requests of the last minutes, as the nodes remember them: asked for, read from a file, written to one.

mod record;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use harbr_proto::v1;

use crate::cli::Format;
use crate::controller::Controller;
use crate::file::read_file;
use crate::output::{complain, print, print_document};
use crate::table::render;

#[cfg(test)]
pub(crate) use record::SampledHeader;
pub(crate) use record::SampledRecord;

/// Of a file: half a KiB for each of more requests than a controller tells.
const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;
/// Lines that people are shown.
const MAX_ROWS: usize = 100;

/// What a change can be tried on.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) requests: Vec<SampledRecord>,
    /// How far back it goes.
    pub(crate) window: Duration,
    pub(crate) nodes: BTreeSet<String>,
    /// Nodes that have not said what they remember.
    pub(crate) silent: Vec<String>,
}

impl Traffic {
    /// What the nodes remember. `None`: none of them remembers anything, because it is off or they have just started.
    pub(crate) async fn ask(controller: &Controller) -> anyhow::Result<Option<Self>> {
        Ok(Self::told(controller.sample().await?))
    }

    fn told(sample: v1::GetSampleResponse) -> Option<Self> {
        let v1::GetSampleResponse { nodes, silent } = sample;
        let mut traffic = Self { silent, ..Self::default() };
        for v1::NodeSample { node, covered, requests } in nodes {
            let covered = covered.and_then(|covered| Duration::try_from(covered).ok()).unwrap_or_default();
            if covered.is_zero() {
                continue;
            }
            traffic.window = traffic.window.max(covered);
            traffic
                .requests
                .extend(requests.into_iter().map(|request| SampledRecord::of(&node, covered, request)));
            traffic.nodes.insert(node);
        }
        (!traffic.nodes.is_empty()).then_some(traffic)
    }

    /// One request a line, as `harbrctl sample -o json` writes it; an access log as JSON will do too.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let name = file.display();
        let bytes = read_file(file, MAX_FILE_BYTES).with_context(|| format!("{name}: cannot be read"))?;
        if bytes.len() > MAX_FILE_BYTES {
            bail!("{name}: has more than {MAX_FILE_BYTES} bytes");
        }
        let mut traffic = Self::default();
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let record: SampledRecord =
                serde_json::from_slice(line).with_context(|| format!("{name}:{number}: is no request"))?;
            traffic.window = traffic.window.max(record.over());
            traffic.nodes.extend(record.node.clone());
            traffic.requests.push(record);
        }
        Ok(traffic)
    }
}

/// `harbrctl sample`: what the nodes remember.
pub(crate) async fn show(controller: &Controller, format: Format) -> anyhow::Result<ExitCode> {
    let Some(traffic) = Traffic::ask(controller).await? else {
        bail!("no node remembers any traffic: `traffic_sample` is off, or they have just started");
    };
    for node in &traffic.silent {
        complain(&anyhow::anyhow!("node {node} has not said in time what it remembers"));
    }
    match format {
        Format::Json => print(&lines(&traffic.requests)?)?,
        Format::Yaml => print_document(&traffic.requests, format)?,
        Format::Table | Format::Wide => print(&table(&traffic))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(requests: &[SampledRecord]) -> anyhow::Result<String> {
    let mut text = String::new();
    for request in requests {
        text += &serde_json::to_string(request).context("cannot write the sample")?;
        text.push('\n');
    }
    Ok(text)
}

/// The most frequent ones, for people.
fn table(traffic: &Traffic) -> String {
    let mut by_request = std::collections::BTreeMap::<(&str, &str, &str), f64>::new();
    for request in &traffic.requests {
        let key = (request.method.as_str(), request.host.as_str(), request.path.as_str());
        *by_request.entry(key).or_default() += request.per_second();
    }
    let mut rows: Vec<_> = by_request.into_iter().collect();
    rows.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let left_out = rows.len().saturating_sub(MAX_ROWS);
    let rows = rows.into_iter().take(MAX_ROWS).map(|((method, host, path), rate)| {
        [format!("{rate:.2}/s"), method.to_owned(), host.to_owned(), path.to_owned()]
    });
    let mut text = render(["RATE", "METHOD", "HOST", "PATH"], rows);
    if left_out > 0 {
        text += &format!("and {left_out} more; -o json has all of them\n");
    }
    text
}

#[cfg(test)]
mod tests;
