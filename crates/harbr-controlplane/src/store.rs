//! What the controller remembers over a restart: each step of it as a whole, or not at all.
//!
//! [`RevisionStore`] is all that a keeper of state has to do: [`Embedded`] keeps it in the state folder,
//! [`InMemory`] for as long as the process lives. What is kept are [`Batch`]es: the rollout's state, records of
//! [revisions](RevisionRecord) with the files that they came from, and the [audit](AuditRecord).

mod embedded;
mod memory;
mod record;
mod seal;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use harbr_proto::{EncodedSnapshot, SnapshotHash};

pub(crate) use self::embedded::{Embedded, Origin};
pub(crate) use self::memory::InMemory;
pub(crate) use self::record::{AuditRecord, Cause, Fate, RevisionRecord, hash_as_text};
use crate::rollout::State;

/// Keeps what the controller must not forget. Calls block on the disk.
pub(crate) trait RevisionStore: fmt::Debug + Send {
    /// What was kept last; `None` where nothing was.
    fn load(&mut self) -> Result<Option<Kept>, UnwritableState>;

    /// Keeps all of it, or nothing: it is on disk when this returns.
    fn commit(&mut self, batch: &Batch) -> Result<(), UnwritableState>;

    /// The file that this revision came from.
    fn source(&mut self, number: u64) -> Result<Option<Bytes>, UnwritableState>;

    /// The snapshot with this hash, if it is one of those that are live.
    fn snapshot(&mut self, hash: SnapshotHash) -> Result<Option<EncodedSnapshot>, UnwritableState>;

    /// The newest first.
    fn audit(&mut self, most: usize) -> Result<Vec<AuditRecord>, UnwritableState>;
}

/// What is in a store.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) state: State,
    /// In the order of their numbers.
    pub(crate) records: Vec<RevisionRecord>,
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) state: State,
    /// New ones, and those that have changed.
    pub(crate) records: Vec<RevisionRecord>,
    /// The file of a new revision.
    pub(crate) source: Option<(u64, Bytes)>,
    /// Snapshots that are live from now on.
    pub(crate) snapshots: Vec<EncodedSnapshot>,
    /// Snapshots that are not live any more.
    pub(crate) dead: Vec<SnapshotHash>,
    /// Revisions that are forgotten, with their files.
    pub(crate) forgotten: Vec<u64>,
    pub(crate) audit: Option<AuditRecord>,
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("state directory {place} cannot be used: {reason}")]
pub(crate) struct UnwritableState {
    pub(crate) place: Arc<str>,
    pub(crate) reason: String,
}

#[cfg(test)]
mod tests;
