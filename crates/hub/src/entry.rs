//! One published model: the file `models/NAME.yaml`.

mod yaml;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Error, ErrorKind, Result};

/// The largest file that an entry may name: 4 GiB.
const LARGEST: u64 = 1 << 32;

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Finds faces in pictures.
    Detector,
    /// Finds points of a face.
    Landmarks,
    /// Says who a face is, as a vector.
    Embedder,
    /// Finds the surface of a face in three dimensions.
    Mesh,
    /// Says how strongly parts of a face are moved.
    Blendshapes,
    /// Tells expressions apart.
    Expressions,
    /// Weights to begin a training with.
    Backbone,
    /// Several of these in one file.
    Bundle,
}

impl Kind {
    /// The word that stands in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detector => "detector",
            Self::Landmarks => "landmarks",
            Self::Embedder => "embedder",
            Self::Mesh => "mesh",
            Self::Blendshapes => "blendshapes",
            Self::Expressions => "expressions",
            Self::Backbone => "backbone",
            Self::Bundle => "bundle",
        }
    }
}

/// Whether a model may be used commercially, as far as its licence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commercial {
    /// The licence allows it.
    Allowed,
    /// The licence, or that of the data behind it, forbids it.
    Forbidden,
    /// Nobody has said: no licence is stated.
    Unclear,
}

impl Commercial {
    /// The word that stands in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Forbidden => "forbidden",
            Self::Unclear => "unclear",
        }
    }
}

/// One published model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// By which it is asked for: that of its file, `[a-z0-9][a-z0-9._-]*`.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// In a sentence.
    pub what: String,
    /// The name that its file has in the cache.
    pub file: String,
    /// Bytes of the file.
    pub size: u64,
    /// sha256 of the file, 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// Addresses of exactly this file, the best first; empty where none is known.
    pub sources: Vec<String>,
    /// Whether an address gave exactly this file when the entry was made.
    pub tried: bool,
    /// Where the file came from, and how sure that is.
    pub origin: String,
    /// An SPDX identifier, or what is known in words.
    pub licence: String,
    /// Where the licence stands, or the terms in words.
    pub terms: String,
    /// Whether it may be used commercially. What is not `allowed` asks the user once.
    pub commercial: Commercial,
    /// What to cite.
    pub citation: String,
    /// What goes in: shape, order of axes and colours, scale.
    pub input: String,
    /// What comes out.
    pub output: String,
    /// What it must give, and on what.
    pub known_answer: String,
    /// The network of the zoo (`ferrotype models`) whose weights the file holds, where a run can be made of it by this name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network: String,
    /// How it is used here, or what to look out for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
}

impl Entry {
    /// Reads the text of a file of entries; `file` is its name in messages.
    ///
    /// # Errors
    /// When it is no YAML of that form, or a value is impossible: with file and line, or file and key.
    pub fn from_yaml(file: &str, text: &str) -> Result<Self> {
        let value = yaml::parse(text).map_err(|e| wrong(file, &e))?;
        let entry: Self = serde_json::from_value(value).map_err(|e| wrong(file, &e.to_string()))?;
        entry.check().map_err(|e| wrong(file, &e))?;
        Ok(entry)
    }

    /// The text that [`Self::from_yaml`] reads.
    pub fn to_yaml(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        yaml::write(value.as_object().unwrap_or(&Map::<String, Value>::new()))
    }

    /// Whether its licence is asked for before it is loaded.
    pub fn is_restricted(&self) -> bool {
        self.commercial != Commercial::Allowed
    }

    /// The first digits of its sha256, which are a folder of the cache.
    pub(crate) fn prefix(&self) -> &str {
        &self.sha256[..16]
    }

    fn check(&self) -> std::result::Result<(), String> {
        let texts = [
            ("what", &self.what),
            ("origin", &self.origin),
            ("licence", &self.licence),
            ("terms", &self.terms),
            ("citation", &self.citation),
            ("input", &self.input),
            ("output", &self.output),
            ("known_answer", &self.known_answer),
        ];
        if let Some((key, _)) = texts.iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(format!("`{key}` is empty; write `unknown` where nobody knows"));
        }
        if !is_name(&self.name) {
            return Err(format!(
                "name is `{}`; expected lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit",
                self.name
            ));
        }
        if !is_file_name(&self.file) {
            return Err(format!(
                "file is `{}`; expected a file's name without a folder: letters, digits, `.`, `_`, `-`, at most 100",
                self.file
            ));
        }
        if self.size == 0 || self.size > LARGEST {
            return Err(format!("size is {}; expected 1 to {LARGEST} bytes", self.size));
        }
        let is_digest = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if self.sha256.len() != 64 || !self.sha256.bytes().all(is_digest) {
            return Err(format!("sha256 is `{}`; expected 64 hexadecimal digits in lower case", self.sha256));
        }
        if let Some(url) = self.sources.iter().find(|url| !is_source(url)) {
            return Err(format!("`{url}` in sources is no address that is loaded from; expected https://HOST/PATH"));
        }
        Ok(())
    }
}

fn wrong(file: &str, message: &str) -> Error {
    Error::new(ErrorKind::Entry, format!("{file}: {message}"))
}

/// Whether this may be a model's name: nothing that a path or an address could be.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
    text.len() <= 64
        && text.bytes().all(allowed)
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && !text.contains("..")
}

fn is_file_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=100).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('.') && !text.ends_with(".part")
}

/// Whether an entry may name this address: https, or http of this machine (a test, a tunnel).
fn is_source(url: &str) -> bool {
    let host = url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    let is_sound = !url.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@');
    let is_allowed = url.starts_with("https://") || url.starts_with("http://") && crate::download::is_loopback(url);
    is_sound && is_allowed && host.is_some_and(|h| !h.is_empty())
}

#[cfg(test)]
mod tests;
