//! What a node says of the requests that it answered since it began to serve what it serves: what the
//! controller's gate judges a revision by.
//!
//! A route that a change touched has fresh cells, and what began before it writes to the old ones. One that it
//! did not touch keeps its cells; what they held at the swap is taken off.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use harbr_proto::{LatencyHistogram, v1};
use http::StatusCode;

use crate::error::Reason;
use crate::live::LiveTable;
use crate::shared::Shared;
use crate::stats::{Counter, PerWorker};

/// Routes in one report; the others with news are in the next ones.
const MAX_ROUTES: usize = 256;
/// The name of the routes that have no counts of their own.
pub(crate) const OTHER_ROUTES: &str = "_other";

/// How a request failed that the client is not to blame for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureClass {
    Upstream5xx,
    /// The proxy answered itself, or the upstream's answer came to no good end.
    Own,
    Timeout,
}

/// What one worker counts of a route.
#[derive(Debug)]
pub(crate) struct TrafficCells {
    latency: [Counter; LatencyHistogram::BUCKETS],
    upstream_5xx: Counter,
    own_errors: Counter,
    timeouts: Counter,
    retries: Counter,
}

/// The same, over all workers, at one time or since another.
#[derive(Debug, Clone, Default)]
struct Counts {
    latency: LatencyHistogram,
    upstream_5xx: u64,
    own_errors: u64,
    timeouts: u64,
    retries: u64,
}

/// What reports have to know beside the cells. Its one writer is the node.
#[derive(Debug, Default)]
pub(crate) struct TrafficLedger {
    /// What there was when the node began to serve what it serves; nothing of routes that are not here.
    routes: HashMap<Arc<str>, Counts>,
    others: Counts,
    unrouted: Counts,
    /// Requests by route, as reported last in this session.
    told: HashMap<Arc<str>, u64>,
    /// The route that the last report ended with.
    last_told: Option<Arc<str>>,
}

impl FailureClass {
    pub(crate) fn of(status: StatusCode, reason: Option<Reason>) -> Option<Self> {
        match reason {
            None => status.is_server_error().then_some(Self::Upstream5xx),
            Some(Reason::Timeout | Reason::ResponseStalled) => Some(Self::Timeout),
            Some(
                Reason::NoRoute
                | Reason::MethodNotAllowed
                | Reason::Loop
                | Reason::NoHealthyEndpoint
                | Reason::Unresolved
                | Reason::Connect
                | Reason::Tls
                | Reason::Reset
                | Reason::Malformed
                | Reason::Truncated,
            ) => Some(Self::Own),
            Some(
                Reason::BadRequest
                | Reason::HeadTooLarge
                | Reason::TargetTooLong
                | Reason::NoForwardsLeft
                | Reason::Forbidden
                | Reason::BodyTooLarge
                | Reason::BodyBroken
                | Reason::BodyStalled
                | Reason::Misdirected
                | Reason::ClientGone,
            ) => None,
        }
    }
}

impl Default for TrafficCells {
    fn default() -> Self {
        Self {
            latency: std::array::from_fn(|_| Counter::default()),
            upstream_5xx: Counter::default(),
            own_errors: Counter::default(),
            timeouts: Counter::default(),
            retries: Counter::default(),
        }
    }
}

impl TrafficCells {
    /// A request is one latency, so that it costs one store where nothing failed.
    pub(crate) fn record(&self, failure: Option<FailureClass>, latency: Duration) {
        self.latency[LatencyHistogram::bucket_of(latency)].increment();
        match failure {
            Some(FailureClass::Upstream5xx) => self.upstream_5xx.increment(),
            Some(FailureClass::Own) => self.own_errors.increment(),
            Some(FailureClass::Timeout) => self.timeouts.increment(),
            None => {}
        }
    }

    /// A failed attempt is followed by another one.
    pub(crate) fn record_retry(&self) {
        self.retries.increment();
    }
}

impl TrafficLedger {
    /// `table` is about to serve under a new number; what its cells hold by now is of those before.
    pub(crate) fn begin(&mut self, shared: &Shared, table: &LiveTable) {
        *self = Self {
            routes: counted(shared, table).collect(),
            others: Counts::of(&shared.series.other_traffic),
            unrouted: unrouted(shared),
            ..Self::default()
        };
    }

    /// The controller at the other end has heard nothing yet.
    pub(crate) fn begin_session(&mut self) {
        self.told.clear();
    }

    /// The traffic of the table that serves, with the routes that have news.
    pub(crate) fn report(&mut self, shared: &Shared) -> v1::Traffic {
        let mut total = unrouted(shared).since(&self.unrouted);
        let mut news = BTreeMap::new();
        let others = Counts::of(&shared.series.other_traffic).since(&self.others);
        let table = shared.table.load();
        let routes = counted(shared, &table).map(|(route, counts)| {
            let since = counts.since(self.routes.get(&route).unwrap_or(&Counts::default()));
            (route, since)
        });
        for (route, counts) in routes.chain([(OTHER_ROUTES.into(), others)]) {
            total.merge(&counts);
            if counts.requests() != self.told.get(&route).copied().unwrap_or(0) {
                news.insert(route, counts);
            }
        }
        // In turn, so that none waits for long where there are more than one report holds.
        let start = self.last_told.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let after = news.range::<str, _>((start, Bound::Unbounded));
        let told: Vec<_> = after.chain(&news).take(MAX_ROUTES.min(news.len())).collect();
        self.last_told = told.last().map(|(route, _)| (*route).clone());
        self.told.extend(told.iter().map(|(route, counts)| ((*route).clone(), counts.requests())));
        let routes = told.into_iter().map(|(route, counts)| v1::RouteTraffic {
            route: route.to_string(),
            counts: Some(counts.into()),
        });
        v1::Traffic { routes: routes.collect(), total: Some((&total).into()) }
    }
}

/// What the routes of a table hold that have cells of their own, and answered.
fn counted(shared: &Shared, table: &LiveTable) -> impl Iterator<Item = (Arc<str>, Counts)> {
    let routes = shared.series.names().into_iter().filter_map(|name| table.by_name.get(&name));
    let counts = routes.map(|route| (route.name.clone(), Counts::of(&route.traffic)));
    counts.filter(|(_, counts)| counts.requests() > 0)
}

fn unrouted(shared: &Shared) -> Counts {
    let mut counts = Counts::default();
    shared.cells.each().for_each(|cells| counts.add(&cells.unrouted));
    counts
}

impl Counts {
    fn of(cells: &PerWorker<TrafficCells>) -> Self {
        let mut counts = Self::default();
        cells.each().for_each(|cells| counts.add(cells));
        counts
    }

    fn add(&mut self, cells: &TrafficCells) {
        for (bucket, count) in cells.latency.iter().enumerate() {
            self.latency.add(bucket, count.value());
        }
        self.upstream_5xx += cells.upstream_5xx.value();
        self.own_errors += cells.own_errors.value();
        self.timeouts += cells.timeouts.value();
        self.retries += cells.retries.value();
    }

    fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        self.upstream_5xx += other.upstream_5xx;
        self.own_errors += other.own_errors;
        self.timeouts += other.timeouts;
        self.retries += other.retries;
    }

    fn since(&self, earlier: &Self) -> Self {
        Self {
            latency: self.latency.since(&earlier.latency),
            upstream_5xx: self.upstream_5xx.saturating_sub(earlier.upstream_5xx),
            own_errors: self.own_errors.saturating_sub(earlier.own_errors),
            timeouts: self.timeouts.saturating_sub(earlier.timeouts),
            retries: self.retries.saturating_sub(earlier.retries),
        }
    }

    fn requests(&self) -> u64 {
        self.latency.count()
    }
}

impl From<&Counts> for v1::Counts {
    fn from(counts: &Counts) -> Self {
        Self {
            requests: counts.requests(),
            upstream_5xx: counts.upstream_5xx,
            own_errors: counts.own_errors,
            timeouts: counts.timeouts,
            retries: counts.retries,
            latency: Some((&counts.latency).into()),
        }
    }
}

#[cfg(test)]
mod tests;
