//! The trials as text, CSV and JSON.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::study::{Snapshot, State, Study, Trial};

/// A value as people write it: text without quotes.
pub fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A trial's values in one line: the last parts of the keys, where those differ.
pub fn settings(trial: &Trial) -> String {
    let short = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let names: Vec<String> = trial.values.keys().map(|k| short(k)).collect();
    let name = |i: usize, key: &str| {
        let unique = names.iter().filter(|n| **n == names[i]).count() == 1;
        if unique { names[i].clone() } else { key.to_owned() }
    };
    let parts = trial.values.iter().enumerate().map(|(i, (k, v))| format!("{}={}", name(i, k), show(v)));
    parts.collect::<Vec<_>>().join(" ")
}

/// One line: how many trials stand how, the epochs trained, the best.
pub fn summary(study: &Study, snapshot: &Snapshot) -> String {
    let states = [State::Finished, State::Pruned, State::Failed, State::Running, State::Waiting];
    let counts: Vec<String> = states
        .iter()
        .map(|&s| (snapshot.count(s), s.as_str()))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    let left = study.trials().saturating_sub(snapshot.trials.len());
    let mut line = format!("{} of {} trials", snapshot.trials.len(), study.trials());
    if !counts.is_empty() {
        line += &format!(" ({})", counts.join(", "));
    }
    if left > 0 {
        line += &format!(", {left} not begun");
    }
    line += &format!(", {} epochs trained", snapshot.trained());
    if let Some(best) = snapshot.ranking(study.objective().goal).first() {
        let value = best.value.unwrap_or(f64::NAN);
        line += &format!("; best {} {value:.4} (trial {})", study.objective().metric, best.number);
    }
    line
}

/// All trials as a table, finished ones first by their rank.
pub fn text(study: &Study, snapshot: &Snapshot) -> String {
    let ranking = snapshot.ranking(study.objective().goal);
    let others = snapshot.trials.iter().filter(|t| !ranking.iter().any(|r| r.number == t.number));
    let rows: Vec<&Trial> = ranking.iter().copied().chain(others).collect();
    let metric = &study.objective().metric;
    let width = metric.len().max(8);
    let mut out = format!("{:>5}  {:<8}  {metric:>width$}  {:>9}  settings\n", "trial", "state", "epochs");
    for t in rows {
        let value = t.value.map_or_else(|| "-".into(), |v| format!("{v:.4}"));
        let epochs = format!("{}/{}", t.trained(), t.epochs * study.seeds() as u64);
        out += &format!("{:>5}  {:<8}  {value:>width$}  {epochs:>9}  {}\n", t.number, t.state.as_str(), settings(t));
        if let Some(reason) = t.reason.as_ref().filter(|_| t.state == State::Failed) {
            out += &format!("       {}\n", reason.lines().next().unwrap_or_default());
        }
    }
    if snapshot.damaged_lines > 0 {
        out += &format!("{} damaged lines of journals were left out\n", snapshot.damaged_lines);
    }
    out + &summary(study, snapshot)
}

/// The study as JSON.
pub fn json(study: &Study, snapshot: &Snapshot) -> Value {
    let best = snapshot.ranking(study.objective().goal).first().map(|t| t.number);
    json!({
        "name": study.options().name, "objective": study.objective(), "trials_wanted": study.trials(),
        "epochs_trained": snapshot.trained(), "best": best, "trials": snapshot.trials,
        "damaged_lines": snapshot.damaged_lines,
    })
}

/// One row per trial, one column per key.
///
/// # Errors
/// When a row cannot be written, which memory always allows.
pub fn csv(study: &Study, snapshot: &Snapshot) -> Result<Vec<u8>> {
    let keys: Vec<&String> = study.options().space.keys().collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let metric = study.objective().metric.as_str();
    let head = ["trial", "state", metric, "epochs", "seconds", "worker", "reason"];
    writer.write_record(head.iter().copied().chain(keys.iter().map(|k| k.as_str())))?;
    for t in &snapshot.trials {
        let seconds = t.ended.map_or_else(String::new, |end| format!("{:.1}", t.seconds_until(end)));
        let mut row = vec![
            t.number.to_string(),
            t.state.as_str().to_owned(),
            t.value.map_or_else(String::new, |v| v.to_string()),
            t.trained().to_string(),
            seconds,
            t.worker.clone(),
            t.reason.clone().unwrap_or_default(),
        ];
        row.extend(keys.iter().map(|k| t.values.get(*k).map_or_else(String::new, show)));
        writer.write_record(&row)?;
    }
    writer.into_inner().context("the table of trials cannot be written")
}
