//! Names of endpoints to addresses, off the workers. Old answers are kept when a name stops resolving.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::net::lookup_host;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::endpoint::{Addrs, LiveEndpoint};
use crate::shared::Shared;

const REFRESH: Duration = Duration::from_secs(10);
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(5);
const AT_ONCE: usize = 32;
/// What a new table waits for names that it has not seen.
const FIRST_LOOK_UP: Duration = Duration::from_millis(500);

/// Asks again for all names that are served, every ten seconds.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut tick = interval(REFRESH);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        let table = shared.table.load_full();
        let named = table.endpoints().filter(|endpoint| endpoint.is_named()).cloned().collect();
        if stop.run_until_cancelled(resolve(named)).await.is_none() {
            return;
        }
    }
}

/// Looks new names up before they serve, for a moment. What takes longer goes on, and requests wait for it.
pub(crate) async fn resolve_new(endpoints: impl Iterator<Item = &Arc<LiveEndpoint>>, look_ups: &TaskTracker) {
    let new: Vec<_> = endpoints.filter(|endpoint| endpoint.addrs() == Addrs::Pending).cloned().collect();
    if !new.is_empty() {
        // Given up is only the wait.
        let _in_time = timeout(FIRST_LOOK_UP, look_ups.spawn(resolve(new))).await;
    }
}

async fn resolve(endpoints: Vec<Arc<LiveEndpoint>>) {
    stream::iter(endpoints).for_each_concurrent(AT_ONCE, resolve_one).await;
}

async fn resolve_one(endpoint: Arc<LiveEndpoint>) {
    let (host, port) = (endpoint.url.host(), endpoint.url.port());
    let failure = match timeout(LOOK_UP_TIMEOUT, lookup_host((host, port))).await {
        Ok(Ok(addrs)) => match addrs.collect::<Vec<_>>() {
            addrs if addrs.is_empty() => "no address".to_owned(),
            addrs => return endpoint.set_addrs(addrs),
        },
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    if endpoint.note_unresolved() {
        tracing::warn!(host, failure, "the name does not resolve; it is looked up again every ten seconds");
    } else {
        tracing::debug!(host, failure, "the name does not resolve");
    }
}
