//! Times as people say them.

use std::time::{Duration, SystemTime};

use prost_types::Timestamp;

/// The moment that ages are counted to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now(SystemTime);

impl Now {
    pub(crate) fn of_clock() -> Self {
        Self(SystemTime::now())
    }

    #[cfg(test)]
    pub(crate) fn at(time: SystemTime) -> Self {
        Self(time)
    }

    /// `-` where no time is known; `0s` for one in the future, which only clocks that differ can cause.
    pub(crate) fn age(self, since: Option<&Timestamp>) -> String {
        match since.and_then(|since| SystemTime::try_from(*since).ok()) {
            Some(since) => short(self.0.duration_since(since).unwrap_or_default()),
            None => "-".to_owned(),
        }
    }
}

/// Two digits' worth: `42s`, `5m10s`, `3h20m`, `12d`.
fn short(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, 1..=9) => format!("{minutes}m{}s", seconds % 60),
        (0, 0, _) => format!("{minutes}m"),
        (0, 1..=9, _) => format!("{hours}h{}m", minutes % 60),
        (0, _, _) => format!("{hours}h"),
        (1..=9, _, _) => format!("{days}d{}h", hours % 24),
        (_, _, _) => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests;
