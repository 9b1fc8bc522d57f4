use std::collections::BTreeMap;
use std::sync::Arc;

use harbr_config::{Config, Diagnostics, Files, Position, Source};
use harbr_model::Snapshot;
use harbr_proto::EncodedSnapshot;

use super::ConfigError;

/// What a file means, not yet a revision.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) snapshot: Snapshot,
    pub(crate) encoded: EncodedSnapshot,
    pub(crate) sources: BTreeMap<String, Position>,
    pub(crate) warnings: Option<Arc<Diagnostics>>,
}

/// From the bytes of a file, and of those that it names, to what is sent.
/// Takes as long as the file is large: keep it off the runtime.
pub(crate) fn compile(name: &str, bytes: &[u8], files: &Files) -> Result<Compiled, Arc<ConfigError>> {
    let config = harbr_config::parse(Source { name, bytes }, files).map_err(ConfigError::of_file)?;
    let Config { snapshot, routes: sources, warnings } = config;
    let encoded = EncodedSnapshot::encode(&snapshot);
    let warnings = (!warnings.is_empty()).then(|| Arc::new(warnings));
    Ok(Compiled { snapshot, encoded, sources, warnings })
}
