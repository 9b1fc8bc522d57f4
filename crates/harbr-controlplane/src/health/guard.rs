//! Whether what the prober sees is believed. Pure decisions; [`super::prober`] obeys them.
//!
//! A prober that loses its own network sees everything fail. So only so much is taken out within a time, and when most
//! of everything begins to fail at once it suspects itself, and takes out nothing more until that has passed. On a
//! small file neither is the case: there a failed probe takes an endpoint out, whatever the others do.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use harbr_model::Health;
use tokio::time::Instant;

use super::Target;

/// On fewer the guards do not act.
const MIN_ENDPOINTS: usize = 10;
const MIN_UPSTREAMS: usize = 3;
/// Percent that may be taken out within the window; one always may be.
const MAX_OF_ALL: usize = 20;
const MAX_OF_UPSTREAM: usize = 50;
const WINDOW: Duration = Duration::from_secs(10);
/// What began to fail within this time began at once.
const AT_ONCE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Guard {
    /// The upstreams of each target, and how many targets each has.
    upstreams: HashMap<Arc<Target>, Vec<String>>,
    sizes: HashMap<String, usize>,
    /// What fails by its own probes, believed or not, since when.
    failing: HashMap<Arc<Target>, Instant>,
    /// What was taken out within the window.
    removed: VecDeque<(Instant, Arc<Target>)>,
    suspects_itself: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belief {
    Believed,
    /// The endpoint stays as it was, for this reason.
    Held(&'static str),
}

impl Guard {
    /// What is probed from now on, and for which upstreams.
    pub(super) fn set_targets(&mut self, targets: impl IntoIterator<Item = (Arc<Target>, Vec<String>)>) {
        self.upstreams = targets.into_iter().collect();
        self.sizes.clear();
        for name in self.upstreams.values().flatten() {
            *self.sizes.entry(name.clone()).or_default() += 1;
        }
        self.failing.retain(|target, _| self.upstreams.contains_key(target));
        self.removed.retain(|(_, target)| self.upstreams.contains_key(target));
    }

    /// Most of everything began to fail at once: more likely it is the prober.
    pub(super) fn suspects_itself(&self) -> bool {
        self.suspects_itself
    }

    /// A probe says `found` of a target that was `before` so far.
    pub(super) fn weigh(
        &mut self,
        target: &Arc<Target>,
        before: Health,
        found: Health,
        now: Instant,
    ) -> Belief {
        if found == Health::Unhealthy {
            self.failing.entry(target.clone()).or_insert(now);
        } else {
            self.failing.remove(target);
        }
        self.suspects_itself = self.is_suspicious(now);
        if found != Health::Unhealthy || before == Health::Unhealthy || !self.applies() {
            return Belief::Believed;
        }
        if self.suspects_itself {
            return Belief::Held("most endpoints fail at once, which is more likely a fault of the prober");
        }
        self.removed.retain(|(at, _)| now.duration_since(*at) < WINDOW);
        if self.removed.len() >= share(self.upstreams.len(), MAX_OF_ALL) {
            return Belief::Held("too many endpoints were taken out within a short time");
        }
        if self.upstreams.get(target).into_iter().flatten().any(|upstream| self.is_used_up(upstream)) {
            return Belief::Held("too much of its upstream was taken out within a short time");
        }
        self.removed.push_back((now, target.clone()));
        Belief::Believed
    }

    fn applies(&self) -> bool {
        self.upstreams.len() >= MIN_ENDPOINTS && self.sizes.len() >= MIN_UPSTREAMS
    }

    fn is_suspicious(&self, now: Instant) -> bool {
        let is_most = |count: usize| count * 2 > self.upstreams.len();
        if !self.applies() || !is_most(self.failing.len()) {
            return false;
        }
        let at_once = || self.failing.values().filter(|since| now.duration_since(**since) < AT_ONCE).count();
        self.suspects_itself || is_most(at_once())
    }

    fn is_used_up(&self, upstream: &String) -> bool {
        let is_of = |target: &Arc<Target>| self.upstreams.get(target).is_some_and(|of| of.contains(upstream));
        let removed = self.removed.iter().filter(|(_, target)| is_of(target)).count();
        removed >= share(self.sizes.get(upstream).copied().unwrap_or(0), MAX_OF_UPSTREAM)
    }
}

/// At least one.
fn share(of: usize, percent: usize) -> usize {
    (of * percent / 100).max(1)
}

#[cfg(test)]
mod tests;
