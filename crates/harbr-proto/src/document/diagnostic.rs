use crate::v1;
use serde::Serialize;

use super::said;

/// One thing that is wrong with a configuration file, or probably is. Lines and columns count from 1, in
/// characters; the end is behind the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiagnosticDocument {
    /// `error` or `warning`
    pub severity: &'static str,
    /// `HR0101`
    pub code: String,
    pub message: String,
    pub hint: Option<String>,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
    /// Another place that has to do with it.
    pub related: Option<RelatedDocument>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelatedDocument {
    pub message: String,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
}

impl From<v1::Diagnostic> for DiagnosticDocument {
    fn from(diagnostic: v1::Diagnostic) -> Self {
        let severity = match diagnostic.severity() {
            v1::Severity::Warning => "warning",
            v1::Severity::Error | v1::Severity::Unspecified => "error",
        };
        let v1::Diagnostic { code, message, hint, span, related, related_message, .. } = diagnostic;
        let v1::Span { line, column, end_line, end_column } = span.unwrap_or_default();
        let related = related.map(|span| {
            let v1::Span { line, column, end_line, end_column } = span;
            RelatedDocument { message: related_message, line, column, end_line, end_column }
        });
        Self { severity, code, message, hint: said(hint), line, column, end_line, end_column, related }
    }
}
