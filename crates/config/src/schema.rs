//! The JSON Schema of an experiment file, for editors.

use serde_json::{Value as Json, json};

use super::Root;
use super::layers::BASE;

/// The JSON Schema of a system's experiment file. It accepts what the loader accepts: `base:`, and a variant's bare name where
/// none of its options is required. It requires no key, as any file may be another's base or have one; the loader
/// says what is missing in the end.
pub fn schema_of<T: Root>() -> Json {
    // By way of serde, which puts the keys in an order that people read.
    let mut schema = serde_json::to_value(schemars::schema_for!(T)).expect("a schema is JSON");
    if let Some(definitions) = schema.get("$defs").cloned() {
        allow_bare_names(&mut schema, &definitions);
    }
    drop_required(&mut schema);
    shorten_floats(&mut schema);
    if let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) {
        let base = json!({
            "description": "Another experiment file, relative to this one, whose keys hold where this file says nothing.",
            "type": "string",
        });
        properties.shift_insert(0, BASE.to_string(), base);
    }
    schema
}

/// Adds to each variant whose options all have defaults its name as a constant.
fn allow_bare_names(schema: &mut Json, definitions: &Json) {
    match schema {
        Json::Object(map) => {
            if let Some(Json::Array(choices)) = map.get_mut("oneOf") {
                let bare: Vec<Json> = choices.iter().filter_map(|choice| bare_name(choice, definitions)).collect();
                choices.extend(bare);
            }
            map.values_mut().for_each(|value| allow_bare_names(value, definitions));
        }
        Json::Array(items) => items.iter_mut().for_each(|item| allow_bare_names(item, definitions)),
        _ => {}
    }
}

fn bare_name(choice: &Json, definitions: &Json) -> Option<Json> {
    let (name, options) = choice.get("properties")?.as_object()?.iter().next()?;
    let target = options.get("$ref").and_then(Json::as_str).and_then(|link| link.strip_prefix("#/$defs/"));
    let options = target.and_then(|target| definitions.get(target)).unwrap_or(options);
    let is_map = options.get("type").and_then(Json::as_str) == Some("object");
    let needs = options.get("required").and_then(Json::as_array).is_some_and(|keys| !keys.is_empty());
    if !is_map || needs {
        return None;
    }
    let description = choice.get("description").cloned().unwrap_or_default();
    Some(json!({ "description": description, "type": "string", "const": name }))
}

/// Drops `required` everywhere but in the branches of an enum, where it tells the branches apart.
fn drop_required(schema: &mut Json) {
    match schema {
        Json::Object(map) => {
            if map.get("required").is_some_and(Json::is_array) {
                map.shift_remove("required");
            }
            for (key, value) in map.iter_mut() {
                match (key.as_str(), value) {
                    ("oneOf", Json::Array(branches)) => branches.iter_mut().for_each(drop_required_below),
                    (_, value) => drop_required(value),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(drop_required),
        _ => {}
    }
}

fn drop_required_below(branch: &mut Json) {
    if let Some(properties) = branch.get_mut("properties") {
        drop_required(properties);
    }
}

/// Defaults that are f32 with an f32's digits: 0.8, not 0.800000011920929.
pub(super) fn shorten_floats(value: &mut Json) {
    match value {
        Json::Object(map) => map.values_mut().for_each(shorten_floats),
        Json::Array(items) => items.iter_mut().for_each(shorten_floats),
        Json::Number(number) if number.is_f64() => {
            let wide = number.as_f64().unwrap_or_default();
            #[allow(clippy::cast_possible_truncation)]
            let narrow = wide as f32;
            if f64::from(narrow) == wide
                && let Ok(short) = narrow.to_string().parse::<f64>()
            {
                *value = json!(short);
            }
        }
        _ => {}
    }
}
