//! Workflow commands, which GitHub shows at the lines of a change.
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use harbr_config::{Diagnostic, Diagnostics, Span};

use crate::file::{CheckedFile, Refusal, unreadable};

/// One line for each; empty if there is nothing to say.
pub(super) fn commands(file: &CheckedFile) -> String {
    if let Err(Refusal::Unreadable(error)) = &file.outcome {
        return format!("::error::{}\n", data(&unreadable(&file.name, error)));
    }
    let diagnostics = file.diagnostics().into_iter().flat_map(Diagnostics::iter);
    diagnostics.map(|diagnostic| command(&file.name, diagnostic)).collect()
}

fn command(file: &str, diagnostic: &Diagnostic) -> String {
    let Diagnostic { code, span: Span { start, end }, message, hint, related } = diagnostic;
    let severity = diagnostic.severity().as_str();
    let file = property(file);
    // A column at the end means something only on the line of the start.
    let end_column =
        if end.line == start.line { format!(",endColumn={}", end.column) } else { String::new() };
    let mut text = message.clone();
    if let Some((place, message)) = related {
        text.push_str(&format!("\n{message}: line {}", place.start.line));
    }
    if let Some(hint) = hint {
        text.push_str(&format!("\nhelp: {hint}"));
    }
    format!(
        "::{severity} file={file},line={},endLine={},col={}{end_column},title={code}::{}\n",
        start.line,
        end.line,
        start.column,
        data(&text)
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
