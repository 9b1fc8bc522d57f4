//! One function for each question, in the order of the page's views.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use harbr_model::Health;
use harbr_proto::document::{
    EndpointDocument, EventDocument, LoadDocument, NodeDocument, RouteDocument, StatusDocument,
    UpstreamDocument,
};
use harbr_proto::v1;
use harbr_proto::v1::admin_service_server::AdminService as _;
use serde::{Deserialize, Serialize};
use tonic::Request;

use super::page::{Page, Selection};
use crate::admin::{Admin, by_upstream, load};
use crate::observe::{Points, STEP, Summary};

type Asked<T> = Result<Json<T>, (StatusCode, String)>;

#[derive(Debug, Serialize)]
pub(super) struct Overview {
    /// Changes with each overview.
    tick: u128,
    status: StatusDocument,
    /// By state.
    nodes: BTreeMap<&'static str, usize>,
    endpoints: BTreeMap<&'static str, usize>,
    traffic: LoadDocument,
}

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

pub(super) async fn overview(State(admin): State<Arc<Admin>>) -> Json<Overview> {
    Json(overview_of(&admin).await)
}

pub(super) async fn overview_of(admin: &Admin) -> Overview {
    let status = admin.get_status(Request::new(v1::GetStatusRequest {})).await;
    let status = status.map(tonic::Response::into_inner).unwrap_or_default();
    let intent = admin.ledger.intent();
    let nodes = admin.fleet.count(|id| intent.intended(id));
    let table = admin.health.borrow().clone();
    let healths = [Health::Healthy, Health::Unhealthy, Health::Unknown];
    Overview {
        tick: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis(),
        status: status.into(),
        nodes: nodes.into_iter().map(|(state, count)| (state.as_str(), count)).collect(),
        endpoints: healths.map(|health| (health.as_str(), table.count(health))).into(),
        traffic: document(admin.fleet.series.now(SystemTime::now())),
    }
}

pub(super) async fn nodes(
    State(admin): State<Arc<Admin>>,
    Query(selection): Query<Selection>,
) -> Asked<Page<NodeDocument>> {
    let answer = admin.list_nodes(Request::new(v1::ListNodesRequest {})).await.map_err(refused)?;
    let nodes = answer.into_inner().nodes.into_iter().map(NodeDocument::from);
    let found = nodes.filter(|node| {
        let labels = node.labels.iter().map(|(name, value)| format!("{name}={value}"));
        let labels: Vec<_> = labels.collect();
        let texts = [node.id.as_str(), node.address.as_str(), node.state];
        selection.finds(texts.into_iter().chain(labels.iter().map(String::as_str)))
    });
    Ok(Json(selection.cut(found.collect())))
}

pub(super) async fn routes(
    State(admin): State<Arc<Admin>>,
    Query(selection): Query<Selection>,
) -> Asked<Page<RouteTraffic>> {
    let answer = admin.list_routes(Request::new(v1::ListRoutesRequest {})).await.map_err(refused)?;
    let now = admin.fleet.series.now_by_route(SystemTime::now());
    let routes = answer.into_inner().routes.into_iter().map(RouteDocument::from);
    let found = routes.filter(|route| selection.finds([route.route.as_str(), route.upstream.as_str()]));
    let mut found: Vec<_> = found
        .map(|route| {
            let load = now.get(route.route.as_str()).copied().map(document).unwrap_or_default();
            RouteTraffic { route, load }
        })
        .collect();
    // The busiest first, or the like; the file's order where nothing is asked for.
    let by = |key: fn(&LoadDocument) -> f64| {
        move |a: &RouteTraffic, b: &RouteTraffic| key(&b.load).total_cmp(&key(&a.load))
    };
    match selection.sort.as_str() {
        "rate" => found.sort_by(by(|load| load.request_rate)),
        "errors" => found.sort_by(by(|load| load.error_rate)),
        "p99" => found.sort_by(by(|load| load.p99_ms.unwrap_or_default())),
        _ => {}
    }
    Ok(Json(selection.cut(found)))
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
    let points: Vec<LoadDocument> = points.into_iter().map(document).collect();
    Ok(Json(SeriesDocument {
        end: end.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        step_s: STEP.as_secs(),
        request_rate: points.iter().map(|point| point.request_rate).collect(),
        error_rate: points.iter().map(|point| point.error_rate).collect(),
        p50_ms: points.iter().map(|point| point.p50_ms).collect(),
        p99_ms: points.iter().map(|point| point.p99_ms).collect(),
    }))
}

pub(super) async fn upstreams(
    State(admin): State<Arc<Admin>>,
    Query(selection): Query<Selection>,
) -> Asked<Page<UpstreamHistory>> {
    let answer = admin.list_upstreams(Request::new(v1::ListUpstreamsRequest {})).await.map_err(refused)?;
    let upstreams = answer.into_inner().upstreams.into_iter().map(UpstreamDocument::from);
    let found = upstreams.filter(|upstream| {
        let urls = upstream.endpoints.iter().map(|endpoint| endpoint.url.as_str());
        selection.finds(std::iter::once(upstream.name.as_str()).chain(urls))
    });
    let Page { total, items } = selection.cut(found.collect());
    let loads = by_upstream(&admin, &admin.fleet.snapshot());
    let items = items.into_iter().map(|upstream| {
        let load = loads.get(upstream.name.as_str()).copied().unwrap_or_default();
        with_history(upstream, load, &admin)
    });
    let items = items.collect();
    Ok(Json(Page { total, items }))
}

fn with_history(upstream: UpstreamDocument, load: v1::Load, admin: &Admin) -> UpstreamHistory {
    let endpoints = upstream.endpoints.into_iter().map(|endpoint| {
        let changes = admin.observed.history.of(&endpoint.url);
        let history = changes
            .into_iter()
            .map(|change| ChangeDocument { at: rfc3339(change.at), health: change.health.as_str() });
        EndpointHistory { endpoint, history: history.collect() }
    });
    UpstreamHistory {
        name: upstream.name,
        balance: upstream.balance,
        health_check: upstream.health_check.is_some(),
        in_flight: load.connections,
        load: load.into(),
        endpoints: endpoints.collect(),
    }
}

pub(super) async fn events(
    State(admin): State<Arc<Admin>>,
    Query(selection): Query<Selection>,
) -> Json<Page<EventDocument>> {
    let (kept, _) = admin.observed.events.follow(usize::MAX);
    let newest_first = kept.into_iter().rev().map(|event| EventDocument::from(event.into_wire(0)));
    let found = newest_first.filter(|event| selection.finds([event.kind, event.text.as_str()]));
    Json(selection.cut(found.collect()))
}

fn document(summary: Summary) -> LoadDocument {
    load(summary, 0).into()
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

fn refused(status: tonic::Status) -> (StatusCode, String) {
    let known = [
        (tonic::Code::NotFound, StatusCode::NOT_FOUND),
        (tonic::Code::InvalidArgument, StatusCode::BAD_REQUEST),
    ];
    let code = known.iter().find(|(code, _)| *code == status.code());
    let code = code.map_or(StatusCode::INTERNAL_SERVER_ERROR, |(_, code)| *code);
    (code, format!("{}\n", status.message()))
}
