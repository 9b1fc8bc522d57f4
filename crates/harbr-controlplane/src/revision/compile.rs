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
    let text = std::str::from_utf8(bytes).map_err(|error| not_text(name, bytes, error.valid_up_to()))?;
    let config = harbr_config::parse(Source { name, text }).map_err(|diagnostics| {
        let position = diagnostics.first().span.start;
        ConfigError::new(diagnostics.render(RenderStyle::Plain), position)
    })?;
    let encoded = EncodedSnapshot::encode(&config.snapshot);
    Ok(Compiled { snapshot: config.snapshot, encoded, sources: config.routes })
}

fn not_text(name: &str, bytes: &[u8], valid_up_to: usize) -> Arc<ConfigError> {
    let valid = String::from_utf8_lossy(&bytes[..valid_up_to]);
    let line = valid.matches('\n').count() + 1;
    let column = valid.chars().rev().take_while(|character| *character != '\n').count() + 1;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let position = Position { line: count(line), column: count(column) };
    ConfigError::new(format!("{name}:{position}: error: this is not text in UTF-8"), position)
}
