use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use arc_swap::ArcSwap;
use rustls::ClientConfig;

use crate::access_log::AccessLog;
use crate::connection_limit::ConnectionLimit;
use crate::draining::Draining;
use crate::live::LiveTable;
use crate::sample::Samples;
use crate::stats::{PerWorker, ProxyCells, RouteSeries};
use crate::tap::Taps;
use crate::trace::Spans;

/// All that the workers have in common. On the request path only the table is loaded, once.
#[derive(Debug)]
pub(crate) struct Shared {
    pub table: ArcSwap<LiveTable>,
    pub limit: Arc<ConnectionLimit>,
    pub cells: PerWorker<ProxyCells>,
    pub series: Arc<RouteSeries>,
    pub access_log: Arc<AccessLog>,
    pub samples: Samples,
    pub taps: Taps,
    pub spans: Spans,
    pub tls: Arc<ClientConfig>,
    /// By the controller's word, which it may take back.
    pub draining: Draining,
    leaving: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        workers: usize,
        (access_log, spans): (AccessLog, Spans),
        tls: Arc<ClientConfig>,
    ) -> Self {
        Self {
            table: ArcSwap::from_pointee(LiveTable::empty()),
            limit: Arc::new(ConnectionLimit::new()),
            cells: PerWorker::new(workers),
            series: Arc::new(RouteSeries::new(workers)),
            access_log: Arc::new(access_log),
            samples: Samples::new(workers),
            taps: Taps::default(),
            spans,
            tls,
            draining: Draining::new(),
            leaving: AtomicBool::new(false),
        }
    }

    /// From now on each answer is its connection's last.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Relaxed)
    }

    /// The process is about to end, or a client waits for the place of one that rests.
    pub(crate) fn wants_connections_closed(&self) -> bool {
        self.is_leaving() || self.limit.is_contended()
    }
}
