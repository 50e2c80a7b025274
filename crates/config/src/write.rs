//! An experiment as YAML that reads back to an equal value, and its digest.

use ferrotype_base::digest::sha256;
use serde::Serialize;
use serde_json::Value as Json;

use super::Root;
use super::scalar;

/// The fully resolved experiment file: every key with its value, no base.
///
/// # Panics
/// If a path in the experiment is not Unicode. One that came from a file or a flag always is.
pub fn to_yaml<T: Root>(experiment: &T) -> String {
    yaml(experiment)
}

/// SHA-256 (hex) of the canonical form: JSON without spaces, keys sorted, every key present. Two files that mean the
/// same have the same digest, however they are written.
///
/// # Panics
/// As [`to_yaml`].
pub fn digest<T: Root>(experiment: &T) -> String {
    digest_of(experiment)
}

/// As [`digest`], of anything.
pub fn digest_of<T: Serialize>(value: &T) -> String {
    let mut value = json(value);
    value.sort_all_objects();
    sha256(value.to_string())
}

/// A value as YAML text.
pub fn yaml<T: Serialize>(value: &T) -> String {
    let mut out = String::new();
    write_value(&json(value), 0, &mut out);
    out
}

/// The value as JSON, by way of text: so an f32 keeps its few digits (0.8, not 0.800000011920929).
pub fn json<T: Serialize>(value: &T) -> Json {
    let text = serde_json::to_string(value).expect("options serialize, as all their paths are Unicode");
    serde_json::from_str(&text).expect("what serde_json wrote it also reads")
}

/// Writes a value after `key:` or `-`, and ends the line.
fn write_value(value: &Json, indent: usize, out: &mut String) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            if indent > 0 {
                out.push('\n');
            }
            for (key, value) in map {
                out.push_str(&format!("{:indent$}{}:", "", scalar_text(key)));
                write_value(value, indent + 2, out);
            }
        }
        Json::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            out.push('\n');
            for item in items {
                // An item's own first line stands below the dash, so that maps and lists need no special case.
                out.push_str(&format!("{:indent$}-", ""));
                write_value(item, indent + 2, out);
            }
        }
        value => out.push_str(&format!(" {}\n", inline(value))),
    }
}

fn inline(value: &Json) -> String {
    match value {
        Json::String(text) => scalar_text(text),
        Json::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Text as a plain word where no reader can take it for something else, in double quotes elsewhere.
fn scalar_text(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
        && !scalar::is_special_word(text);
    if plain {
        return text.to_string();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
