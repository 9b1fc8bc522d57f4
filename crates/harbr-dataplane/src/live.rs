//! A snapshot as it serves: routes with their counts, upstreams with their budgets, endpoints with health.
//!
//! A new table takes over from the old one every part that did not change, so that counts, pools, health and
//! what runs feel nothing of a change elsewhere. Built and dropped off the workers.

mod selection;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use harbr_model::{Protocol, Route, Settings, Snapshot, Upstream};
use harbr_routing::RouteTable;
use harbr_tls::InvalidTls;
use http::HeaderValue;

use crate::balancer::Balancer;
use crate::endpoint::LiveEndpoint;
use crate::link::Link;
use crate::live_listener::LiveListener;
use crate::retry::RetryBudget;
use crate::sample::MatchedHeaders;
use crate::stats::{OutcomeCells, PerWorker, RouteSeries, RouteStats, UpstreamCells};
use crate::tls::expires_at;
use crate::traffic::TrafficCells;

#[derive(Debug)]
pub(crate) struct LiveTable {
    /// Rises with each table of a process.
    pub generation: u64,
    pub routes: RouteTable<Arc<LiveRoute>>,
    pub by_name: BTreeMap<Arc<str>, Arc<LiveRoute>>,
    pub upstreams: BTreeMap<Arc<str>, Arc<LiveUpstream>>,
    pub listeners: BTreeMap<Arc<str>, Arc<LiveListener>>,
    /// When each ends, in seconds since 1970.
    pub certificates: BTreeMap<Arc<str>, i64>,
    pub settings: Settings,
    pub matched_headers: MatchedHeaders,
}

#[derive(Debug)]
pub(crate) struct LiveRoute {
    pub name: Arc<str>,
    pub route: Route,
    pub upstream: Arc<LiveUpstream>,
    pub stats: Arc<RouteStats>,
    /// As `stats`, but from 0 again with each change of the route or its upstream.
    pub traffic: PerWorker<TrafficCells>,
}

#[derive(Debug)]
pub(crate) struct LiveUpstream {
    pub name: Arc<str>,
    pub endpoints: Vec<Arc<LiveEndpoint>>,
    /// The text form of the health check that the endpoints' health comes from.
    pub check: Option<Arc<str>>,
    pub budget: RetryBudget,
    pub stats: Arc<PerWorker<UpstreamCells>>,
    link: Link,
    upstream: Upstream,
    balancer: Balancer,
    /// So little is healthy that all are used.
    is_panicking: AtomicBool,
    /// Held to take an endpoint out, so that never too many are.
    ejecting: Mutex<()>,
}

/// What stays the same over all tables of a process.
#[derive(Debug, Clone)]
pub(crate) struct Soil {
    pub workers: usize,
    pub series: Arc<RouteSeries>,
}

impl LiveTable {
    /// Serves nothing: what a node has before its first snapshot.
    pub(crate) fn empty() -> Self {
        Self {
            generation: 0,
            routes: RouteTable::new([]),
            by_name: BTreeMap::new(),
            upstreams: BTreeMap::new(),
            listeners: BTreeMap::new(),
            certificates: BTreeMap::new(),
            settings: Settings::with_max_connections(1),
            matched_headers: MatchedHeaders::default(),
        }
    }

    /// # Errors
    /// If TLS cannot be spoken as the snapshot says.
    pub(crate) fn build(snapshot: &Snapshot, before: &Self, soil: &Soil) -> Result<Self, InvalidTls> {
        let listeners = snapshot.listeners().iter().map(|listener| {
            let before = before.listeners.get(listener.name.as_str()).map(Arc::as_ref);
            let built = LiveListener::build(listener, snapshot, before)?;
            Ok((built.name.clone(), built))
        });
        let listeners = listeners.collect::<Result<_, InvalidTls>>()?;
        let upstreams = snapshot.upstreams().values().map(|upstream| {
            let before = before.upstreams.get(upstream.name.as_str());
            let link = Link::build(upstream, snapshot, before.map(|before| &before.link))?;
            let built = LiveUpstream::build(upstream, link, before, soil);
            Ok((built.name.clone(), built))
        });
        let upstreams = upstreams.collect::<Result<BTreeMap<_, _>, InvalidTls>>()?;
        let certificates = snapshot.certificates().values();
        let certificates =
            certificates.filter_map(|one| Some((one.name.as_str().into(), expires_at(one)?))).collect();
        let routes = snapshot.routes().iter().filter_map(|route| {
            // A snapshot names no upstream that it does not have.
            let upstream = upstreams.get(route.upstream.as_str())?;
            Some(LiveRoute::build(route, upstream, before.by_name.get(route.name.as_str()), soil))
        });
        let by_name: BTreeMap<_, _> = routes.map(|route| (route.name.clone(), route)).collect();
        let in_order = snapshot.routes().iter().filter_map(|route| by_name.get(route.name.as_str()));
        let routes = RouteTable::new(in_order.map(|live| (live.route.matches.clone(), live.clone())));
        let generation = before.generation + 1;
        let settings = snapshot.settings().clone();
        let matched_headers = MatchedHeaders::of_routes(snapshot.routes());
        Ok(Self {
            generation,
            routes,
            by_name,
            upstreams,
            listeners,
            certificates,
            settings,
            matched_headers,
        })
    }

    /// Each once, though several upstreams may share an address.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Arc<LiveEndpoint>> {
        self.upstreams.values().flat_map(|upstream| &upstream.endpoints)
    }
}

impl LiveRoute {
    fn build(
        route: &Route,
        upstream: &Arc<LiveUpstream>,
        before: Option<&Arc<Self>>,
        soil: &Soil,
    ) -> Arc<Self> {
        if let Some(before) = before
            && before.route == *route
            && Arc::ptr_eq(&before.upstream, upstream)
        {
            return before.clone();
        }
        let name: Arc<str> = route.name.as_str().into();
        let stats = match before {
            Some(before) => before.stats.clone(),
            None => Arc::new(RouteStats::new(name.clone(), soil.workers, soil.series.clone())),
        };
        let traffic = PerWorker::new(soil.workers);
        Arc::new(Self { name, route: route.clone(), upstream: upstream.clone(), stats, traffic })
    }

    /// Where a worker counts an answer.
    pub(crate) fn cells(&self, worker: usize) -> (&OutcomeCells, &TrafficCells) {
        self.stats.of(worker, &self.traffic)
    }
}

impl LiveUpstream {
    /// It can say of a request that it took that it did not process it, whatever the method.
    pub(crate) fn may_refuse_unseen(&self) -> bool {
        self.upstream.protocol != Protocol::Http1
    }

    fn build(upstream: &Upstream, link: Link, before: Option<&Arc<Self>>, soil: &Soil) -> Arc<Self> {
        if let Some(before) = before
            && before.upstream == *upstream
            && before.link.is_same(&link)
        {
            return before.clone();
        }
        let known: HashMap<_, _> = before
            .iter()
            .flat_map(|before| &before.endpoints)
            .filter(|endpoint| endpoint.protocol == upstream.protocol && endpoint.link.is_same(&link))
            .map(|endpoint| (&endpoint.url, endpoint))
            .collect();
        let endpoints = upstream.endpoints.iter().map(|endpoint| match known.get(&endpoint.url) {
            Some(known) => (*known).clone(),
            None => Arc::new(LiveEndpoint::new(endpoint.url.clone(), upstream.protocol, link.clone())),
        });
        Arc::new(Self {
            name: upstream.name.as_str().into(),
            endpoints: endpoints.collect(),
            check: upstream.health_check.as_ref().map(|check| check.to_string().into()),
            budget: RetryBudget::default(),
            stats: before
                .map_or_else(|| Arc::new(PerWorker::new(soil.workers)), |before| before.stats.clone()),
            balancer: Balancer::new(
                upstream.balance,
                upstream.endpoints.iter().map(|endpoint| endpoint.weight),
            ),
            link: link.clone(),
            upstream: upstream.clone(),
            is_panicking: AtomicBool::new(false),
            ejecting: Mutex::new(()),
        })
    }
}

/// The `Host` that an endpoint is asked by.
pub(crate) fn host_value(authority: &str) -> HeaderValue {
    HeaderValue::try_from(authority).expect("a URL's authority has only characters that a header can have")
}

#[cfg(test)]
mod tests;
