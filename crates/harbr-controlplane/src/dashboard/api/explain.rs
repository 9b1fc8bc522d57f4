use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use harbr_explain::{
    ExplainDocument, HeaderArg, RequestToExplain, Shown, Subject, explain as explain_request,
};
use harbr_proto::v1;
use harbr_proto::v1::admin_service_server::AdminService as _;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use tonic::Request;

use super::{Asked, refused};
use crate::admin::Admin;

/// What a page asks: as `harbrctl explain` is given it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    #[serde(default)]
    method: String,
    url: String,
    /// One a line, `name: value`.
    #[serde(default)]
    headers: String,
    #[serde(default = "default_from")]
    from: IpAddr,
    #[serde(default)]
    revision: u64,
    #[serde(default)]
    node: String,
}

fn default_from() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

pub(super) async fn explain(
    State(admin): State<Arc<Admin>>,
    Query(question): Query<Question>,
) -> Asked<ExplainDocument> {
    let request = question.request().map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}\n")))?;
    let Question { revision, node, .. } = question;
    let table = admin.get_table(Request::new(v1::GetTableRequest { revision, node })).await;
    let table = table.map_err(refused)?.into_inner();
    // With ten thousand routes it takes a while to build their table.
    let explained = spawn_blocking(move || {
        let subject = Subject::of_revision(table)?;
        Ok::<_, harbr_explain::InvalidTable>(explain_request(&subject, &request, Shown::Candidates))
    });
    match explained.await {
        Ok(Ok(document)) => Ok(Json(document)),
        Ok(Err(invalid)) => Err((StatusCode::INTERNAL_SERVER_ERROR, format!("{invalid}\n"))),
        Err(_) => Err((StatusCode::INTERNAL_SERVER_ERROR, "it cannot be explained\n".to_owned())),
    }
}

impl Question {
    fn request(&self) -> Result<RequestToExplain, String> {
        let method = Some(self.method.trim()).filter(|method| !method.is_empty());
        let words: Vec<String> = method.into_iter().chain([self.url.trim()]).map(str::to_owned).collect();
        let headers = self.headers.lines().filter(|line| !line.trim().is_empty());
        let headers: Vec<HeaderArg> = headers.map(str::parse).collect::<Result<_, _>>()?;
        RequestToExplain::new(&words, &headers, self.from)
    }
}

#[cfg(test)]
mod tests;
