use std::collections::BTreeMap;
use std::sync::Arc;

use harbr_proto::{LatencyHistogram, v1};

use super::wager::Trials;

/// Requests, and how they went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) upstream_5xx: u64,
    pub(crate) own_errors: u64,
    pub(crate) timeouts: u64,
    pub(crate) retries: u64,
    pub(crate) latency: LatencyHistogram,
}

/// In all, and by route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) total: Counts,
    pub(crate) routes: BTreeMap<Arc<str>, Counts>,
}

impl Counts {
    pub(crate) fn failed(&self) -> u64 {
        let failed = self.upstream_5xx.saturating_add(self.own_errors).saturating_add(self.timeouts);
        failed.min(self.requests)
    }

    pub(super) fn failures(&self) -> Trials {
        Trials { count: self.requests, bad: self.failed() }
    }

    pub(super) fn slower_than(&self, bucket: usize) -> Trials {
        let bad = self.latency.counts().iter().skip(bucket + 1).sum();
        Trials { count: self.latency.count(), bad }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.upstream_5xx = self.upstream_5xx.saturating_add(other.upstream_5xx);
        self.own_errors = self.own_errors.saturating_add(other.own_errors);
        self.timeouts = self.timeouts.saturating_add(other.timeouts);
        self.retries = self.retries.saturating_add(other.retries);
        self.latency.merge(&other.latency);
    }

    /// What came after `earlier`; all of it if the count has begun anew.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        if self.requests < earlier.requests {
            return self.clone();
        }
        Self {
            requests: self.requests - earlier.requests,
            upstream_5xx: self.upstream_5xx.saturating_sub(earlier.upstream_5xx),
            own_errors: self.own_errors.saturating_sub(earlier.own_errors),
            timeouts: self.timeouts.saturating_sub(earlier.timeouts),
            retries: self.retries.saturating_sub(earlier.retries),
            latency: self.latency.since(&earlier.latency),
        }
    }
}

impl From<v1::Counts> for Counts {
    fn from(wire: v1::Counts) -> Self {
        let v1::Counts { requests, upstream_5xx, own_errors, timeouts, latency, retries } = wire;
        // A histogram that is none costs the judgement of latency, nothing else.
        let latency = latency.and_then(|latency| latency.try_into().ok()).unwrap_or_default();
        Self { requests, upstream_5xx, own_errors, timeouts, retries, latency }
    }
}

impl Tally {
    pub(super) fn is_empty(&self) -> bool {
        self.total.requests == 0 && self.routes.is_empty()
    }

    pub(super) fn get(&self, route: Option<&str>) -> Option<&Counts> {
        match route {
            None => Some(&self.total),
            Some(route) => self.routes.get(route),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        for (route, counts) in &other.routes {
            self.routes.entry(route.clone()).or_default().merge(counts);
        }
    }
}
