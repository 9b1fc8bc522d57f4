use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::broadcast;

/// Events kept for those who come later.
const KEPT: usize = 1_000;
/// Events on their way to a reader; one that is slower misses some, and is told.
const QUEUED: usize = 256;

/// What happened, the newest last. Anybody may record; readers get what is kept, and what comes.
#[derive(Debug)]
pub(crate) struct Events {
    kept: Mutex<Kept>,
    sender: broadcast::Sender<Event>,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Event>,
    next_id: u64,
}

/// One line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Rises by one with each.
    pub(crate) id: u64,
    pub(crate) at: SystemTime,
    pub(crate) kind: EventKind,
    pub(crate) severity: Severity,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    Revision,
    Health,
    Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Good,
    Notice,
    Bad,
}

impl Events {
    pub(crate) fn record(&self, kind: EventKind, severity: Severity, text: String) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let event = Event { id: kept.next_id, at: SystemTime::now(), kind, severity, text };
        kept.next_id += 1;
        kept.events.push_back(event.clone());
        if kept.events.len() > KEPT {
            kept.events.pop_front();
        }
        // Sent under the lock, so that nobody sees them out of order. Without readers it is an error.
        let _nobody = self.sender.send(event);
    }

    /// The newest `limit` of those that are kept, the oldest of them first, and those that come after.
    pub(crate) fn follow(&self, limit: usize) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = kept.events.len().saturating_sub(limit);
        (kept.events.iter().skip(skip).cloned().collect(), self.sender.subscribe())
    }
}

impl Default for Events {
    fn default() -> Self {
        Self { kept: Mutex::default(), sender: broadcast::Sender::new(QUEUED) }
    }
}

impl EventKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Revision => "revision",
            Self::Health => "health",
            Self::Node => "node",
        }
    }
}

impl Severity {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Notice => "notice",
            Self::Bad => "bad",
        }
    }
}

#[cfg(test)]
mod tests;
