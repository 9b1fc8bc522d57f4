use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How a process logs. All of it goes to standard error; standard output is the access log's.
#[derive(Debug, Clone, clap::Args)]
pub struct LogArgs {
    /// The form of log lines.
    #[arg(long, env = "HARBR_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// The least severe level that is logged (error, warn, info, debug, trace, off), or levels by target
    /// (`info,harbr_controlplane=debug`).
    #[arg(long, env = "HARBR_LOG_LEVEL", value_name = "LEVEL", default_value = "info", value_parser = parse_level)]
    pub log_level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidLogs {
    #[error("{0}")]
    Level(String),
    #[error("logging was set up before")]
    Installed,
}

/// # Errors
/// If the level cannot be understood, or this process logs already.
pub fn init_logs(args: &LogArgs) -> Result<(), InvalidLogs> {
    let level = parse_level(&args.log_level).map_err(InvalidLogs::Level)?;
    let filter = EnvFilter::try_new(quiet(&level)).map_err(|error| InvalidLogs::Level(error.to_string()))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = match args.log_format {
        LogFormat::Text => logs.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).with_ansi(false).try_init(),
    };
    installed.map_err(|_| InvalidLogs::Installed)
}

/// h2 warns of each connection whose client gives it reason to: no client is to fill the log, unless an operator asks
/// for `h2=warn`. What such clients cost is counted.
fn quiet(level: &str) -> String {
    let names_it = level.split(',').any(|part| part.starts_with("h2=") || part.starts_with("h2::"));
    if names_it || level.eq_ignore_ascii_case("off") { level.to_owned() } else { format!("{level},h2=error") }
}

/// A bare word that is no level would be taken for the name of a target, so that `--log-level ifno` logs next
/// to nothing; it is refused here.
fn parse_level(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for part in text.split(',') {
        if !part.contains('=') && !LEVELS.contains(&part.to_ascii_lowercase().as_str()) {
            return Err(format!("`{part}` is not one of {}", LEVELS.join(", ")));
        }
    }
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
