//! What several tests of this crate share.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use harbr_config::Files;
use harbr_model::Strategy;
use harbr_proto::{EncodedSnapshot, SnapshotHash};

use crate::fleet::Fleet;
use crate::ledger::{Ledger, Published};
use crate::revision::{Compiled, compile};
use crate::rollout::State;
use crate::store::{AuditRecord, Batch, InMemory, Kept, RevisionStore, UnwritableState};
use crate::watch::Content;

/// Long enough for a busy machine; reached only by a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A file with these routes, each to its URL, checked on `/health` if `check` is not empty.
pub(crate) fn config(routes: &[(&str, &str)], check: &str) -> String {
    let mut text =
        "listen_addr: 127.0.0.1:0\nglobal_timeout_ms: 5000\nmax_connections: 100\nroutes:\n".to_owned();
    for (route, url) in routes {
        let _ = writeln!(text, "  \"{route}\":\n    upstream: \"{url}\"");
        if !check.is_empty() {
            let _ = writeln!(text, "    health_check: {check}");
        }
    }
    text
}

pub(crate) fn compiled(routes: &[(&str, &str)]) -> Compiled {
    compiled_text(&config(routes, ""))
}

pub(crate) fn compiled_text(text: &str) -> Compiled {
    compile("test.yml", content(text.as_bytes())).unwrap()
}

/// A file that names no other.
pub(crate) fn content(text: &[u8]) -> Content {
    Content { text: Bytes::copy_from_slice(text), files: Files::none() }
}

/// A ledger on a store of its own.
pub(crate) fn ledger(store: impl RevisionStore + 'static) -> Ledger {
    Ledger::open("test.yml".into(), Box::new(store)).unwrap()
}

/// Has the whole fleet serve this at once.
pub(crate) fn publish_everywhere(ledger: &Ledger, mut compiled: Compiled, fleet: &Fleet) -> Published {
    compiled.policy.strategy = Strategy::Immediate;
    ledger.publish(compiled, fleet).unwrap()
}

/// In memory, and fails when it is told to.
#[derive(Debug, Default)]
pub(crate) struct Stubborn {
    store: InMemory,
    pub(crate) refuses: Arc<AtomicBool>,
}

impl Stubborn {
    /// One that has this state already.
    pub(crate) fn with(state: State) -> Self {
        let mut stubborn = Self::default();
        let batch = Batch {
            state,
            records: Vec::new(),
            source: None,
            snapshots: Vec::new(),
            dead: Vec::new(),
            forgotten: Vec::new(),
            audit: None,
        };
        stubborn.store.commit(&batch).unwrap();
        stubborn
    }
}

impl RevisionStore for Stubborn {
    fn load(&mut self) -> Result<Option<Kept>, UnwritableState> {
        self.store.load()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), UnwritableState> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(UnwritableState { place: "test".into(), reason: "the disk is full".to_owned() });
        }
        self.store.commit(batch)
    }

    fn source(&mut self, number: u64) -> Result<Option<Bytes>, UnwritableState> {
        self.store.source(number)
    }

    fn snapshot(&mut self, hash: SnapshotHash) -> Result<Option<EncodedSnapshot>, UnwritableState> {
        self.store.snapshot(hash)
    }

    fn audit(&mut self, most: usize) -> Result<Vec<AuditRecord>, UnwritableState> {
        self.store.audit(most)
    }
}

/// Waits until the condition gives a value.
pub(crate) async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"))
}
