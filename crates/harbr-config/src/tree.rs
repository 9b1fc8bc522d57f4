//! YAML events → a tree that knows where each key and value stands.
//!
//! Everything that the format refuses of YAML as such is refused here: tags, merge keys, several documents,
//! duplicate keys, and what is too deep, too large, or multiplied by aliases.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::position::{Position, Span};

/// The deepest key of the format is at half of this.
const MAX_DEPTH: usize = 24;
/// Characters of a key, its quotes included.
const MAX_KEY: u32 = 1_024;
/// Keys, values and lists of one file: memory is bounded by more than the length of the text.
const MAX_NODES: usize = 2_000_000;
/// Nodes that anchors keep and aliases repeat. Enough to share a health check among hundreds of upstreams.
const MAX_SHARED_NODES: usize = 10_000;

/// What a part of the parser's message means to who wrote the file.
const SYNTAX_HINTS: [(&str, &str); 8] = [
    ("tabs disallowed", "YAML is indented with spaces, never with tabs"),
    ("quoted scalar", "a quote is not closed"),
    ("did not find expected key", "the keys of one mapping stand in one column"),
    ("mapping values are not allowed", "a `:` has no space behind it, here or in the line above"),
    ("illegal placement of ':'", "a bracket or a quote above is not closed"),
    ("simple key expect", "a key ends with `:`, and a space if a value follows; one above has none"),
    ("invalid indentation", "a bracket above is not closed, or a line is not indented like its neighbours"),
    ("unknown anchor", "quote text that starts with `*`"),
];

#[derive(Debug, Clone)]
pub(crate) struct Node<'t> {
    pub(crate) span: Span,
    pub(crate) content: Content<'t>,
}

#[derive(Debug, Clone)]
pub(crate) enum Content<'t> {
    Scalar { text: Cow<'t, str>, is_plain: bool },
    List(Vec<Node<'t>>),
    Mapping(Vec<Entry<'t>>),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry<'t> {
    pub(crate) key: Node<'t>,
    pub(crate) value: Node<'t>,
    /// The key is there for the second time: reported.
    pub(crate) is_duplicate: bool,
}

/// Reading cannot go on; why is among the findings.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) at: Position,
    pub(crate) reason: StopReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// The text is no YAML there.
    Syntax,
    /// Of an alias.
    UnknownAnchor,
    /// Something that the format refuses of YAML, or a limit.
    Refused,
}

impl Node<'_> {
    /// YAML's null, which is also what stands where nothing was written.
    pub(crate) fn is_null(&self) -> bool {
        match &self.content {
            Content::Scalar { text, is_plain } => {
                *is_plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL")
            }
            Content::List(_) | Content::Mapping(_) => false,
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            Content::List(_) | Content::Mapping(_) => None,
        }
    }

    fn count(&self) -> usize {
        1 + match &self.content {
            Content::Scalar { .. } => 0,
            Content::List(nodes) => nodes.iter().map(Self::count).sum(),
            Content::Mapping(entries) => entries.iter().map(|entry| 1 + entry.value.count()).sum(),
        }
    }
}

/// The one document of the text. `None` if there is nothing in it but comments.
pub(crate) fn parse<'t>(text: &'t str, findings: &mut Findings) -> Result<Option<Node<'t>>, Stopped> {
    let parser = Parser::new_from_str(text);
    TreeReader { parser, findings, anchors: HashMap::new(), nodes: 0, shared: 0, is_unreadable: false }
        .document()
}

struct TreeReader<'t, 'f> {
    parser: Parser<'t, StrInput<'t>>,
    findings: &'f mut Findings,
    anchors: HashMap<usize, Node<'t>>,
    nodes: usize,
    shared: usize,
    /// Something was found that changes what YAML means. All of it is reported, and nothing is read.
    is_unreadable: bool,
}

impl<'t> TreeReader<'t, '_> {
    fn document(mut self) -> Result<Option<Node<'t>>, Stopped> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd if self.is_unreadable => {
                    return Err(Stopped { at: Position::START, reason: StopReason::Refused });
                }
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(self.stop(Diagnostic::new(
                        Code::SeveralDocuments,
                        span,
                        "a file holds one YAML document only",
                    )));
                }
                Event::DocumentStart(_) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, 0)?);
                }
                Event::Alias(_)
                | Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..)
                | Event::MappingEnd => return Err(self.stop(out_of_order(span))),
            }
        }
    }

    /// The node that an event starts. `depth` bounds the recursion.
    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node<'t>, Stopped> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.stop(Diagnostic::new(
                Code::TooManyValues,
                span,
                format!("the file has more than {MAX_NODES} values"),
            )));
        }
        if depth > MAX_DEPTH {
            return Err(self.stop(Diagnostic::new(
                Code::TooDeep,
                span,
                format!("nested deeper than {MAX_DEPTH} levels"),
            )));
        }
        let (content, anchor, tag) = match event {
            Event::Alias(anchor) => return self.repeat(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                (Content::Scalar { text, is_plain: style == ScalarStyle::Plain }, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => (Content::List(self.list(depth)?), anchor, tag),
            Event::MappingStart(anchor, tag) => (Content::Mapping(self.mapping(depth)?), anchor, tag),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(self.stop(out_of_order(span))),
        };
        if let Some(tag) = tag {
            self.refuse_tag(&tag, span);
        }
        let node = Node { span, content };
        if anchor != 0 {
            self.share(&node)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node<'t>>, Stopped> {
        let mut nodes = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(nodes);
            }
            nodes.push(self.node(event, span, depth + 1)?);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Vec<Entry<'t>>, Stopped> {
        let mut entries = Vec::new();
        let mut first_seen: HashMap<String, Span> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let mut value = self.node(event, span, depth + 1)?;
            if matches!(&value.content, Content::Scalar { text, is_plain: true } if text.is_empty()) {
                // The parser places a value that is not there before the next token, lines below.
                value.span = key.span;
            }
            let first = self.first_of_key(&key, &mut first_seen);
            let is_duplicate = first != Some(key.span);
            entries.push(Entry { key: as_text(key), value, is_duplicate });
        }
    }

    /// Where the key of this text stands first: here, or further up. `None` if it is no text.
    fn first_of_key(&mut self, key: &Node<'_>, first_seen: &mut HashMap<String, Span>) -> Option<Span> {
        let text = match text_of_key(key) {
            Ok(text) => text,
            Err(problem) => {
                self.findings.push(problem);
                self.is_unreadable = true;
                return None;
            }
        };
        let first = *first_seen.entry(text).or_insert(key.span);
        if first != key.span {
            let message = format!("the key `{}` is there twice", key.text().unwrap_or_default());
            self.findings.push(
                Diagnostic::new(Code::DuplicateKey, key.span, message)
                    .with_related(first, "first defined here"),
            );
        }
        Some(first)
    }

    fn refuse_tag(&mut self, tag: &Tag, span: Span) {
        let name = if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
        let message = format!("YAML tags such as `{name}` are not supported");
        let hint = "remove the tag; quote the value if it is text that looks like a number";
        self.findings.push(Diagnostic::new(Code::YamlTag, span, message).with_hint(hint));
        self.is_unreadable = true;
    }

    fn repeat(&mut self, anchor: usize, span: Span) -> Result<Node<'t>, Stopped> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(self.stop(Diagnostic::new(
                Code::RecursiveAlias,
                span,
                "the alias is inside of what it repeats",
            )));
        };
        self.share(&node)?;
        Ok(Node { span, ..node })
    }

    fn share(&mut self, node: &Node<'t>) -> Result<(), Stopped> {
        self.shared += node.count();
        if self.shared > MAX_SHARED_NODES {
            let message = format!("anchors and aliases repeat more than {MAX_SHARED_NODES} values");
            return Err(self.stop(Diagnostic::new(Code::TooManyAliases, node.span, message)));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Stopped> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, convert(span))),
            Some(Err(error)) => {
                let span = Span::at(position(*error.marker()));
                let is_anchor = error.info().contains("unknown anchor");
                let reason = if is_anchor { StopReason::UnknownAnchor } else { StopReason::Syntax };
                Err(Stopped { reason, ..self.stop(syntax_error(span, error.info())) })
            }
            None => Ok((Event::StreamEnd, Span::START)),
        }
    }

    fn stop(&mut self, diagnostic: Diagnostic) -> Stopped {
        let at = diagnostic.span.start;
        self.findings.push(diagnostic);
        Stopped { at, reason: StopReason::Refused }
    }
}

fn text_of_key(key: &Node<'_>) -> Result<String, Diagnostic> {
    match &key.content {
        Content::Scalar { text, is_plain: true } if text == "<<" => {
            let hint = "write the keys out, or share a whole value with an anchor and an alias";
            Err(Diagnostic::new(Code::MergeKey, key.span, "merge keys (`<<`) are not supported")
                .with_hint(hint))
        }
        // YAML 1.2 section 7.4.2; not every parser holds both limits.
        Content::Scalar { .. } if key.span.end.line > key.span.start.line => {
            Err(Diagnostic::new(Code::InvalidKey, key.span, "a key stands on one line")
                .with_hint("a bracket or a quote may not be closed"))
        }
        Content::Scalar { .. } if key.span.end.column - key.span.start.column > MAX_KEY => {
            Err(Diagnostic::new(
                Code::InvalidKey,
                key.span,
                format!("the key is longer than {MAX_KEY} characters"),
            ))
        }
        Content::Scalar { text, .. } => Ok(text.to_string()),
        Content::List(_) | Content::Mapping(_) => {
            let hint = "quote the key if it is text that starts with `[` or `{`";
            Err(Diagnostic::new(Code::InvalidKey, key.span, "a key is text, not a list or a mapping")
                .with_hint(hint))
        }
    }
}

/// `null` and `~` are keys like any other.
fn as_text(mut key: Node<'_>) -> Node<'_> {
    if let Content::Scalar { is_plain, .. } = &mut key.content {
        *is_plain = false;
    }
    key
}

fn syntax_error(span: Span, info: &str) -> Diagnostic {
    let hint = SYNTAX_HINTS.iter().find(|(part, _)| info.contains(part)).map(|(_, hint)| (*hint).to_owned());
    Diagnostic { hint, ..Diagnostic::new(Code::YamlSyntax, span, info) }
}

fn out_of_order(span: Span) -> Diagnostic {
    Diagnostic::new(Code::YamlSyntax, span, "the YAML is not understood here")
}

fn convert(span: saphyr_parser::Span) -> Span {
    let (start, end) = (position(span.start), position(span.end));
    Span { start, end: end.max(start) }
}

/// The input limit keeps both numbers far below `u32::MAX`.
fn position(marker: saphyr_parser::Marker) -> Position {
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position { line: narrow(marker.line()), column: narrow(marker.col()).saturating_add(1) }
}

#[cfg(test)]
mod tests;
