use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a process of ours obeys, from the moment they are installed.
#[derive(Debug)]
pub struct Signals {
    pub termination: Termination,
    pub hangup: Hangup,
}

/// `SIGTERM` and `SIGINT`: end in order.
#[derive(Debug)]
pub struct Termination {
    terminate: Signal,
    interrupt: Signal,
}

/// `SIGHUP`: read again what was read from files.
#[derive(Debug)]
pub struct Hangup(Signal);

impl Signals {
    /// # Errors
    /// If the system refuses, or outside a runtime with I/O.
    pub fn install() -> io::Result<Self> {
        let termination = Termination {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        };
        // A write beyond `ulimit -f` then fails like one on a full disk, instead of ending the process.
        drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
        Ok(Self { termination, hangup: Hangup(signal(SignalKind::hangup())?) })
    }
}

impl Termination {
    /// Waits for the next one. Safe to drop.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

impl Hangup {
    /// Waits for the next one; several that came at once count as one. Safe to drop.
    pub async fn received(&mut self) {
        self.0.recv().await;
    }
}
