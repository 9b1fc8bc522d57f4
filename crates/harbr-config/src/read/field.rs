//! What a raw type says of each of its keys: not there, there and unusable, or there with a value and a place.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::position::{Position, Span};

/// The name by which a [`Field`] asks the reader for its span.
pub(super) const FIELD: &str = "harbr_config::Field";

/// A span on its way through serde: start line, start column, end line, end column.
pub(super) type SpanNumbers = [u32; 4];

#[derive(Debug, Default)]
pub(crate) enum Field<T> {
    #[default]
    Missing,
    /// It is there, and what is wrong with it is among the findings.
    Refused,
    Given(Spanned<T>),
}

#[derive(Debug)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// A mapping with keys of the user's choice, in the order of the file.
#[derive(Debug)]
pub(crate) struct Entries<V>(pub(crate) Vec<MapEntry<V>>);

#[derive(Debug)]
pub(crate) struct MapEntry<V> {
    pub(crate) key: Spanned<String>,
    pub(crate) value: Field<V>,
    /// The key stands further up too: that is reported, and what is wrong with this value is still to be found.
    pub(crate) is_duplicate: bool,
}

impl<T> Field<T> {
    pub(crate) fn given(&self) -> Option<&Spanned<T>> {
        match self {
            Self::Given(spanned) => Some(spanned),
            Self::Missing | Self::Refused => None,
        }
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

pub(super) fn span_numbers(span: Span) -> SpanNumbers {
    [span.start.line, span.start.column, span.end.line, span.end.column]
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(FIELD, FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value and its span")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Field<T>, A::Error> {
        let span: Option<SpanNumbers> = parts.next_element()?;
        let value: Option<T> = parts.next_element()?;
        Ok(match (span, value) {
            (Some([line, column, end_line, end_column]), Some(value)) => {
                let start = Position { line, column };
                let end = Position { line: end_line, column: end_column };
                Field::Given(Spanned { value, span: Span { start, end } })
            }
            (_, None) | (None, _) => Field::Refused,
        })
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for EntriesVisitor<V> {
    type Value = Entries<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<V>, A::Error> {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<Field<String>>()? {
            let value = map.next_value()?;
            if let Field::Given(key) = key {
                let is_duplicate = !seen.insert(key.value.clone());
                entries.push(MapEntry { key, value, is_duplicate });
            }
        }
        Ok(Entries(entries))
    }
}
