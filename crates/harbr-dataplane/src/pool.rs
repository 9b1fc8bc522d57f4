//! Kept connections to upstreams: per endpoint, one set a worker, nothing shared. It retries nothing.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hyper::client::conn::http1::SendRequest;

use crate::request_body::RequestBody;

/// Where requests are written to one connection.
pub(crate) type Sender = SendRequest<RequestBody>;

/// Unused connections that a worker keeps to one endpoint at most.
const MAX_IDLE: usize = 256;

#[derive(Debug)]
pub(crate) struct Pool {
    idle: RefCell<HashMap<u64, Vec<Kept>, RandomState>>,
    /// When the sweep was here last: exact enough for how long a connection rests, and at worst it counts as older.
    swept: Cell<Instant>,
}

#[derive(Debug)]
struct Kept {
    sender: Sender,
    since: Instant,
}

impl Default for Pool {
    fn default() -> Self {
        Self { idle: RefCell::default(), swept: Cell::new(Instant::now()) }
    }
}

impl Pool {
    /// The connection used last that can take a request now. How old it may be, the sweep holds.
    pub(crate) fn take(&self, endpoint: u64) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        let kept = idle.get_mut(&endpoint)?;
        let newest = kept.iter().rposition(|kept| kept.sender.is_ready())?;
        Some(kept.remove(newest).sender)
    }

    pub(crate) fn put(&self, endpoint: u64, sender: Sender) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        let kept = idle.entry(endpoint).or_default();
        if kept.len() < MAX_IDLE {
            kept.push(Kept { sender, since: self.swept.get() });
        }
    }

    /// Drops what is closed or too old, and all of endpoints that are no longer served.
    pub(crate) fn sweep(&self, idle_timeout: Duration, served: &HashSet<u64, RandomState>) {
        self.swept.set(Instant::now());
        self.idle.borrow_mut().retain(|endpoint, kept| {
            kept.retain(|kept| kept.since.elapsed() < idle_timeout && !kept.sender.is_closed());
            !kept.is_empty() && served.contains(endpoint)
        });
    }
}
