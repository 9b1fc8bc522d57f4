//! The sum of cargo's `test result:` lines.

use std::fmt;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TestResults {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl TestResults {
    /// Other lines count for nothing.
    pub(super) fn add_line(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        for part in result.split([';', '.']) {
            let Some((count, what)) = part.trim().split_once(' ') else { continue };
            let Ok(count) = count.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.skipped += count,
                _ => {}
            }
        }
    }

    /// The whole failed: at least one failure shows.
    pub(super) fn note_failure(&mut self) {
        self.failed = self.failed.max(1);
    }
}

impl fmt::Display for TestResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests;
