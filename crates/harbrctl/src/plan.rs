//! `harbrctl plan` and `diff`: what a file would change, against what the fleet should serve or another file.

mod compare;
mod document;
mod fail_on;
mod text;

use std::process::ExitCode;

use anyhow::anyhow;
use harbr_config::Code;

use crate::cli::Format;
use crate::file::CheckedFile;
use crate::output::{complain, is_closed_pipe, print, print_document};
use crate::paint::Paint;
use crate::subject::{self, Subject};
use crate::validate::{complain_about, diagnostic_document};

use document::PlanDocument;
pub(crate) use fail_on::FailOn;

/// By what `plan` and `diff` end, so that a pipeline can go by it.
const SAME: u8 = 0;
const DIFFERS: u8 = 1;
const FAILED: u8 = 2;
const FAIL_ON_MET: u8 = 3;

/// A file as one side of a comparison. `None`: what is wrong with it has been said.
pub(crate) fn read(file: &CheckedFile) -> anyhow::Result<Option<Subject>> {
    match &file.outcome {
        Ok(config) => subject::of_file(&file.name, config).map(Some),
        Err(_) => complain_about(file).map(|()| None),
    }
}

/// Runs one of the two. What fails is told, and `None` was told.
pub(crate) fn or_failed(run: impl FnOnce() -> anyhow::Result<Option<ExitCode>>) -> ExitCode {
    match run() {
        Ok(code) => code.unwrap_or(ExitCode::from(FAILED)),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(FAILED)
        }
    }
}

/// Prints what comes of going from `old` to `new`, which is what `file` holds.
pub(crate) fn show(
    old: &Subject,
    new: &Subject,
    file: &CheckedFile,
    format: Format,
    fail_on: &[FailOn],
) -> anyhow::Result<ExitCode> {
    let warnings = file.diagnostics().into_iter().flat_map(|diagnostics| diagnostics.iter());
    let (shadowed, warnings): (Vec<_>, Vec<_>) =
        warnings.partition(|it| matches!(it.code, Code::NeverMatches | Code::ShadowedByHost));
    let document = PlanDocument {
        shadowed: shadowed.into_iter().map(diagnostic_document).collect(),
        warnings: warnings.into_iter().map(diagnostic_document).collect(),
        ..compare::compare(old, new)
    };
    match format {
        Format::Json | Format::Yaml => print_document(&document, format)?,
        Format::Table | Format::Wide => print(&text::text(&document, &file.name, Paint::for_stdout()))?,
    }
    let met: Vec<&FailOn> = fail_on.iter().filter(|condition| condition.is_met(&document)).collect();
    for condition in &met {
        complain(&anyhow!("--fail-on {condition} is met"));
    }
    Ok(ExitCode::from(match (met.is_empty(), document.same) {
        (false, _) => FAIL_ON_MET,
        (true, true) => SAME,
        (true, false) => DIFFERS,
    }))
}

#[cfg(test)]
mod tests;
