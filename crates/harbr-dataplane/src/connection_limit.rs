use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

/// `max_connections` over all workers. Who finds it reached waits, and asks for an idle connection's place.
#[derive(Debug)]
pub(crate) struct ConnectionLimit {
    max: AtomicU32,
    open: AtomicU32,
    waiting: AtomicU32,
    freed: Notify,
    wanted: Notify,
}

/// The place of one connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<ConnectionLimit>);

/// Counts who waits, also when the wait is given up.
struct Waiting<'a>(&'a AtomicU32);

impl ConnectionLimit {
    pub(crate) fn new() -> Self {
        Self {
            max: AtomicU32::new(0),
            open: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            freed: Notify::new(),
            wanted: Notify::new(),
        }
    }

    /// A lower limit closes nothing; it holds as connections end.
    pub(crate) fn set_max(&self, max: u32) {
        self.max.store(max, Ordering::SeqCst);
        self.freed.notify_waiters();
    }

    pub(crate) fn open(&self) -> u32 {
        self.open.load(Ordering::SeqCst)
    }

    /// Nobody else is let in.
    pub(crate) fn is_reached(&self) -> bool {
        self.open() >= self.max.load(Ordering::SeqCst)
    }

    /// A client waits in a listen queue: connections that rest should end.
    pub(crate) fn is_contended(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Resolves when somebody begins to wait for a place.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    pub(crate) async fn acquire(self: &Arc<Self>) -> Permit {
        if let Some(permit) = self.try_acquire() {
            return permit;
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        loop {
            let freed = self.freed.notified();
            if let Some(permit) = self.try_acquire() {
                return permit;
            }
            self.wanted.notify_waiters();
            freed.await;
        }
    }

    fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        let max = self.max.load(Ordering::SeqCst);
        let below = |open| (open < max).then_some(open + 1);
        self.open.fetch_update(Ordering::SeqCst, Ordering::SeqCst, below).ok()?;
        Some(Permit(self.clone()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
        self.0.freed.notify_one();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests;
