//! What the fleet should serve, and the only place where that changes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use harbr_config::Diagnostics;
use harbr_proto::{EncodedSnapshot, Fence, SnapshotHash};
use tokio::sync::watch;

use crate::revision::{Compiled, ConfigError, Revision};
use crate::store::{Standing, Store, UnwritableState};

/// Snapshots that changes can be sent against, besides the newest: a node that was away for a few edits does
/// not need everything anew. Bounded by number and by bytes.
const MAX_BASES: usize = 16;
const MAX_BASES_BYTES: usize = 64 * 1024 * 1024;

/// One writer, any number of readers that each take a whole [`Intent`].
#[derive(Debug)]
pub(crate) struct Ledger {
    store: Mutex<Store>,
    intent: watch::Sender<Intent>,
}

/// What nodes should serve, and whether that is what the file says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Intent {
    pub(crate) fence: Fence,
    pub(crate) revision: Option<Arc<Revision>>,
    /// The newest first; the revision's own is not among them.
    pub(crate) bases: VecDeque<EncodedSnapshot>,
    pub(crate) config_error: Option<Arc<ConfigError>>,
    /// Of the file that is served.
    pub(crate) warnings: Option<Arc<Diagnostics>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    New,
    Unchanged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    New,
    /// For the same reason as before, and since then.
    Known,
}

impl Ledger {
    pub(crate) fn new(store: Store) -> Self {
        let intent = Intent { fence: store.fence(), ..Intent::default() };
        Self { store: Mutex::new(store), intent: watch::Sender::new(intent) }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Intent> {
        self.intent.subscribe()
    }

    pub(crate) fn intent(&self) -> Intent {
        self.intent.borrow().clone()
    }

    /// Makes this what the fleet should serve. The same content again makes no new revision. Blocks on the disk.
    ///
    /// # Errors
    /// If the store cannot keep the number; the fleet then serves what it did.
    pub(crate) fn publish(&self, compiled: Compiled) -> Result<Published, UnwritableState> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.intent.borrow().revision.clone();
        if before.as_ref().is_some_and(|before| before.hash() == compiled.encoded.hash()) {
            self.intent.send_modify(|intent| {
                intent.config_error = None;
                intent.warnings = compiled.warnings;
            });
            return Ok(Published::Unchanged);
        }
        let number = store.number(compiled.encoded.hash())?;
        let fence = store.fence();
        let warnings = compiled.warnings.clone();
        let revision = Arc::new(Revision::new(number, compiled, fence, before.as_deref()));
        self.intent.send_modify(|intent| {
            if let Some(before) = &before {
                intent.bases.push_front(before.encoded.clone());
            }
            forget_old(&mut intent.bases);
            intent.fence = fence;
            intent.revision = Some(revision);
            intent.config_error = None;
            intent.warnings = warnings;
        });
        Ok(Published::New)
    }

    /// Notes that the file is not what the fleet serves; says whether that is news.
    pub(crate) fn reject(&self, error: Arc<ConfigError>) -> Rejected {
        let is_news = self.intent.send_if_modified(|intent| {
            let known = intent.config_error.as_ref();
            let is_news = known.is_none_or(|known| known.message != error.message);
            if is_news {
                intent.config_error = Some(error);
            }
            is_news
        });
        if is_news { Rejected::New } else { Rejected::Known }
    }

    /// Takes note of what a node says it obeyed last. May raise the epoch for all; then it blocks on the disk.
    ///
    /// # Errors
    /// If the store cannot keep the new epoch.
    pub(crate) fn shown(&self, shown: Fence, hash: SnapshotHash) -> Result<Standing, UnwritableState> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = store.shown(shown, hash)?;
        let fence = store.fence();
        let has_risen =
            self.intent.send_if_modified(|intent| std::mem::replace(&mut intent.fence, fence) != fence);
        if has_risen {
            tracing::warn!(
                "a node obeys {shown}, which a lost state gave: all are told to obey {fence} instead"
            );
        }
        Ok(standing)
    }
}

impl Intent {
    /// The content that nodes should serve.
    pub(crate) fn intended(&self) -> Option<SnapshotHash> {
        self.revision.as_ref().map(|revision| revision.hash())
    }

    /// The snapshot with this hash, if changes can be sent against it.
    pub(crate) fn base(&self, hash: SnapshotHash) -> Option<&EncodedSnapshot> {
        self.bases.iter().find(|base| base.hash() == hash)
    }
}

fn forget_old(bases: &mut VecDeque<EncodedSnapshot>) {
    let mut bytes = 0;
    let fitting = bases.iter().take(MAX_BASES).take_while(|base| {
        bytes += base.encoded_len();
        bytes <= MAX_BASES_BYTES
    });
    // The one before is kept whatever its size.
    let count = fitting.count().max(1);
    bases.truncate(count);
}

#[cfg(test)]
mod tests;
