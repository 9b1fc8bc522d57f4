//! Writes to standard output and standard error.

use std::io::{self, Write as _};

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::Format;

pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write the answer")
}

/// As YAML if that is asked for, else as JSON.
pub(crate) fn print_document<T: Serialize>(document: &T, format: Format) -> anyhow::Result<()> {
    let text = match format {
        Format::Yaml => serde_yaml::to_string(document).context("cannot write the answer as YAML")?,
        Format::Json | Format::Table | Format::Wide => {
            serde_json::to_string_pretty(document).context("cannot write the answer as JSON")? + "\n"
        }
    };
    print(&text)
}

/// One line on standard error. There is nowhere to report that it cannot be written.
pub(crate) fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr().lock(), "harbrctl: {error:#}");
}

/// Whether the reader of our output went away, as `head` does: not a failure of ours.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
