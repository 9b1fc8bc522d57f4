//! The answers that need no controller.

use serde::Serialize;

/// `harbrctl version`
#[derive(Debug, Serialize)]
pub(crate) struct VersionDocument {
    pub(crate) version: String,
}

/// `harbrctl validate FILE`
#[derive(Debug, Serialize)]
pub(crate) struct ValidationDocument {
    pub(crate) file: String,
    pub(crate) valid: bool,
    /// 0 in a file that is not valid.
    pub(crate) routes: usize,
    pub(crate) upstreams: usize,
    pub(crate) error: Option<FileErrorDocument>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FileErrorDocument {
    pub(crate) message: String,
    /// From 1, in characters; of the first error. 0 where the error has no place: the file cannot be read.
    pub(crate) line: u32,
    pub(crate) column: u32,
}
