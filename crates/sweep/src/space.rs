//! The search space: points of the unit cube as values of the experiment's keys.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::options::Parameter;

/// A trial's values by key. Keys that are not searched in this trial are absent.
pub type Values = BTreeMap<String, Value>;

/// What a key may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// One of these.
    Choice(Vec<Value>),
    /// Whole numbers `low`, `low + step`, ... up to `high`; evenly by the logarithm if `log` (then `step` is 1).
    #[allow(missing_docs, reason = "said above")]
    Int { low: i64, high: i64, step: i64, log: bool },
    /// Numbers from `low` to `high`, in steps where one is given; evenly by the logarithm if `log`.
    #[allow(missing_docs, reason = "said above")]
    Float { low: f64, high: f64, step: Option<f64>, log: bool },
}

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

/// Most significant digits of a drawn number: more only make it hard to read.
const DIGITS: usize = 5;

impl Domain {
    /// The domain that a parameter of a sweep file describes.
    ///
    /// # Errors
    /// When it does not name exactly one kind, or its range is impossible.
    pub fn of(parameter: &Parameter) -> Result<Self, String> {
        let p = parameter;
        let kinds = [p.choice.is_some(), p.int.is_some(), p.log_int.is_some(), p.float.is_some(), p.log.is_some()];
        if kinds.iter().filter(|&&k| k).count() != 1 {
            return Err("expected exactly one of choice, int, log_int, float and log".into());
        }
        if p.step.is_some() && p.int.is_none() && p.float.is_none() {
            return Err("step belongs to int and float only".into());
        }
        if let Some(values) = &p.choice {
            return Self::choice(values);
        }
        if let Some([low, high]) = p.int.or(p.log_int) {
            let log = p.log_int.is_some();
            ordered(low as f64, high as f64)?;
            if log && low < 1 {
                return Err(format!("[{low}, {high}]: a logarithm needs numbers of at least 1"));
            }
            let step = p.step.unwrap_or(1.0);
            if step < 1.0 || step.fract() != 0.0 || step > (high - low) as f64 {
                return Err(format!("a step of {step} is impossible in [{low}, {high}]: a whole number that fits in"));
            }
            return Ok(Self::Int { low, high, step: step as i64, log });
        }
        let [low, high] = p.float.or(p.log).unwrap_or_default();
        ordered(low, high)?;
        if p.log.is_some() && low <= 0.0 {
            return Err(format!("[{low}, {high}]: a logarithm needs numbers above 0"));
        }
        if let Some(step) = p.step
            && !(step > 0.0 && step <= high - low)
        {
            return Err(format!("a step of {step} is impossible in [{low}, {high}]"));
        }
        Ok(Self::Float { low, high, step: p.step, log: p.log.is_some() })
    }

    fn choice(values: &[Value]) -> Result<Self, String> {
        if values.len() < 2 {
            return Err("a choice needs at least two values: a single one belongs to `set`".into());
        }
        for (i, value) in values.iter().enumerate() {
            if values[..i].contains(value) {
                return Err(format!("the value {value} stands twice"));
            }
        }
        Ok(Self::Choice(values.to_vec()))
    }

    /// The number of distinct values; none where there is no end of them.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Choice(values) => Some(values.len()),
            Self::Int { low, high, step, .. } => Some(((high - low) / step) as usize + 1),
            Self::Float { low, high, step: Some(step), .. } => Some(((high - low) / step + 1e-9) as usize + 1),
            Self::Float { .. } => None,
        }
    }

    /// The value at `u` in [0, 1]: equal parts of the unit interval are equally likely values.
    pub fn value(&self, u: f64) -> Value {
        let u = u.clamp(0.0, 1.0);
        let cell = |n: usize| ((u * n as f64) as usize).min(n - 1);
        match self {
            Self::Choice(values) => values[cell(values.len())].clone(),
            Self::Int { low, high, log: true, .. } => {
                let (a, b) = ((*low as f64 - 0.5).ln(), (*high as f64 + 0.5).ln());
                json!(((a + u * (b - a)).exp().round() as i64).clamp(*low, *high))
            }
            Self::Int { low, step, .. } => json!(low + step * cell(self.count().unwrap_or(1)) as i64),
            Self::Float { low, step: Some(step), .. } => {
                number(low + step * cell(self.count().unwrap_or(1)) as f64, 12)
            }
            Self::Float { low, high, log, .. } => {
                let raw = if *log { (low.ln() + u * (high / low).ln()).exp() } else { low + u * (high - low) };
                let short = number(raw, DIGITS);
                // Rounding must not leave the range.
                let inside = short.as_f64().is_some_and(|v| (*low..=*high).contains(&v));
                if inside { short } else { json!(raw.clamp(*low, *high)) }
            }
        }
    }

    /// Where in [0, 1] a value lies: the middle of what leads to it. None where it is not one of the domain.
    pub fn unit(&self, value: &Value) -> Option<f64> {
        let middle = |i: usize, n: usize| (i as f64 + 0.5) / n as f64;
        match self {
            Self::Choice(values) => values.iter().position(|v| v == value).map(|i| middle(i, values.len())),
            Self::Int { low, high, log: true, .. } => {
                let (a, b) = ((*low as f64 - 0.5).ln(), (*high as f64 + 0.5).ln());
                let v = value.as_i64().filter(|v| (low..=high).contains(&v))?;
                Some(((v as f64).ln() - a) / (b - a))
            }
            Self::Int { low, high, step, .. } => {
                let v = value.as_i64().filter(|v| (low..=high).contains(&v))?;
                Some(middle(((v - low) / step) as usize, self.count()?))
            }
            Self::Float { low, high, step, log } => {
                let v = value.as_f64().filter(|v| (low..=high).contains(&v))?;
                match (step, log) {
                    (Some(step), _) => Some(middle(((v - low) / step).round() as usize, self.count()?)),
                    (None, true) => Some((v / low).ln() / (high / low).ln()),
                    (None, false) => Some((v - low) / (high - low)),
                }
            }
        }
    }

    /// All values, or `points` of them from end to end where there is no end of them.
    pub fn grid(&self, points: usize) -> Vec<Value> {
        let spread = |i: usize| i as f64 / (points.max(2) - 1) as f64;
        match (self, self.count()) {
            (Self::Int { low, high, log: true, .. }, _) => {
                let between = |i| (*low as f64 * (*high as f64 / *low as f64).powf(spread(i))).round() as i64;
                let mut all: Vec<i64> = (0..points.max(2)).map(between).collect();
                all.dedup();
                all.into_iter().map(|v| json!(v)).collect()
            }
            (_, Some(n)) => (0..n).map(|i| self.value((i as f64 + 0.5) / n as f64)).collect(),
            (_, None) => (0..points.max(2)).map(|i| self.value(spread(i))).collect(),
        }
    }

    /// The smallest and the largest value, or all of a choice: what shows whether a whole range is possible.
    pub fn corners(&self) -> Vec<Value> {
        match self {
            Self::Choice(values) => values.clone(),
            Self::Int { low, high, step, .. } => vec![json!(low), json!(low + (high - low) / step * step)],
            Self::Float { step: Some(_), .. } => vec![self.value(0.0), self.value(1.0)],
            Self::Float { low, high, .. } => vec![json!(low), json!(high)],
        }
    }
}

fn ordered(low: f64, high: f64) -> Result<(), String> {
    if low.is_finite() && high.is_finite() && low < high {
        return Ok(());
    }
    Err(format!("[{low}, {high}] is no range: the second number must be larger than the first"))
}

fn number(value: f64, digits: usize) -> Value {
    let short: f64 = format!("{value:.*e}", digits - 1).parse().unwrap_or(value);
    json!(short)
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
