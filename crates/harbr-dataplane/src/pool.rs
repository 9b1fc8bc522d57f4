//! Kept connections to upstreams: per endpoint, one set a worker, nothing shared. It retries nothing.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hyper::client::conn::http1::SendRequest;

use crate::connection::Speaks;
use crate::multiplexed::{Multiplexed, Place};
use crate::request_body::RequestBody;

/// Where a request is written to.
#[derive(Debug)]
pub(crate) enum Sender {
    Http1(SendRequest<RequestBody>),
    /// A connection that others use too.
    Http2(Place),
}

impl Sender {
    /// No further request is written to its connection.
    pub(crate) fn share_no_more(&self) {
        match self {
            Self::Http1(_) => {}
            Self::Http2(place) => place.retire_connection(),
        }
    }

    pub(crate) fn speaks(&self) -> Speaks {
        match self {
            Self::Http1(_) => Speaks::Http1,
            Self::Http2(_) => Speaks::Http2,
        }
    }
}

/// Unused connections that a worker keeps to one endpoint at most.
const MAX_IDLE: usize = 256;

#[derive(Debug)]
pub(crate) struct Pool {
    idle: RefCell<HashMap<u64, Vec<Kept>, RandomState>>,
    /// When the sweep was here last: exact enough for how long a connection rests, and at worst it counts as older.
    swept: Cell<Instant>,
    pub multiplexed: Multiplexed,
}

#[derive(Debug)]
struct Kept {
    sender: SendRequest<RequestBody>,
    since: Instant,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            idle: RefCell::default(),
            multiplexed: Multiplexed::default(),
            swept: Cell::new(Instant::now()),
        }
    }
}

impl Pool {
    /// A place on a connection that others use, or the connection used last that can take a request now. How
    /// old it may be, the sweep holds.
    pub(crate) fn take(&self, endpoint: u64) -> Option<Sender> {
        self.multiplexed.take(endpoint).map(Sender::Http2).or_else(|| self.take_http1(endpoint))
    }

    /// As [`take`](Self::take), for what only HTTP/1 can carry.
    pub(crate) fn take_http1(&self, endpoint: u64) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        let kept = idle.get_mut(&endpoint)?;
        let newest = kept.iter().rposition(|kept| kept.sender.is_ready())?;
        Some(Sender::Http1(kept.remove(newest).sender))
    }

    pub(crate) fn put(&self, endpoint: u64, sender: Sender) {
        let Sender::Http1(sender) = sender else { return };
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
        self.multiplexed.sweep(idle_timeout, served);
        self.idle.borrow_mut().retain(|endpoint, kept| {
            kept.retain(|kept| kept.since.elapsed() < idle_timeout && !kept.sender.is_closed());
            !kept.is_empty() && served.contains(endpoint)
        });
    }
}
