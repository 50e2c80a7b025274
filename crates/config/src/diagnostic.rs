//! What is wrong with an experiment file, printed as a compiler would print it.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use ferrotype_base::problems::{Problem, nearest};

use super::suggestion::meant;
use super::tree::{Node, Source, Value};

/// A stretch of one line of a source. Lines and columns count from 1, columns and widths in characters.
#[derive(Clone, Debug)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// The line.
    pub line: usize,
    /// The first column.
    pub column: usize,
    /// Characters from there on.
    pub width: usize,
}

impl Place {
    /// `file.yaml:3:5`, or the flag.
    pub fn shown(&self) -> String {
        match self.source.is_flag {
            true => self.source.name.clone(),
            false => format!("{}:{}:{}", self.source.name, self.line, self.column),
        }
    }
}

/// One error with its place.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Where it is, if that is known.
    pub place: Option<Place>,
    /// The key's path, such as `train.optimizer.sgd.momentum`; empty for the whole file.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// Lines below the excerpt: what would be valid here.
    pub help: Vec<String>,
    /// An unknown key that resembles none that is valid in its place; perhaps it belongs elsewhere.
    pub stray: Option<String>,
}

impl Diagnostic {
    /// An error that does not know its place yet.
    pub fn new(message: impl Into<String>) -> Box<Self> {
        Box::new(Self { place: None, path: String::new(), message: message.into(), help: Vec::new(), stray: None })
    }

    /// The same error at a place, unless it already has one: the innermost place is the right one.
    pub fn or_at(mut self: Box<Self>, place: &Place, path: &str) -> Box<Self> {
        if self.place.is_none() {
            self.place = Some(place.clone());
            self.path = path.to_string();
        }
        self
    }

    /// The same error with one more line of help.
    pub fn help(mut self: Box<Self>, line: impl Into<String>) -> Box<Self> {
        self.help.push(line.into());
        self
    }
}

/// The longest part of a source line that is shown.
const SHOWN: usize = 140;

impl Display for Diagnostic {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            f.write_str(&place.source.name)?;
            if !place.source.is_flag {
                write!(f, ":{}:{}", place.line, place.column)?;
            }
            f.write_str(": ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(place) = self.place.as_ref().filter(|place| !place.source.is_flag) {
            excerpt(f, place)?;
        }
        self.help.iter().try_for_each(|line| write!(f, "\n {line}"))
    }
}

/// The line of the place with the stretch underlined.
fn excerpt(f: &mut Formatter<'_>, place: &Place) -> fmt::Result {
    let Some(line) = place.source.text.lines().nth(place.line - 1) else { return Ok(()) };
    if line.trim().is_empty() {
        return Ok(());
    }
    let shown: String = line.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    write!(f, "\n{:>5} | {}", place.line, shown.trim_end())?;
    if place.column <= SHOWN {
        let width = place.width.clamp(1, SHOWN + 1 - place.column);
        write!(f, "\n      | {}{}", " ".repeat(place.column - 1), "^".repeat(width))?;
    }
    Ok(())
}

/// Why an experiment file was refused. Prints without a leading `error: `, which whoever reports it adds; further
/// errors carry their own.
#[derive(Clone, Debug)]
pub struct ConfigError {
    diagnostics: Vec<Diagnostic>,
}

impl ConfigError {
    /// Several errors, those of one file in the order of its lines.
    pub fn new(mut diagnostics: Vec<Diagnostic>) -> Self {
        let key = |diagnostic: &Diagnostic| {
            diagnostic.place.as_ref().map(|place| (place.source.name.clone(), place.line, place.column))
        };
        diagnostics.sort_by_cached_key(key);
        Self { diagnostics }
    }
}

impl From<Box<Diagnostic>> for ConfigError {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::new(vec![*diagnostic])
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.diagnostics.iter().enumerate() {
            if i > 0 {
                f.write_str("\nerror: ")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// The problem at the place where the value was written or, for a default, at the nearest key above it.
pub fn at_place_in(problem: Problem, root: &Node) -> Box<Diagnostic> {
    let (mut node, mut place) = (root, &root.place);
    let mut rest = problem.path.as_str();
    while !rest.is_empty() {
        let next = match &node.value {
            Value::Map(entries) => {
                // A key may itself hold dots, as those of a sweep's space do: the longest that fits.
                let left = |key: &str| rest.strip_prefix(key).filter(|l| l.is_empty() || l.starts_with(['.', '[']));
                let fitting = entries.iter().filter_map(|entry| Some((entry, left(&entry.key)?)));
                fitting.max_by_key(|(entry, _)| entry.key.len()).map(|(entry, left)| {
                    let whole = matches!(entry.node.value, Value::Map(_));
                    (&entry.node, if whole { &entry.key_place } else { &entry.node.place }, left)
                })
            }
            Value::List(items) => rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).and_then(|(i, left)| {
                let item = items.get(i.parse::<usize>().ok()?)?;
                Some((item, &item.place, left))
            }),
            _ => None,
        };
        let Some((found, at, left)) = next else { break };
        (node, place, rest) = (found, at, left.trim_start_matches('.'));
    }
    Diagnostic::new(problem.message).or_at(place, &problem.path)
}

/// Text from a file as it may stand in a message: on one line, without control characters, not too long.
pub fn quoted(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(60)
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// `unknown key; did you mean ...?` with the valid names below. A key is named by its path, another name here.
pub fn unknown(kind: &str, found: &str, names: &[&str]) -> Box<Diagnostic> {
    let mut message = format!("unknown {kind}");
    if kind != "key" {
        message += &format!(" {}", quoted(found));
    }
    if let Some(name) = meant(found, names) {
        message += &format!("; did you mean `{name}`?");
    }
    let mut diagnostic = Diagnostic::new(message);
    diagnostic.stray = nearest(found, names.iter().copied()).is_none().then(|| found.to_string());
    if names.is_empty() {
        return diagnostic.help(format!("no {kind} is valid here"));
    }
    diagnostic.help(valid(&format!("{kind}s"), names))
}

/// `valid keys here: ...`, in the order of the alphabet.
pub fn valid(kinds: &str, names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    format!("valid {kinds} here: {}", names.join(", "))
}
