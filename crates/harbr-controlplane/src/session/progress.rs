use std::time::Duration;

use harbr_proto::{Fence, SnapshotHash};
use tokio::time::Instant;

/// A node that says nothing to a snapshot for this long is not waited for before it gets a newer one.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How soon a node that does not serve what it should, through no fault of the revision, is told again; doubles
/// up to the maximum.
const RESEND: Duration = Duration::from_secs(5);
const MAX_RESEND: Duration = Duration::from_secs(60);

/// What one node was told, and what it made of it. Decides only; sending is for others.
#[derive(Debug)]
pub(super) struct Progress {
    /// What it serves, as far as it has said so.
    serving: Option<SnapshotHash>,
    /// The last instruction. It is not repeated, unless it is forgotten here.
    told: Option<(Fence, SnapshotHash)>,
    /// The snapshot that it has not answered.
    asked: Option<Asked>,
    /// It found what it was told invalid: telling it again would not help.
    is_refused: bool,
    resend_at: Option<Instant>,
    resend_pause: Duration,
}

/// A snapshot on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) fence: Fence,
    pub(super) revision: u64,
    pub(super) hash: SnapshotHash,
    pub(super) since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instruction {
    UpToDate,
    /// As a change of this one if that is possible.
    Snapshot {
        base: Option<SnapshotHash>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The revision is bad.
    Invalid,
    /// This node cannot take it now.
    Local,
}

impl Progress {
    pub(super) fn new(serving: Option<SnapshotHash>) -> Self {
        Self { serving, told: None, asked: None, is_refused: false, resend_at: None, resend_pause: RESEND }
    }

    /// What the node has to be told, if it should obey `fence` and serve `hash`. One snapshot at a time: a change
    /// is against what the node serves, which is not known while it has not answered.
    pub(super) fn next(&self, fence: Fence, hash: SnapshotHash) -> Option<Instruction> {
        if self.was_told(fence) || self.asked.is_some() {
            return None;
        }
        if self.serving == Some(hash) {
            return Some(Instruction::UpToDate);
        }
        Some(Instruction::Snapshot { base: self.serving })
    }

    /// Whether the last instruction was under this fence.
    pub(super) fn was_told(&self, fence: Fence) -> bool {
        self.told.is_some_and(|(told, _)| told == fence)
    }

    /// The node has said that it serves this, and nothing else is on its way.
    pub(super) fn is_at(&self, hash: SnapshotHash) -> bool {
        self.asked.is_none() && self.serving == Some(hash)
    }

    /// The node was told that it serves what it should.
    pub(super) fn confirmed(&mut self, fence: Fence, hash: SnapshotHash) {
        self.tell(fence, hash);
    }

    pub(super) fn sent(&mut self, asked: Asked) {
        self.tell(asked.fence, asked.hash);
        self.asked = Some(asked);
    }

    /// What was sent last has not left entirely and will not; the node drops what it has of it.
    pub(super) fn recalled(&mut self) {
        self.told = None;
        self.asked = None;
    }

    /// The node has taken a snapshot; gives the one that was meant.
    pub(super) fn acked(&mut self, fence: Fence, hash: SnapshotHash) -> Option<Asked> {
        let asked = self.asked.take_if(|asked| asked.fence == fence && asked.hash == hash)?;
        self.serving = Some(hash);
        Some(asked)
    }

    /// The node has refused a snapshot; gives the one that was meant. What is in its way may go away: then it is
    /// told again after a pause.
    pub(super) fn nacked(&mut self, fence: Fence, refusal: Refusal, now: Instant) -> Option<Asked> {
        let asked = self.asked.take_if(|asked| asked.fence == fence)?;
        match refusal {
            Refusal::Invalid => self.is_refused = true,
            Refusal::Local => self.resend_at = Some(now + self.resend_pause),
        }
        Some(asked)
    }

    /// The node says what it serves. If that is not what it was told, it is told again after a pause.
    pub(super) fn reported(&mut self, hash: Option<SnapshotHash>, now: Instant) {
        // A report that crossed a snapshot means nothing.
        let (None, Some((_, told))) = (self.asked, self.told) else { return };
        self.serving = hash;
        if hash == Some(told) {
            (self.resend_at, self.resend_pause) = (None, RESEND);
        } else if !self.is_refused {
            self.resend_at.get_or_insert(now + self.resend_pause);
        }
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.asked.map(|asked| asked.since + ANSWER_TIMEOUT).or(self.resend_at)
    }

    /// Acts on the deadline; gives the snapshot whose answer is not waited for any more.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Asked> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        if let Some(asked) = self.asked.take() {
            // Whether it serves it is not known, so nothing can be sent against it.
            self.serving = None;
            return Some(asked);
        }
        self.resend_at = None;
        self.resend_pause = (self.resend_pause * 2).min(MAX_RESEND);
        self.told = None;
        None
    }

    fn tell(&mut self, fence: Fence, hash: SnapshotHash) {
        let is_new = self.told.is_some_and(|(told, _)| told != fence);
        if is_new {
            self.resend_pause = RESEND;
        }
        (self.told, self.is_refused, self.resend_at) = (Some((fence, hash)), false, None);
    }
}

#[cfg(test)]
mod tests;
