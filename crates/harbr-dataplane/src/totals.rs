use std::sync::Arc;

use crate::shared::Shared;

/// Sums over all workers since the start.
#[derive(Debug, Clone)]
pub(crate) struct Totals(pub Arc<Shared>);

impl Totals {
    /// Open now.
    pub(crate) fn connections(&self) -> u64 {
        self.0.limit.open().into()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.0.cells.sum(|cells| &cells.requests.success) + self.failures()
    }

    pub(crate) fn failures(&self) -> u64 {
        self.0.cells.sum(|cells| &cells.requests.error)
    }
}
