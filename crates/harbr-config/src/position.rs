//! Where something is in a file.

use std::fmt;

/// A place in a text. Lines and columns count from 1; a column is a character, not a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// From `start` up to, and without, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

impl Position {
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    /// Where a byte of a text is. The text before it must end at a character.
    pub(crate) fn of_byte(text: &str, byte: usize) -> Self {
        let before = Lines::of(&text[..byte]);
        before.end_of_line(u32::try_from(before.0.len()).unwrap_or(u32::MAX))
    }
}

impl Span {
    pub(crate) const START: Self = Self::at(Position::START);

    pub(crate) const fn at(position: Position) -> Self {
        Self { start: position, end: position }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The lines of a text, to go from a [`Position`] back to the text. A line ends where YAML says that it does:
/// at LF, CR LF or CR.
#[derive(Debug)]
pub(crate) struct Lines<'t>(Vec<Line<'t>>);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'t> {
    /// The byte of the text that it starts at.
    pub(crate) start: usize,
    pub(crate) text: &'t str,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let mut lines = Vec::new();
        let mut start = 0;
        while let Some(length) = text[start..].find(['\n', '\r']) {
            let end = start + length;
            lines.push(Line { start, text: &text[start..end] });
            start = end + if text[end..].starts_with("\r\n") { 2 } else { 1 };
        }
        lines.push(Line { start, text: &text[start..] });
        Self(lines)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Line<'t>> {
        self.0.iter().copied()
    }

    /// Empty past the end.
    pub(crate) fn line(&self, number: u32) -> &'t str {
        (number as usize).checked_sub(1).and_then(|index| self.0.get(index)).map_or("", |line| line.text)
    }

    /// The nearest place that is in the text, or just behind the last character of a line.
    pub(crate) fn clamp(&self, position: Position) -> Position {
        // The input limit keeps both numbers far below u32::MAX.
        let count = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        if position.line > count {
            return self.end_of_line(count);
        }
        let line = position.line.max(1);
        Position { line, column: position.column.clamp(1, self.end_of_line(line).column) }
    }

    /// Just behind the last character of a line.
    pub(crate) fn end_of_line(&self, line: u32) -> Position {
        let length = self.line(line).chars().count();
        Position { line, column: u32::try_from(length).unwrap_or(u32::MAX - 1) + 1 }
    }
}

#[cfg(test)]
mod tests;
