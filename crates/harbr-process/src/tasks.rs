//! The long-lived tasks of a process, and what it means when one ends.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// Tasks that live as long as the process. Each has a name for the log and a rule for its end.
#[derive(Debug)]
pub struct Tasks {
    stop: CancellationToken,
    set: JoinSet<anyhow::Result<()>>,
    running: HashMap<Id, (&'static str, FailureRule)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureRule {
    /// The process is useless without it: its end, for whatever reason, stops all others.
    Critical,
    /// The process goes on without it: its failure is logged.
    Optional,
}

#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error("{name} failed: {reason:#}")]
    Failed { name: &'static str, reason: anyhow::Error },
    #[error("{name} panicked")]
    Panicked { name: &'static str },
    #[error("{name} ended by itself")]
    Ended { name: &'static str },
}

impl Tasks {
    /// Tasks are expected to end soon after `stop` is cancelled.
    #[must_use]
    pub fn new(stop: CancellationToken) -> Self {
        Self { stop, set: JoinSet::new(), running: HashMap::new() }
    }

    pub fn spawn(
        &mut self,
        name: &'static str,
        rule: FailureRule,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let id = self.set.spawn(task).id();
        self.running.insert(id, (name, rule));
    }

    /// Waits until `stop` is cancelled or a critical task ends, then gives the others `drain` to end and drops
    /// those that have not.
    ///
    /// # Errors
    /// The first end of a critical task that nobody asked for.
    pub async fn run(mut self, drain: Duration) -> Result<(), TaskError> {
        let mut first = self.run_until_stopped().await;
        self.stop.cancel();
        let deadline = Instant::now() + drain;
        while let Ok(Some(end)) = timeout_at(deadline, self.set.join_next_with_id()).await {
            if let Err(error) = self.judge(end) {
                first = first.and(Err(error));
            }
        }
        for (name, _) in self.running.values() {
            tracing::warn!("{name} did not end in time and is dropped");
        }
        first
    }

    async fn run_until_stopped(&mut self) -> Result<(), TaskError> {
        let stop = self.stop.clone();
        while let Some(Some(end)) = stop.run_until_cancelled(self.set.join_next_with_id()).await {
            self.judge(end)?;
        }
        Ok(())
    }

    /// What the end of one task means for the process.
    fn judge(&mut self, end: Result<(Id, anyhow::Result<()>), JoinError>) -> Result<(), TaskError> {
        let id = match &end {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let (name, rule) = self.running.remove(&id).expect("every task is noted when it is spawned");
        let error = match end {
            Ok((_, Ok(()))) if self.stop.is_cancelled() || rule == FailureRule::Optional => return Ok(()),
            Ok((_, Ok(()))) => TaskError::Ended { name },
            Ok((_, Err(reason))) => TaskError::Failed { name, reason },
            Err(_) => TaskError::Panicked { name },
        };
        match rule {
            FailureRule::Critical => Err(error),
            FailureRule::Optional => {
                tracing::error!("{error}");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
