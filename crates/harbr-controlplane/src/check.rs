use std::path::Path;

use harbr_config::RenderStyle;

use crate::revision::compile;
use crate::watch::read;

/// What to be warned of in a file that is a valid configuration, rendered for people; empty if nothing.
///
/// # Errors
/// All that is wrong with it, rendered for people.
pub fn check_file(path: &Path) -> Result<String, String> {
    let name = path.display().to_string();
    let content = read(path).map_err(|reason| format!("{name}: cannot be read: {reason}\n"))?;
    let compiled = compile(&name, content).map_err(|error| error.message.clone())?;
    Ok(compiled.warnings.map(|warnings| warnings.render(RenderStyle::Plain)).unwrap_or_default())
}
