use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use harbr_proto::{EncodedSnapshot, SnapshotHash};

use super::{AuditRecord, Batch, Kept, RevisionRecord, RevisionStore, UnwritableState};
use crate::rollout::State;

/// The audit has so many records where it is in memory only.
const MAX_AUDIT: usize = 10_000;

/// Lives as long as the process.
#[derive(Debug, Default)]
pub(crate) struct InMemory {
    state: Option<State>,
    records: BTreeMap<u64, RevisionRecord>,
    sources: HashMap<u64, Bytes>,
    snapshots: HashMap<SnapshotHash, EncodedSnapshot>,
    audit: VecDeque<AuditRecord>,
}

impl RevisionStore for InMemory {
    fn load(&mut self) -> Result<Option<Kept>, UnwritableState> {
        let Some(state) = self.state.clone() else { return Ok(None) };
        Ok(Some(Kept { state, records: self.records.values().cloned().collect() }))
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), UnwritableState> {
        self.state = Some(batch.state.clone());
        self.records.extend(batch.records.iter().map(|record| (record.number, record.clone())));
        self.sources.extend(batch.source.clone());
        for hash in &batch.dead {
            self.snapshots.remove(hash);
        }
        self.snapshots.extend(batch.snapshots.iter().map(|snapshot| (snapshot.hash(), snapshot.clone())));
        for number in &batch.forgotten {
            self.records.remove(number);
            self.sources.remove(number);
        }
        self.audit.extend(batch.audit.clone());
        while self.audit.len() > MAX_AUDIT {
            self.audit.pop_front();
        }
        Ok(())
    }

    fn source(&mut self, number: u64) -> Result<Option<Bytes>, UnwritableState> {
        Ok(self.sources.get(&number).cloned())
    }

    fn snapshot(&mut self, hash: SnapshotHash) -> Result<Option<EncodedSnapshot>, UnwritableState> {
        Ok(self.snapshots.get(&hash).cloned())
    }

    fn audit(&mut self, most: usize) -> Result<Vec<AuditRecord>, UnwritableState> {
        Ok(self.audit.iter().rev().take(most).cloned().collect())
    }
}
