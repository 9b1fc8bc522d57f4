//! Asks again until it is so, or cannot be any more.

use std::time::Duration;

use anyhow::{anyhow, bail};
use harbr_proto::document::RolloutDocument;
use tokio::time::{Instant, sleep};

use crate::cli::Patience;
use crate::controller::Controller;

const PAUSE: Duration = Duration::from_millis(200);

/// Waits until every node serves this revision.
pub(crate) async fn until_served(
    controller: &Controller,
    revision: u64,
    patience: Patience,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + *patience.timeout;
    loop {
        let lacking = match controller.status().await {
            Ok(status) if status.revision == revision && status.converged => return Ok(()),
            Ok(status) if status.revision > revision => {
                let ended = RolloutDocument::from(controller.rollout(revision).await?);
                let reason = ended.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                bail!(
                    "revision {revision} is {}{reason}; the fleet is to serve {}",
                    ended.state,
                    status.revision
                );
            }
            Ok(status) if status.revision == revision => {
                anyhow!(
                    "{} of {} nodes serve revision {revision}",
                    status.nodes_converged,
                    status.nodes_total
                )
            }
            Ok(status) => held(&status, revision)?,
            // It may be on its way back.
            Err(error) => error,
        };
        if Instant::now() >= deadline {
            bail!("not within {}: {lacking:#}", patience.timeout);
        }
        sleep(PAUSE).await;
    }
}

/// A revision that is held does not come by itself.
fn held(status: &harbr_proto::v1::Status, revision: u64) -> anyhow::Result<anyhow::Error> {
    match &status.rollout {
        Some(rollout) if rollout.revision == revision && !rollout.reason.is_empty() => {
            bail!("revision {revision} is held: {}", rollout.reason)
        }
        Some(_) | None => Ok(anyhow!("the newest revision is {}", status.revision)),
    }
}

/// Waits until a rollout has ended, or is held; shows each look. Gives what it was at last, and whether it went well.
pub(crate) async fn until_ended(
    controller: &Controller,
    revision: u64,
    patience: Patience,
    mut show: impl FnMut(&RolloutDocument) -> anyhow::Result<()>,
) -> anyhow::Result<(RolloutDocument, anyhow::Result<()>)> {
    let deadline = Instant::now() + *patience.timeout;
    let mut last: Option<RolloutDocument> = None;
    loop {
        let lacking = match controller.rollout(revision).await {
            Ok(rollout) => {
                let document = RolloutDocument::from(rollout);
                show(&document)?;
                if let Some(ended) = ended(&document, revision) {
                    return Ok((document, ended));
                }
                let state = document.state;
                let reason = document.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                let lacking = anyhow!("revision {} is {state}{reason}", document.revision);
                last = Some(document);
                lacking
            }
            Err(error) => error,
        };
        if Instant::now() >= deadline {
            let late = anyhow!("not proven within {}: {lacking:#}", patience.timeout);
            return match last {
                Some(document) => Ok((document, Err(late))),
                None => Err(late),
            };
        }
        sleep(PAUSE).await;
    }
}

fn ended(document: &RolloutDocument, wanted: u64) -> Option<anyhow::Result<()>> {
    let failed = || {
        let reason = document.reason.as_deref().unwrap_or("no reason is known");
        Some(Err(anyhow!("revision {} is {}: {reason}", document.revision, document.state)))
    };
    match document.state {
        "proven" => Some(Ok(())),
        "rejected" | "rolled_back" | "pending" => failed(),
        // Where none was asked for, the one that took its place is what is waited for.
        "superseded" if wanted != 0 => failed(),
        _ => None,
    }
}
