//! Runs and sweeps, to be read. A name in an address is compared with those of the lists, and is never part of a path.

use std::path::{Path as FilePath, PathBuf};

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::analyze::POLICY;
use super::{Answer, State, blocking};
use crate::events;
use crate::problem::Problem;
use crate::runs::{RunEntry, SweepEntry};

/// The most steps of a history that are shown: more than a screen has columns.
const STEPS: usize = 1000;

pub async fn list(shared: State) -> Answer {
    let runs = shared.runs.clone();
    let list = blocking(move || runs.list()).await?;
    super::json(&json!({ "runs": list }))
}

pub async fn one(shared: State, Path(name): Path<String>) -> Answer {
    let run = find(&shared, name).await?;
    let (runs, entry) = (shared.runs.clone(), run.clone());
    let (detail, (steps, epochs, next)) =
        blocking(move || Ok((runs.detail(&entry)?, history(&entry.history)?))).await?;
    let mut value = object(&run)?;
    value.extend(object(&detail)?);
    value.insert("history".into(), json!({ "steps": steps, "epochs": epochs, "next": next }));
    super::json(&value)
}

pub async fn report(shared: State, Path(name): Path<String>) -> Answer {
    let run = find(&shared, name).await?;
    page(run.report, run.report_file).await
}

pub async fn events(shared: State, Path(name): Path<String>, headers: HeaderMap, uri: axum::http::Uri) -> Answer {
    let run = find(&shared, name).await?;
    let mut words = crate::query::Words::of_query(uri.query());
    let from = words.number("from", 0, usize::MAX)?;
    words.done()?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    events::of_run(&shared, run, last.or(from.map(|n| n as u64)).unwrap_or(0))
}

pub async fn sweeps(shared: State) -> Answer {
    let runs = shared.runs.clone();
    let list = blocking(move || runs.sweeps()).await?;
    super::json(&json!({ "sweeps": list }))
}

pub async fn sweep(shared: State, Path(name): Path<String>) -> Answer {
    let sweep = find_sweep(&shared, name).await?;
    let (runs, entry) = (shared.runs.clone(), sweep.clone());
    let detail = blocking(move || runs.sweep(&entry)).await?;
    let mut value = object(&sweep)?;
    value.extend(object(&detail)?);
    super::json(&value)
}

pub async fn sweep_report(shared: State, Path(name): Path<String>) -> Answer {
    let sweep = find_sweep(&shared, name).await?;
    page(sweep.report, sweep.report_file).await
}

async fn find(shared: &State, name: String) -> Result<RunEntry, Problem> {
    let runs = shared.runs.clone();
    let found = blocking(move || runs.find(&name)).await?;
    found.ok_or_else(|| Problem::not_found("there is no run of that name: /v1/runs lists those there are"))
}

async fn find_sweep(shared: &State, name: String) -> Result<SweepEntry, Problem> {
    let runs = shared.runs.clone();
    let found = blocking(move || Ok(runs.sweeps()?.into_iter().find(|sweep| sweep.name == name))).await?;
    found.ok_or_else(|| Problem::not_found("there is no sweep of that name: /v1/sweeps lists those there are"))
}

async fn page(exists: bool, file: PathBuf) -> Answer {
    if !exists {
        return Err(Problem::not_found("it has no report yet"));
    }
    let bytes = blocking(move || Ok(std::fs::read(file)?)).await?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")), POLICY], bytes).into_response())
}

fn object(value: &impl serde::Serialize) -> Result<Map<String, Value>, Problem> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Ok(Map::new()),
        Err(e) => Err(Problem::reading(&e.into())),
    }
}

/// Steps, thinned out, epochs, and the place in the file behind them.
type History = (Vec<Value>, Vec<Value>, u64);

/// Lines that are no events are left out: the page shows what can be shown.
fn history(path: &FilePath) -> anyhow::Result<History> {
    let (mut steps, mut epochs, mut next) = (Vec::new(), Vec::new(), 0);
    while path.is_file() {
        let tail = events::tail(path, next)?;
        if tail.next == next {
            break;
        }
        next = tail.next;
        for (line, _) in tail.lines {
            let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
            match event["event"].as_str() {
                Some("step") => steps.push(event),
                Some("epoch") => epochs.push(event),
                _ => {}
            }
        }
    }
    let every = steps.len().div_ceil(STEPS).max(1);
    // The last one says how far it is.
    let last = steps.len().saturating_sub(1);
    let steps = steps.into_iter().enumerate().filter(|(i, _)| i % every == 0 || *i == last).map(|(_, step)| step);
    Ok((steps.collect(), epochs, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_is_thinned_and_keeps_its_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        assert_eq!(history(&path).unwrap(), (Vec::new(), Vec::new(), 0));
        let mut text: String = (0..5000).map(|i| format!("{{\"event\":\"step\",\"step\":{i}}}\n")).collect();
        text += "nonsense\n{\"event\":\"epoch\",\"epoch\":1}\n{\"event\":\"st";
        std::fs::write(&path, &text).unwrap();
        let (steps, epochs, next) = history(&path).unwrap();
        assert!(steps.len() <= STEPS + 1);
        assert_eq!((&steps[0]["step"], &steps[steps.len() - 1]["step"]), (&json!(0), &json!(4999)));
        assert_eq!((epochs.len(), next as usize), (1, text.len() - "{\"event\":\"st".len()));
    }
}
