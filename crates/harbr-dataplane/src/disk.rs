//! What a node keeps on disk: two slots with snapshots, a mark of what it serves, what is in quarantine, a pin.
//!
//! A candidate never overwrites what is proven. The mark is there from before a snapshot is built until the process
//! ends by its own will, so that the next one knows what this one died of. A disk that is slow, full or gone
//! costs the next start, nothing else: a write is waited for only so long, and failures are told, not obeyed.

mod file;
mod keeper;
mod start;
mod writer;

use std::time::Duration;

use harbr_process::StateDir;
use harbr_proto::{EncodedSnapshot, Fence, SnapshotHash, v1};
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use self::keeper::{Contents, Keeper};
use self::start::{Known, Slots, Start, start_from};
pub(crate) use self::writer::Writer;
use crate::node::Serving;

/// A process that ends uncleanly is blamed on what it has served for less than this.
const SETTLE: Duration = Duration::from_secs(30);
/// How soon what could not be written is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// Snapshots in quarantine; the oldest leaves for a new one.
const MAX_QUARANTINED: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Proven,
    Candidate,
}

/// A snapshot that this node died of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quarantined {
    pub hash: SnapshotHash,
    pub revision: u64,
    pub reason: String,
}

/// What an operator has this node serve, whatever the controller says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pin {
    pub hash: SnapshotHash,
    pub revision: u64,
    pub reason: String,
}

/// What is served, or about to be, since when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    serving: Serving,
    strikes: u32,
    since: Instant,
}

#[derive(Debug)]
pub(crate) struct Disk {
    /// `None`: memory only.
    writer: Option<Writer>,
    slots: Slots,
    start: Start,
    mark: Option<Mark>,
    /// Cancels the task that settles the mark when it is replaced.
    settling: Option<DropGuard>,
    tasks: TaskTracker,
    quarantined: Vec<Quarantined>,
    pin: Option<Pin>,
    ended_uncleanly: bool,
    /// The highest fence that anything here was given with: nothing below is obeyed.
    floor: Fence,
    /// Why what serves is not on disk, while it is not.
    unwritten: Option<String>,
    retry_at: Instant,
}

impl Disk {
    /// Reads what is there. Blocks; for the start of a process.
    pub(crate) fn open(dir: Option<StateDir>) -> std::io::Result<Self> {
        let Some(dir) = dir else { return Ok(Self::holding(None, Contents::default())) };
        let keeper = Keeper::new(dir);
        let contents = keeper.read();
        Ok(Self::holding(Some(Writer::start(keeper)?), contents))
    }

    fn holding(writer: Option<Writer>, contents: Contents) -> Self {
        let Contents { slots, mark, quarantined, pin } = contents;
        let hashes: Vec<_> = quarantined.iter().map(|quarantined| quarantined.hash).collect();
        let known = Known { quarantined: &hashes, pinned: pin.as_ref().map(|pin| pin.hash) };
        let start = start_from(&slots, mark.as_ref(), known);
        let marked = mark.map(|mark| mark.serving);
        let given = [slots.proven, slots.candidate, marked].into_iter().flatten();
        Self {
            writer,
            floor: given.map(|serving| serving.fence).max().unwrap_or_default(),
            slots,
            start,
            mark: None,
            settling: None,
            tasks: TaskTracker::new(),
            quarantined,
            pin,
            ended_uncleanly: mark.is_some(),
            unwritten: None,
            retry_at: Instant::now(),
        }
    }

    /// Puts what the process before this one died of into quarantine, and says from which slots to start.
    pub(crate) async fn begin(&mut self) -> Vec<Slot> {
        if let Some(Serving { hash, revision, .. }) = self.start.quarantine {
            let reason = "the process ended uncleanly soon after it began to serve this".to_owned();
            tracing::error!(revision, %hash, "{reason}: it goes into quarantine");
            self.quarantine(Quarantined { hash, revision, reason }).await;
        }
        self.start.order.clone()
    }

    /// Unclean ends in a row with what the process is to start from.
    pub(crate) fn strikes(&self) -> u32 {
        self.start.strikes
    }

    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
    }

    pub(crate) async fn load(&self, slot: Slot) -> Option<(Serving, EncodedSnapshot)> {
        let loaded = self.writer.as_ref()?.run(move |keeper| Ok(keeper.load(slot))).await;
        loaded.inspect_err(|reason| tracing::warn!("a snapshot cannot be read from disk: {reason}")).ok()?
    }

    /// This is about to be served: until it has for a while, an unclean end is blamed on it.
    pub(crate) async fn mark(&mut self, serving: Serving, strikes: u32) {
        self.set_mark(Some(Mark { serving, strikes, since: Instant::now() })).await;
    }

    pub(crate) fn marked(&self) -> Option<Mark> {
        self.mark
    }

    /// What was marked is not served after all, but what was before.
    pub(crate) async fn set_mark(&mut self, mark: Option<Mark>) {
        self.settling = None;
        self.mark = mark;
        let Some(writer) = &self.writer else { return };
        let Some(mark) = mark else {
            return note(&writer.run(Keeper::remove_mark).await);
        };
        let to_file =
            move |settled| v1::Mark { serving: Some(mark.serving.into()), strikes: mark.strikes, settled };
        let until_settled = SETTLE.saturating_sub(mark.since.elapsed());
        let is_settled = until_settled.is_zero();
        note(&writer.run(move |keeper| keeper.write_mark(&to_file(is_settled))).await);
        if is_settled {
            return;
        }
        let cancelled = CancellationToken::new();
        self.settling = Some(cancelled.clone().drop_guard());
        let (writer, settled) = (writer.clone(), sleep(until_settled));
        self.tasks.spawn(async move {
            if cancelled.run_until_cancelled(settled).await.is_some() {
                note(&writer.run(move |keeper| keeper.write_mark(&to_file(true))).await);
            }
        });
    }

    /// Writes what serves into a slot. What was proven before it stays, in the other one.
    pub(crate) async fn keep(&mut self, slot: Slot, serving: Serving, snapshot: &EncodedSnapshot) {
        let Some(writer) = &self.writer else { return };
        let (snapshot, slots) = (snapshot.clone(), self.slots);
        match writer.run(move |keeper| keeper.keep(slots, slot, serving, &snapshot)).await {
            Ok(slots) => (self.slots, self.unwritten) = (slots, None),
            Err(reason) => {
                metrics::counter!(crate::metrics::DISK_WRITE_FAILURES).increment(1);
                // Said when it begins, not at each try.
                if self.unwritten.is_none() {
                    tracing::warn!("the snapshot cannot be kept on disk: {reason}; it is tried again");
                }
                self.unwritten = Some(format!("the snapshot cannot be kept on disk: {reason}"));
                self.retry_at = Instant::now() + RETRY;
            }
        }
    }

    /// What could not be written is to be tried again now.
    pub(crate) fn is_due(&self) -> bool {
        self.unwritten.is_some() && self.retry_at <= Instant::now()
    }

    /// Why what serves is not on disk, while it is not.
    pub(crate) fn unwritten(&self) -> Option<&str> {
        self.unwritten.as_deref()
    }

    /// What was given with this is served.
    pub(crate) fn raise(&mut self, fence: Fence) {
        self.floor = self.floor.max(fence);
    }

    pub(crate) fn floor(&self) -> Fence {
        self.floor
    }

    pub(crate) fn ended_uncleanly(&self) -> bool {
        self.ended_uncleanly
    }

    pub(crate) fn quarantined(&self) -> &[Quarantined] {
        &self.quarantined
    }

    pub(crate) fn quarantine_of(&self, hash: SnapshotHash) -> Option<&Quarantined> {
        self.quarantined.iter().find(|quarantined| quarantined.hash == hash)
    }

    async fn quarantine(&mut self, entry: Quarantined) {
        self.quarantined.retain(|known| known.hash != entry.hash);
        self.quarantined.push(entry);
        let surplus = self.quarantined.len().saturating_sub(MAX_QUARANTINED);
        self.quarantined.drain(..surplus);
        self.write_quarantine().await;
    }

    /// Takes it out of quarantine, if it is in.
    pub(crate) async fn release(&mut self, hash: SnapshotHash) {
        let before = self.quarantined.len();
        self.quarantined.retain(|known| known.hash != hash);
        if self.quarantined.len() != before {
            tracing::info!(%hash, "taken out of quarantine");
            self.write_quarantine().await;
        }
    }

    async fn write_quarantine(&self) {
        let Some(writer) = &self.writer else { return };
        let quarantined = self.quarantined.iter().cloned().map(Into::into).collect();
        let file = v1::Quarantine { quarantined };
        note(&writer.run(move |keeper| keeper.write_quarantine(&file)).await);
    }

    pub(crate) fn pin(&self) -> Option<&Pin> {
        self.pin.as_ref()
    }

    /// Pins what is on disk, or unpins. A pin that cannot be written holds until the process ends.
    pub(crate) async fn set_pin(&mut self, pin: Option<Pin>) -> Result<(), String> {
        self.pin.clone_from(&pin);
        let Some(writer) = &self.writer else { return Ok(()) };
        writer.run(move |keeper| keeper.write_pin(pin.map(Into::into).as_ref())).await
    }

    /// For whoever has the last word of the process.
    pub(crate) fn writer(&self) -> Option<Writer> {
        self.writer.clone()
    }
}

/// A mark or a list that is not on disk costs its protection; said, and gone on.
fn note(written: &Result<(), String>) {
    if let Err(reason) = written {
        metrics::counter!(crate::metrics::DISK_WRITE_FAILURES).increment(1);
        tracing::warn!("the state on disk is out of date: {reason}");
    }
}

impl From<Quarantined> for v1::Quarantined {
    fn from(Quarantined { hash, revision, reason }: Quarantined) -> Self {
        Self { hash: hash.as_bytes().to_vec(), revision, reason }
    }
}

impl From<Pin> for v1::Override {
    fn from(Pin { hash, revision, reason }: Pin) -> Self {
        Self { revision, hash: hash.as_bytes().to_vec(), reason }
    }
}

#[cfg(test)]
pub(crate) mod tests;
