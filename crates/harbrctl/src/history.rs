//! Revisions, for people.

use std::process::ExitCode;

use harbr_proto::document::{RevisionDocument, RevisionWithFileDocument};
use similar::TextDiff;

use crate::cli::{Format, HistoryCommand};
use crate::controller::Controller;
use crate::output::{print, print_document};
use crate::paint::Paint;
use crate::table::{fields, or_dash, render, short_hash};
use crate::when::Now;

/// Lines around what is different.
const CONTEXT: usize = 3;

pub(crate) async fn run(
    controller: &Controller,
    command: Option<HistoryCommand>,
    limit: u32,
    format: Format,
) -> anyhow::Result<ExitCode> {
    match command {
        None => list(controller, limit, format).await?,
        Some(HistoryCommand::Show { revision }) => show(controller, revision, format).await?,
        Some(HistoryCommand::Diff { from, to }) => {
            return match diff(controller, from, to).await {
                Ok(code) => Ok(code),
                Err(error) => {
                    crate::output::complain(&error);
                    Ok(ExitCode::from(2))
                }
            };
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(controller: &Controller, limit: u32, format: Format) -> anyhow::Result<()> {
    let revisions = controller.revisions(limit).await?;
    let revisions: Vec<RevisionDocument> = revisions.into_iter().map(RevisionDocument::from).collect();
    match format {
        Format::Json | Format::Yaml => print_document(&revisions, format),
        Format::Table | Format::Wide => print(&table(&revisions, Now::of_clock())),
    }
}

async fn show(controller: &Controller, number: u64, format: Format) -> anyhow::Result<()> {
    let found = RevisionWithFileDocument::from(controller.revision(number).await?);
    match format {
        Format::Json | Format::Yaml => print_document(&found, format),
        Format::Table | Format::Wide => {
            let head = found.revision.as_ref().map(|revision| describe(revision, Now::of_clock()));
            print(&format!("{}\n{}", head.unwrap_or_default(), found.file))
        }
    }
}

async fn diff(controller: &Controller, from: u64, to: u64) -> anyhow::Result<ExitCode> {
    let (before, after) = (controller.revision(from).await?.file, controller.revision(to).await?.file);
    let text = unified(
        &before,
        &after,
        [&format!("revision {from}"), &format!("revision {to}")],
        Paint::for_stdout(),
    );
    print(&text)?;
    Ok(if text.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn unified(before: &str, after: &str, [from, to]: [&str; 2], paint: Paint) -> String {
    let diff = TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(CONTEXT).header(from, to).to_string();
    let line = |line: &str| match line.as_bytes().first() {
        Some(b'+') => format!("{}\n", paint.good(line)),
        Some(b'-') => format!("{}\n", paint.bad(line)),
        Some(_) | None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn table(revisions: &[RevisionDocument], now: Now) -> String {
    render(
        ["REVISION", "FATE", "AGE", "CAUSE", "ACTOR", "HASH", "SUMMARY"],
        revisions.iter().map(|revision| {
            let why = match (revision.fate.as_str(), revision.story.last()) {
                ("rejected" | "rolled_back" | "pending", Some(why)) => why,
                (_, Some(_) | None) => &revision.summary,
            };
            [
                revision.number.to_string(),
                revision.fate.clone(),
                now.age(revision.made.as_ref()),
                revision.cause.clone(),
                or_dash(revision.actor.as_deref().unwrap_or_default()),
                short_hash(&revision.hash),
                why.clone(),
            ]
        }),
    )
}

fn describe(revision: &RevisionDocument, now: Now) -> String {
    let mut text = fields(&[
        ("revision", revision.number.to_string()),
        ("hash", revision.hash.clone()),
        ("fate", revision.fate.clone()),
        ("made", format!("{} ago", now.age(revision.made.as_ref()))),
        ("cause", revision.cause.clone()),
        ("actor", or_dash(revision.actor.as_deref().unwrap_or_default())),
        ("reason", or_dash(revision.reason.as_deref().unwrap_or_default())),
        ("changes", revision.summary.clone()),
    ]);
    for line in &revision.story {
        text.push_str(&format!("  - {line}\n"));
    }
    text
}

#[cfg(test)]
mod tests;
