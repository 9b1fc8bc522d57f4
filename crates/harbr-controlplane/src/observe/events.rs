use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use harbr_proto::v1;
use tokio::sync::broadcast::{self, Receiver, error::RecvError};

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

/// What somebody has seen happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) kind: EventKind,
    pub(crate) severity: Severity,
    /// A node's id, an endpoint's URL, a revision's number; empty where there are many.
    pub(crate) subject: String,
    /// One line for people.
    pub(crate) text: String,
}

/// The same, in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Rises by one with each.
    pub(crate) id: u64,
    pub(crate) at: SystemTime,
    pub(crate) news: News,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// One is made, held, or has ended; or the file makes none.
    Revision,
    /// A revision on its way.
    Rollout,
    Health,
    Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Good,
    Notice,
    Bad,
}

/// One reader's place in what comes.
#[derive(Debug)]
pub(crate) struct Following(Receiver<Event>);

impl Events {
    pub(crate) fn record(&self, news: News) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let event = Event { id: kept.next_id, at: SystemTime::now(), news };
        kept.next_id += 1;
        kept.events.push_back(event.clone());
        if kept.events.len() > KEPT {
            kept.events.pop_front();
        }
        // Sent under the lock, so that nobody sees them out of order. Without readers it is an error.
        let _nobody = self.sender.send(event);
    }

    /// The newest `most` of those that are kept, the oldest of them first, and those that come after.
    pub(crate) fn follow(&self, most: usize) -> (Vec<Event>, Following) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = kept.events.len().saturating_sub(most);
        (kept.events.iter().skip(skip).cloned().collect(), Following(self.sender.subscribe()))
    }
}

impl Following {
    /// The next one, and how many before it came too fast for this reader. Safe to drop.
    pub(crate) async fn next(&mut self) -> Option<(Event, u64)> {
        let mut missed = 0;
        loop {
            match self.0.recv().await {
                Ok(event) => return Some((event, missed)),
                Err(RecvError::Lagged(count)) => missed += count,
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Event {
    pub(crate) fn into_wire(self, missed: u64) -> v1::Event {
        let News { kind, severity, subject, text } = self.news;
        v1::Event {
            id: self.id,
            at: Some(self.at.into()),
            kind: v1::EventKind::from(kind).into(),
            severity: v1::EventSeverity::from(severity).into(),
            subject,
            text,
            missed,
        }
    }
}

impl From<EventKind> for v1::EventKind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Revision => Self::Revision,
            EventKind::Rollout => Self::Rollout,
            EventKind::Health => Self::Health,
            EventKind::Node => Self::Node,
        }
    }
}

impl From<Severity> for v1::EventSeverity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Good => Self::Good,
            Severity::Notice => Self::Notice,
            Severity::Bad => Self::Bad,
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self { kept: Mutex::default(), sender: broadcast::Sender::new(QUEUED) }
    }
}

#[cfg(test)]
mod tests;
