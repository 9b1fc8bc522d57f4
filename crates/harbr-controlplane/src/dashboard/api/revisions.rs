use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use harbr_proto::document::{RevisionDocument, RevisionWithFileDocument};
use harbr_proto::v1;
use harbr_proto::v1::admin_service_server::AdminService as _;
use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};
use tokio::task::spawn_blocking;
use tonic::Request;

use super::{Asked, refused};
use crate::admin::Admin;
use crate::dashboard::page::{Page, Selection};

/// Lines around what is different.
const CONTEXT: usize = 3;
/// Lines of one answer: more is not read on a page.
const MAX_LINES: usize = 5_000;

#[derive(Debug, Deserialize)]
pub(super) struct FromTo {
    from: u64,
    to: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct DiffDocument {
    from: u64,
    to: u64,
    /// Parts of the files that differ, each with a few lines around.
    hunks: Vec<Vec<LineDocument>>,
    /// There would be more.
    is_cut: bool,
}

#[derive(Debug, Serialize)]
struct LineDocument {
    /// `same`, `removed` or `added`.
    kind: &'static str,
    /// From 1; null in the file that has no such line.
    old: Option<usize>,
    new: Option<usize>,
    text: String,
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Query(selection): Query<Selection>,
) -> Asked<Page<RevisionDocument>> {
    let answer = admin.list_revisions(Request::new(v1::ListRevisionsRequest { most: 0 })).await;
    let revisions = answer.map_err(refused)?.into_inner().revisions.into_iter().map(RevisionDocument::from);
    let found = revisions.filter(|revision| {
        let number = revision.number.to_string();
        let actor = revision.actor.as_deref().unwrap_or_default();
        selection.finds([&number, &revision.summary, &revision.fate, &revision.cause, actor])
    });
    Ok(Json(selection.cut(found.collect())))
}

pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Path(number): Path<u64>,
) -> Asked<RevisionWithFileDocument> {
    revision(&admin, number).await.map(Json)
}

pub(super) async fn diff(
    State(admin): State<Arc<Admin>>,
    Query(FromTo { from, to }): Query<FromTo>,
) -> Asked<DiffDocument> {
    let (old, new) = (revision(&admin, from).await?.file, revision(&admin, to).await?.file);
    // Files may have megabytes.
    let compared = spawn_blocking(move || hunks(&old, &new)).await;
    let (hunks, is_cut) = compared
        .map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "the files cannot be compared\n".to_owned()))?;
    Ok(Json(DiffDocument { from, to, hunks, is_cut }))
}

async fn revision(admin: &Admin, number: u64) -> Result<RevisionWithFileDocument, (StatusCode, String)> {
    let answer = admin.get_revision(Request::new(v1::GetRevisionRequest { number })).await;
    answer.map(|answer| answer.into_inner().into()).map_err(refused)
}

fn hunks(old: &str, new: &str) -> (Vec<Vec<LineDocument>>, bool) {
    let diff = TextDiff::from_lines(old, new);
    let mut left = MAX_LINES;
    let mut hunks = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        let lines = group.iter().flat_map(|operation| diff.iter_changes(operation)).take(left);
        let lines: Vec<LineDocument> = lines
            .map(|change| LineDocument {
                kind: match change.tag() {
                    ChangeTag::Equal => "same",
                    ChangeTag::Delete => "removed",
                    ChangeTag::Insert => "added",
                },
                old: change.old_index().map(|index| index + 1),
                new: change.new_index().map(|index| index + 1),
                text: change.value().trim_end_matches(['\r', '\n']).to_owned(),
            })
            .collect();
        left -= lines.len();
        hunks.push(lines);
        if left == 0 {
            return (hunks, true);
        }
    }
    (hunks, false)
}

#[cfg(test)]
mod tests;
