//! A value against a JSON Schema, as far as the schemas of this project go.

use serde_json::Value;

/// Where a value breaks its schema; empty where it does not. A keyword that is not known here is a break, too.
pub fn breaks(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "$", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                check(root, &root["$defs"][name], value, place, found);
                true
            }
            "const" => value == rule,
            "type" => match rule {
                Value::Array(any) => any.iter().any(|one| is(value, one)),
                one => is(value, one),
            },
            "minimum" => value.as_f64().is_none_or(|v| v >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|v| v <= rule.as_f64().unwrap()),
            "minItems" => value.as_array().is_none_or(|v| v.len() as u64 >= rule.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|v| v.len() as u64 <= rule.as_u64().unwrap()),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items.for_each(|(i, item)| check(root, rule, item, &format!("{place}[{i}]"), found));
                true
            }
            "required" => rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "properties" | "additionalProperties" => {
                entries(root, schema, value, place, keyword == "properties", found);
                true
            }
            _ => false,
        };
        if !holds {
            found.push(format!(
                "{place}: {keyword} {rule}, and it is {}",
                &value.to_string().chars().take(80).collect::<String>()
            ));
        }
    }
}

/// The entries of an object that the schema names, or those that it does not.
fn entries(root: &Value, schema: &Value, value: &Value, place: &str, named: bool, found: &mut Vec<String>) {
    for (name, entry) in value.as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        let rule = schema.get("properties").and_then(|p| p.get(name));
        match (rule, &schema["additionalProperties"]) {
            (Some(rule), _) if named => check(root, rule, entry, &place, found),
            (None, Value::Bool(false)) if !named => found.push(format!("{place}: the schema does not know it")),
            (None, rule @ Value::Object(_)) if !named => check(root, rule, entry, &place, found),
            _ => {}
        }
    }
}

fn is(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the type {other}"),
    }
}
