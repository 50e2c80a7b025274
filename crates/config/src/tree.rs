//! YAML as a tree whose nodes know where they were written.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::diagnostic::{Diagnostic, Place, quoted};
use super::scalar;

/// A text that is read: a file, or a `--set` flag.
#[derive(Debug)]
pub struct Source {
    /// The file's path as the user gave it, or the whole flag.
    pub name: String,
    /// All of it.
    pub text: String,
    /// Whether this is a `--set` flag, which has no lines worth showing.
    pub is_flag: bool,
}

impl Source {
    /// The text of a file.
    pub fn file(name: &str, text: &str) -> Arc<Self> {
        Arc::new(Self { name: name.to_string(), text: text.to_string(), is_flag: false })
    }

    /// The text of a flag.
    pub fn flag(name: &str, text: &str) -> Arc<Self> {
        Arc::new(Self { name: name.to_string(), text: text.to_string(), is_flag: true })
    }

    /// The place of the source as a whole.
    pub fn start(self: &Arc<Self>) -> Place {
        Place { source: Arc::clone(self), line: 1, column: 1, width: 1 }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it was written.
    pub place: Place,
}

/// A value of YAML.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A scalar without quotes: a word, a number, `true`.
    Plain(String),
    /// A scalar in quotes or in block form: text, whatever it looks like.
    Quoted(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub key_place: Place,
    /// The value.
    pub node: Node,
}

impl Node {
    /// A map without entries.
    pub fn empty_map(place: &Place) -> Self {
        Self { value: Value::Map(Vec::new()), place: place.clone() }
    }

    /// What stands here, for a message.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Plain(text) if scalar::is_number(text) => format!("the number {text}"),
            Value::Plain(text) => quoted(text),
            Value::Quoted(text) => format!("the text {}", quoted(text)),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a map".into(),
        }
    }

    fn height(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Self::height).max().unwrap_or(0),
            Value::Map(entries) => 1 + entries.iter().map(|entry| entry.node.height()).max().unwrap_or(0),
            _ => 1,
        }
    }

    fn size(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|entry| entry.node.size()).sum::<usize>(),
            _ => 1,
        }
    }
}

/// Deeper and larger than any experiment; what is beyond is an accident or an alias bomb.
const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 100_000;

/// Parses one YAML document.
pub fn parse(source: &Arc<Source>) -> Result<Node, Box<Diagnostic>> {
    let options = granit_parser::options! { emit_comments: false };
    let parser = Parser::new_from_str_with_options(&source.text, options);
    let mut builder = Builder { parser, source, anchors: HashMap::new(), open: Vec::new(), nodes: 0 };
    builder.document()
}

struct Builder<'s> {
    parser: Parser<'s, StrInput<'s>>,
    source: &'s Arc<Source>,
    /// Nodes that aliases may repeat.
    anchors: HashMap<usize, Node>,
    /// Anchors of the collections that are being read.
    open: Vec<usize>,
    nodes: usize,
}

impl<'s> Builder<'s> {
    fn document(&mut self) -> Result<Node, Box<Diagnostic>> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(self.error(span, "a second document begins here; one file holds one experiment"));
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, 1)?);
                }
                _ => return Err(self.error(span, "not expected here")),
            }
        }
        Ok(root.unwrap_or_else(|| Node { value: Value::Null, place: self.source.start() }))
    }

    fn next(&mut self) -> Result<(Event<'s>, Span), Box<Diagnostic>> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.scan_error(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'s>, span: Span, depth: usize) -> Result<Node, Box<Diagnostic>> {
        self.nodes += 1;
        if depth > MAX_DEPTH {
            return Err(self.error(span, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        if self.nodes > MAX_NODES {
            return Err(self.error(span, format!("more than {MAX_NODES} values")));
        }
        if event.tag().is_some() {
            let message = "YAML tags (`!name`) have no meaning in an experiment file";
            return Err(self.error(span, message).help("put a value in quotes to make it text"));
        }
        let anchor = event.anchor_id().filter(|_| !event.is_alias()).unwrap_or(0);
        self.open.push(anchor);
        let node = match event {
            Event::Alias(id) => self.alias(id, span, depth)?,
            Event::Scalar(text, style, ..) => Node { value: scalar_value(&text, style), place: self.place(span) },
            Event::SequenceStart(..) => self.list(span, depth)?,
            Event::MappingStart(..) => self.map(span, depth)?,
            _ => return Err(self.error(span, "a value was expected here")),
        };
        self.open.pop();
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, span: Span, depth: usize) -> Result<Node, Box<Diagnostic>> {
        let Some(node) = self.anchors.get(&id).filter(|_| !self.open.contains(&id)).cloned() else {
            return Err(self.error(span, "this alias stands inside the value that it repeats"));
        };
        self.nodes += node.size();
        if depth + node.height() > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(self.error(span, format!("aliases grow to more than {MAX_DEPTH} levels or {MAX_NODES} values")));
        }
        Ok(node)
    }

    fn list(&mut self, span: Span, depth: usize) -> Result<Node, Box<Diagnostic>> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Node { value: Value::List(items), place: self.place(span) });
            }
            items.push(self.node(event, at, depth + 1)?);
        }
    }

    fn map(&mut self, span: Span, depth: usize) -> Result<Node, Box<Diagnostic>> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged = Vec::new();
        let mut has_merge_key = false;
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key_place = self.place(at);
            let Event::Scalar(key, style, _, None) = event else {
                return Err(self.error(at, "a key must be a plain word"));
            };
            let (event, at) = self.next()?;
            let mut node = self.node(event, at, depth + 1)?;
            if matches!(node.value, Value::Null) && node.place.width == 0 {
                node.place = key_place.clone();
            }
            let is_merge_key = key == "<<" && style == ScalarStyle::Plain;
            if entries.iter().any(|entry| entry.key == key) || (is_merge_key && has_merge_key) {
                let first = entries.iter().find(|entry| entry.key == key).map_or(1, |entry| entry.key_place.line);
                let error = Diagnostic::new(format!("the key {} stands twice in this map", quoted(&key)));
                return Err(error.or_at(&key_place, "").help(format!("it first stands in line {first}")));
            }
            if is_merge_key {
                has_merge_key = true;
                merged = merge_key_entries(node, &key_place)?;
            } else {
                entries.push(Entry { key: key.into_owned(), key_place, node });
            }
        }
        for entry in merged {
            if !entries.iter().any(|own| own.key == entry.key) {
                entries.push(entry);
            }
        }
        Ok(Node { value: Value::Map(entries), place: self.place(span) })
    }

    fn place(&self, span: Span) -> Place {
        let width = if span.end.line() == span.start.line() {
            span.end.col().saturating_sub(span.start.col())
        } else {
            self.source
                .text
                .lines()
                .nth(span.start.line().saturating_sub(1))
                .map_or(1, |line| line.trim_end().chars().count().saturating_sub(span.start.col()).max(1))
        };
        Place { source: Arc::clone(self.source), line: span.start.line().max(1), column: span.start.col() + 1, width }
    }

    fn error(&self, span: Span, message: impl Into<String>) -> Box<Diagnostic> {
        Diagnostic::new(message).or_at(&self.place(span), "")
    }

    fn scan_error(&self, error: &ScanError) -> Box<Diagnostic> {
        let place = self.place(Span::empty(*error.marker()));
        Diagnostic::new(format!("not YAML: {}", error.info().replace('\n', " "))).or_at(&place, "")
    }
}

fn scalar_value(text: &str, style: ScalarStyle) -> Value {
    match style {
        ScalarStyle::Plain if scalar::is_null(text) => Value::Null,
        ScalarStyle::Plain => Value::Plain(text.to_string()),
        _ => Value::Quoted(text.to_string()),
    }
}

/// What a `<<` brings: the entries of a map, or of several, the first of which win.
fn merge_key_entries(node: Node, key_place: &Place) -> Result<Vec<Entry>, Box<Diagnostic>> {
    let maps = match node.value {
        Value::List(items) => items,
        _ => vec![node],
    };
    let mut entries: Vec<Entry> = Vec::new();
    for map in maps {
        let Value::Map(more) = map.value else {
            let message = format!("`<<` merges a map or a list of maps, found {}", map.describe());
            return Err(Diagnostic::new(message).or_at(key_place, ""));
        };
        for entry in more {
            if !entries.iter().any(|known| known.key == entry.key) {
                entries.push(entry);
            }
        }
    }
    Ok(entries)
}
