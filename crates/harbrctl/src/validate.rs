use crate::cli::Format;
use std::path::Path;
use std::process::ExitCode;
pub(crate) fn run(_file: &Path, _format: Format) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::FAILURE)
}
