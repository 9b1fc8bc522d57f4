use std::fs::File;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use harbr_config::MAX_FILE_BYTES;

/// The whole file, if it is a file. Of one that is too large, enough to see that it is.
pub(crate) fn read(path: &Path) -> Result<Bytes, String> {
    // Opening a pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes.into())
}
