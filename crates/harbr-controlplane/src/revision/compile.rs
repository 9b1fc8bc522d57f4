use std::collections::BTreeMap;
use std::sync::Arc;

use harbr_config::{Position, RenderStyle, Source};
use harbr_model::Snapshot;
use harbr_proto::EncodedSnapshot;

use super::ConfigError;

/// What a file means, not yet a revision.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) snapshot: Snapshot,
    pub(crate) encoded: EncodedSnapshot,
    pub(crate) sources: BTreeMap<String, Position>,
}

/// From the bytes of a file to what is sent. Takes as long as the file is large: keep it off the runtime.
pub(crate) fn compile(name: &str, bytes: &[u8]) -> Result<Compiled, Arc<ConfigError>> {
    let config = harbr_config::parse(Source { name, bytes }).map_err(|diagnostics| {
        let position = diagnostics.first_error().map(|error| error.span.start);
        ConfigError::new(diagnostics.render(RenderStyle::Plain), position)
    })?;
    let encoded = EncodedSnapshot::encode(&config.snapshot);
    Ok(Compiled { snapshot: config.snapshot, encoded, sources: config.routes })
}
