//! Keeps asking all targets of the revisions that nodes should serve.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use harbr_model::Health;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Target;
use super::connect::Trust;
use super::guard::{Belief, Guard};
use super::probe::{Asker, ProbeError};
use super::standing::{Standing, Verdict};
use super::table::{HealthTable, Seen};
use crate::ledger::Intent;
use crate::metrics;

/// Probes at once. Each holds a descriptor; thousands of dead endpoints, each waited for until its timeout, must
/// not make the others late.
const MAX_PROBES: usize = 2_048;
/// First probes of many new targets are spread over at most this time …
const MAX_SPREAD: Duration = Duration::from_secs(1);
/// … and this much for each.
const SPREAD_PER_TARGET: Duration = Duration::from_millis(1);
/// Changes within this time are published as one.
const PUBLISH_PAUSE: Duration = Duration::from_millis(20);
const RESULTS: usize = 1_024;

/// The one prober of the fleet.
pub(crate) struct Prober {
    intent: watch::Receiver<Intent>,
    published: watch::Sender<Arc<HealthTable>>,
    table: HealthTable,
    probed: HashMap<Arc<Target>, Probed>,
    tasks: JoinSet<()>,
    guard: Guard,
    permits: Arc<Semaphore>,
    trust: Arc<Trust>,
    results: (mpsc::Sender<ProbeResult>, mpsc::Receiver<ProbeResult>),
}

struct Probed {
    standing: Standing,
    task: AbortHandle,
}

struct ProbeResult {
    target: Arc<Target>,
    verdict: Verdict,
    error: Option<Arc<str>>,
}

impl Prober {
    pub(crate) fn new(intent: watch::Receiver<Intent>, published: watch::Sender<Arc<HealthTable>>) -> Self {
        Self {
            intent,
            published,
            table: HealthTable::default(),
            probed: HashMap::new(),
            tasks: JoinSet::new(),
            guard: Guard::default(),
            permits: Arc::new(Semaphore::new(MAX_PROBES)),
            trust: Arc::default(),
            results: mpsc::channel(RESULTS),
        }
    }

    /// Probes until `stop`, or until nobody can change what is probed.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        self.intent.mark_changed();
        let mut publish_at: Option<Instant> = None;
        loop {
            let pause = sleep_until(publish_at.unwrap_or_else(Instant::now));
            let seen = tokio::select! {
                () = stop.cancelled() => return,
                changed = self.intent.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.reconcile()
                }
                Some(result) = self.results.1.recv() => self.note(result),
                Some(_) = self.tasks.join_next() => Seen::Same,
                () = pause, if publish_at.is_some() => {
                    self.published.send_replace(Arc::new(self.table.clone()));
                    publish_at = None;
                    Seen::Same
                }
            };
            if seen == Seen::Different && publish_at.is_none() {
                publish_at = Some(Instant::now() + PUBLISH_PAUSE);
            }
        }
    }

    /// Stops what is no longer wanted and starts what is new; all else goes on with what is known of it.
    fn reconcile(&mut self) -> Seen {
        let intent = self.intent.borrow_and_update().clone();
        let wanted: HashSet<&Target> =
            intent.revisions().flat_map(|revision| revision.health.targets()).collect();
        let before = self.probed.len();
        self.probed.retain(|target, probed| {
            let keep = wanted.contains(&**target);
            if !keep {
                probed.task.abort();
                self.table.remove(target);
            }
            keep
        });
        let removed = before - self.probed.len();
        let new: Vec<Arc<Target>> = wanted
            .into_iter()
            .filter(|target| !self.probed.contains_key(*target))
            .map(|target| Arc::new(target.clone()))
            .collect();
        let count = u32::try_from(new.len()).unwrap_or(u32::MAX);
        let spread = SPREAD_PER_TARGET.saturating_mul(count).min(MAX_SPREAD);
        for target in &new {
            let delay = spread.min(target.check.interval).mul_f64(fastrand::f64());
            let (permits, results) = (self.permits.clone(), self.results.0.clone());
            let asker = Asker::new(self.trust.clone());
            let task = self.tasks.spawn(keep_asking(target.clone(), asker, delay, permits, results));
            self.table.insert(target.clone());
            self.probed.insert(target.clone(), Probed { standing: Standing::UNKNOWN, task });
        }
        if removed > 0 || !new.is_empty() {
            let index = intent.newest().into_iter().map(|revision| &revision.health);
            let named = index.flat_map(|index| {
                self.probed.keys().map(|target| (target.clone(), index.upstreams_of(target)))
            });
            self.guard.set_targets(named);
        }
        if removed > 0 || !new.is_empty() { Seen::Different } else { Seen::Same }
    }

    fn note(&mut self, ProbeResult { target, verdict, error }: ProbeResult) -> Seen {
        // One that was removed a moment ago.
        let Some(probed) = self.probed.get_mut(&target) else { return Seen::Same };
        let before = probed.standing.health;
        probed.standing = probed.standing.after(verdict, &target.check);
        let health = probed.standing.health;
        if health != before {
            match &error {
                Some(error) => tracing::warn!("{} is {}: {error}", target.url, health.as_str()),
                None if before == Health::Unknown => tracing::debug!("{} is healthy", target.url),
                None => tracing::info!("{} is {}", target.url, health.as_str()),
            }
        }
        let published = self.table.get(&target).map_or(Health::Unknown, |known| known.health);
        let suspected = self.guard.suspects_itself();
        let (health, error) = match self.guard.weigh(&target, published, health, Instant::now()) {
            Belief::Believed => (health, error),
            Belief::Held(reason) => {
                ::metrics::counter!(metrics::HEALTH_HELD).increment(1);
                (published, error.map(|error| format!("{error} (not taken out: {reason})").into()))
            }
        };
        let suspects = self.guard.suspects_itself();
        if suspects && !suspected {
            tracing::error!(
                "most endpoints began to fail at once: the prober suspects itself, none is taken out"
            );
        } else if suspected && !suspects {
            tracing::warn!("most endpoints do not fail any more: probes are believed again");
        }
        let doubt = self.table.set_frozen(suspects);
        if self.table.note(&target, health, error) == Seen::Different { Seen::Different } else { doubt }
    }
}

async fn keep_asking(
    target: Arc<Target>,
    mut asker: Asker,
    delay: Duration,
    permits: Arc<Semaphore>,
    results: mpsc::Sender<ProbeResult>,
) {
    sleep(delay).await;
    loop {
        let due = Instant::now();
        let Ok(permit) = permits.acquire().await else { return };
        let begin = Instant::now();
        let asked = asker.ask(&target).await;
        drop(permit);
        record(&asked, begin.elapsed());
        let (verdict, error) = match asked {
            Ok(()) => (Verdict::Success, None),
            Err(error) => (Verdict::Failure, Some(error.to_string().into())),
        };
        if results.send(ProbeResult { target: target.clone(), verdict, error }).await.is_err() {
            return;
        }
        // A little off the beat, so that targets that began together drift apart.
        let pause = target.check.interval.mul_f64(0.9 + 0.2 * fastrand::f64());
        sleep_until(due + pause).await;
    }
}

fn record(asked: &Result<(), ProbeError>, duration: Duration) {
    let result = match asked {
        Ok(()) => "success",
        Err(ProbeError::Timeout) => "timeout",
        Err(
            ProbeError::Resolve(_)
            | ProbeError::Connect(_)
            | ProbeError::Tls(_)
            | ProbeError::Path
            | ProbeError::Answer(_)
            | ProbeError::Status(_),
        ) => "failure",
    };
    ::metrics::counter!(metrics::PROBES, "result" => result).increment(1);
    ::metrics::histogram!(metrics::PROBE_DURATION).record(duration);
}

#[cfg(test)]
mod tests;
