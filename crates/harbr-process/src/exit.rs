use std::process::ExitCode;

/// What the caller of the program has to mend: a flag or a variable of the environment.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// 0 if all went well, 2 for a [`UsageError`] anywhere in the chain, else 1; an error is logged as one line.
#[must_use]
pub fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    tracing::error!("{error:#}");
    let is_usage = error.chain().any(|cause| {
        cause.is::<UsageError>() || cause.is::<crate::InvalidThreads>() || cause.is::<crate::InvalidLogs>()
    });
    if is_usage { ExitCode::from(2) } else { ExitCode::FAILURE }
}
