//! Ctrl-C and SIGTERM as something that every wait notices, so that the processes we started are always ended.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Told when the user wants us to stop. Clones share the one fact.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    raised: Mutex<bool>,
    changed: Condvar,
}

#[derive(Debug)]
pub(crate) struct Interrupted;

impl std::error::Error for Interrupted {}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl Interrupt {
    /// From now on SIGINT and SIGTERM no longer end this process.
    pub(crate) fn on_signals() -> Result<Self> {
        let interrupt = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut int, mut term) = {
            let _entered = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        let raised = interrupt.clone();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = int.recv() => {}
                        _ = term.recv() => {}
                    }
                });
                raised.raise();
            })
            .context("no thread for signals")?;
        Ok(interrupt)
    }

    /// Rests, unless or until it is raised.
    pub(crate) fn pause(&self, duration: Duration) -> Result<(), Interrupted> {
        let raised = self.0.raised.lock().unwrap_or_else(PoisonError::into_inner);
        let (raised, _) = self
            .0
            .changed
            .wait_timeout_while(raised, duration, |raised| !*raised)
            .unwrap_or_else(PoisonError::into_inner);
        if *raised { Err(Interrupted) } else { Ok(()) }
    }

    /// Rests until it is raised.
    pub(crate) fn wait(&self) {
        while self.pause(Duration::from_secs(3600)).is_ok() {}
    }

    /// Tries until it succeeds or the time is over; then the last failure is the error.
    pub(crate) fn until<T>(&self, limit: Duration, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            let error = match attempt() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if Instant::now() >= deadline {
                return Err(error.context(format!("not within {limit:?}")));
            }
            self.pause(Duration::from_millis(20))?;
        }
    }

    pub(crate) fn raise(&self) {
        *self.0.raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}
