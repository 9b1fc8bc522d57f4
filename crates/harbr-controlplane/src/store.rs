//! What the controller remembers over a restart: its epoch, and the number and hash of its last revision.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harbr_process::StateDir;
use harbr_proto::{Fence, SnapshotHash};
use serde_json::{Value, json};

const FILE: &str = "revision.json";

/// For this long after its creation, over any number of restarts, a store rises above what nodes show that it never
/// gave: they obeyed the one that was lost. A node that is away for longer is missed by someone.
const OPEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The highest revision number that is believed: what JSON holds exactly, and far enough from where counting ends.
const MAX_NUMBER: u64 = 1 << 53;

/// All that nodes order by. Without a folder it lives as long as the process.
#[derive(Debug)]
pub(crate) struct Store {
    dir: Option<StateDir>,
    record: Record,
    origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    epoch: u64,
    /// 0 before the first revision.
    number: u64,
    hash: Option<SnapshotHash>,
    /// Seconds of the system's clock.
    created: u64,
}

/// Where a store came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Created,
    /// As `Created`, because what is on disk cannot be understood.
    Unreadable(String),
    Loaded,
}

/// How what a node shows stands to what the store knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The node takes what it is given.
    InOrder,
    /// The node has obeyed something that this store never gave, and takes nothing below it.
    Ahead,
}

#[derive(Debug, thiserror::Error)]
#[error("state directory {} cannot be written: {reason}", path.display())]
pub(crate) struct UnwritableState {
    path: PathBuf,
    reason: io::Error,
}

impl Store {
    /// # Errors
    /// If the folder cannot be read. Content that makes no sense is not an error, see [`Origin`].
    pub(crate) fn open(dir: Option<StateDir>) -> io::Result<Self> {
        let bytes = dir.as_ref().map_or(Ok(None), |dir| dir.read(FILE))?;
        let created = Record { epoch: 1, number: 0, hash: None, created: now() };
        let (record, origin) = match bytes.map(|bytes| Record::from_json(&bytes)) {
            None => (created, Origin::Created),
            Some(Some(record)) => (record, Origin::Loaded),
            Some(None) => (created, Origin::Unreadable(format!("{FILE} makes no sense"))),
        };
        Ok(Self { dir, record, origin })
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn fence(&self) -> Fence {
        Fence { epoch: self.record.epoch, generation: self.record.number }
    }

    /// The number of the revision with this hash: the last one's if it is the same content, else a new one.
    /// On disk before it is given out.
    ///
    /// # Errors
    /// If it cannot be written; nothing has changed then.
    pub(crate) fn number(&mut self, hash: SnapshotHash) -> Result<u64, UnwritableState> {
        if self.record.hash != Some(hash) {
            self.keep(Record { number: self.record.number + 1, hash: Some(hash), ..self.record })?;
        }
        Ok(self.record.number)
    }

    /// Takes note of what a node shows. A store that was created lately rises above what it never gave, so that a
    /// lost folder cannot wedge the fleet; an older one does not: then the node belongs to another controller, or
    /// the folder is an old copy.
    ///
    /// # Errors
    /// If the new epoch cannot be written; nothing has changed then.
    pub(crate) fn shown(&mut self, fence: Fence, hash: SnapshotHash) -> Result<Standing, UnwritableState> {
        let ours = self.fence();
        if fence < ours || (fence == ours && self.record.hash == Some(hash)) {
            return Ok(Standing::InOrder);
        }
        match fence.epoch.checked_add(1) {
            Some(epoch) if self.record.is_open() => {
                self.keep(Record { epoch, ..self.record })?;
                Ok(Standing::InOrder)
            }
            Some(_) | None => Ok(Standing::Ahead),
        }
    }

    fn keep(&mut self, record: Record) -> Result<(), UnwritableState> {
        if let Some(dir) = &self.dir {
            let unwritable = |reason| UnwritableState { path: dir.path().to_owned(), reason };
            dir.write(FILE, record.to_json().to_string().as_bytes()).map_err(unwritable)?;
        }
        self.record = record;
        Ok(())
    }
}

impl Record {
    fn to_json(self) -> Value {
        let Self { epoch, number, hash, created } = self;
        let hash = hash.map(|hash| hash.to_string());
        json!({ "epoch": epoch, "number": number, "hash": hash, "created": created })
    }

    fn from_json(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let count = |name| value.get(name)?.as_u64();
        let (epoch, number, created) = (count("epoch")?, count("number")?, count("created")?);
        let hash = value.get("hash")?;
        let hash = if hash.is_null() { None } else { Some(parse_hash(hash.as_str()?)?) };
        let makes_sense = epoch >= 1 && number <= MAX_NUMBER && (number == 0) == hash.is_none();
        makes_sense.then_some(Self { epoch, number, hash, created })
    }

    fn is_open(self) -> bool {
        now().saturating_sub(self.created) < OPEN.as_secs()
    }
}

/// Seconds of the system's clock.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn parse_hash(text: &str) -> Option<SnapshotHash> {
    if !text.is_ascii() || text.len() != 64 {
        return None;
    }
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
    SnapshotHash::from_slice(&bytes?)
}

#[cfg(test)]
mod tests;
