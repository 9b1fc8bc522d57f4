//! A configuration file, checked as the controller would.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use harbr_config::{
    Config, Diagnostics, Files, MAX_FILE_BYTES, MAX_NAMED_FILE_BYTES, RenderStyle, Source, named_files,
};

/// A file, or standard input if it is named `-`, and what it holds.
#[derive(Debug)]
pub(crate) struct CheckedFile {
    /// As it is shown.
    pub(crate) name: String,
    pub(crate) outcome: Result<Config, Refusal>,
}

/// Why a file is no configuration.
#[derive(Debug)]
pub(crate) enum Refusal {
    Unreadable(io::Error),
    Invalid(Diagnostics),
}

impl CheckedFile {
    pub(crate) fn read(file: &Path) -> Self {
        let is_stdin = file.as_os_str() == "-";
        let name = if is_stdin { "<stdin>".to_owned() } else { file.display().to_string() };
        let outcome = match read_file(file, MAX_FILE_BYTES) {
            Ok(bytes) => {
                let source = Source { name: &name, bytes: &bytes };
                let folder = file.parent().filter(|_| !is_stdin).unwrap_or(Path::new(""));
                harbr_config::parse(source, &files(folder, &bytes)).map_err(Refusal::Invalid)
            }
            Err(error) => Err(Refusal::Unreadable(error)),
        };
        Self { name, outcome }
    }

    /// A revision's file, as far as it can be looked at without those that it names.
    pub(crate) fn of_revision(number: u64, text: &str) -> Self {
        let name = format!("revision {number}");
        let source = Source { name: &name, bytes: text.as_bytes() };
        let outcome = harbr_config::parse(source, &Files::none()).map_err(Refusal::Invalid);
        Self { name, outcome }
    }

    /// What is wrong with it, and what probably is. `None`: it cannot be read.
    pub(crate) fn diagnostics(&self) -> Option<&Diagnostics> {
        match &self.outcome {
            Ok(config) => Some(&config.warnings),
            Err(Refusal::Invalid(diagnostics)) => Some(diagnostics),
            Err(Refusal::Unreadable(_)) => None,
        }
    }

    /// All of that for a person; empty if there is nothing to say.
    pub(crate) fn render(&self, style: RenderStyle) -> String {
        match &self.outcome {
            Ok(config) => config.warnings.render(style),
            Err(Refusal::Invalid(diagnostics)) => diagnostics.render(style),
            Err(Refusal::Unreadable(error)) => unreadable(&self.name, error) + "\n",
        }
    }
}

pub(crate) fn unreadable(name: &str, error: &io::Error) -> String {
    format!("{name}: cannot be read: {error}")
}

/// Those that the text names, as the controller would read them.
fn files(folder: &Path, text: &[u8]) -> Files {
    let read = |path: String| {
        let bytes = open(&folder.join(&path), MAX_NAMED_FILE_BYTES).map_err(|error| error.to_string());
        (path, bytes)
    };
    named_files(text).into_iter().map(read).collect()
}

/// All of a file, or of standard input if it is named `-`, or enough to see that it is too large.
pub(crate) fn read_file(file: &Path, limit: usize) -> io::Result<Vec<u8>> {
    if file.as_os_str() == "-" { read(io::stdin().lock(), limit) } else { open(file, limit) }
}

fn open(file: &Path, limit: usize) -> io::Result<Vec<u8>> {
    read(File::open(file)?, limit)
}

/// All of it, or enough to see that it is too large: `/dev/zero` has no end.
fn read(source: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
