//! Small values for tests of this crate.

use std::sync::Arc;
use std::time::Duration;

use harbr_model::{
    Balance, Endpoint, HeaderEdits, HealthCheck, HostHeader, HostPattern, Listener, OutlierPolicy,
    PathPrefix, PathRewrite, Probe, Protocol, Resources, Route, RouteMatch, Settings, Snapshot,
    TimeoutPolicy, Upstream,
};

use crate::alarm::Alarms;
use crate::live::{LiveTable, Soil};
use crate::stats::RouteSeries;

pub(crate) fn soil() -> Soil {
    Soil { workers: 1, series: Arc::new(RouteSeries::new(1)) }
}

pub(crate) fn route(path: &str, upstream: &str, retries: u32) -> Route {
    let second = Duration::from_secs(1);
    Route {
        name: path.into(),
        matches: RouteMatch {
            host: HostPattern::Any,
            path: PathPrefix::parse(path).unwrap(),
            methods: Vec::new(),
            headers: Vec::new(),
        },
        upstream: upstream.into(),
        rewrite: PathRewrite::Keep,
        host_header: HostHeader::Preserve,
        timeouts: TimeoutPolicy { attempt: second, request: second, idle: second },
        max_retries: retries,
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
        max_body: 1,
    }
}

pub(crate) fn upstream(name: &str, ports: &[(u16, u32)], check: &str) -> Upstream {
    let endpoint = |(port, weight): &(u16, u32)| Endpoint {
        url: format!("http://127.0.0.1:{port}").parse().unwrap(),
        weight: *weight,
    };
    Upstream {
        name: name.into(),
        endpoints: ports.iter().map(endpoint).collect(),
        protocol: Protocol::Http1,
        balance: Balance::RoundRobin,
        health_check: Some(HealthCheck::new(Probe::Http { path: check.into() })),
        panic_threshold: 0,
        outlier: OutlierPolicy::default(),
        tls: None,
        proxy_protocol: None,
    }
}

pub(crate) fn snapshot(upstreams: Vec<Upstream>, routes: Vec<Route>) -> Snapshot {
    let listeners = vec![Listener::plain("default", "127.0.0.1:0".parse().unwrap())];
    let resources = Resources::new(Settings::with_max_connections(1));
    Snapshot::new(Resources { listeners, upstreams, routes, ..resources }).unwrap()
}

pub(crate) fn build(
    before: &LiveTable,
    soil: &Soil,
    upstreams: Vec<Upstream>,
    routes: Vec<Route>,
) -> LiveTable {
    LiveTable::build(&snapshot(upstreams, routes), before, soil).unwrap()
}

/// Looks at alarms as a worker does, until the future is done.
pub(crate) async fn swept<T>(alarms: &Alarms, future: impl Future<Output = T>) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    tokio::pin!(future);
    loop {
        tokio::select! {
            output = &mut future => return output,
            _ = tick.tick() => alarms.sweep(),
        }
    }
}
