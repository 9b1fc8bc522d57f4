use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use harbr_model::Health;

/// How far back changes are kept; the last one before that stays, since it still holds.
const MEMORY: Duration = Duration::from_secs(15 * 60);
/// Changes of one endpoint, however often it flaps.
const MAX_CHANGES: usize = 64;

/// The health of endpoints over time, by URL: of one with several checks, what each of them found.
#[derive(Debug, Default)]
pub(crate) struct HealthHistory(Mutex<HashMap<String, VecDeque<Change>>>);

/// From then on the endpoint had this health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) at: SystemTime,
    pub(crate) health: Health,
}

impl HealthHistory {
    pub(crate) fn note(&self, url: String, change: Change) {
        let mut all = self.all();
        let changes = all.entry(url).or_default();
        changes.push_back(change);
        let is_old = |change: &Change| change.at.elapsed().is_ok_and(|age| age > MEMORY);
        while changes.len() > MAX_CHANGES || changes.get(1).is_some_and(is_old) {
            changes.pop_front();
        }
    }

    /// The oldest first.
    pub(crate) fn of(&self, url: &str) -> Vec<Change> {
        self.all().get(url).map_or_else(Vec::new, |changes| changes.iter().copied().collect())
    }

    /// Forgets endpoints that are probed no more.
    pub(crate) fn keep_only(&self, probed: &HashSet<String>) {
        self.all().retain(|url, _| probed.contains(url));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Change>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
