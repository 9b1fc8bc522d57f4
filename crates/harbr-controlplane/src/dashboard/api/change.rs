//! What operators may change: through the calls that `harbrctl` makes, and on record as theirs.
//!
//! A page of another site cannot: it takes JSON, for which a browser asks us first across sites, and we allow none.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use harbr_proto::v1;
use harbr_proto::v1::admin_service_server::AdminService as _;
use serde::{Deserialize, Serialize};
use tonic::Request;

use super::refused;
use crate::admin::Admin;
use crate::caller::{Access, Caller};
use crate::dashboard::Door;

const READ_ONLY: &str = "This only shows. To change something, start the controller with --http-token-file, and sign in; or use harbrctl.\n";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    Pause,
    Resume,
    Promote,
    Abort,
    Freeze,
    Thaw,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RolloutChange {
    command: Command,
    #[serde(default)]
    allow_shrink: bool,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RollBack {
    /// 0: the newest proven one that says something else.
    revision: u64,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Targets {
    #[serde(default)]
    nodes: Vec<String>,
    #[serde(default)]
    endpoints: Vec<String>,
    #[serde(default = "default_keep")]
    keep: u32,
    grace_s: Option<u32>,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Serialize)]
struct DoneDocument {
    /// What came of it, for people.
    message: String,
}

/// Who asks, and what that is good for.
#[derive(Debug, Serialize)]
pub(super) struct SessionDocument {
    name: String,
    may_change: bool,
    /// There is a token that could be shown.
    can_sign_in: bool,
}

pub(super) async fn session(
    Extension(caller): Extension<Caller>,
    Extension(door): Extension<Door>,
) -> Json<SessionDocument> {
    let may_change = caller.may(Access::Operator);
    Json(SessionDocument { name: caller.to_string(), may_change, can_sign_in: door.has_token() })
}

/// As `harbrctl drain` has it: the last ready node stays.
fn default_keep() -> u32 {
    1
}

pub(super) async fn rollout(
    State(admin): State<Arc<Admin>>,
    Extension(caller): Extension<Caller>,
    Json(RolloutChange { command, allow_shrink, reason }): Json<RolloutChange>,
) -> Response {
    let command = match command {
        Command::Pause => v1::RolloutCommand::Pause,
        Command::Resume => v1::RolloutCommand::Resume,
        Command::Promote => v1::RolloutCommand::Promote,
        Command::Abort => v1::RolloutCommand::Abort,
        Command::Freeze => v1::RolloutCommand::Freeze,
        Command::Thaw => v1::RolloutCommand::Thaw,
    };
    let request =
        v1::ControlRolloutRequest { command: command.into(), allow_shrink, actor: for_reason(reason) };
    let Ok(request) = as_operator(caller, request) else { return read_only() };
    answer(admin.control_rollout(request).await.map(|done| done.into_inner().message))
}

pub(super) async fn roll_back(
    State(admin): State<Arc<Admin>>,
    Extension(caller): Extension<Caller>,
    Json(RollBack { revision, reason }): Json<RollBack>,
) -> Response {
    let request = v1::RollBackRequest { revision, actor: for_reason(reason) };
    let Ok(request) = as_operator(caller, request) else { return read_only() };
    answer(admin.roll_back(request).await.map(|done| done.into_inner().message))
}

pub(super) async fn drain(
    State(admin): State<Arc<Admin>>,
    Extension(caller): Extension<Caller>,
    Json(Targets { nodes, endpoints, keep, grace_s, reason }): Json<Targets>,
) -> Response {
    let grace = grace_s.and_then(|seconds| Duration::from_secs(seconds.into()).try_into().ok());
    let targets = Some(v1::Targets { nodes, endpoints });
    let request = v1::DrainRequest { targets, keep, grace, actor: for_reason(reason) };
    let Ok(request) = as_operator(caller, request) else { return read_only() };
    answer(admin.drain(request).await.map(|_| "it drains".to_owned()))
}

pub(super) async fn undrain(
    State(admin): State<Arc<Admin>>,
    Extension(caller): Extension<Caller>,
    Json(Targets { nodes, endpoints, reason, .. }): Json<Targets>,
) -> Response {
    let targets = Some(v1::Targets { nodes, endpoints });
    let request = v1::UndrainRequest { targets, actor: for_reason(reason) };
    let Ok(request) = as_operator(caller, request) else { return read_only() };
    answer(admin.undrain(request).await.map(|_| "it may serve again".to_owned()))
}

/// Who it is, the caller says.
fn for_reason(reason: String) -> Option<v1::Actor> {
    Some(v1::Actor { name: String::new(), reason })
}

/// The same request as over gRPC, where the server puts in who calls.
fn as_operator<T>(caller: Caller, request: T) -> Result<Request<T>, ReadOnly> {
    if !caller.may(Access::Operator) {
        return Err(ReadOnly);
    }
    let mut request = Request::new(request);
    request.extensions_mut().insert(caller);
    Ok(request)
}

struct ReadOnly;

fn read_only() -> Response {
    (StatusCode::FORBIDDEN, READ_ONLY).into_response()
}

fn answer(outcome: Result<String, tonic::Status>) -> Response {
    match outcome {
        Ok(message) => Json(DoneDocument { message }).into_response(),
        Err(status) => refused(status).into_response(),
    }
}
