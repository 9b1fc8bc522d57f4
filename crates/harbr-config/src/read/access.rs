//! The steps of a [`Reader`] into mappings, lists and scalars, with `serde_yaml` and the tree side by side.

use std::fmt;
use std::slice;

use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::field::span_numbers;
use super::{Label, Reader, Walk};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::suggest::closest;
use crate::tree::{Entry, Node};

pub(super) struct MappingVisitor<'c, V> {
    pub(super) visitor: V,
    pub(super) entries: &'c [Entry<'c>],
    /// The keys that a struct knows; `None` if they are the user's choice.
    pub(super) fields: Option<&'static [&'static str]>,
    pub(super) label: Label<'c>,
    pub(super) walk: &'c Walk,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for MappingVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, entries, fields, label, walk } = self;
        let known = |entry: &Entry<'_>| {
            let key = entry.key.text()?;
            fields?.iter().copied().find(|field| *field == key)
        };
        let taken = entries.iter().filter_map(known).collect();
        visitor.visit_map(MappingAccess {
            inner,
            rest: entries.iter(),
            current: None,
            fields,
            taken,
            label,
            walk,
        })
    }
}

struct MappingAccess<'c, A> {
    inner: A,
    rest: slice::Iter<'c, Entry<'c>>,
    /// The entry whose key was given out last.
    current: Option<&'c Entry<'c>>,
    fields: Option<&'static [&'static str]>,
    /// The fields that some entry is read as.
    taken: Vec<&'static str>,
    label: Label<'c>,
    walk: &'c Walk,
}

impl<'c, 'de, A: MapAccess<'de>> MappingAccess<'c, A> {
    /// The name under which an entry is read; `None` if it is not.
    fn name_of(&mut self, entry: &'c Entry<'c>) -> Option<&'c str> {
        let key = entry.key.text()?;
        match self.fields {
            // A struct has no room for two.
            Some(_) if entry.is_duplicate => None,
            Some(fields) if !fields.contains(&key) => self.unknown_key(entry, key, fields),
            Some(_) | None => Some(key),
        }
    }

    /// Reports the key. If it is a known one, mistyped, it is read as that: its value is checked too, and
    /// the key that was meant is not reported as missing.
    fn unknown_key(
        &mut self,
        entry: &Entry<'_>,
        key: &str,
        fields: &'static [&'static str],
    ) -> Option<&'static str> {
        let place = match self.label {
            Label::File => String::new(),
            label @ (Label::Key(_) | Label::ItemOf(_)) => format!(" in {label}"),
        };
        let meant = closest(key, fields.iter().copied());
        let hint = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the keys here are {}", fields.join(", ")),
        };
        let message = format!("unknown key `{key}`{place}");
        self.walk.report(Diagnostic::new(Code::UnknownKey, entry.key.span, message).with_hint(hint));
        let meant = meant.filter(|meant| !self.taken.contains(meant))?;
        self.taken.push(meant);
        Some(meant)
    }

    fn skip(&mut self) -> Result<(), A::Error> {
        self.inner.next_key::<IgnoredAny>()?.ok_or_else(|| self.walk.disagreement())?;
        self.inner.next_value::<IgnoredAny>()?;
        Ok(())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for MappingAccess<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let walk = self.walk;
        while let Some(entry) = self.rest.next() {
            let Some(name) = self.name_of(entry) else {
                self.skip()?;
                continue;
            };
            let text = entry.key.text().unwrap_or_default();
            walk.place.set(entry.key.span);
            self.inner.next_key_seed(KeyText { text, walk })?.ok_or_else(|| walk.disagreement())?;
            self.current = Some(entry);
            let inner = StrDeserializer::new(name);
            return seed
                .deserialize(Reader { inner, node: &entry.key, label: Label::Key(text), walk })
                .map(Some);
        }
        match self.inner.next_key::<IgnoredAny>()? {
            None => Ok(None),
            Some(_) => Err(walk.disagreement()),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        let walk = self.walk;
        let entry = self.current.take().ok_or_else(|| walk.disagreement())?;
        let label = Label::Key(entry.key.text().unwrap_or_default());
        self.inner.next_value_seed(NodeSeed { seed, node: &entry.value, label, walk })
    }
}

pub(super) struct ListVisitor<'c, V> {
    pub(super) visitor: V,
    pub(super) nodes: &'c [Node<'c>],
    /// Of each item.
    pub(super) label: Label<'c>,
    pub(super) walk: &'c Walk,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ListVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, nodes, label, walk } = self;
        visitor.visit_seq(ListAccess { inner, rest: nodes.iter(), label, walk })
    }
}

struct ListAccess<'c, A> {
    inner: A,
    rest: slice::Iter<'c, Node<'c>>,
    label: Label<'c>,
    walk: &'c Walk,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for ListAccess<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        let Self { label, walk, .. } = *self;
        let Some(node) = self.rest.next() else {
            return match self.inner.next_element::<IgnoredAny>()? {
                None => Ok(None),
                Some(_) => Err(walk.disagreement()),
            };
        };
        match self.inner.next_element_seed(NodeSeed { seed, node, label, walk })? {
            None => Err(walk.disagreement()),
            item => Ok(item),
        }
    }
}

/// Gives a value that `serde_yaml` is about to read to a [`Reader`].
struct NodeSeed<'c, S> {
    seed: S,
    node: &'c Node<'c>,
    label: Label<'c>,
    walk: &'c Walk,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for NodeSeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let Self { seed, node, label, walk } = self;
        walk.place.set(node.span);
        seed.deserialize(Reader { inner, node, label, walk })
    }
}

/// Reads a key, to see that it is the tree's.
struct KeyText<'c> {
    text: &'c str,
    walk: &'c Walk,
}

impl<'de> DeserializeSeed<'de> for KeyText<'_> {
    type Value = IgnoredAny;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<IgnoredAny, D::Error> {
        let Self { text, walk } = self;
        let visitor = SameText { visitor: IgnoredAny, text, walk };
        inner.deserialize_str(visitor).map_err(|error| walk.broken(error))
    }
}

/// Lets a text pass if it is the tree's.
pub(super) struct SameText<'c, V> {
    pub(super) visitor: V,
    pub(super) text: &'c str,
    pub(super) walk: &'c Walk,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for SameText<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        if text == self.text { self.visitor.visit_str(text) } else { Err(self.walk.disagreement()) }
    }
}

/// Passes a number or truth value on. `None` if the scalar is none of them; it has been read then, and
/// nothing else. What is no scalar is an error, after which nothing can be read.
pub(super) struct ScalarVisitor<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for ScalarVisitor<V> {
    type Value = Option<V::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Option<V::Value>, E> {
        Ok(self.0.visit_bool::<E>(value).ok())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Option<V::Value>, E> {
        Ok(self.0.visit_i64::<E>(value).ok())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Option<V::Value>, E> {
        Ok(self.0.visit_u64::<E>(value).ok())
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Option<V::Value>, E> {
        Ok(self.0.visit_i128::<E>(value).ok())
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Option<V::Value>, E> {
        Ok(self.0.visit_u128::<E>(value).ok())
    }

    fn visit_f64<E: Error>(self, _value: f64) -> Result<Option<V::Value>, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, _value: &str) -> Result<Option<V::Value>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<V::Value>, E> {
        Ok(None)
    }
}

/// The two parts of a [`Field`](super::Field): its span, and its value if it has a good one.
pub(super) enum FieldParts<'c, D> {
    Span(Reader<'c, D>),
    Value(Reader<'c, D>),
    End,
}

impl<'de, D: Deserializer<'de>> SeqAccess<'de> for FieldParts<'_, D> {
    type Error = D::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, D::Error> {
        match std::mem::replace(self, Self::End) {
            Self::Span(reader) => {
                let numbers = span_numbers(reader.node.span).into_iter();
                *self = Self::Value(reader);
                seed.deserialize(SeqDeserializer::new(numbers)).map(Some)
            }
            Self::Value(reader) => {
                let walk = reader.walk;
                match reader.unless_null().and_then(|reader| seed.deserialize(reader)) {
                    Ok(value) => Ok(Some(value)),
                    Err(error) if !walk.is_going() => Err(error),
                    // Reported, and stepped over.
                    Err(_) => Ok(None),
                }
            }
            Self::End => Ok(None),
        }
    }
}

/// Says of what kind a value is, by the name of an enum's variant.
pub(super) struct KindAccess<'c, D> {
    pub(super) kind: &'static str,
    pub(super) reader: Reader<'c, D>,
}

impl<'de, D: Deserializer<'de>> EnumAccess<'de> for KindAccess<'_, D> {
    type Error = D::Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), D::Error> {
        Ok((seed.deserialize(StrDeserializer::new(self.kind))?, self))
    }
}

impl<'de, D: Deserializer<'de>> VariantAccess<'de> for KindAccess<'_, D> {
    type Error = D::Error;

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, D::Error> {
        seed.deserialize(self.reader)
    }

    fn unit_variant(self) -> Result<(), D::Error> {
        Err(self.reader.walk.no_such_shape())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, _visitor: V) -> Result<V::Value, D::Error> {
        Err(self.reader.walk.no_such_shape())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, D::Error> {
        Err(self.reader.walk.no_such_shape())
    }
}
