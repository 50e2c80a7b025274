//! The parts of maps, lists and enums on their way into a value.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::{Error, Reader};
use crate::diagnostic::{Diagnostic, Place};
use crate::tree::{Entry, Node, Value};

/// A map's entries on their way into a struct.
pub(super) struct Keys<'r, 'n> {
    pub entries: std::slice::Iter<'n, Entry>,
    pub current: Option<&'n Entry>,
    pub owner: &'r Reader<'n>,
}

impl<'de> de::MapAccess<'de> for Keys<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.current = self.entries.next();
        let Some(entry) = self.current else { return Ok(None) };
        let key: StrDeserializer<'_, Error> = entry.key.as_str().into_deserializer();
        let result = seed.deserialize(key).map(Some);
        result.map_err(|error| error.0.or_at(&entry.key_place, &self.owner.below(&entry.key)).into())
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some(entry) = self.current else { return Err(de::Error::custom("a value was asked for before its key")) };
        let path = self.owner.below(&entry.key);
        seed.deserialize(Reader { node: &entry.node, path, owner: &entry.key_place, bare: false })
    }
}

/// A list's items on their way into a vector.
pub(super) struct Items<'r, 'n> {
    pub items: std::iter::Enumerate<std::slice::Iter<'n, Node>>,
    pub path: &'r str,
}

impl<'de> de::SeqAccess<'de> for &mut Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((i, node)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader { node, path: format!("{}[{i}]", self.path), owner: &node.place, bare: false })
            .map(Some)
    }
}

/// A variant on its way into an enum.
pub(super) struct Choice<'r, 'n> {
    pub name: &'n str,
    pub place: &'n Place,
    /// None where only the name was written.
    pub options: Option<&'n Node>,
    pub path: &'r str,
}

impl<'de> de::EnumAccess<'de> for Choice<'_, '_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        seed.deserialize(name).map(|value| (value, self))
    }
}

impl<'de> de::VariantAccess<'de> for Choice<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.options.map(|node| &node.value) {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Map(entries)) if entries.is_empty() => Ok(()),
            _ => Err(Diagnostic::new(format!("`{}` takes no options", self.name)).or_at(self.place, self.path).into()),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        self.with_options(|options| seed.deserialize(options))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("a tuple has no form in an experiment file"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.with_options(|options| options.deserialize_map(visitor))
    }
}

impl Choice<'_, '_> {
    /// Reads the options. A name alone, or with nothing below it, is the variant with its defaults.
    fn with_options<T>(&self, read: impl FnOnce(Reader<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let nothing = Node { value: Value::Null, place: self.place.clone() };
        let node = self.options.unwrap_or(&nothing);
        let bare = matches!(node.value, Value::Null);
        read(Reader { node, path: self.path.to_string(), owner: self.place, bare })
    }
}
