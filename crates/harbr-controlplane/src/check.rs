use std::path::Path;

use crate::revision::compile;
use crate::watch::read;

/// Whether the file is a valid configuration.
///
/// # Errors
/// All that is wrong with it, rendered for people.
pub fn check_file(path: &Path) -> Result<(), String> {
    let name = path.display().to_string();
    let bytes = read(path).map_err(|reason| format!("{name}: cannot be read: {reason}\n"))?;
    compile(&name, &bytes).map(drop).map_err(|error| error.message.clone())
}
