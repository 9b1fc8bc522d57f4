//! YAML events → a tree that knows where each key and value stands.
//!
//! Everything that the format refuses of YAML as such is refused here: tags, merge keys, several documents,
//! duplicate keys, and what is too deep, too large, or multiplied by aliases.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use crate::diagnostic::{Diagnostic, Findings};
use crate::position::{Position, Span};

/// The deepest key of the format is at half of this.
const MAX_DEPTH: usize = 24;
/// Keys, values and lists of one file: memory is bounded by more than the length of the text.
const MAX_NODES: usize = 2_000_000;
/// Nodes that anchors keep and aliases repeat. Enough to share a health check among hundreds of upstreams.
const MAX_SHARED_NODES: usize = 10_000;

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
    /// The key is there for the second time: reported, and not to be read.
    pub(crate) is_duplicate: bool,
}

/// Reading cannot go on; why is among the findings.
#[derive(Debug)]
pub(crate) struct Stopped;

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

    /// The text of a scalar; of a key, always there.
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
    TreeReader { parser: Parser::new_from_str(text), findings, anchors: HashMap::new(), nodes: 0, shared: 0 }
        .document()
}

struct TreeReader<'t, 'f> {
    parser: Parser<'t, StrInput<'t>>,
    findings: &'f mut Findings,
    anchors: HashMap<usize, Node<'t>>,
    nodes: usize,
    shared: usize,
}

impl<'t> TreeReader<'t, '_> {
    fn document(mut self) -> Result<Option<Node<'t>>, Stopped> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(self.stop(Diagnostic::new(span, "a file holds one YAML document only")));
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
            return Err(
                self.stop(Diagnostic::new(span, format!("the file has more than {MAX_NODES} values")))
            );
        }
        if depth > MAX_DEPTH {
            return Err(self.stop(Diagnostic::new(span, format!("nested deeper than {MAX_DEPTH} levels"))));
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
            let hint = "remove the tag; quote the value if it is text that looks like a number";
            self.findings.push(
                Diagnostic::new(span, format!("YAML tags such as `{tag}` are not supported")).with_hint(hint),
            );
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
            let (key, text) = self.key(event, span, depth)?;
            let (event, span) = self.next()?;
            let mut value = self.node(event, span, depth + 1)?;
            if matches!(&value.content, Content::Scalar { text, is_plain: true } if text.is_empty()) {
                // The parser places a value that is not there before the next token, lines below.
                value.span = key.span;
            }
            let first = first_seen.get(&text).copied();
            match first {
                Some(first) => self.findings.push(
                    Diagnostic::new(key.span, format!("the key `{text}` is there twice"))
                        .with_related(first, "first defined here"),
                ),
                None => {
                    first_seen.insert(text, key.span);
                }
            }
            entries.push(Entry { key, value, is_duplicate: first.is_some() });
        }
    }

    fn key(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<(Node<'t>, String), Stopped> {
        let mut key = self.node(event, span, depth + 1)?;
        let problem = match &mut key.content {
            Content::Scalar { text, is_plain: true } if text == "<<" => {
                Diagnostic::new(span, "merge keys (`<<`) are not supported")
                    .with_hint("write the keys out, or share a whole value with an anchor and an alias")
            }
            Content::Scalar { text, .. } if text.is_empty() => Diagnostic::new(span, "a key is empty"),
            Content::Scalar { text, is_plain } => {
                // `null:` and `~:` are keys like any other.
                *is_plain = false;
                let text = text.to_string();
                return Ok((key, text));
            }
            Content::List(_) | Content::Mapping(_) => {
                Diagnostic::new(span, "a key is text, not a list or a mapping")
                    .with_hint("quote the key if it starts with `[`, `{` or `*`")
            }
        };
        Err(self.stop(problem))
    }

    fn repeat(&mut self, anchor: usize, span: Span) -> Result<Node<'t>, Stopped> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(self.stop(Diagnostic::new(span, "the alias is inside of what it repeats")));
        };
        self.share(&node)?;
        Ok(Node { span, ..node })
    }

    fn share(&mut self, node: &Node<'t>) -> Result<(), Stopped> {
        self.shared += node.count();
        if self.shared > MAX_SHARED_NODES {
            let message = format!("anchors and aliases repeat more than {MAX_SHARED_NODES} values");
            return Err(self.stop(Diagnostic::new(node.span, message)));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Stopped> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, convert(span))),
            Some(Err(error)) => {
                let span = Span::at(position(*error.marker()));
                Err(self.stop(syntax_error(span, error.info())))
            }
            None => Ok((Event::StreamEnd, Span::START)),
        }
    }

    fn stop(&mut self, diagnostic: Diagnostic) -> Stopped {
        self.findings.push(diagnostic);
        Stopped
    }
}

fn syntax_error(span: Span, info: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(span, info);
    if info.contains("tab") {
        diagnostic.with_hint("YAML is indented with spaces, never with tabs")
    } else if info.contains("quoted scalar") {
        diagnostic.with_hint("a quote is not closed")
    } else {
        diagnostic
    }
}

fn out_of_order(span: Span) -> Diagnostic {
    Diagnostic::new(span, "the YAML is not understood here")
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
