//! JSON lines on standard output, for machines.

use std::io::Write;

use super::{EpochReport, Event, Progress, StepReport};

/// One object per event, with the event's name under `event`.
pub struct Json;

fn emit(event: &Event) {
    // A reader that went away is no reason to stop training.
    let _ = writeln!(std::io::stdout(), "{}", event.to_json());
}

impl Progress for Json {
    fn step(&mut self, report: &StepReport) {
        emit(&Event::Step(report.clone()));
    }

    fn epoch(&mut self, report: &EpochReport) {
        emit(&Event::Epoch(report.clone()));
    }

    fn note(&mut self, text: &str) {
        emit(&Event::Note(text.to_owned()));
    }

    fn warn(&mut self, text: &str) {
        emit(&Event::Warning(text.to_owned()));
    }

    fn work(&mut self, what: &str, done: usize, all: usize) {
        emit(&Event::Work { what: what.to_owned(), done, all });
    }
}
