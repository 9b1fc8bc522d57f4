//! The fleet in a few lines, for people.

use harbr_proto::document::{ConcernDocument, DiagnosticDocument, StatusDocument};

use crate::paint::Paint;
use crate::table::{fields, or_dash};
use crate::when::Now;

pub(crate) fn text(status: &StatusDocument, now: Now, paint: Paint) -> String {
    let mut text = fields(&[
        ("file", or_dash(&status.config_file)),
        ("revision", revision(status)),
        ("proven", proven(status)),
        ("nodes", nodes(status, paint)),
        ("rollout", rollout(status)),
        ("config", config(status, now, paint)),
        ("controller", or_dash(&status.build)),
    ]);
    if status.health_frozen {
        text.push_str(
            &paint
                .bad("most endpoints began to fail at once: the prober suspects itself, and takes none out"),
        );
        text.push('\n');
    }
    for ConcernDocument { node, kind, reason } in &status.concerns {
        let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        text.push_str(&format!("node {node} is {}{reason}\n", paint.uncertain(kind)));
    }
    if let Some(error) = &status.config_error {
        text.push('\n');
        text.push_str(error.message.trim_end());
        text.push('\n');
    }
    if !status.config_warnings.is_empty() {
        text.push('\n');
    }
    for DiagnosticDocument { severity, code, message, line, column, .. } in &status.config_warnings {
        let file = &status.config_file;
        text.push_str(&format!("{file}:{line}:{column}: {severity}[{code}]: {message}\n"));
    }
    text
}

fn revision(status: &StatusDocument) -> String {
    match status.revision {
        0 => "none yet".to_owned(),
        revision => format!("{revision} ({})", status.hash),
    }
}

fn proven(status: &StatusDocument) -> String {
    match status.proven_revision {
        0 => "none yet".to_owned(),
        revision => revision.to_string(),
    }
}

fn rollout(status: &StatusDocument) -> String {
    let frozen = if status.frozen { "; changes of the file are frozen" } else { "" };
    match &status.rollout {
        None => format!("none{frozen}"),
        Some(rollout) => {
            let reason = rollout.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("revision {} is {}{reason}{frozen}", rollout.revision, rollout.state)
        }
    }
}

fn nodes(status: &StatusDocument, paint: Paint) -> String {
    let counts = &status.nodes;
    let verdict = if status.converged { paint.good("converged") } else { paint.uncertain("not converged") };
    format!("{verdict}: {} of {} serve the revision, {} ready", counts.converged, counts.total, counts.ready)
}

fn config(status: &StatusDocument, now: Now, paint: Paint) -> String {
    match &status.config_error {
        None => match status.config_warnings.len() {
            0 => paint.good("valid"),
            1 => format!("{}, with a warning", paint.good("valid")),
            count => format!("{}, with {count} warnings", paint.good("valid")),
        },
        Some(error) => {
            let age = now.age(error.since.as_ref());
            let place = match error.line {
                0 => String::new(),
                line => format!(", line {line}, column {}", error.column),
            };
            format!(
                "{} for {age}: {}{place}; what was served before is served on",
                paint.bad("refused"),
                error.file
            )
        }
    }
}

#[cfg(test)]
mod tests;
