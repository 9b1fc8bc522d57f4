//! What is wrong with a file, and where.

use std::fmt;

use crate::mask::mask_user_info;
use crate::position::{Lines, Position, Span};
use crate::render::{self, RenderStyle};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub span: Span,
    /// What is wrong: one line, lower case, no full stop.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Another place that has to do with it, and how: `first defined here`.
    pub related: Option<(Span, String)>,
}

/// All that is wrong with a file, in the order of the file. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    file: String,
    text: String,
    list: Vec<Diagnostic>,
    omitted: usize,
}

impl Diagnostics {
    /// The first in the file.
    #[must_use]
    pub fn first(&self) -> &Diagnostic {
        &self.list[0]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Diagnostic> {
        self.list.iter()
    }

    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it never is empty")]
    pub fn len(&self) -> usize {
        self.list.len()
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
        if self.omitted > 0 {
            output.push_str(&format!("{}: and {} more errors\n", self.file, self.omitted));
        } else {
            output.pop();
        }
        output
    }
}

impl fmt::Display for Diagnostics {
    /// `name:line:column: error: message`, one per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Diagnostic { span, message, .. }) in self.list.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:{}: error: {message}", self.file, span.start)?;
        }
        if self.omitted > 0 {
            write!(f, "\n{}: and {} more errors", self.file, self.omitted)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl Diagnostic {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None, related: None }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn with_related(self, span: Span, message: impl Into<String>) -> Self {
        Self { related: Some((span, message.into())), ..self }
    }
}

/// Collects what is found wrong, while the reading goes on. Bounded: a hostile file of a million errors is
/// told the first thousand and the number of the others.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Diagnostic>,
    omitted: usize,
}

const MAX_FINDINGS: usize = 1_000;
/// Characters of a message or hint.
const MAX_MESSAGE: usize = 400;

impl Findings {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if self.has_room() {
            let message = one_line(&diagnostic.message);
            let hint = diagnostic.hint.as_deref().map(one_line);
            self.list.push(Diagnostic { message, hint, ..diagnostic });
        } else {
            self.omitted += 1;
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.omitted += other.omitted;
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }

    /// Whether the next one will be told; else a hint need not be thought of.
    pub(crate) fn has_room(&self) -> bool {
        self.list.len() < MAX_FINDINGS
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The value, if nothing was found wrong on the way to it.
    pub(crate) fn into_result<T>(self, value: Option<T>, file: &str, text: &str) -> Result<T, Diagnostics> {
        let Self { mut list, omitted } = self;
        match value {
            Some(value) if list.is_empty() => return Ok(value),
            None if list.is_empty() => list.push(Diagnostic::new(Span::START, "the file cannot be read")),
            Some(_) | None => {}
        }
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
        Err(Diagnostics { file: file.to_owned(), text: text.to_owned(), list, omitted })
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
