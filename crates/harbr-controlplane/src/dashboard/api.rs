//! One function for each question, in the order of the page's views; and what operators may change.

mod change;
mod explain;
mod lists;
mod revisions;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use harbr_model::Health;
use harbr_proto::document::{EventDocument, LoadDocument, RolloutDocument, StatusDocument};
use harbr_proto::v1;
use harbr_proto::v1::admin_service_server::AdminService as _;
use serde::Serialize;
use tonic::Request;

use super::page::{Page, Selection};
use crate::admin::{Admin, load};
use crate::observe::Summary;

/// Of the file's errors and warnings, so many are on every page; the log and `harbrctl` have all.
const MAX_DIAGNOSTICS: usize = 20;
const MAX_MESSAGE_BYTES: usize = 8 * 1024;

type Asked<T> = Result<Json<T>, (StatusCode, String)>;

/// What every page shows, twice in four seconds: small, whatever the fleet's size.
#[derive(Debug, Serialize)]
pub(super) struct Overview {
    /// Changes with each overview.
    tick: u128,
    status: StatusDocument,
    /// The one that is under way, else the last; null before the first.
    rollout: Option<RolloutDocument>,
    /// By state.
    nodes: BTreeMap<&'static str, usize>,
    endpoints: BTreeMap<&'static str, usize>,
    routes: usize,
    upstreams: usize,
    connections: u64,
    load: LoadDocument,
}

pub(super) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/overview", get(overview))
        .route("/nodes", get(lists::nodes))
        .route("/routes", get(lists::routes))
        .route("/series", get(lists::series))
        .route("/upstreams", get(lists::upstreams))
        .route("/events", get(events))
        .route("/revisions", get(revisions::list))
        .route("/revisions/{number}", get(revisions::show))
        .route("/diff", get(revisions::diff))
        .route("/explain", get(explain::explain))
        .route("/session", get(change::session))
        .route("/rollout", post(change::rollout))
        .route("/rollback", post(change::roll_back))
        .route("/drain", post(change::drain))
        .route("/undrain", post(change::undrain))
        .route("/stream", get(super::stream::stream))
        .with_state(Arc::new(admin))
}

async fn overview(State(admin): State<Arc<Admin>>) -> Json<Overview> {
    Json(overview_of(&admin).await)
}

pub(super) async fn overview_of(admin: &Admin) -> Overview {
    let status = admin.get_status(Request::new(v1::GetStatusRequest {})).await;
    let mut status = status.map(tonic::Response::into_inner).unwrap_or_default();
    shorten(&mut status);
    let rollout = admin.get_rollout(Request::new(v1::GetRolloutRequest { revision: 0 })).await;
    let rollout = rollout.ok().map(|rollout| rollout.into_inner().into());
    let intent = admin.ledger.intent();
    let snapshot = intent.newest().map(|revision| &revision.snapshot);
    let table = admin.health.borrow().clone();
    let healths = [Health::Healthy, Health::Unhealthy, Health::Unknown];
    let nodes = admin.fleet.count(|id| intent.intended(id)).into_iter();
    Overview {
        tick: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis(),
        // It is beside it, the ended one too.
        status: v1::Status { rollout: None, ..status }.into(),
        rollout,
        nodes: nodes.map(|(state, count)| (state.as_str(), count)).collect(),
        endpoints: healths.map(|health| (health.as_str(), table.count(health))).into(),
        routes: snapshot.map_or(0, |snapshot| snapshot.routes().len()),
        upstreams: snapshot.map_or(0, |snapshot| snapshot.upstreams().len()),
        connections: admin.fleet.connections(),
        load: document(admin.fleet.series.now(SystemTime::now())),
    }
}

fn shorten(status: &mut v1::Status) {
    status.config_warnings.truncate(MAX_DIAGNOSTICS);
    if let Some(error) = &mut status.config_error {
        error.diagnostics.truncate(MAX_DIAGNOSTICS);
        error.message.truncate(error.message.floor_char_boundary(MAX_MESSAGE_BYTES));
    }
}

async fn events(
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

fn refused(status: tonic::Status) -> (StatusCode, String) {
    let known = [
        (tonic::Code::NotFound, StatusCode::NOT_FOUND),
        (tonic::Code::InvalidArgument, StatusCode::BAD_REQUEST),
        (tonic::Code::FailedPrecondition, StatusCode::CONFLICT),
        (tonic::Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
    ];
    let code = known.iter().find(|(code, _)| *code == status.code());
    let code = code.map_or(StatusCode::INTERNAL_SERVER_ERROR, |(_, code)| *code);
    (code, format!("{}\n", status.message()))
}
