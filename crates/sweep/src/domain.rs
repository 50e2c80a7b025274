//! The values of one key over the unit interval.

use serde_json::{Value, json};

use crate::options::Parameter;

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
