//! What can go wrong, as a kind for programs and a paragraph for people.

use std::fmt::{self, Display, Formatter};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No entry has that name.
    Unknown,
    /// An entry is not well formed.
    Entry,
    /// The licence was not accepted.
    Licence,
    /// It is not in the cache, and the network may not be asked.
    Offline,
    /// It is not in the cache, and no address of it is known.
    NoSource,
    /// No connection, or it broke more often than was tried again.
    Network,
    /// The server's answer was no file: 404, 500 and their like.
    Status,
    /// A redirect that is not followed.
    Redirect,
    /// The bytes are not those of the entry: another length.
    Size,
    /// The bytes are not those of the entry: another sha256.
    Hash,
    /// The file in the cache is no longer the one that was put there.
    Damaged,
    /// The cache cannot be read or written.
    Disk,
    /// The user ended it.
    Interrupted,
}

/// An error: its kind, and what was wrong, where, and how to mend it.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// An error of that kind.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The kind, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error with words before it.
    pub(crate) fn after(mut self, words: &str) -> Self {
        self.message = format!("{words}{}", self.message);
        self
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
