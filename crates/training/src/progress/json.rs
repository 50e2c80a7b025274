//! JSON lines on standard output, for machines.

use std::io::Write;

use serde_json::{Value, json};

use super::{EpochReport, Progress, StepReport};

/// One object per event, with the event's name under `event`.
pub struct Json;

fn emit(event: &str, mut body: Value) {
    if let Some(map) = body.as_object_mut() {
        map.insert("event".into(), event.into());
    }
    // A reader that went away is no reason to stop training.
    let _ = writeln!(std::io::stdout(), "{body}");
}

impl Progress for Json {
    fn step(&mut self, report: &StepReport) {
        emit("step", json!(report));
    }

    fn epoch(&mut self, report: &EpochReport) {
        let mut body = json!(report);
        body["validation"] = report.validation.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        emit("epoch", body);
    }

    fn note(&mut self, text: &str) {
        emit("note", json!({ "text": text }));
    }

    fn warn(&mut self, text: &str) {
        emit("warning", json!({ "text": text }));
    }

    fn work(&mut self, what: &str, done: usize, all: usize) {
        emit("work", json!({ "what": what, "done": done, "all": all }));
    }
}
