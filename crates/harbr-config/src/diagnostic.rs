//! What is wrong with a file, and where.

use std::fmt;

use crate::code::{Code, Severity};
use crate::mask::mask_user_info;
use crate::position::{Lines, Position, Span};
use crate::render::{self, RenderStyle};

/// One thing that is wrong, or probably is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub span: Span,
    /// What is wrong: one line, lower case, no full stop.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Another place that has to do with it, and how: `first defined here`.
    pub related: Option<(Span, String)>,
}

/// All that there is to say about a file, in its order. Of a file that is refused: at least one error. Of one
/// that is taken: warnings, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    file: String,
    text: String,
    list: Vec<Diagnostic>,
    omitted: Omitted,
}

/// How many were not kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Omitted {
    errors: usize,
    warnings: usize,
}

impl Diagnostics {
    /// The first in the file for which it is refused.
    #[must_use]
    pub fn first_error(&self) -> Option<&Diagnostic> {
        self.list.iter().find(|diagnostic| diagnostic.severity() == Severity::Error)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Diagnostic> {
        self.list.iter()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The name that the source was given.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// For a person: `file:line:column`, the line with a caret under the place, and the hint.
    #[must_use]
    pub fn render(&self, style: RenderStyle) -> String {
        let lines = Lines::of(&self.text);
        let mut output = String::new();
        for diagnostic in &self.list {
            output.push_str(&render::render(&self.file, &lines, diagnostic, style));
            output.push_str("\n\n");
        }
        match self.omitted.to_string() {
            more if more.is_empty() => drop(output.pop()),
            more => output.push_str(&format!("{}: {more}\n", self.file)),
        }
        output
    }
}

impl fmt::Display for Diagnostics {
    /// `name:line:column: error[HR0012]: message`, one per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        for (index, diagnostic) in self.list.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let Diagnostic { code, span, message, .. } = diagnostic;
            let severity = diagnostic.severity().as_str();
            write!(f, "{separator}{file}:{}: {severity}[{code}]: {message}", span.start)?;
        }
        match self.omitted.to_string() {
            more if more.is_empty() => Ok(()),
            more => write!(f, "\n{file}: {more}"),
        }
    }
}

impl fmt::Display for Omitted {
    /// Nothing if there are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { errors: 0, warnings: 0 } => Ok(()),
            Self { errors, warnings: 0 } => write!(f, "and {errors} more errors"),
            Self { errors: 0, warnings } => write!(f, "and {warnings} more warnings"),
            Self { errors, warnings } => write!(f, "and {errors} more errors, {warnings} more warnings"),
        }
    }
}

impl std::error::Error for Diagnostics {}

impl Diagnostic {
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), hint: None, related: None }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn with_related(self, span: Span, message: impl Into<String>) -> Self {
        Self { related: Some((span, message.into())), ..self }
    }

    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Collects what is found, while the reading goes on. Bounded: a hostile file of a million errors is told the
/// first thousand and the number of the others.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    omitted: Omitted,
}

/// Of errors, and of warnings.
const MAX_FINDINGS: usize = 1_000;
/// Characters of a message or hint.
const MAX_MESSAGE: usize = 400;

impl Findings {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let (list, omitted) = match diagnostic.severity() {
            Severity::Error => (&mut self.errors, &mut self.omitted.errors),
            Severity::Warning => (&mut self.warnings, &mut self.omitted.warnings),
        };
        if list.len() < MAX_FINDINGS {
            let message = one_line(&diagnostic.message);
            let hint = diagnostic.hint.as_deref().map(one_line);
            list.push(Diagnostic { message, hint, ..diagnostic });
        } else {
            *omitted += 1;
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        let Self { errors, warnings, omitted } = other;
        self.omitted.errors += omitted.errors;
        self.omitted.warnings += omitted.warnings;
        for diagnostic in errors.into_iter().chain(warnings) {
            self.push(diagnostic);
        }
    }

    /// Whether the next error will be told; else a hint need not be thought of.
    pub(crate) fn has_room(&self) -> bool {
        self.errors.len() < MAX_FINDINGS
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The value and what to be warned of, if nothing was found wrong on the way to it.
    pub(crate) fn into_result<T>(
        self,
        value: Option<T>,
        file: &str,
        text: &str,
    ) -> Result<(T, Diagnostics), Diagnostics> {
        match value {
            Some(value) if !self.has_errors() => Ok((value, self.into_diagnostics(file, text))),
            Some(_) | None => Err(self.into_refusal(file, text)),
        }
    }

    /// With at least one error.
    pub(crate) fn into_refusal(mut self, file: &str, text: &str) -> Diagnostics {
        if self.errors.is_empty() {
            self.push(Diagnostic::new(Code::YamlSyntax, Span::START, "the file cannot be read"));
        }
        self.into_diagnostics(file, text)
    }

    fn into_diagnostics(self, file: &str, text: &str) -> Diagnostics {
        let Self { errors, warnings, omitted } = self;
        let mut list = errors;
        list.extend(warnings);
        // A good file is not kept for want of anything to show of it.
        let text = if list.is_empty() { "" } else { text };
        let lines = Lines::of(text);
        for diagnostic in &mut list {
            clamp(&mut diagnostic.span, &lines);
            if let Some((span, _)) = &mut diagnostic.related {
                clamp(span, &lines);
            }
        }
        list.sort_by_key(|diagnostic| diagnostic.span);
        // What an alias repeats is wrong each time, in one place.
        list.dedup();
        Diagnostics { file: file.to_owned(), text: text.to_owned(), list, omitted }
    }
}

/// Messages quote the file, which can hold anything: line breaks, escape sequences, a megabyte, a password.
fn one_line(text: &str) -> String {
    let text = mask_user_info(text);
    let mut line = String::new();
    for character in text.chars().take(MAX_MESSAGE) {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    if text.chars().nth(MAX_MESSAGE).is_some() {
        line.push('…');
    }
    line
}

/// The parsers place what is wrong with the end of a file behind it, and count what they have skipped.
fn clamp(span: &mut Span, lines: &Lines<'_>) {
    let start: Position = lines.clamp(span.start);
    *span = Span { start, end: lines.clamp(span.end).max(start) };
}

#[cfg(test)]
mod tests;
