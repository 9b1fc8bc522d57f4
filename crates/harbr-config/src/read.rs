//! Text → raw types: `serde_yaml` reads the values, the [tree](crate::tree) says where they are.
//!
//! serde stops at its first error, and forgets where a value was. So [`Reader`] stands between `serde_yaml`
//! and the raw types, and walks the tree in step. It sees what each raw type asks for before `serde_yaml`
//! does; what does not fit is reported at its place and skipped, and the reading goes on. The raw types are
//! thus the only description of the format: which keys there are, and of what kind.
//!
//! Two parsers have read the text at that point. Wherever they do not see the same document, the file is
//! refused: [`State::Disagreement`].

mod access;
mod field;

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, Visitor};
use serde::forward_to_deserialize_any;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::mask::mask_user_info;
use crate::position::{Position, Span};
use crate::tree::{Content, Node};
use crate::units::parse_duration;

use access::{FieldParts, KindAccess, ListVisitor, MappingVisitor, SameText, ScalarVisitor};
pub(crate) use field::{Entries, Field, MapEntry, Spanned};

/// `None` if nothing can be made of the text; the findings say why.
pub(crate) fn read<'de, T: Deserialize<'de>>(
    text: &'de str,
    root: &Node<'_>,
    findings: &mut Findings,
) -> Option<T> {
    let walk = Walk {
        findings: RefCell::new(std::mem::take(findings)),
        place: Cell::new(root.span),
        state: Cell::new(State::Going),
    };
    let inner = serde_yaml::Deserializer::from_str(text);
    let result = T::deserialize(Reader { inner, node: root, label: Label::File, walk: &walk });
    let state = walk.state.get();
    *findings = walk.findings.into_inner();
    match (result, state) {
        (Ok(value), State::Going | State::Broken) => Some(value),
        (_, State::Disagreement) => None,
        (Err(error), State::Going | State::Broken) => {
            findings.push(second_opinion(&error));
            None
        }
    }
}

/// What `serde_yaml` refuses although the event parser did not.
fn second_opinion(error: &serde_yaml::Error) -> Diagnostic {
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let span = error.location().map_or(Span::START, |location| {
        Span::at(Position { line: narrow(location.line()), column: narrow(location.column()) })
    });
    let text = error.to_string();
    let message = match error.location() {
        // It is where the position of a diagnostic is shown.
        Some(at) => text.replace(&format!(" at line {} column {}", at.line(), at.column()), ""),
        None => text,
    };
    Diagnostic::new(Code::YamlSyntax, span, message)
}

/// What the whole walk shares.
struct Walk {
    findings: RefCell<Findings>,
    /// The key or value that was looked at last.
    place: Cell<Span>,
    state: Cell<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// An error now is of one value, reported, and `serde_yaml` stands behind that value.
    Going,
    /// `serde_yaml` cannot go on; its error says why.
    Broken,
    /// `serde_yaml` is not where the tree is; reported.
    Disagreement,
}

impl Walk {
    fn report(&self, diagnostic: Diagnostic) {
        self.findings.borrow_mut().push(diagnostic);
    }

    fn is_going(&self) -> bool {
        self.state.get() == State::Going
    }

    fn broken<E>(&self, error: E) -> E {
        if self.is_going() {
            self.state.set(State::Broken);
        }
        error
    }

    fn disagreement<E: serde::de::Error>(&self) -> E {
        if self.is_going() {
            self.state.set(State::Disagreement);
            let message = "one reader of YAML understands this differently than another";
            let hint = "put text in quotes, and a key and its value on one line";
            self.report(Diagnostic::new(Code::AmbiguousYaml, self.place.get(), message).with_hint(hint));
        }
        E::custom("the parsers disagree")
    }

    /// For what serde can ask and the raw types do not.
    fn no_such_shape<E: serde::de::Error>(&self) -> E {
        self.broken(E::custom("the raw types ask for a shape that the reader does not know"))
    }
}

/// What a value is called in messages.
#[derive(Clone, Copy)]
enum Label<'c> {
    File,
    Key(&'c str),
    ItemOf(&'c str),
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Key(key) => write!(f, "`{key}`"),
            Self::ItemOf(key) => write!(f, "an item of `{key}`"),
        }
    }
}

/// `inner` stands before the value that `node` describes.
struct Reader<'c, D> {
    inner: D,
    node: &'c Node<'c>,
    label: Label<'c>,
    walk: &'c Walk,
}

impl<'c, 'de, D: Deserializer<'de>> Reader<'c, D> {
    /// Reports that the value is of another kind than asked for, and steps over it.
    fn refuse<V>(self, wanted: &str, hint: Option<&str>) -> Result<V, D::Error> {
        let Self { inner, node, label, walk } = self;
        let mut diagnostic = Diagnostic::new(
            Code::WrongKind,
            node.span,
            format!("{label} must be {wanted}, not {}", found(node)),
        );
        diagnostic.hint = hint.map(str::to_owned);
        walk.report(diagnostic);
        inner.deserialize_ignored_any(IgnoredAny).map_err(|error| walk.broken(error))?;
        Err(D::Error::custom("refused"))
    }

    /// Where nothing was written, no kind of value is.
    fn unless_null(self) -> Result<Self, D::Error> {
        if !self.node.is_null() {
            return Ok(self);
        }
        let Self { inner, node, label, walk } = self;
        let hint = match node.text() {
            Some("") | None => "write a value, or remove the key".to_owned(),
            Some(null) => format!("write a value, or `\"{null}\"` if it is meant as text"),
        };
        walk.report(
            Diagnostic::new(Code::NoValue, node.span, format!("{label} has no value")).with_hint(hint),
        );
        inner.deserialize_ignored_any(IgnoredAny).map_err(|error| walk.broken(error))?;
        Err(D::Error::custom("refused"))
    }

    fn mapping<V: Visitor<'de>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let Self { node, label, walk, .. } = self;
        let Content::Mapping(entries) = &node.content else {
            return self.refuse("a mapping of keys to values", None);
        };
        let visitor = MappingVisitor { visitor, entries, fields, label, walk };
        self.inner.deserialize_map(visitor).map_err(|error| walk.broken(error))
    }

    /// A number or a truth value, which `serde_yaml` tells apart from text.
    fn scalar<V: Visitor<'de>>(self, wanted: &str, visitor: V) -> Result<V::Value, D::Error> {
        let Self { inner, node, label, walk } = self;
        let Content::Scalar { text, is_plain } = &node.content else {
            return Reader { inner, node, label, walk }.refuse(wanted, None);
        };
        if let Some(value) =
            inner.deserialize_any(ScalarVisitor(visitor)).map_err(|error| walk.broken(error))?
        {
            return Ok(value);
        }
        let mut diagnostic = Diagnostic::new(
            Code::WrongKind,
            node.span,
            format!("{label} must be {wanted}, not {}", found(node)),
        );
        diagnostic.hint = hint_for_scalar(text, *is_plain);
        walk.report(diagnostic);
        Err(D::Error::custom("refused"))
    }
}

/// For text where a number or a truth value should be.
fn hint_for_scalar(text: &str, is_plain: bool) -> Option<String> {
    let typed = || serde_yaml::from_str::<serde_yaml::Value>(text).is_ok_and(|value| !value.is_string());
    match text {
        "yes" | "Yes" | "on" | "On" => Some("write `true`".to_owned()),
        "no" | "No" | "off" | "Off" => Some("write `false`".to_owned()),
        _ if !is_plain && typed() => Some("write it without quotes".to_owned()),
        _ => parse_duration(text).ok().map(|duration| format!("write `{}`", duration.as_millis())),
    }
}

/// What is there, for the sentence "… must be …, not …".
fn found(node: &Node<'_>) -> String {
    const SHOWN: usize = 40;
    match &node.content {
        Content::Scalar { text, .. } if text.chars().count() > SHOWN => {
            // Cut short, it no longer shows that it is a secret.
            let text = mask_user_info(text);
            format!("`{}…`", text.chars().take(SHOWN).collect::<String>())
        }
        Content::Scalar { text, .. } => format!("`{text}`"),
        Content::List(_) => "a list".to_owned(),
        Content::Mapping(_) => "a mapping".to_owned(),
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Reader<'_, D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.mapping(Some(fields), visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.mapping(None, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let Self { node, label, walk, .. } = self;
        let Content::List(nodes) = &node.content else {
            let hint = node.text().map(|text| format!("write a list: `[{text}]`"));
            return self.refuse("a list", hint.as_deref());
        };
        let name = match label {
            Label::File => "the file",
            Label::Key(key) | Label::ItemOf(key) => key,
        };
        let visitor = ListVisitor { visitor, nodes, label: Label::ItemOf(name), walk };
        self.inner.deserialize_seq(visitor).map_err(|error| walk.broken(error))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let Self { node, walk, .. } = self;
        let Some(text) = node.text() else { return self.refuse("text", None) };
        // Whatever a scalar looks like, here it is text: `no` is "no", and `1.10` is "1.10".
        let visitor = SameText { visitor, text, walk };
        self.inner.deserialize_str(visitor).map_err(|error| walk.broken(error))
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.scalar("a whole number", visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.scalar("`true` or `false`", visitor)
    }

    /// A raw type that accepts several kinds is an enum whose variants are named after them.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let kind = match &self.node.content {
            Content::Scalar { .. } => "text",
            Content::List(_) => "list",
            Content::Mapping(_) => "mapping",
        };
        if !variants.contains(&kind) {
            let wanted: Vec<String> = variants.iter().map(|kind| format!("a {kind}")).collect();
            return self.refuse(&wanted.join(" or ").replace("a text", "text"), None);
        }
        visitor.visit_enum(KindAccess { kind, reader: self })
    }

    /// Only a [`Field`] asks for this.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_seq(FieldParts::Span(self))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_identifier(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_ignored_any(visitor)
    }

    /// The raw types know what they want; nothing in the format is of any kind.
    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, D::Error> {
        Err(self.walk.no_such_shape())
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf option unit unit_struct tuple
        tuple_struct
    }
}

#[cfg(test)]
mod tests;
