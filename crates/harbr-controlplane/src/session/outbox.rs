use std::collections::VecDeque;
use std::sync::Arc;

use harbr_proto::v1::controller_message::Kind;
use harbr_proto::{SnapshotHash, v1};
use tokio::time::Instant;

use super::progress::{Asked, Instruction, Progress};
use crate::health::HealthTable;
use crate::ledger::Intent;
use crate::metrics;
use crate::revision::{Revision, resource_bytes};

/// Endpoints in one message: well below the transport's limit.
const HEALTH_BATCH: usize = 2_000;

/// The messages that one node gets next. Filled only when it is empty, so that it never holds more than one
/// snapshot and what is newest wins.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Kind>,
    /// The revision whose endpoints' health the node has been told.
    baseline: Option<SnapshotHash>,
    /// The version of the health table that it has been told.
    seen: u64,
    /// What it was told to do besides.
    directives: Option<v1::Directives>,
}

/// What [`Outbox::fill`] put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    Nothing,
    UpToDate,
    Snapshot,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn pop(&mut self) -> Option<v1::ControllerMessage> {
        self.queue.pop_front().map(|kind| v1::ControllerMessage { kind: Some(kind) })
    }

    /// Drops what waits, because it is not the newest any more.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        (self.baseline, self.directives) = (None, None);
    }

    /// Puts in what the controller wants of the node besides what it serves, if that is new.
    pub(super) fn fill_directives(&mut self, directives: v1::Directives) {
        if self.directives.as_ref() != Some(&directives) {
            self.directives = Some(directives.clone());
            self.queue.push_back(Kind::Directives(directives));
        }
    }

    /// Puts in what the node has to be told now: health always before the snapshot that it is for.
    pub(super) fn fill(&mut self, intent: &Intent, table: &HealthTable, progress: &mut Progress) -> Filled {
        let Some(revision) = &intent.revision else { return Filled::Nothing };
        let instruction = progress.next(intent.fence, revision.hash());
        if instruction.is_some() || self.baseline.is_some() {
            self.fill_health(revision, table);
        }
        match instruction {
            None => Filled::Nothing,
            Some(Instruction::UpToDate) => {
                let serving = v1::Serving {
                    fence: Some(intent.fence.into()),
                    revision: revision.number,
                    hash: revision.hash().as_bytes().to_vec(),
                };
                self.queue.push_back(Kind::UpToDate(v1::UpToDate { serving: Some(serving), proven: false }));
                progress.confirmed(intent.fence, revision.hash());
                Filled::UpToDate
            }
            Some(Instruction::Snapshot { base }) => {
                progress.sent(self.fill_snapshot(intent, revision, base));
                Filled::Snapshot
            }
        }
    }

    fn fill_snapshot(
        &mut self,
        intent: &Intent,
        revision: &Arc<Revision>,
        base: Option<SnapshotHash>,
    ) -> Asked {
        let chunks = revision.chunks(intent.fence, base.and_then(|base| intent.base(base)));
        let is_whole = chunks.first().is_none_or(|chunk| chunk.base_hash.is_empty());
        let kind = if is_whole { "full" } else { "delta" };
        ::metrics::counter!(metrics::SNAPSHOT_BYTES, "kind" => kind)
            .increment(resource_bytes(&chunks) as u64);
        self.queue.extend(chunks.into_iter().map(Kind::SnapshotChunk));
        let (fence, hash) = (intent.fence, revision.hash());
        Asked { fence, revision: revision.number, hash, since: Instant::now() }
    }

    /// What the node has not been told of the health of this revision's endpoints.
    fn fill_health(&mut self, revision: &Revision, table: &HealthTable) {
        let changes = || revision.health.changes(table, self.seen);
        let endpoints = match (&revision.step, self.baseline) {
            (_, Some(baseline)) if baseline == revision.hash() => changes(),
            (Some(step), Some(baseline)) if baseline == step.from => {
                let mut endpoints = step.health.baseline(table);
                endpoints.extend(changes());
                endpoints
            }
            (_, _) => revision.health.baseline(table),
        };
        for batch in endpoints.chunks(HEALTH_BATCH) {
            self.queue.push_back(Kind::Health(v1::HealthUpdate { endpoints: batch.to_vec() }));
        }
        (self.baseline, self.seen) = (Some(revision.hash()), table.version());
    }
}
