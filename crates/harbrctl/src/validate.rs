//! The controller's own checks, without a controller.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use harbr_config::{Config, Diagnostics, MAX_FILE_BYTES, RenderStyle, Source};

use crate::cli::Format;
use crate::document::{FileErrorDocument, ValidationDocument};
use crate::output::{print, print_document};
use crate::paint::Paint;

pub(crate) fn run(file: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let is_stdin = file.as_os_str() == "-";
    let name = if is_stdin { "<stdin>".to_owned() } else { file.display().to_string() };
    let bytes = if is_stdin { read(io::stdin().lock()) } else { File::open(file).and_then(read) };
    let checked = match bytes {
        Ok(bytes) => harbr_config::parse(Source { name: &name, bytes: &bytes }).map_err(Refusal::Invalid),
        Err(error) => Err(Refusal::Unreadable(error)),
    };
    match &checked {
        Ok(config) => valid(&name, config, format)?,
        Err(refusal) => refused(&name, refusal, format)?,
    }
    Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All of it, or enough to see that it is too large: `/dev/zero` has no end.
fn read(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why a file is no configuration.
enum Refusal {
    Unreadable(io::Error),
    Invalid(Diagnostics),
}

impl Refusal {
    fn render(&self, file: &str, style: RenderStyle) -> String {
        match self {
            Self::Unreadable(error) => format!("{file}: cannot be read: {error}\n"),
            Self::Invalid(diagnostics) => diagnostics.render(style),
        }
    }

    fn document(&self, file: &str) -> FileErrorDocument {
        let (line, column) = match self {
            Self::Unreadable(_) => (0, 0),
            Self::Invalid(diagnostics) => diagnostics
                .first_error()
                .map_or((0, 0), |error| (error.span.start.line, error.span.start.column)),
        };
        FileErrorDocument { message: self.render(file, RenderStyle::Plain), line, column }
    }
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

fn refused(file: &str, refusal: &Refusal, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json | Format::Yaml => {
            let (error, file) = (Some(refusal.document(file)), file.to_owned());
            print_document(&ValidationDocument { file, valid: false, routes: 0, upstreams: 0, error }, format)
        }
        Format::Table | Format::Wide => {
            let style = match Paint::for_stderr() {
                Paint::Plain => RenderStyle::Plain,
                Paint::Color => RenderStyle::Color,
            };
            let text = refusal.render(file, style);
            io::stderr().lock().write_all(text.as_bytes()).context("cannot write the diagnostics")
        }
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
