//! The table of all keys in `docs/configuration.md`, written from the schema.

use serde_json::Value as Json;

use super::Root;
use super::schema::shorten_floats;
use super::shape::{Kind, Shape, Variant};

/// All keys of a system's experiment as Markdown: one table per section, in the order of the types.
pub fn key_table_of<T: Root>() -> String {
    let mut out = String::new();
    let shape = Shape::of::<T>();
    let Kind::Map { order, .. } = &shape.kind else { return out };
    let (sections, simple): (Vec<_>, Vec<_>) =
        order.iter().filter_map(|key| Some((key, shape.child(key)?))).partition(|(_, child)| is_section(child));
    out.push_str("### The top level\n\n");
    out.push_str(HEADER);
    for (key, child) in simple {
        row(key, child, is_required(shape, key), &mut out);
    }
    for (key, child) in sections {
        out.push_str(&format!("\n### `{key}`\n\n{}", child.description));
        out.push_str(if is_required(shape, key) { " Required.\n\n" } else { "\n\n" });
        out.push_str(HEADER);
        below(key, child, &mut out);
    }
    let refused = T::refused_keys();
    let is_refused = |line: &str| {
        let path = line.strip_prefix("| `").and_then(|rest| rest.split('`').next()).unwrap_or_default();
        refused.iter().any(|key| {
            path.strip_prefix(key)
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric) && !rest.starts_with('_'))
        })
    };
    out.split_inclusive('\n').filter(|line| !is_refused(line)).collect()
}

const HEADER: &str = "| key | value | default | meaning |\n|---|---|---|---|\n";

fn is_section(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::Map { .. } | Kind::Named(_))
        || shape.has_options()
        || shape.names().is_empty() && is_choice(shape)
}

fn is_choice(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::Variants(_))
}

fn is_required(shape: &Shape, key: &str) -> bool {
    matches!(&shape.kind, Kind::Map { required, .. } if required.iter().any(|name| name == key))
}

/// The rows below a key: its own keys, or its variants and theirs.
fn below(path: &str, shape: &Shape, out: &mut String) {
    match &shape.kind {
        Kind::Map { keys, order, .. } => {
            for key in order {
                let path = format!("{path}.{key}");
                row(&path, &keys[key], is_required(shape, key), out);
                below(&path, &keys[key], out);
            }
        }
        Kind::Named(inner) if !matches!(inner.kind, Kind::Scalar(_)) => below(&format!("{path}.NAME"), inner, out),
        Kind::Variants(variants) if shape.has_options() => {
            variants.iter().for_each(|variant| variant_rows(path, variant, out));
        }
        _ => {}
    }
}

fn variant_rows(path: &str, variant: &Variant, out: &mut String) {
    let path = format!("{path}.{}", variant.name);
    let value = match &variant.options {
        None => "name alone",
        Some(options) if options.may_be_empty() => "name alone, or options",
        Some(_) => "options",
    };
    line(&path, value, "", &variant.description, out);
    if let Some(options) = &variant.options {
        below(&path, options, out);
    }
}

fn row(path: &str, shape: &Shape, required: bool, out: &mut String) {
    let default = match &shape.default {
        _ if required => "required".to_string(),
        Some(default) => default_text(default),
        None => String::new(),
    };
    line(path, &value_text(shape), &default, &shape.description, out);
}

fn line(path: &str, value: &str, default: &str, meaning: &str, out: &mut String) {
    let cell = |text: &str| text.replace('|', "\\|");
    out.push_str(&format!("| `{path}` | {} | {} | {} |\n", cell(value), cell(default), cell(meaning)));
}

fn value_text(shape: &Shape) -> String {
    let text = match &shape.kind {
        Kind::Map { .. } => "keys below".to_string(),
        Kind::Named(inner) if matches!(inner.kind, Kind::Scalar(_)) => {
            format!("names, each with: {}", value_text(inner))
        }
        Kind::Named(_) => "names, each with the keys below".to_string(),
        Kind::Variants(_) if shape.has_options() => "one of the names below".into(),
        Kind::Variants(_) => shape.names().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        Kind::List(item) => format!("list: {}", value_text(item)),
        Kind::Scalar(name) => scalar_text(name).to_string(),
    };
    if shape.nullable { format!("{text}, or null") } else { text }
}

/// A JSON type in a reader's words.
fn scalar_text(name: &str) -> &str {
    match name {
        "integer" => "whole number",
        "boolean" => "true or false",
        "string" => "text",
        other => other,
    }
}

/// A default as one would write it: a variant's name alone where its options have their defaults.
fn default_text(default: &Json) -> String {
    let mut default = default.clone();
    shorten_floats(&mut default);
    match &default {
        Json::Null => "none".into(),
        Json::String(text) if text.is_empty() => "empty".into(),
        Json::String(text) => format!("`{text}`"),
        Json::Object(map) if map.len() == 1 && map.values().all(Json::is_object) => {
            map.keys().map(|name| format!("`{name}`")).collect()
        }
        Json::Object(_) => "see its keys".into(),
        Json::Array(items) if items.is_empty() => "empty".into(),
        other => format!("`{other}`"),
    }
}
