//! Has the rollout look at the fleet, soon after something has changed there and every now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::fleet::Fleet;
use crate::ledger::Ledger;

/// While a revision is on its way: how long nothing may be looked at …
const TICK: Duration = Duration::from_millis(100);
/// … and how often at most.
const BREATHER: Duration = Duration::from_millis(20);
/// Where nothing is on its way.
const IDLE_TICK: Duration = Duration::from_secs(1);

/// Looks until `stop`. A look that has begun is waited for: it may write, and its end must not come after the controller's.
pub(crate) async fn conduct(ledger: Arc<Ledger>, fleet: Arc<Fleet>, stop: CancellationToken) {
    let mut intent = ledger.subscribe();
    loop {
        let (looking, seen) = (ledger.clone(), fleet.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let is_rolling = looking.observe(&seen);
            let intent = looking.intent();
            seen.note_lag(|id| intent.intended(id));
            is_rolling
        });
        // A panic in there is logged; what it was about is looked at again.
        let is_rolling = looked.await.unwrap_or(true);
        let pause = async {
            if is_rolling {
                let _late = timeout(TICK, fleet.changed()).await;
                sleep(BREATHER).await;
            } else {
                let _late = timeout(IDLE_TICK, intent.changed()).await;
            }
        };
        if stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}
