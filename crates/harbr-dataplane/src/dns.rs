//! Names of endpoints to addresses, off the workers. Old answers are kept when a name stops resolving.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::net::lookup_host;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::endpoint::LiveEndpoint;
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

/// Looks new names up before they serve, for a moment: one that takes longer serves when it is known.
pub(crate) async fn resolve_new(endpoints: impl Iterator<Item = &Arc<LiveEndpoint>>) {
    let new = endpoints.filter(|endpoint| endpoint.is_named() && endpoint.addrs().is_empty());
    // What is cut off here is asked for again by the next refresh.
    let _in_time = timeout(FIRST_LOOK_UP, resolve(new.cloned().collect())).await;
}

async fn resolve(endpoints: Vec<Arc<LiveEndpoint>>) {
    stream::iter(endpoints).for_each_concurrent(AT_ONCE, resolve_one).await;
}

async fn resolve_one(endpoint: Arc<LiveEndpoint>) {
    let (host, port) = (endpoint.url.host(), endpoint.url.port());
    match timeout(LOOK_UP_TIMEOUT, lookup_host((host, port))).await {
        Ok(Ok(addrs)) => {
            let addrs: Vec<_> = addrs.collect();
            if !addrs.is_empty() && *endpoint.addrs() != addrs {
                tracing::debug!(host, ?addrs, "resolved");
                endpoint.set_addrs(addrs);
            }
        }
        Ok(Err(error)) => tracing::warn!(host, %error, "the name does not resolve"),
        Err(_) => tracing::warn!(host, "the name does not resolve in time"),
    }
}
