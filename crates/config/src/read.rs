//! serde's derived code over the located tree: every error gets the place and path of the innermost value it is about.

mod access;

use std::fmt::{self, Display, Formatter};

use serde::de::{self, DeserializeOwned, Deserializer, Unexpected, Visitor};

use super::diagnostic::{Diagnostic, Place, unknown, valid};
use super::tree::{Entry, Node, Value};
use super::{home, scalar};
use access::{Choice, Items, Keys};

/// Reads a value from a tree.
pub fn read<T: DeserializeOwned>(root: &Node) -> Result<T, Box<Diagnostic>> {
    T::deserialize(Reader { node: root, path: String::new(), owner: &root.place, bare: false }).map_err(|error| error.0)
}

/// serde's error, with a place as soon as one is known.
#[derive(Debug)]
struct Error(Box<Diagnostic>);

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

impl From<Box<Diagnostic>> for Error {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self(diagnostic)
    }
}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Diagnostic::new(message.to_string()).into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Diagnostic::new(format!("expected {expected}, found {found}")).into()
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        unknown("key", field, expected).into()
    }

    fn unknown_variant(name: &str, expected: &'static [&'static str]) -> Self {
        unknown("name", name, expected).into()
    }

    fn missing_field(field: &'static str) -> Self {
        Diagnostic::new(format!("the key `{field}` is missing")).into()
    }
}

/// One node on its way into a value.
struct Reader<'n> {
    node: &'n Node,
    path: String,
    /// Where the key stands whose value this is: the place of a map that lacks something.
    owner: &'n Place,
    /// Whether this is what a variant's bare name stands for: its options, none of which is written.
    bare: bool,
}

impl<'n> Reader<'n> {
    fn expected(&self, what: &str) -> Error {
        self.error(format!("expected {what}, found {}", self.node.describe()))
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Diagnostic::new(message).or_at(&self.node.place, &self.path).into()
    }

    fn below(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    /// The digits of a whole number.
    fn integer(&self) -> Result<&'n str, Error> {
        match &self.node.value {
            Value::Plain(text) if scalar::is_integer(text) => Ok(text),
            _ => Err(self.expected("a whole number")),
        }
    }

    fn float(&self) -> Result<&'n str, Error> {
        match &self.node.value {
            Value::Plain(text) if scalar::is_number(text) => Ok(text),
            _ => Err(self.expected("a number")),
        }
    }

    /// Text: a word or something quoted, but nothing that is a number or a truth value without quotes.
    fn text(&self) -> Result<&'n str, Error> {
        match &self.node.value {
            Value::Quoted(text) => Ok(text),
            Value::Plain(text) if scalar::is_number(text) || matches!(text.as_str(), "true" | "false") => {
                let Error(error) = self.expected("text");
                Err(error.help(format!("in quotes it is text: \"{text}\"")).into())
            }
            Value::Plain(text) => Ok(text),
            _ => Err(self.expected("text")),
        }
    }

    fn signed(&self) -> Result<i64, Error> {
        self.integer()?.parse().map_err(|_| self.error(format!("the number {} is too large", self.shown())))
    }

    fn unsigned(&self) -> Result<u64, Error> {
        let digits = self.integer()?;
        if digits.starts_with('-') && digits != "-0" {
            return Err(self.expected("a whole number of at least 0"));
        }
        digits
            .trim_start_matches('-')
            .parse()
            .map_err(|_| self.error(format!("the number {} is too large", self.shown())))
    }

    fn shown(&self) -> String {
        self.node.describe().trim_start_matches("the number ").chars().take(40).collect()
    }

    fn entries(&self, expected: &str) -> Result<&'n [Entry], Error> {
        match &self.node.value {
            Value::Map(entries) => Ok(entries),
            Value::Null if self.bare => Ok(&[]),
            Value::Null => {
                let Error(error) = self.expected(expected);
                Err(error.help("write `{}` for a map in which every key has its default").into())
            }
            _ => Err(self.expected(expected)),
        }
    }

    fn visit_entries<'de, V: Visitor<'de>>(&self, entries: &'n [Entry], visitor: V) -> Result<V::Value, Error> {
        let keys = Keys { entries: entries.iter(), current: None, owner: self };
        visitor.visit_map(keys).map_err(|error| error.0.or_at(self.owner, &self.path).into())
    }

    /// An error of the visitor's own, which is about this very value.
    fn here<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.0.or_at(&self.node.place, &self.path).into())
    }
}

macro_rules! numbers {
    ($($method:ident $read:ident $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.here(visitor.$visit(self.$read()?))
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => self.here(visitor.visit_unit()),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Plain(text) if scalar::is_integer(text) && text.starts_with('-') => self.deserialize_i64(visitor),
            Value::Plain(text) if scalar::is_integer(text) => self.deserialize_u64(visitor),
            Value::Plain(text) if scalar::is_number(text) => self.deserialize_f64(visitor),
            Value::Plain(text) if matches!(text.as_str(), "true" | "false") => self.deserialize_bool(visitor),
            Value::Plain(_) | Value::Quoted(_) => self.deserialize_str(visitor),
        }
    }

    numbers! {
        deserialize_i8 signed visit_i64;
        deserialize_i16 signed visit_i64;
        deserialize_i32 signed visit_i64;
        deserialize_i64 signed visit_i64;
        deserialize_u8 unsigned visit_u64;
        deserialize_u16 unsigned visit_u64;
        deserialize_u32 unsigned visit_u64;
        deserialize_u64 unsigned visit_u64;
        deserialize_char text visit_str;
        deserialize_identifier text visit_str;
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // Paths and other text are one type by now; nothing but a path begins with `~/`.
        self.here(visitor.visit_str(&home::expand(self.text()?)))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // Parsed as f32, not rounded twice by way of f64.
        match self.float()?.parse::<f32>() {
            Ok(value) if value.is_finite() => self.here(visitor.visit_f32(value)),
            _ => Err(self.error(format!("the number {} is too large", self.shown()))),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.float()?.parse::<f64>() {
            Ok(value) if value.is_finite() => self.here(visitor.visit_f64(value)),
            _ => Err(self.error(format!("the number {} is too large", self.shown()))),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Plain(text) if text == "true" => self.here(visitor.visit_bool(true)),
            Value::Plain(text) if text == "false" => self.here(visitor.visit_bool(false)),
            _ => Err(self.expected("`true` or `false`")),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(self.error("bytes have no form in an experiment file"))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if matches!(self.node.value, Value::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Value::Null => visitor.visit_unit(),
            _ => Err(self.expected("nothing")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::List(items) = &self.node.value else { return Err(self.expected("a list")) };
        let mut access = Items { items: items.iter().enumerate(), path: &self.path };
        let value = self.here(visitor.visit_seq(&mut access))?;
        match access.items.next() {
            // What has a fixed length stops asking.
            Some((i, _)) => Err(self.error(format!("expected a list of {i}, found {} items", items.len()))),
            None => Ok(value),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_entries(self.entries("a map")?, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let entries = self.entries("a map of options").map_err(|Error(error)| match fields {
            [] => Error(error),
            _ => error.help(valid("keys", fields)).into(),
        })?;
        self.visit_entries(entries, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let help = |Error(error): Error| Error::from(error.help(valid("names", names)));
        let (name, place, options) = match &self.node.value {
            Value::Plain(name) | Value::Quoted(name) if !scalar::is_number(name) => (name, &self.node.place, None),
            Value::Map(entries) => match entries.as_slice() {
                [entry] => (&entry.key, &entry.key_place, Some(&entry.node)),
                _ => {
                    let keys: Vec<_> = entries.iter().map(|entry| format!("`{}`", entry.key)).collect();
                    let found = if keys.is_empty() { "none".into() } else { keys.join(" and ") };
                    return Err(help(self.error(format!("expected one name with its options, found {found}"))));
                }
            },
            _ => return Err(help(self.expected("a name"))),
        };
        let path = self.below(name);
        let result = visitor.visit_enum(Choice { name, place, options, path: &path });
        result.map_err(|error| error.0.or_at(place, &self.path).into())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}
