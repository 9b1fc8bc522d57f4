use std::sync::Arc;
use std::time::Duration;

use harbr_proto::{SnapshotHash, v1};
use tokio::time::Instant;

use super::{Counts, Tally};

/// Routes that are kept of one node; the others count in all.
const MAX_ROUTES: usize = 1_000;
/// The past is the last two of these.
const PAST: Duration = Duration::from_secs(30);

/// One node's traffic. A node reports what it has counted since it began to serve what it serves; this says what is
/// new since the last look, and what the last minute was like before something new came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    /// What the node served before its session began, and counted already.
    carried: Option<SnapshotHash>,
    /// What the counts are of.
    hash: Option<SnapshotHash>,
    reported: Tally,
    fresh: Tally,
    /// While it served what the fleet serves; and for how long `recent` has been filled.
    recent: Tally,
    before: Tally,
    turned: Option<Instant>,
    /// The snapshot whose trial has been given the past.
    told_past: Option<SnapshotHash>,
}

impl Meter {
    /// `serving`: what the node serves as its session begins.
    pub(crate) fn new(serving: Option<SnapshotHash>) -> Self {
        Self { carried: serving, ..Self::default() }
    }

    /// Takes a report's counts in. `is_reference`: this is what the fleet serves, not something on trial. Returns
    /// what has happened since the report before: not what was counted before the session.
    pub(crate) fn note(
        &mut self,
        traffic: v1::Traffic,
        hash: SnapshotHash,
        is_reference: bool,
        now: Instant,
    ) -> Tally {
        let is_first = self.hash.is_none();
        if self.hash != Some(hash) {
            (self.hash, self.reported, self.fresh) = (Some(hash), Tally::default(), Tally::default());
            self.carried = self.carried.filter(|carried| *carried == hash);
        }
        let mut old = Vec::new();
        let mut new = Tally::default();
        let total = Counts::from(traffic.total.unwrap_or_default());
        new.total = total.since(&self.reported.total);
        self.reported.total = total;
        for v1::RouteTraffic { route, counts } in traffic.routes {
            let known = self.reported.routes.get(route.as_str());
            if known.is_none() && self.reported.routes.len() >= MAX_ROUTES {
                continue;
            }
            let counts = Counts::from(counts.unwrap_or_default());
            let since = known.map_or_else(|| counts.clone(), |known| counts.since(known));
            let route: Arc<str> = route.into();
            if known.is_none() && self.carried.is_some() {
                old.push(route.clone());
            }
            new.routes.insert(route.clone(), since);
            self.reported.routes.insert(route, counts);
        }
        if is_reference {
            let turned = *self.turned.get_or_insert(now);
            if now.duration_since(turned) >= PAST {
                (self.before, self.turned) = (std::mem::take(&mut self.recent), Some(now));
            }
            self.recent.merge(&new);
        }
        self.fresh.merge(&new);
        if is_first && self.carried.is_some() {
            new.total = Counts::default();
        }
        for route in old {
            new.routes.remove(&route);
        }
        new
    }

    /// What is new since this was asked last, if it is of this snapshot.
    pub(crate) fn take(&mut self, hash: SnapshotHash) -> Option<Tally> {
        (self.hash == Some(hash)).then(|| std::mem::take(&mut self.fresh))
    }

    /// What the node was like before; once for each snapshot.
    pub(crate) fn take_past(&mut self, candidate: SnapshotHash) -> Option<Tally> {
        if self.told_past.replace(candidate) == Some(candidate) {
            return None;
        }
        let mut past = self.before.clone();
        past.merge(&self.recent);
        Some(past)
    }
}

#[cfg(test)]
mod tests;
