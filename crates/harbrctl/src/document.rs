//! The answers that need no controller.

use harbr_proto::document::DiagnosticDocument;
use serde::Serialize;

/// `harbrctl version`
#[derive(Debug, Serialize)]
pub(crate) struct VersionDocument {
    pub(crate) version: String,
}

/// `harbrctl explain-error CODE`
#[derive(Debug, Serialize)]
pub(crate) struct CodeDocument {
    pub(crate) code: &'static str,
    /// `error` or `warning`
    pub(crate) severity: &'static str,
    pub(crate) title: &'static str,
    pub(crate) explanation: &'static str,
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
    /// All errors and warnings, in the order of the file. Empty of a file that cannot be read.
    pub(crate) diagnostics: Vec<DiagnosticDocument>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FileErrorDocument {
    pub(crate) message: String,
    /// From 1, in characters; of the first error. 0 where the error has no place: the file cannot be read.
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// One element of `harbrctl pki list`
#[derive(Debug, Serialize)]
pub(crate) struct CertificateDocument {
    pub(crate) file: String,
    /// None: an authority.
    pub(crate) role: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) hosts: Vec<String>,
    /// RFC 3339
    pub(crate) not_after: String,
}
