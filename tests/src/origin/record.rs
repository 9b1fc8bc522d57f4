use std::fmt;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::Request;
use tokio::time::Instant;

use super::{Answer, Handler};

const MAX_SEEN: usize = 5_000;

/// One request that reached an origin.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub at: Instant,
}

#[derive(Debug, Clone)]
pub(super) struct OriginName(pub(super) Arc<str>);

/// What an origin does and saw, shared by its connections.
pub(super) struct Record {
    name: OriginName,
    handler: Mutex<Handler>,
    health_status: AtomicU16,
    seen: Mutex<Vec<Seen>>,
    requests: AtomicUsize,
    probes: AtomicUsize,
    connections: AtomicUsize,
}

impl Record {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: OriginName(name.into()),
            handler: Mutex::new(Answer::Echo.into_handler()),
            health_status: AtomicU16::new(200),
            seen: Mutex::default(),
            requests: AtomicUsize::new(0),
            probes: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
        }
    }

    pub(super) fn name(&self) -> OriginName {
        self.name.clone()
    }

    pub(super) fn set_handler(&self, handler: Handler) {
        *self.handler.lock().unwrap_or_else(PoisonError::into_inner) = handler;
    }

    pub(super) fn handler(&self) -> Handler {
        Arc::clone(&self.handler.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_health_status(&self, status: u16) {
        self.health_status.store(status, Ordering::SeqCst);
    }

    pub(super) fn health_status(&self) -> u16 {
        self.health_status.load(Ordering::SeqCst)
    }

    pub(super) fn note_connection(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn note_probe(&self) {
        self.probes.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn note_request<B>(&self, request: &Request<B>) {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < MAX_SEEN {
            let (method, target) = (request.method().to_string(), request.uri().to_string());
            seen.push(Seen { method, target, at: Instant::now() });
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(super) fn probes(&self) -> usize {
        self.probes.load(Ordering::SeqCst)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("name", &self.name).finish_non_exhaustive()
    }
}
