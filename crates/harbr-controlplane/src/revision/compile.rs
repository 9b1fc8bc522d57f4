use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use harbr_config::{Config, Diagnostics, Position, Source};
use harbr_model::{RolloutPolicy, Snapshot};
use harbr_proto::EncodedSnapshot;

use super::ConfigError;
use crate::watch::Content;

/// What a file means, not yet a revision.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) snapshot: Snapshot,
    pub(crate) encoded: EncodedSnapshot,
    pub(crate) sources: BTreeMap<String, Position>,
    pub(crate) policy: RolloutPolicy,
    /// The hash, or how it begins, of a snapshot that may be much smaller than the one before.
    pub(crate) allow_shrink: Option<String>,
    pub(crate) warnings: Option<Arc<Diagnostics>>,
    /// The file itself.
    pub(crate) file: Bytes,
}

/// From the bytes of a file, and of those that it names, to what is sent.
/// Takes as long as the file is large: keep it off the runtime.
pub(crate) fn compile(name: &str, content: Content) -> Result<Compiled, Arc<ConfigError>> {
    let Content { text: file, files } = content;
    let config = harbr_config::parse(Source { name, bytes: &file }, &files).map_err(ConfigError::of_file)?;
    let Config { snapshot, routes: sources, warnings, rollout: policy, allow_shrink } = config;
    let encoded = EncodedSnapshot::encode(&snapshot);
    let warnings = (!warnings.is_empty()).then(|| Arc::new(warnings));
    Ok(Compiled { snapshot, encoded, sources, policy, allow_shrink, warnings, file })
}
