//! A diagnostic as text for a person.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::mask::mask_user_info;
use crate::position::{Lines, Position, Span};
use crate::{Diagnostic, Severity};

/// How [`Diagnostics::render`](crate::Diagnostics::render) writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderStyle {
    Plain,
    /// With ANSI escape sequences, for a terminal.
    Color,
}

pub(crate) fn render(file: &str, lines: &Lines<'_>, diagnostic: &Diagnostic, style: RenderStyle) -> String {
    let Diagnostic { code, span, message, hint, related } = diagnostic;
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(message.as_str()).id(code.to_string());
    let primary = AnnotationKind::Primary;
    let mut group = title.element(snippet(file, lines, *span, primary, None));
    if let Some((span, label)) = related {
        group = group.element(snippet(file, lines, *span, AnnotationKind::Context, Some(label)));
    }
    let mut groups = vec![group];
    if let Some(hint) = hint {
        groups.push(Group::with_title(Level::HELP.secondary_title(hint.as_str())));
    }
    let renderer = match style {
        RenderStyle::Plain => Renderer::plain(),
        RenderStyle::Color => Renderer::styled(),
    };
    renderer.render(&groups)
}

/// Only the line itself, so that the cost does not grow with the file.
fn snippet<'a>(
    file: &'a str,
    lines: &Lines<'a>,
    span: Span,
    kind: AnnotationKind,
    label: Option<&'a String>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let line = mask_user_info(lines.line(span.start.line));
    let marked = bytes_in_line(&line, span);
    Snippet::source(line)
        .line_start(span.start.line as usize)
        .path(file)
        .annotation(kind.span(marked).label(label))
}

/// A span over several lines is shown up to the end of its first.
fn bytes_in_line(line: &str, span: Span) -> Range<usize> {
    let start = byte_of(line, span.start);
    let end = if span.end.line > span.start.line { line.trim_end().len() } else { byte_of(line, span.end) };
    start..end.max(start)
}

fn byte_of(line: &str, position: Position) -> usize {
    let characters = position.column.saturating_sub(1) as usize;
    line.char_indices().nth(characters).map_or(line.len(), |(byte, _)| byte)
}
