//! From which slot a node starts. A pure decision; [`super::Disk`] obeys it.

use harbr_proto::SnapshotHash;

use super::Slot;
use crate::node::Serving;

/// A proven snapshot that a process ended uncleanly with is started from again, so often: `kill -9` and a power
/// cut look like a crash.
const STRIKES: u32 = 3;

/// What is there to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Slots {
    pub proven: Option<Serving>,
    pub candidate: Option<Serving>,
}

/// What the process before this one left of itself, because it did not end by its own will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub serving: Serving,
    pub strikes: u32,
    pub settled: bool,
}

/// What an operator or an earlier start has decided of snapshots.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub quarantined: &'a [SnapshotHash],
    pub pinned: Option<SnapshotHash>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// The first is served; the next only where it cannot be.
    pub order: Vec<Slot>,
    /// The process died of this, and something else is there to serve.
    pub quarantine: Option<Serving>,
    /// Unclean ends in a row with what comes first.
    pub strikes: u32,
}

impl Slots {
    pub(crate) fn of(&self, slot: Slot) -> Option<Serving> {
        match slot {
            Slot::Proven => self.proven,
            Slot::Candidate => self.candidate,
        }
    }
}

pub(crate) fn start_from(slots: &Slots, mark: Option<&Mark>, known: Known<'_>) -> Start {
    // What it had served for long is not what ended it.
    let suspect = mark.filter(|mark| !mark.settled);
    let strikes_of =
        |hash| suspect.filter(|mark| mark.serving.hash == hash).map_or(0, |mark| mark.strikes + 1);
    let is_proven = |hash| slots.proven.is_some_and(|proven| proven.hash == hash);
    let blamed = suspect.map(|mark| mark.serving).filter(|blamed| {
        let allowed = if is_proven(blamed.hash) { STRIKES } else { 1 };
        strikes_of(blamed.hash) >= allowed
    });

    let mut order: Vec<(Slot, Serving)> = [Slot::Proven, Slot::Candidate]
        .into_iter()
        .filter_map(|slot| Some((slot, slots.of(slot)?)))
        .collect();
    // An only slot is always used: what is refused comes last, not never. The newest served last.
    order.sort_by_key(|(slot, serving)| {
        let is_refused = known.quarantined.contains(&serving.hash)
            || blamed.is_some_and(|blamed| blamed.hash == serving.hash);
        let is_pinned = known.pinned == Some(serving.hash);
        let age = std::cmp::Reverse(serving.fence);
        (!is_pinned, is_refused, if is_refused { (*slot == Slot::Candidate, age) } else { (false, age) })
    });
    let first = order.first().map(|(_, serving)| serving.hash);
    Start {
        quarantine: blamed.filter(|blamed| first.is_some_and(|first| first != blamed.hash)),
        strikes: first.map_or(0, strikes_of),
        order: order.into_iter().map(|(slot, _)| slot).collect(),
    }
}

#[cfg(test)]
mod tests;
