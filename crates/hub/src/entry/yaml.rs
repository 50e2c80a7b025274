//! The YAML that entries are written in: one map whose values are texts, numbers, truth values and lists of texts.

use std::fmt::Write;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde_json::{Map, Value};

/// Longer than any entry.
const LONGEST: usize = 64 * 1024;

/// Reads the map; errors begin with the line.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    if text.len() > LONGEST {
        return Err(format!("it has {} bytes; an entry has at most {LONGEST}", text.len()));
    }
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader { parser: Parser::new_from_str_with_options(text, options) };
    reader.document()
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
}

impl<'t> Reader<'t> {
    fn document(&mut self) -> Result<Value, String> {
        let mut found = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::MappingStart(..) if found.is_none() => found = Some(self.map()?),
                _ => return Err(at(span, "one map of keys and values is expected")),
            }
        }
        found.map(Value::Object).ok_or_else(|| "it is empty".into())
    }

    fn map(&mut self) -> Result<Map<String, Value>, String> {
        let mut map = Map::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(map),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(at(span, "a key is expected")),
            };
            let (event, value_span) = self.next()?;
            let value = match event {
                Event::SequenceStart(..) => Value::Array(self.list()?),
                event => scalar(event, value_span)?,
            };
            if map.insert(key.clone(), value).is_some() {
                return Err(at(span, &format!("the key `{key}` stands here for the second time")));
            }
        }
    }

    fn list(&mut self) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(scalar(event, span)?),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), String> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(format!("line {}: {}", error.marker().line(), error.info())),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }
}

/// A single value. Tags, anchors and aliases have no meaning here.
fn scalar(event: Event<'_>, span: Span) -> Result<Value, String> {
    if event.tag().is_some() || event.anchor_id().is_some_and(|id| id != 0) {
        return Err(at(span, "tags, anchors and aliases have no meaning in an entry"));
    }
    let Event::Scalar(text, style, ..) = event else {
        return Err(at(span, "a text, a number, true, false or a list of texts is expected"));
    };
    if style != ScalarStyle::Plain {
        // A folded block ends with a line break that nobody meant.
        return Ok(Value::String(text.trim_end().to_owned()));
    }
    Ok(match &*text {
        "" | "~" | "null" => return Err(at(span, "nothing stands here; write the value, or `unknown`")),
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Value::Number(digits.parse::<u64>().map_err(|_| at(span, "the number is too large"))?.into())
        }
        text => Value::String(text.to_owned()),
    })
}

fn at(span: Span, message: &str) -> String {
    format!("line {}: {message}", span.start.line())
}

/// Writes the map; texts stand in quotes, which are JSON's and therefore YAML's.
pub(super) fn write(map: &Map<String, Value>) -> String {
    let mut text = String::new();
    for (key, value) in map {
        // Writing to a text cannot fail.
        let _ = match value.as_array() {
            Some(items) if !items.is_empty() => {
                let lines: String = items.iter().map(|item| format!("  - {item}\n")).collect();
                write!(text, "{key}:\n{lines}")
            }
            _ => writeln!(text, "{key}: {value}"),
        };
    }
    text
}
