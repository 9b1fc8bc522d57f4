use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use harbr_model::{Health, Upstream};
use harbr_proto::document::{EndpointDocument, LoadDocument, NodeDocument, RouteDocument, UpstreamDocument};
use serde::{Deserialize, Serialize};

use super::{Asked, document};
use crate::admin::{Admin, by_upstream};
use crate::dashboard::page::{Page, Selection};
use crate::observe::{Points, STEP, Summary};

#[derive(Debug, Serialize)]
pub(super) struct RouteTraffic {
    #[serde(flatten)]
    route: RouteDocument,
    load: LoadDocument,
}

#[derive(Debug, Serialize)]
pub(super) struct UpstreamHistory {
    name: String,
    balance: &'static str,
    health_check: bool,
    /// Requests that it is busy with.
    in_flight: u64,
    load: LoadDocument,
    endpoints: Vec<EndpointHistory>,
}

#[derive(Debug, Serialize)]
struct EndpointHistory {
    #[serde(flatten)]
    endpoint: EndpointDocument,
    /// The oldest first; at least what holds now, if it is probed.
    history: Vec<ChangeDocument>,
}

#[derive(Debug, Serialize)]
struct ChangeDocument {
    at: String,
    health: &'static str,
}

/// Of the last 15 minutes, the oldest first.
#[derive(Debug, Serialize)]
pub(super) struct SeriesDocument {
    /// Of the last point, in seconds since 1970.
    end: u64,
    step_s: u64,
    request_rate: Vec<f64>,
    error_rate: Vec<f64>,
    p50_ms: Vec<Option<f64>>,
    p99_ms: Vec<Option<f64>>,
}

/// Whose; of all requests where neither is said.
#[derive(Debug, Deserialize)]
pub(super) struct Of {
    route: Option<String>,
    node: Option<String>,
}

pub(super) async fn nodes(
    State(admin): State<Arc<Admin>>,
    Query(selection): Query<Selection>,
) -> Json<Page<NodeDocument>> {
    let found = admin.nodes().into_iter().map(NodeDocument::from).filter(|node| {
        let labels: Vec<String> = node.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let texts = [node.id.as_str(), node.address.as_str(), node.state];
        selection.finds(texts.into_iter().chain(labels.iter().map(String::as_str)))
    });
    let mut found: Vec<NodeDocument> = found.collect();
    match selection.sort.as_str() {
        // What needs somebody first.
        "state" => found.sort_by_key(|node| node.state == "ready"),
        sort => busiest_first(&mut found, sort, |node| node.load),
    }
    Json(selection.cut(found))
}

/// Filtered and cut before anything is made of them: there may be ten thousand.
pub(super) async fn routes(
    State(admin): State<Arc<Admin>>,
    Query(selection): Query<Selection>,
) -> Json<Page<RouteTraffic>> {
    let intent = admin.ledger.intent();
    let Some(revision) = intent.newest() else { return Json(selection.cut(Vec::new())) };
    let now = admin.fleet.series.now_by_route(SystemTime::now());
    let routes = revision.snapshot.routes().iter();
    let found = routes.filter(|route| selection.finds([route.name.as_ref(), route.upstream.as_ref()]));
    let load = |name: &str| now.get(name).copied().map(document).unwrap_or_default();
    let mut found: Vec<_> = found.map(|route| (route, load(&route.name))).collect();
    busiest_first(&mut found, &selection.sort, |(_, load)| *load);
    let Page { total, items } = selection.cut(found);
    let items = items.into_iter().map(|(route, load)| {
        let route = RouteDocument::from(admin.route_status(revision, route));
        RouteTraffic { route, load }
    });
    Json(Page { total, items: items.collect() })
}

/// The busiest, or the like; else the order stays as it is.
fn busiest_first<T>(items: &mut [T], sort: &str, load: impl Fn(&T) -> LoadDocument) {
    let key: fn(LoadDocument) -> f64 = match sort {
        "rate" => |load| load.request_rate,
        "errors" => |load| load.error_rate,
        "p99" => |load| load.p99_ms.unwrap_or_default(),
        _ => return,
    };
    items.sort_by(|a, b| key(load(b)).total_cmp(&key(load(a))));
}

pub(super) async fn series(
    State(admin): State<Arc<Admin>>,
    Query(Of { route, node }): Query<Of>,
) -> Asked<SeriesDocument> {
    let (fleet, now) = (&admin.fleet, SystemTime::now());
    let Points { end, points } = match node {
        Some(node) => fleet.points(&node, now).ok_or((StatusCode::NOT_FOUND, "no such node\n".to_owned()))?,
        None => fleet.series.points(route.as_deref(), now),
    };
    let rates = |rate: fn(&Summary) -> f64| points.iter().map(rate).map(short).collect();
    let latencies = |latency: fn(&Summary) -> Option<std::time::Duration>| {
        let millis = |latency: std::time::Duration| short(latency.as_secs_f64() * 1_000.0);
        points.iter().map(|point| latency(point).map(millis)).collect()
    };
    Ok(Json(SeriesDocument {
        end: end.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        step_s: STEP.as_secs(),
        request_rate: rates(|point| point.requests),
        error_rate: rates(|point| point.failures),
        p50_ms: latencies(|point| point.p50),
        p99_ms: latencies(|point| point.p99),
    }))
}

/// To a thousandth: a chart has no use for more, and the answer is a third as long.
fn short(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

pub(super) async fn upstreams(
    State(admin): State<Arc<Admin>>,
    Query(selection): Query<Selection>,
) -> Json<Page<UpstreamHistory>> {
    let intent = admin.ledger.intent();
    let Some(revision) = intent.newest() else { return Json(selection.cut(Vec::new())) };
    let nodes = admin.fleet.snapshot();
    let loads: HashMap<_, _> = by_upstream(&admin, &nodes);
    let mut found: Vec<_> = revision
        .snapshot
        .upstreams()
        .values()
        .filter(|upstream| {
            let urls: Vec<String> =
                upstream.endpoints.iter().map(|endpoint| endpoint.url.to_string()).collect();
            selection.finds(std::iter::once(upstream.name.as_ref()).chain(urls.iter().map(String::as_str)))
        })
        .map(|upstream| (upstream, loads.get(upstream.name.as_str()).copied().unwrap_or_default()))
        .collect();
    match selection.sort.as_str() {
        "health" => {
            let table = admin.health.borrow().clone();
            let sick = table.iter().filter(|(_, known)| known.health == Health::Unhealthy);
            let sick: HashSet<String> = sick.map(|(target, _)| target.url.to_string()).collect();
            let count = |upstream: &Upstream| {
                upstream.endpoints.iter().filter(|endpoint| sick.contains(&endpoint.url.to_string())).count()
            };
            found.sort_by_key(|(upstream, _)| Reverse(count(upstream)));
        }
        sort => busiest_first(&mut found, sort, |(_, load)| (*load).into()),
    }
    let Page { total, items } = selection.cut(found);
    let items = items.into_iter().map(|(upstream, load)| {
        let document = UpstreamDocument::from(admin.upstream_status(upstream, &revision.snapshot));
        let is_probed = document.health_check.is_some();
        let endpoints = document.endpoints.into_iter().map(|endpoint| match is_probed {
            true => with_history(endpoint, &admin),
            false => EndpointHistory { endpoint, history: Vec::new() },
        });
        UpstreamHistory {
            name: document.name,
            balance: document.balance,
            health_check: is_probed,
            in_flight: load.connections,
            load: load.into(),
            endpoints: endpoints.collect(),
        }
    });
    Json(Page { total, items: items.collect() })
}

fn with_history(endpoint: EndpointDocument, admin: &Admin) -> EndpointHistory {
    let changes = admin.observed.history.of(&endpoint.url).into_iter().map(|change| ChangeDocument {
        at: humantime::format_rfc3339_millis(change.at).to_string(),
        health: change.health.as_str(),
    });
    EndpointHistory { history: changes.collect(), endpoint }
}
