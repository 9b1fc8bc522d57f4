//! The tour's list of steps, each with its outcome.

use std::time::Instant;

use anyhow::Result;

use crate::interrupt::Interrupted;

#[derive(Debug, Default)]
pub(super) struct Report {
    failed: usize,
}

impl Report {
    /// Runs a step and says how it went. A failed step does not end the tour; an interruption does.
    pub(super) fn step(&mut self, what: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        let start = Instant::now();
        match step() {
            Ok(()) => println!("✓ {what} ({:.1} s)", start.elapsed().as_secs_f64()),
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                println!("✗ {what}: {error:#}");
                self.failed += 1;
            }
        }
        Ok(())
    }

    pub(super) fn failed(&self) -> usize {
        self.failed
    }
}
