//! What the controller remembers over a restart: its epoch, and the number and hash of its last revision.

use std::io;

use harbr_process::StateDir;
use harbr_proto::{Fence, SnapshotHash};
use serde_json::{Value, json};

const FILE: &str = "revision.json";

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
}

/// Where a store came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Made in this process's life, so that nodes may have seen more than it knows.
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

impl Store {
    /// # Errors
    /// If the folder cannot be read. Content that makes no sense is not an error, see [`Origin`].
    pub(crate) fn open(dir: Option<StateDir>) -> io::Result<Self> {
        let bytes = dir.as_ref().map_or(Ok(None), |dir| dir.read(FILE))?;
        let created = Record { epoch: 1, number: 0, hash: None };
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
    pub(crate) fn number(&mut self, hash: SnapshotHash) -> io::Result<u64> {
        if self.record.hash != Some(hash) {
            self.keep(Record { number: self.record.number + 1, hash: Some(hash), ..self.record })?;
        }
        Ok(self.record.number)
    }

    /// Takes note of what a node shows. A created store rises above what it never gave, so that a lost folder
    /// cannot wedge the fleet; a loaded one never does: then the node belongs to another controller, or the
    /// folder is an old copy.
    ///
    /// # Errors
    /// If the new epoch cannot be written; nothing has changed then.
    pub(crate) fn shown(&mut self, fence: Fence, hash: SnapshotHash) -> io::Result<Standing> {
        let ours = self.fence();
        let known = fence < ours || (fence == ours && self.record.hash == Some(hash));
        match (known, &self.origin) {
            (true, _) => Ok(Standing::InOrder),
            (false, Origin::Loaded) => Ok(Standing::Ahead),
            (false, Origin::Created | Origin::Unreadable(_)) => match fence.epoch.checked_add(1) {
                Some(epoch) => {
                    self.keep(Record { epoch, ..self.record })?;
                    Ok(Standing::InOrder)
                }
                None => Ok(Standing::Ahead),
            },
        }
    }

    fn keep(&mut self, record: Record) -> io::Result<()> {
        if let Some(dir) = &self.dir {
            dir.write(FILE, record.to_json().to_string().as_bytes())?;
        }
        self.record = record;
        Ok(())
    }
}

impl Record {
    fn to_json(self) -> Value {
        let Self { epoch, number, hash } = self;
        json!({ "epoch": epoch, "number": number, "hash": hash.map(|hash| hash.to_string()) })
    }

    fn from_json(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let (epoch, number) = (value.get("epoch")?.as_u64()?, value.get("number")?.as_u64()?);
        let hash = value.get("hash")?;
        let hash = if hash.is_null() { None } else { Some(parse_hash(hash.as_str()?)?) };
        (epoch >= 1 && (number == 0) == hash.is_none()).then_some(Self { epoch, number, hash })
    }
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
