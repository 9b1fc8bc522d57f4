use std::collections::VecDeque;

use harbr_proto::v1::controller_message::Kind;
use harbr_proto::{SnapshotHash, v1};
use tokio::time::Instant;

use super::progress::{Asked, Instruction, Progress};
use crate::health::HealthTable;
use crate::ledger::{Intent, Target};
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
    /// What it knows to be proven.
    proven: Option<SnapshotHash>,
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
        (self.baseline, self.proven, self.directives) = (None, None, None);
    }

    /// Puts in what the controller wants of the node besides what it serves, if that is new.
    pub(super) fn fill_directives(&mut self, directives: v1::Directives) {
        if self.directives.as_ref() != Some(&directives) {
            self.directives = Some(directives.clone());
            self.queue.push_back(Kind::Directives(directives));
        }
    }

    /// Puts in what the node has to be told now: health always before the snapshot that it is for.
    pub(super) fn fill(
        &mut self,
        target: &Target,
        intent: &Intent,
        table: &HealthTable,
        progress: &mut Progress,
    ) -> Filled {
        let Target { fence, revision, is_proven } = target;
        let hash = revision.hash();
        let instruction = progress.next(*fence, hash);
        if instruction.is_some() || self.baseline.is_some() {
            self.fill_health(revision, table);
        }
        let serving = || {
            let hash = hash.as_bytes().to_vec();
            Some(v1::Serving { fence: Some((*fence).into()), revision: revision.number, hash })
        };
        match instruction {
            None => {
                if *is_proven && progress.is_at(hash) && self.proven.replace(hash) != Some(hash) {
                    self.queue.push_back(Kind::Proven(v1::Proven { serving: serving() }));
                }
                Filled::Nothing
            }
            Some(Instruction::UpToDate) => {
                let message = v1::UpToDate { serving: serving(), proven: *is_proven };
                self.queue.push_back(Kind::UpToDate(message));
                self.proven = is_proven.then_some(hash);
                progress.confirmed(*fence, hash);
                Filled::UpToDate
            }
            Some(Instruction::Snapshot { base }) => {
                self.proven = is_proven.then_some(hash);
                progress.sent(self.fill_snapshot(target, intent, base));
                Filled::Snapshot
            }
        }
    }

    fn fill_snapshot(&mut self, target: &Target, intent: &Intent, base: Option<SnapshotHash>) -> Asked {
        let Target { fence, revision, is_proven } = target;
        let chunks = revision.chunks(*fence, base.and_then(|base| intent.base(base)));
        let is_whole = chunks.first().is_none_or(|chunk| chunk.base_hash.is_empty());
        let kind = if is_whole { "full" } else { "delta" };
        ::metrics::counter!(metrics::SNAPSHOT_BYTES, "kind" => kind)
            .increment(resource_bytes(&chunks) as u64);
        let proven = *is_proven;
        let chunks = chunks.into_iter().map(|chunk| v1::SnapshotChunk { proven, ..chunk });
        self.queue.extend(chunks.map(Kind::SnapshotChunk));
        Asked { fence: *fence, revision: revision.number, hash: revision.hash(), since: Instant::now() }
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
