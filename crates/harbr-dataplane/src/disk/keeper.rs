use std::io;

use harbr_process::StateDir;
use harbr_proto::{EncodedSnapshot, SnapshotHash, v1};

use super::file::{
    InvalidFile, Kind, message_from_bytes, message_to_bytes, snapshot_from_bytes, snapshot_to_bytes,
};
use super::start::{Mark, Slots};
use super::{MAX_QUARANTINED, Pin, Quarantined, Slot};
use crate::node::Serving;

const MARK: &str = "mark";
const QUARANTINE: &str = "quarantine";
const PIN: &str = "pin";

/// The files of the state folder. Each call blocks on the disk.
#[derive(Debug)]
pub(super) struct Keeper {
    dir: StateDir,
}

/// What was found at the start. What cannot be used counts as not there, and is said in the log.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub slots: Slots,
    pub mark: Option<Mark>,
    pub quarantined: Vec<Quarantined>,
    pub pin: Option<Pin>,
}

impl Keeper {
    pub(super) fn new(dir: StateDir) -> Self {
        Self { dir }
    }

    pub(super) fn read(&self) -> Contents {
        let serving = |slot| self.load(slot).map(|(serving, _)| serving);
        let quarantine = self.message::<v1::Quarantine>(QUARANTINE, Kind::Quarantine).unwrap_or_default();
        let mut quarantined: Vec<_> =
            quarantine.quarantined.into_iter().filter_map(quarantined_from_wire).collect();
        quarantined.truncate(MAX_QUARANTINED);
        Contents {
            slots: Slots { proven: serving(Slot::Proven), candidate: serving(Slot::Candidate) },
            mark: self.message(MARK, Kind::Mark).and_then(mark_from_wire),
            quarantined,
            pin: self.message(PIN, Kind::Pin).and_then(pin_from_wire),
        }
    }

    pub(super) fn load(&self, slot: Slot) -> Option<(Serving, EncodedSnapshot)> {
        self.content(name(slot), snapshot_from_bytes)
    }

    /// What is in the slots after that.
    pub(super) fn keep(
        &self,
        before: Slots,
        slot: Slot,
        serving: Serving,
        snapshot: &EncodedSnapshot,
    ) -> io::Result<Slots> {
        let write = |slot| self.dir.write(name(slot), &snapshot_to_bytes(serving, snapshot));
        let Slots { proven, candidate } = before;
        match (slot, proven) {
            (Slot::Candidate, _) => {
                write(Slot::Candidate)?;
                Ok(Slots { proven, candidate: Some(serving) })
            }
            (Slot::Proven, Some(before)) if before.hash == serving.hash => {
                write(Slot::Proven)?;
                // A candidate that came after it was taken back.
                let stays = candidate.filter(|candidate| candidate.fence < before.fence);
                if stays.is_none() {
                    self.dir.remove(name(Slot::Candidate))?;
                }
                Ok(Slots { proven: Some(serving), candidate: stays })
            }
            (Slot::Proven, _) => {
                if candidate != Some(serving) {
                    write(Slot::Candidate)?;
                }
                let candidate = self.promote(proven)?;
                Ok(Slots { proven: Some(serving), candidate })
            }
        }
    }

    /// The candidate becomes the proven one, and what was it the other, to fall back to. At no time is there none.
    fn promote(&self, proven: Option<Serving>) -> io::Result<Option<Serving>> {
        let (from, to) = (name(Slot::Candidate), name(Slot::Proven));
        if proven.is_some() && self.dir.exchange(from, to).is_ok() {
            return Ok(proven);
        }
        self.dir.rename(from, to)?;
        Ok(None)
    }

    pub(super) fn write_mark(&self, mark: &v1::Mark) -> io::Result<()> {
        self.dir.write(MARK, &message_to_bytes(Kind::Mark, mark))
    }

    pub(super) fn remove_mark(&self) -> io::Result<()> {
        self.dir.remove(MARK)
    }

    pub(super) fn write_quarantine(&self, quarantine: &v1::Quarantine) -> io::Result<()> {
        self.dir.write(QUARANTINE, &message_to_bytes(Kind::Quarantine, quarantine))
    }

    pub(super) fn write_pin(&self, pin: Option<&v1::Override>) -> io::Result<()> {
        match pin {
            Some(pin) => self.dir.write(PIN, &message_to_bytes(Kind::Pin, pin)),
            None => self.dir.remove(PIN),
        }
    }

    fn message<M: prost::Message + Default>(&self, name: &str, kind: Kind) -> Option<M> {
        self.content(name, |bytes| message_from_bytes(kind, bytes))
    }

    fn content<T>(&self, name: &str, parse: impl FnOnce(Vec<u8>) -> Result<T, InvalidFile>) -> Option<T> {
        let file = self.dir.path().join(name);
        match self.dir.read(name) {
            Ok(None) => None,
            Ok(Some(bytes)) => parse(bytes)
                .inspect_err(|error| tracing::warn!(file = %file.display(), %error, "this file is not used"))
                .ok(),
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "this file cannot be read");
                None
            }
        }
    }
}

fn name(slot: Slot) -> &'static str {
    match slot {
        Slot::Proven => "proven",
        Slot::Candidate => "candidate",
    }
}

fn mark_from_wire(wire: v1::Mark) -> Option<Mark> {
    let v1::Mark { serving, strikes, settled } = wire;
    Some(Mark { serving: Serving::from_wire(serving?)?, strikes, settled })
}

fn quarantined_from_wire(wire: v1::Quarantined) -> Option<Quarantined> {
    let v1::Quarantined { hash, revision, reason } = wire;
    Some(Quarantined { hash: SnapshotHash::from_slice(&hash)?, revision, reason })
}

fn pin_from_wire(wire: v1::Override) -> Option<Pin> {
    let v1::Override { revision, hash, reason } = wire;
    Some(Pin { hash: SnapshotHash::from_slice(&hash)?, revision, reason })
}
