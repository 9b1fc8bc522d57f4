//! The records of all revisions, and what the store holds of them.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use harbr_proto::SnapshotHash;

use crate::orders::now_millis;
use crate::revision::{Compiled, Revision, compile};
use crate::rollout::{Happened, Release, State};
use crate::store::{AuditRecord, Batch, Fate, Kept, RevisionRecord, RevisionStore, UnwritableState};

use crate::watch::named_by;

/// Revisions that are remembered …
const MAX_RECORDS: usize = 1_000;
/// … for so long …
const MAX_AGE_MILLIS: u64 = 365 * 24 * 60 * 60 * 1_000;
/// … as long as their files together are no larger than this. The newest proven ones stay whatever there is.
const MAX_SOURCE_BYTES: usize = 256 * 1024 * 1024;
const MIN_PROVEN: usize = 10;
/// Lines of one revision's story.
const MAX_STORY: usize = 64;

#[derive(Debug)]
pub(super) struct Book {
    store: Box<dyn RevisionStore>,
    records: BTreeMap<u64, RevisionRecord>,
    /// Snapshots that are in the store.
    stored: HashSet<SnapshotHash>,
    /// Bytes of the files that are, by revision.
    sizes: BTreeMap<u64, usize>,
}

/// What one step writes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) records: BTreeMap<u64, RevisionRecord>,
    pub(super) source: Option<(u64, Bytes)>,
    pub(super) audit: Option<AuditRecord>,
}

impl Book {
    pub(super) fn open(mut store: Box<dyn RevisionStore>) -> Result<(Self, Option<State>), UnwritableState> {
        let (state, records) = match store.load()? {
            Some(Kept { state, records }) => (Some(state), records),
            None => (None, Vec::new()),
        };
        let mut sizes = BTreeMap::new();
        for record in &records {
            if let Some(source) = store.source(record.number)? {
                sizes.insert(record.number, source.len());
            }
        }
        let stored = state.iter().flat_map(State::releases).map(|release| release.hash).collect();
        let records = records.into_iter().map(|record| (record.number, record)).collect();
        Ok((Self { store, records, stored, sizes }, state))
    }

    pub(super) fn get(&self, number: u64) -> Option<&RevisionRecord> {
        self.records.get(&number)
    }

    /// The oldest first.
    pub(super) fn records(&self) -> impl DoubleEndedIterator<Item = &RevisionRecord> {
        self.records.values()
    }

    /// The newest revision with a file that has this content.
    pub(super) fn source_of(&self, hash: SnapshotHash) -> Option<u64> {
        self.records.values().rev().find(|record| record.hash == hash).map(|record| record.source)
    }

    /// The file of a revision, or that of the one that it returned to.
    pub(super) fn source(&mut self, number: u64) -> Result<Option<Bytes>, UnwritableState> {
        match self.records.get(&number).map(|record| record.source) {
            Some(source) => self.store.source(source),
            None => Ok(None),
        }
    }

    /// A revision from before the restart, byte for byte what nodes were sent; only where that is lost, what the file
    /// means to this build.
    pub(super) fn revive(
        &mut self,
        release: Release,
        config: &Path,
    ) -> Result<Option<Revision>, UnwritableState> {
        let Some(source) = self.source(release.number)? else { return Ok(None) };
        let compiled = compile(&config.display().to_string(), named_by(config, source));
        let encoded = self.store.snapshot(release.hash).unwrap_or_else(|error| {
            tracing::error!("revision {}: {error}", release.number);
            None
        });
        let revived = match (compiled, encoded) {
            (Ok(compiled), None) => Some(compiled).filter(|compiled| compiled.encoded.hash() == release.hash),
            (Ok(compiled), Some(encoded)) => {
                encoded.decode().ok().map(|snapshot| Compiled { snapshot, encoded, ..compiled })
            }
            (Err(_), Some(encoded)) => encoded.decode().ok().map(|snapshot| Compiled {
                snapshot,
                encoded,
                sources: BTreeMap::new(),
                policy: Default::default(),
                allow_shrink: None,
                warnings: None,
                file: Bytes::new(),
            }),
            (Err(_), None) => None,
        };
        Ok(revived.map(|compiled| Revision::new(release.number, compiled, None)))
    }

    pub(super) fn audit(&mut self, most: usize) -> Result<Vec<AuditRecord>, UnwritableState> {
        self.store.audit(most)
    }

    /// Writes into the revision's record what happened to it.
    pub(super) fn follow(&self, event: &Happened, changes: &mut Changes) {
        let (number, fate, line) = match event {
            Happened::Made { .. } => return,
            Happened::Began { number } => (*number, Some(Fate::Rolling), String::new()),
            Happened::Went { number, what } => (*number, None, what.clone()),
            Happened::Ended { number, fate, reason } => (*number, Some(*fate), reason.clone()),
        };
        let known = changes.records.get(&number).or_else(|| self.records.get(&number));
        let Some(mut record) = known.cloned() else { return };
        record.fate = fate.unwrap_or(record.fate);
        if !line.is_empty() {
            record.story.push(line);
            let surplus = record.story.len().saturating_sub(MAX_STORY);
            record.story.drain(..surplus);
        }
        changes.records.insert(number, record);
    }

    /// Keeps it all or nothing.
    pub(super) fn commit(
        &mut self,
        state: &State,
        live: &BTreeMap<u64, Arc<Revision>>,
        changes: Changes,
    ) -> Result<(), UnwritableState> {
        let Changes { records, source, audit } = changes;
        let hashes: HashSet<SnapshotHash> = live.values().map(|revision| revision.hash()).collect();
        let new = hashes.difference(&self.stored);
        let snapshots = new.filter_map(|hash| live.values().find(|revision| revision.hash() == *hash));
        let snapshots = snapshots.map(|revision| revision.encoded.clone()).collect();
        let dead = self.stored.difference(&hashes).copied().collect();
        let forgotten = self.surplus(state, &records, source.as_ref());
        let records: Vec<RevisionRecord> = records.into_values().collect();
        let state = state.clone();
        let batch = Batch { state, records, source, snapshots, dead, forgotten, audit };
        self.store.commit(&batch)?;
        self.stored = hashes;
        self.records.extend(batch.records.into_iter().map(|record| (record.number, record)));
        self.sizes.extend(batch.source.map(|(number, source)| (number, source.len())));
        for number in &batch.forgotten {
            self.records.remove(number);
            self.sizes.remove(number);
        }
        Ok(())
    }

    /// What is to be forgotten for the sake of what is new; the oldest first.
    fn surplus(
        &self,
        state: &State,
        new: &BTreeMap<u64, RevisionRecord>,
        source: Option<&(u64, Bytes)>,
    ) -> Vec<u64> {
        let all = || {
            let known = self.records.values().filter(|record| !new.contains_key(&record.number));
            known.chain(new.values())
        };
        let mut kept: HashSet<u64> = state.releases().iter().map(|release| release.number).collect();
        let mut proven: Vec<u64> =
            all().filter(|record| record.fate == Fate::Proven).map(|record| record.number).collect();
        proven.sort_unstable();
        kept.extend(proven.iter().rev().take(MIN_PROVEN));
        // Those whose files they are of.
        kept.extend(
            all()
                .filter(|record| kept.contains(&record.number))
                .map(|record| record.source)
                .collect::<Vec<_>>(),
        );
        let mut count = all().count();
        let mut bytes = self.sizes.values().sum::<usize>() + source.map_or(0, |(_, source)| source.len());
        let now = now_millis();
        let mut forgotten = Vec::new();
        for record in self.records.values() {
            let is_old = now.saturating_sub(record.made) > MAX_AGE_MILLIS;
            if count <= MAX_RECORDS && bytes <= MAX_SOURCE_BYTES && !is_old {
                break;
            }
            if !kept.contains(&record.number) {
                forgotten.push(record.number);
                count -= 1;
                bytes -= self.sizes.get(&record.number).copied().unwrap_or(0).min(bytes);
            }
        }
        forgotten
    }
}
