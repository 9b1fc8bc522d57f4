use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use harbr_model::Health;

use super::Target;

/// What is known of every target. Whole and unchanging: readers take one and keep it.
#[derive(Debug, Clone, Default)]
pub(crate) struct HealthTable {
    known: HashMap<Arc<Target>, Known>,
    /// Rises with each change of a health.
    version: u64,
    /// The prober does not trust what it sees.
    is_frozen: bool,
}

/// What is known of one target.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) health: Health,
    pub(crate) since: SystemTime,
    /// Of the last probe; `None` if it went well.
    pub(crate) last_error: Option<Arc<str>>,
    /// The table's version with its last change of health.
    changed: u64,
}

impl HealthTable {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Nothing is taken out, because the prober suspects itself.
    pub(crate) fn is_frozen(&self) -> bool {
        self.is_frozen
    }

    pub(crate) fn set_frozen(&mut self, is_frozen: bool) -> Seen {
        let before = std::mem::replace(&mut self.is_frozen, is_frozen);
        if before == is_frozen { Seen::Same } else { Seen::Different }
    }

    pub(crate) fn get(&self, target: &Target) -> Option<&Known> {
        self.known.get(target)
    }

    pub(crate) fn changed_since(&self, seen: u64) -> impl Iterator<Item = (&Target, Health)> {
        let changed = self.known.iter().filter(move |(_, known)| known.changed > seen);
        changed.map(|(target, known)| (&**target, known.health))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Target, &Known)> {
        self.known.iter().map(|(target, known)| (&**target, known))
    }

    pub(crate) fn count(&self, health: Health) -> usize {
        self.known.values().filter(|known| known.health == health).count()
    }

    pub(crate) fn insert(&mut self, target: Arc<Target>) {
        let known = Known { health: Health::Unknown, since: SystemTime::now(), last_error: None, changed: 0 };
        self.known.insert(target, known);
    }

    pub(crate) fn remove(&mut self, target: &Target) {
        self.known.remove(target);
    }

    /// Takes a result in; says whether readers would see a difference.
    pub(crate) fn note(&mut self, target: &Target, health: Health, error: Option<Arc<str>>) -> Seen {
        let Some(known) = self.known.get_mut(target) else { return Seen::Same };
        let same_error = std::mem::replace(&mut known.last_error, error) == known.last_error;
        if known.health != health {
            self.version += 1;
            (known.health, known.since, known.changed) = (health, SystemTime::now(), self.version);
            return Seen::Different;
        }
        if same_error { Seen::Same } else { Seen::Different }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Same,
    Different,
}
