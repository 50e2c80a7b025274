//! Licences that are asked for once.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Entry, Error, ErrorKind, Result};

/// What is said to a licence that restricts the use of a model, or that nobody has stated.
#[derive(Default)]
pub enum Accept<'a> {
    /// Only what was accepted at an earlier time.
    #[default]
    Remembered,
    /// Accepted, such as by `--accept-licence`.
    Yes,
    /// Asks the user, who sees the entry; the answer says whether it is accepted.
    Ask(&'a dyn Fn(&Entry) -> bool),
}

impl fmt::Debug for Accept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Remembered => "Remembered",
            Self::Yes => "Yes",
            Self::Ask(_) => "Ask",
        })
    }
}

/// What was accepted, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The model.
    pub name: String,
    /// Its file at that time.
    pub sha256: String,
    /// The licence at that time.
    pub licence: String,
    /// Its terms at that time.
    pub terms: String,
    /// The second in which it was accepted, in UTC, such as `2026-01-31T12:00:00Z`.
    pub date: String,
}

impl Acceptance {
    /// An acceptance of what the entry says, now.
    pub(crate) fn now(entry: &Entry) -> Self {
        let now = jiff::Timestamp::now();
        let now = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self {
            name: entry.name.clone(),
            sha256: entry.sha256.clone(),
            licence: entry.licence.clone(),
            terms: entry.terms.clone(),
            date: now.to_string(),
        }
    }

    /// Whether it covers the entry as it is today; other terms are another question.
    pub(crate) fn covers(&self, entry: &Entry) -> bool {
        self.licence == entry.licence && self.terms == entry.terms && self.sha256 == entry.sha256
    }
}

impl Accept<'_> {
    /// The answer for an entry that is restricted.
    pub(crate) fn answer(&self, entry: &Entry) -> Result<()> {
        let accepted = match self {
            Self::Remembered => false,
            Self::Yes => true,
            Self::Ask(ask) => ask(entry),
        };
        if accepted { Ok(()) } else { Err(refused(entry, matches!(self, Self::Ask(_)))) }
    }
}

fn refused(entry: &Entry, was_asked: bool) -> Error {
    let name = &entry.name;
    let terms = entry.terms.trim_end_matches('.');
    let use_of_it = match entry.commercial {
        super::Commercial::Forbidden => "It must not be used commercially",
        _ => "Whether it may be used commercially is not known",
    };
    let mend = if was_asked {
        "It was not accepted, so nothing was loaded.".to_owned()
    } else {
        format!("If you accept that: ferrotype models pull {name} --accept-licence")
    };
    Error::new(
        ErrorKind::Licence,
        format!(
            "`{name}` is asked for once before it is used. Licence: {}; {terms}. {use_of_it}. {mend}",
            entry.licence
        ),
    )
}
