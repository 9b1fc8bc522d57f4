//! Controllers by name, so that nobody has to type addresses and certificates: `~/.config/harbr/harbrctl.yaml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use harbr_trust::TlsArgs;
use serde::Deserialize;

use crate::cli::{ConnectionArgs, ControllerUrl, UsageError};

const DEFAULT_URL: &str = "http://127.0.0.1:7400";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextFile {
    /// The one that holds without `--context`.
    current: Option<String>,
    #[serde(default)]
    contexts: BTreeMap<String, Context>,
}

/// One controller. Paths are relative to the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Context {
    controller: Option<String>,
    tls_ca: Option<PathBuf>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
}

/// The controller that is meant, and what to show it. What is given by a flag or a variable holds; the rest is from
/// the context, if one is named or there is a current one and no address is given.
///
/// # Errors
/// If there is no such context, or its file is wrong.
pub(crate) fn resolve(args: &ConnectionArgs) -> Result<(ControllerUrl, TlsArgs), UsageError> {
    let context = match (&args.context, &args.controller) {
        (None, Some(_)) => Context::default(),
        (name, _) => find(args.contexts.as_deref(), name.as_deref())?,
    };
    let controller = match &args.controller {
        Some(url) => url.clone(),
        None => {
            let text = context.controller.as_deref().unwrap_or(DEFAULT_URL);
            text.parse().map_err(|error| UsageError(format!("the context's controller `{text}`: {error}")))?
        }
    };
    let TlsArgs { tls_ca, tls_cert, tls_key } = args.tls.clone();
    let tls = TlsArgs {
        tls_ca: tls_ca.or(context.tls_ca),
        tls_cert: tls_cert.or(context.tls_cert),
        tls_key: tls_key.or(context.tls_key),
    };
    Ok((controller, tls))
}

/// The named context, or the current one; an empty one if there is none.
fn find(file: Option<&Path>, name: Option<&str>) -> Result<Context, UsageError> {
    let path = file.map(Path::to_owned).or_else(default_file);
    let text = match path.as_ref().map(fs::read_to_string) {
        Some(Ok(text)) => text,
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound || file.is_some() => {
            return Err(wrong(path.as_deref(), &format!("cannot be read: {error}")));
        }
        // Nobody has to have one.
        Some(Err(_)) | None => String::new(),
    };
    let parsed: ContextFile = match text.trim() {
        "" => ContextFile::default(),
        text => serde_yaml::from_str(text).map_err(|error| wrong(path.as_deref(), &error.to_string()))?,
    };
    let ContextFile { current, mut contexts } = parsed;
    let Some(name) = name.or(current.as_deref()) else { return Ok(Context::default()) };
    let Some(context) = contexts.remove(name) else {
        let known: Vec<String> = contexts.into_keys().collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(wrong(path.as_deref(), &format!("there is no context `{name}`; there is {known}")));
    };
    let folder = path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let absolute = |path: Option<PathBuf>| path.map(|path| folder.join(path));
    Ok(Context {
        controller: context.controller,
        tls_ca: absolute(context.tls_ca),
        tls_cert: absolute(context.tls_cert),
        tls_key: absolute(context.tls_key),
    })
}

fn wrong(path: Option<&Path>, problem: &str) -> UsageError {
    let path = path.map_or("the contexts".to_owned(), |path| path.display().to_string());
    UsageError(format!("{path}: {problem}"))
}

/// By the XDG base directory specification.
fn default_file() -> Option<PathBuf> {
    let folder = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))?;
    Some(config.join("harbr/harbrctl.yaml"))
}

#[cfg(test)]
mod tests;
