use std::fs::File;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;

/// Far above any configuration that a person or a generator writes.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The whole file, if it is a file and not too large.
pub(crate) fn read(path: &Path) -> Result<Bytes, String> {
    // Opening a pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("it is larger than {} MiB", MAX_FILE_BYTES / (1024 * 1024)));
    }
    Ok(bytes.into())
}
