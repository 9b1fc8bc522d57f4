//! The controller's own checks, without a controller.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use harbr_config::{Config, Diagnostics, RenderStyle, Source};

use crate::cli::Format;
use crate::document::{FileErrorDocument, ValidationDocument};
use crate::output::{print, print_document};
use crate::paint::Paint;

pub(crate) fn run(file: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let (name, text) = read(file)?;
    match harbr_config::parse(Source { name: &name, text: &text }) {
        Ok(config) => {
            valid(&name, &config, format)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(diagnostics) => {
            invalid(&name, &diagnostics, format)?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn read(file: &Path) -> anyhow::Result<(String, String)> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(("<stdin>".to_owned(), text));
    }
    let name = file.display().to_string();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    Ok((name, text))
}

fn valid(file: &str, config: &Config, format: Format) -> anyhow::Result<()> {
    let (routes, upstreams) = (config.snapshot.routes().len(), config.snapshot.upstreams().len());
    match format {
        Format::Json | Format::Yaml => {
            let file = file.to_owned();
            print_document(&ValidationDocument { file, valid: true, routes, upstreams, error: None }, format)
        }
        Format::Table | Format::Wide => {
            let (routes, upstreams) = (count(routes, "route"), count(upstreams, "upstream"));
            print(&format!("{file}: valid: {routes}, {upstreams}\n"))
        }
    }
}

fn invalid(file: &str, diagnostics: &Diagnostics, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json | Format::Yaml => {
            let start = diagnostics.first().span.start;
            let error = FileErrorDocument {
                message: diagnostics.render(RenderStyle::Plain),
                line: start.line,
                column: start.column,
            };
            let file = file.to_owned();
            print_document(
                &ValidationDocument { file, valid: false, routes: 0, upstreams: 0, error: Some(error) },
                format,
            )
        }
        Format::Table | Format::Wide => {
            let style = match Paint::for_stderr() {
                Paint::Plain => RenderStyle::Plain,
                Paint::Color => RenderStyle::Color,
            };
            complain_at_length(&diagnostics.render(style))
        }
    }
}

fn complain_at_length(text: &str) -> anyhow::Result<()> {
    io::stderr().lock().write_all(text.as_bytes()).context("cannot write the diagnostics")
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
