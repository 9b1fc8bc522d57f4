use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use harbr_config::{Files, MAX_FILE_BYTES, MAX_NAMED_FILE_BYTES, named_files};

/// A configuration with all that it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) text: Bytes,
    pub(crate) files: Files,
}

/// Which files a text names: found out once for each text.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    text: Bytes,
    paths: BTreeSet<String>,
}

impl Named {
    /// Where they are, for a configuration that is at `path`.
    pub(super) fn paths(&self, path: &Path) -> impl Iterator<Item = PathBuf> {
        self.paths.iter().map(|named| beside(path, named))
    }
}

/// The configuration, and all files that it names.
pub(crate) fn read(path: &Path) -> Result<Content, String> {
    read_again(path, &mut Named::default())
}

/// As [`read`]; `named` is of the time before.
pub(super) fn read_again(path: &Path, named: &mut Named) -> Result<Content, String> {
    let text = Bytes::from(read_file(path, MAX_FILE_BYTES)?);
    if text != named.text {
        *named = Named { paths: named_files(&text), text: text.clone() };
    }
    Ok(Content { text, files: files(path, &named.paths) })
}

/// A text that was at `path` once, with the files that it names as they are now.
pub(crate) fn named_by(path: &Path, text: Bytes) -> Content {
    Content { files: files(path, &named_files(&text)), text }
}

fn files(path: &Path, names: &BTreeSet<String>) -> Files {
    let file = |name: &String| (name.clone(), read_file(&beside(path, name), MAX_NAMED_FILE_BYTES));
    names.iter().map(file).collect()
}

/// The whole file, if it is a file. Of one that is too large, enough to see that it is.
fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, String> {
    // Opening a pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// A relative path is meant from the folder of the configuration, wherever the process was started.
fn beside(path: &Path, named: &str) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(named)
}
