//! From what the file holds to what the fleet should serve.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use harbr_config::RenderStyle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fleet::Fleet;
use crate::ledger::{Intent, Ledger, Published, Rejected};
use crate::metrics;
use crate::revision::{ConfigError, compile};
use crate::store::UnwritableState;
use crate::watch::{Content, Reading};

/// How soon a revision that could not be kept on disk is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Turns each reading into a revision or a reason why not. A bad one never replaces a good one.
#[derive(Debug)]
pub(crate) struct Intake {
    path: PathBuf,
    ledger: Arc<Ledger>,
    fleet: Arc<Fleet>,
}

/// What became of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Settled,
    /// Not the file's fault, and worth another try.
    Again,
}

impl Intake {
    pub(crate) fn new(path: PathBuf, ledger: Arc<Ledger>, fleet: Arc<Fleet>) -> Self {
        Self { path, ledger, fleet }
    }

    /// Works until `stop`, or until there is nobody left to read. What is being taken then is taken to its end: it writes.
    pub(crate) async fn run(self, mut readings: watch::Receiver<Reading>, stop: CancellationToken) {
        let mut outcome = Outcome::Settled;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                changed = readings.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(RETRY), if outcome == Outcome::Again => {}
            }
            let reading = readings.borrow_and_update().clone();
            outcome = match reading {
                None => Outcome::Settled,
                Some(Ok(content)) => self.take(content).await,
                Some(Err(reason)) => self.refused(unreadable(&self.path, &reason)),
            };
        }
    }

    async fn take(&self, content: Content) -> Outcome {
        let (ledger, fleet) = (self.ledger.clone(), self.fleet.clone());
        let name = self.path.display().to_string();
        let taken = tokio::task::spawn_blocking(move || {
            let compiled = compile(&name, content)?;
            Ok(ledger.publish(compiled, &fleet))
        });
        match taken.await {
            Ok(Ok(Ok(published))) => self.accepted(published),
            Ok(Ok(Err(error))) => self.unkept(&error),
            Ok(Err(error)) => self.refused(error),
            Err(_) => {
                self.refused(unreadable(&self.path, "making sense of it failed; this is a fault of ours"))
            }
        }
    }

    fn accepted(&self, published: Published) -> Outcome {
        let intent = self.ledger.intent();
        let Some(revision) = intent.newest() else { return Outcome::Settled };
        let result = match published {
            Published::New => {
                let (routes, upstreams) =
                    (revision.snapshot.routes().len(), revision.snapshot.upstreams().len());
                let hash = revision.hash();
                tracing::info!(%hash, routes, upstreams, "revision {} is to be served", revision.number);
                warn_of(&intent);
                "accepted"
            }
            Published::Unchanged => {
                tracing::info!("the file means what revision {} says", revision.number);
                "unchanged"
            }
            Published::Withheld(reason) => return self.refused(ConfigError::elsewhere(reason)),
        };
        count(result);
        Outcome::Settled
    }

    fn refused(&self, error: Arc<ConfigError>) -> Outcome {
        count("rejected");
        let kept = self.kept();
        tracing::error!("the configuration is not taken, {kept}\n{}", error.message.trim_end());
        self.ledger.reject(error);
        Outcome::Settled
    }

    /// The file is valid. Tried again and again, it is said once.
    fn unkept(&self, error: &UnwritableState) -> Outcome {
        let message = format!("the new revision is not served: {error}");
        if self.ledger.reject(ConfigError::elsewhere(message.clone())) == Rejected::New {
            count("rejected");
            tracing::error!("{message}; {}", self.kept());
        }
        Outcome::Again
    }

    fn kept(&self) -> String {
        match self.ledger.intent().newest() {
            Some(revision) => format!("revision {} is served on", revision.number),
            None => "nothing is served yet".to_owned(),
        }
    }
}

/// Once for a revision, when it takes over.
fn warn_of(intent: &Intent) {
    if let Some(warnings) = &intent.warnings {
        tracing::warn!("the configuration is taken, but\n{}", warnings.render(RenderStyle::Plain).trim_end());
    }
}

fn count(result: &'static str) {
    ::metrics::counter!(metrics::CONFIG_RELOADS, "result" => result).increment(1);
}

fn unreadable(path: &Path, reason: &str) -> Arc<ConfigError> {
    ConfigError::elsewhere(format!("{}: cannot be read: {reason}", path.display()))
}
