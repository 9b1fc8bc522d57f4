//! The controller's own checks, without a controller.

mod github;
mod sarif;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use harbr_config::{Diagnostic, Diagnostics, RenderStyle};
use harbr_proto::document::{DiagnosticDocument, RelatedDocument};

use crate::cli::{Format, Output};
use crate::document::{FileErrorDocument, ValidationDocument};
use crate::file::{CheckedFile, Refusal};
use crate::output::{print, print_document};
use crate::paint::Paint;

pub(crate) fn run(file: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let file = CheckedFile::read(file);
    match output {
        Output::Json => print_document(&document(&file), Format::Json)?,
        Output::Yaml => print_document(&document(&file), Format::Yaml)?,
        Output::Sarif => print_document(&sarif::log(&file), Format::Json)?,
        Output::Github => print(&github::commands(&file))?,
        Output::Table | Output::Wide => {
            complain_about(&file)?;
            if let Ok(config) = &file.outcome {
                let routes = count(config.snapshot.routes().len(), "route");
                let upstreams = count(config.snapshot.upstreams().len(), "upstream");
                print(&format!("{}: valid: {routes}, {upstreams}\n", file.name))?;
            }
        }
    }
    Ok(if file.outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is wrong with a file, and what probably is, on standard error.
pub(crate) fn complain_about(file: &CheckedFile) -> anyhow::Result<()> {
    let style = match Paint::for_stderr() {
        Paint::Plain => RenderStyle::Plain,
        Paint::Color => RenderStyle::Color,
    };
    io::stderr().lock().write_all(file.render(style).as_bytes()).context("cannot write the diagnostics")
}

fn document(file: &CheckedFile) -> ValidationDocument {
    let (routes, upstreams) = match &file.outcome {
        Ok(config) => (config.snapshot.routes().len(), config.snapshot.upstreams().len()),
        Err(_) => (0, 0),
    };
    let error = file.outcome.as_ref().err().map(|refusal| {
        let (line, column) = match refusal {
            Refusal::Unreadable(_) => (0, 0),
            Refusal::Invalid(diagnostics) => diagnostics
                .first_error()
                .map_or((0, 0), |error| (error.span.start.line, error.span.start.column)),
        };
        FileErrorDocument { message: file.render(RenderStyle::Plain), line, column }
    });
    let diagnostics = file.diagnostics().into_iter().flat_map(Diagnostics::iter);
    ValidationDocument {
        file: file.name.clone(),
        valid: file.outcome.is_ok(),
        routes,
        upstreams,
        error,
        diagnostics: diagnostics.map(diagnostic_document).collect(),
    }
}

pub(crate) fn diagnostic_document(diagnostic: &Diagnostic) -> DiagnosticDocument {
    let Diagnostic { code, span, message, hint, related } = diagnostic;
    DiagnosticDocument {
        severity: diagnostic.severity().as_str(),
        code: code.to_string(),
        message: message.clone(),
        hint: hint.clone(),
        line: span.start.line,
        column: span.start.column,
        end_line: span.end.line,
        end_column: span.end.column,
        related: related.as_ref().map(|(span, message)| RelatedDocument {
            message: message.clone(),
            line: span.start.line,
            column: span.start.column,
            end_line: span.end.line,
            end_column: span.end.column,
        }),
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests;
