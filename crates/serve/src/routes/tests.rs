use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn description() -> Value {
    serde_json::from_str(about::OPENAPI).unwrap()
}

#[test]
fn the_description_lists_the_addresses_that_are_answered() {
    let described = description();
    let described: BTreeSet<&String> = described["paths"].as_object().unwrap().keys().collect();
    let answered = table();
    let answered: BTreeSet<String> = answered.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(described, answered.iter().collect());
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    fn walk(root: &Value, value: &Value, count: &mut usize) {
        match value {
            Value::Object(entries) => {
                if let Some(Value::String(to)) = entries.get("$ref") {
                    let at = to.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
                    assert!(at.is_some(), "{to}");
                    *count += 1;
                }
                entries.values().for_each(|v| walk(root, v, count));
            }
            Value::Array(values) => values.iter().for_each(|v| walk(root, v, count)),
            _ => {}
        }
    }
    let (root, mut count) = (description(), 0);
    walk(&root, &root, &mut count);
    assert!(count > 20, "{count}");
}

#[test]
fn every_operation_has_a_name_a_summary_and_answers() {
    let root = description();
    let mut names = BTreeSet::new();
    for (path, methods) in root["paths"].as_object().unwrap() {
        let parameters = methods["parameters"].as_array().map_or(0, Vec::len);
        assert_eq!(path.matches('{').count(), parameters, "{path}");
        for (method, operation) in methods.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path}"));
            assert!(names.insert(name.to_owned()), "{name}");
            assert!(operation["summary"].is_string() && operation["responses"].is_object(), "{method} {path}");
        }
    }
}
