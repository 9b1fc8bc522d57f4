//! The store in the state folder: one file of redb, which is a B-tree that is never changed in place.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use harbr_process::StateDir;
use harbr_proto::{EncodedSnapshot, SnapshotHash};
use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase as _, ReadableTable as _, TableDefinition, TableError};
use serde::de::DeserializeOwned;

use super::seal::Seal;
use super::{AuditRecord, Batch, Kept, RevisionRecord, RevisionStore, UnwritableState};

const FILE: &str = "revisions.redb";
/// Where a file that cannot be read is put aside.
const BROKEN: &str = "revisions.redb.broken";
/// Of what is read often there is little.
const CACHE_BYTES: usize = 4 * 1024 * 1024;
/// The audit keeps so many records.
const MAX_AUDIT: u64 = 100_000;

const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("revisions");
const SOURCES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("sources");
const SNAPSHOTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("snapshots");
const AUDIT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("audit");
/// The one key of [`STATE`].
const STATE_KEY: &str = "rollout";

#[derive(Debug)]
pub(crate) struct Embedded {
    dir: StateDir,
    seal: Seal,
    /// Closed after an error: redb refuses all else from then on, and what was wrong may have gone.
    database: Option<Database>,
}

/// What was in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Created,
    /// As `Created`, because what was there cannot be understood; it was put aside.
    Unreadable(String),
    Loaded,
}

impl Embedded {
    /// # Errors
    /// If the folder cannot be used. Content that makes no sense is not an error, see [`Origin`].
    pub(crate) fn open(dir: StateDir) -> Result<(Self, Origin), UnwritableState> {
        let seal = Seal::open(&dir).map_err(|error| unwritable(&dir, error))?;
        let mut store = Self { dir, seal, database: None };
        let file = store.dir.path().join(FILE);
        let is_new = !file.exists();
        // A damaged file is not known to make redb panic; if it does, that must not end the process.
        let loaded = catch_unwind(AssertUnwindSafe(|| store.load()))
            .unwrap_or_else(|_| Err(store.unwritable("reading it failed")));
        match loaded {
            Ok(_) if is_new => Ok((store, Origin::Created)),
            Ok(_) => Ok((store, Origin::Loaded)),
            Err(error) if is_new => Err(error),
            Err(error) => {
                store.database = None;
                let aside = store.dir.path().join(BROKEN);
                std::fs::rename(&file, aside).map_err(|reason| store.unwritable(reason))?;
                store.load()?;
                Ok((store, Origin::Unreadable(error.reason)))
            }
        }
    }

    fn unwritable(&self, reason: impl ToString) -> UnwritableState {
        unwritable(&self.dir, reason)
    }

    fn try_open(&self) -> Result<Database, redb::Error> {
        let path = self.dir.path().join(FILE);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = file.map_err(redb::Error::Io)?;
        Ok(Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(FileBackend::new(file)?)?)
    }

    /// Runs `work`; after an error the file is opened anew the next time.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, UnwritableState> {
        let opened = match self.database.take() {
            Some(database) => Ok(database),
            None => self.try_open(),
        };
        let done = opened.and_then(|database| {
            let done = work(&database)?;
            self.database = Some(database);
            Ok(done)
        });
        done.map_err(|error| self.unwritable(error))
    }
}

impl RevisionStore for Embedded {
    fn load(&mut self) -> Result<Option<Kept>, UnwritableState> {
        self.with(|database| {
            let transaction = database.begin_read()?;
            let state = match transaction.open_table(STATE) {
                Ok(table) => table.get(STATE_KEY)?.map(|bytes| from_json(bytes.value())).transpose()?,
                Err(TableError::TableDoesNotExist(_)) => None,
                Err(error) => return Err(error.into()),
            };
            let Some(state) = state else { return Ok(None) };
            let mut records: Vec<RevisionRecord> = Vec::new();
            for entry in transaction.open_table(RECORDS)?.iter()? {
                records.push(from_json(entry?.1.value())?);
            }
            Ok(Some(Kept { state, records }))
        })
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), UnwritableState> {
        let sealed = batch.snapshots.iter().map(|snapshot| {
            let hash = snapshot.hash();
            Ok((hash, self.seal.seal(hash, snapshot.to_bytes())?))
        });
        let sealed: io::Result<Vec<_>> = sealed.collect();
        let sealed = sealed.map_err(|error| self.unwritable(error))?;
        self.with(|database| {
            let transaction = database.begin_write()?;
            {
                let state = to_json(&batch.state)?;
                transaction.open_table(STATE)?.insert(STATE_KEY, state.as_slice())?;
                let mut records = transaction.open_table(RECORDS)?;
                let mut sources = transaction.open_table(SOURCES)?;
                for record in &batch.records {
                    records.insert(record.number, to_json(record)?.as_slice())?;
                }
                if let Some((number, source)) = &batch.source {
                    sources.insert(number, source.as_ref())?;
                }
                for number in &batch.forgotten {
                    records.remove(number)?;
                    sources.remove(number)?;
                }
                let mut snapshots = transaction.open_table(SNAPSHOTS)?;
                for hash in &batch.dead {
                    snapshots.remove(hash.as_bytes())?;
                }
                for (hash, content) in &sealed {
                    snapshots.insert(hash.as_bytes(), content.as_slice())?;
                }
                let mut audit = transaction.open_table(AUDIT)?;
                if let Some(record) = &batch.audit {
                    let next = audit.last()?.map_or(0, |(last, _)| last.value() + 1);
                    audit.insert(next, to_json(record)?.as_slice())?;
                    if next >= MAX_AUDIT {
                        audit.remove(next - MAX_AUDIT)?;
                    }
                }
            }
            transaction.commit()?;
            Ok(())
        })
    }

    fn source(&mut self, number: u64) -> Result<Option<Bytes>, UnwritableState> {
        self.with(|database| {
            let table = database.begin_read()?.open_table(SOURCES)?;
            Ok(table.get(number)?.map(|bytes| Bytes::copy_from_slice(bytes.value())))
        })
    }

    fn snapshot(&mut self, hash: SnapshotHash) -> Result<Option<EncodedSnapshot>, UnwritableState> {
        let bytes = self.with(|database| {
            let table = database.begin_read()?.open_table(SNAPSHOTS)?;
            Ok(table.get(hash.as_bytes())?.map(|bytes| Bytes::copy_from_slice(bytes.value())))
        })?;
        let Some(sealed) = bytes else { return Ok(None) };
        let opened = self.seal.unseal(hash, &sealed);
        let content =
            opened.ok_or_else(|| self.unwritable("a snapshot was sealed with a key that is lost"))?;
        EncodedSnapshot::from_bytes(content, hash).map(Some).map_err(|error| self.unwritable(error))
    }

    fn audit(&mut self, most: usize) -> Result<Vec<AuditRecord>, UnwritableState> {
        self.with(|database| {
            let table = match database.begin_read()?.open_table(AUDIT) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            table.iter()?.rev().take(most).map(|entry| from_json(entry?.1.value())).collect()
        })
    }
}

fn unwritable(dir: &StateDir, reason: impl ToString) -> UnwritableState {
    UnwritableState { place: Arc::from(dir.path().display().to_string()), reason: reason.to_string() }
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, redb::Error> {
    serde_json::to_vec(value).map_err(|error| redb::Error::Io(io::Error::other(error)))
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, redb::Error> {
    serde_json::from_slice(bytes).map_err(|error| redb::Error::Io(io::Error::other(error)))
}
