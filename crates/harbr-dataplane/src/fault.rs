//! Faults on request, with the feature `fault-injection` only: for tests of what comes after them.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::live::LiveTable;

/// A snapshot that has a route of this name is deadly …
const DEADLY: &str = "/abort-two-seconds-after";
/// … so long after it was taken.
const DELAY: Duration = Duration::from_secs(2);

pub(crate) fn after_taking(table: &LiveTable, tasks: &TaskTracker) {
    if table.by_name.contains_key(DEADLY) {
        tasks.spawn(async {
            sleep(DELAY).await;
            std::process::abort();
        });
    }
}
