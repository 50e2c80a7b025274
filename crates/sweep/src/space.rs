//! The search space: points of the unit cube as values of the experiment's keys.

use std::collections::BTreeMap;

use serde_json::Value;

pub use crate::domain::Domain;
use crate::options::Parameter;

/// A trial's values by key. Keys that are not searched in this trial are absent.
pub type Values = BTreeMap<String, Value>;

/// One searched key.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// The experiment's key: `train.lr`.
    pub key: String,
    /// Its values.
    pub domain: Domain,
    /// The values of other keys under which it is searched.
    pub when: BTreeMap<String, Vec<Value>>,
    /// Its place in the order of names: the coordinate of quasi-random points.
    pub index: usize,
}

/// All searched keys, those that others depend on first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Space {
    dimensions: Vec<Dimension>,
}

impl Dimension {
    /// Whether it is searched where the others have these values.
    pub fn is_active(&self, values: &Values) -> bool {
        self.when.iter().all(|(key, allowed)| values.get(key).is_some_and(|v| allowed.contains(v)))
    }
}

impl Space {
    /// The space of a sweep file.
    ///
    /// # Errors
    /// What is impossible, each with the path of its key below `space`.
    pub fn of(parameters: &BTreeMap<String, Parameter>) -> Result<Self, Vec<(String, String)>> {
        let mut problems = Vec::new();
        let mut waiting = Vec::new();
        for (index, (key, parameter)) in parameters.iter().enumerate() {
            match Domain::of(parameter) {
                Ok(domain) => {
                    let list = |v: &Value| v.as_array().cloned().unwrap_or_else(|| vec![v.clone()]);
                    let when = parameter.when.iter().map(|(k, v)| (k.clone(), list(v))).collect();
                    waiting.push(Dimension { key: key.clone(), domain, when, index });
                }
                Err(message) => problems.push((key.clone(), message)),
            }
        }
        for dimension in &waiting {
            conditions(dimension, &waiting, parameters, &mut problems);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Self::in_order(waiting)
    }

    /// Those that others depend on first.
    fn in_order(mut waiting: Vec<Dimension>) -> Result<Self, Vec<(String, String)>> {
        let mut dimensions: Vec<Dimension> = Vec::new();
        while !waiting.is_empty() {
            let known = |d: &Dimension| d.when.keys().all(|k| dimensions.iter().any(|o| o.key == *k));
            let Some(at) = waiting.iter().position(known) else {
                let keys: Vec<&str> = waiting.iter().map(|d| d.key.as_str()).collect();
                let message = format!("the conditions go round in a circle: {}", keys.join(", "));
                return Err(vec![(format!("{}.when", waiting[0].key), message)]);
            };
            dimensions.push(waiting.remove(at));
        }
        Ok(Self { dimensions })
    }

    /// The searched keys, those that others depend on first.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// The searched key of that name.
    pub fn dimension(&self, key: &str) -> Option<&Dimension> {
        self.dimensions.iter().find(|d| d.key == key)
    }

    /// A trial's values: `choose` gives each active key's, knowing those before it.
    pub fn fill(&self, mut choose: impl FnMut(&Dimension) -> Value) -> Values {
        let mut values = Values::new();
        for dimension in &self.dimensions {
            if dimension.is_active(&values) {
                values.insert(dimension.key.clone(), choose(dimension));
            }
        }
        values
    }

    /// Every combination, the first key varying slowest; none where there are more than `most`.
    pub fn combinations(&self, each: impl Fn(&Dimension) -> Vec<Value>, most: usize) -> Option<Vec<Values>> {
        let mut all = vec![Values::new()];
        for dimension in &self.dimensions {
            let options = each(dimension);
            let mut next = Vec::new();
            for values in all {
                if !dimension.is_active(&values) {
                    next.push(values);
                    continue;
                }
                for option in &options {
                    let mut more = values.clone();
                    more.insert(dimension.key.clone(), option.clone());
                    next.push(more);
                }
                if next.len() > most {
                    return None;
                }
            }
            all = next;
        }
        (all.len() <= most).then_some(all)
    }
}

/// What is wrong with the conditions of one key.
fn conditions(
    dimension: &Dimension,
    all: &[Dimension],
    parameters: &BTreeMap<String, Parameter>,
    problems: &mut Vec<(String, String)>,
) {
    let key = &dimension.key;
    for (other, allowed) in &dimension.when {
        let path = format!("{key}.when.{other}");
        let Some(found) = all.iter().find(|d| d.key == *other) else {
            if !parameters.contains_key(other) {
                problems.push((path, "a condition names a key of the space; this is none".into()));
            }
            continue;
        };
        let Domain::Choice(values) = &found.domain else {
            problems.push((path, format!("a condition needs a choice; {other} is a range")));
            continue;
        };
        if let Some(value) = allowed.iter().find(|v| !values.contains(v)) {
            let known: Vec<String> = values.iter().map(ToString::to_string).collect();
            problems.push((path, format!("{value} is none of its choices: {}", known.join(", "))));
        }
    }
    // `train.optimizer.sgd.momentum` would turn an Adam that another key chose into SGD.
    for parent in all.iter().filter(|d| key.starts_with(&format!("{}.", d.key))) {
        let variant = key[parent.key.len() + 1..].split('.').next().unwrap_or_default();
        let name = |v: &Value| match v {
            Value::String(name) => name.clone(),
            Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
            other => other.to_string(),
        };
        let narrowed = dimension.when.get(&parent.key).is_some_and(|a| a.iter().all(|v| name(v) == variant));
        if !narrowed {
            let message = format!(
                "it belongs to `{variant}`, and {} is searched too: say `when: {{{}: {variant}}}`",
                parent.key, parent.key
            );
            problems.push((key.clone(), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn space(text: &str) -> Result<Space, Vec<(String, String)>> {
        Space::of(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn values_and_units_are_inverse() {
        let all = space(
            r#"{"a": {"choice": [32, "x", {"sgd": {}}]}, "b": {"int": [2, 11], "step": 3}, "c": {"log_int": [1, 100]},
                "d": {"float": [-1, 3]}, "e": {"log": [1e-5, 1]}, "f": {"float": [0.1, 0.5], "step": 0.1}}"#,
        )
        .unwrap();
        for d in all.dimensions() {
            for i in 0..=100 {
                let value = d.domain.value(f64::from(i) / 100.0);
                let unit = d.domain.unit(&value).unwrap_or_else(|| panic!("{} has no {value}", d.key));
                assert_eq!(d.domain.value(unit), value, "{}", d.key);
            }
        }
        let domain = |key: &str| &all.dimension(key).unwrap().domain;
        assert_eq!(domain("b").grid(0), [json!(2), json!(5), json!(8), json!(11)]);
        assert_eq!(domain("f").grid(0), [json!(0.1), json!(0.2), json!(0.3), json!(0.4), json!(0.5)]);
        assert_eq!(domain("c").grid(3), [json!(1), json!(10), json!(100)]);
        assert_eq!(domain("e").value(0.4), json!(0.001));
        assert_eq!(domain("e").corners(), [json!(1e-5), json!(1.0)]);
        assert_eq!((domain("b").count(), domain("d").count()), (Some(4), None));
    }

    #[test]
    fn conditions_decide_what_is_searched() {
        let all = space(
            r#"{"o": {"choice": ["adam", "sgd"]}, "o.sgd.momentum": {"float": [0.5, 0.9], "when": {"o": "sgd"}},
                "o.sgd.nesterov": {"choice": [true, false], "when": {"o": ["sgd"]}}}"#,
        )
        .unwrap();
        let adam = all.fill(|d| d.domain.value(0.0));
        assert_eq!(adam.keys().collect::<Vec<_>>(), ["o"]);
        let sgd = all.fill(|d| d.domain.value(0.99));
        assert_eq!(sgd.len(), 3);
        // 1 for Adam, 3 x 2 for SGD.
        assert_eq!(all.combinations(|d| d.domain.grid(3), 100).unwrap().len(), 7);
        assert!(all.combinations(|d| d.domain.grid(3), 6).is_none());
    }

    #[test]
    fn impossible_spaces_are_named() {
        for (text, path, word) in [
            (r#"{"a": {}}"#, "a", "exactly one"),
            (r#"{"a": {"int": [1, 2], "float": [1, 2]}}"#, "a", "exactly one"),
            (r#"{"a": {"log": [0, 2]}}"#, "a", "above 0"),
            (r#"{"a": {"int": [3, 3]}}"#, "a", "no range"),
            (r#"{"a": {"int": [1, 3], "step": 0.5}}"#, "a", "step"),
            (r#"{"a": {"choice": [1]}}"#, "a", "two values"),
            (r#"{"a": {"choice": [1, 1]}}"#, "a", "twice"),
            (r#"{"a": {"int": [1, 3], "when": {"b": 1}}}"#, "a.when.b", "none"),
            (r#"{"a": {"int": [1, 3], "when": {"b": 1}}, "b": {"choice": [2, 3]}}"#, "a.when.b", "choices"),
            (r#"{"a": {"int": [1, 3], "when": {"b": 1}}, "b": {"int": [2, 3]}}"#, "a.when.b", "range"),
            (
                r#"{"a": {"choice": [1, 2], "when": {"b": 1}}, "b": {"choice": [1, 2], "when": {"a": 1}}}"#,
                "a.when",
                "circle",
            ),
            (r#"{"o": {"choice": ["x", "y"]}, "o.x.k": {"int": [1, 2]}}"#, "o.x.k", "when: {o: x}"),
        ] {
            let problems = space(text).unwrap_err();
            assert!(problems.iter().any(|(p, m)| p == path && m.contains(word)), "{text}: {problems:?}");
        }
    }
}
