//! Progress that a function of the caller is told, too.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::{EpochReport, Event, Progress, StepReport};
use crate::interrupt::Interrupt;

/// What is called.
type Told = dyn Fn(&Event) -> ControlFlow<()> + Send + Sync;

/// A function that is told what happens in a run, on the thread that trains: while it works, training waits.
/// `ControlFlow::Break` asks training to stop, as Ctrl-C does.
#[derive(Clone)]
pub struct Watcher(Arc<Told>);

impl Watcher {
    /// Of a function.
    pub fn new(told: impl Fn(&Event) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    /// Tells it.
    pub fn tell(&self, event: &Event) -> ControlFlow<()> {
        (self.0)(event)
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// Shows progress, and tells a watcher of it.
pub struct Watched {
    shown: Box<dyn Progress>,
    watcher: Watcher,
    interrupt: Interrupt,
}

impl Watched {
    /// What is shown, who is told besides, and what is asked to stop where that one says so.
    pub fn new(shown: Box<dyn Progress>, watcher: Watcher, interrupt: Interrupt) -> Self {
        Self { shown, watcher, interrupt }
    }

    fn tell(&self, event: &Event) {
        // Asked once: a second time would be Ctrl-C pressed twice.
        if self.watcher.tell(event).is_break() && !self.interrupt.is_asked() {
            self.interrupt.ask();
        }
    }
}

impl Progress for Watched {
    fn step(&mut self, report: &StepReport) {
        self.shown.step(report);
        self.tell(&Event::Step(report.clone()));
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.shown.epoch(report);
        self.tell(&Event::Epoch(report.clone()));
    }

    fn note(&mut self, text: &str) {
        self.shown.note(text);
        self.tell(&Event::Note(text.to_owned()));
    }

    fn warn(&mut self, text: &str) {
        self.shown.warn(text);
        self.tell(&Event::Warning(text.to_owned()));
    }

    fn work(&mut self, what: &str, done: usize, all: usize) {
        self.shown.work(what, done, all);
        self.tell(&Event::Work { what: what.to_owned(), done, all });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Style;

    #[test]
    fn a_watcher_is_told_and_may_stop() {
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (kept, interrupt) = (told.clone(), Interrupt::default());
        let watcher = Watcher::new(move |event| {
            kept.lock().unwrap().push(event.to_json().to_string());
            if matches!(event, Event::Work { done: 2, .. }) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        let mut progress = Watched::new(Style::Quiet.start(), watcher, interrupt.clone());
        progress.note("hello");
        progress.work("scoring", 1, 2);
        assert!(!interrupt.is_asked());
        progress.work("scoring", 2, 2);
        assert!(interrupt.is_asked());
        let expected = [
            r#"{"text":"hello","event":"note"}"#,
            r#"{"what":"scoring","done":1,"all":2,"event":"work"}"#,
            r#"{"what":"scoring","done":2,"all":2,"event":"work"}"#,
        ];
        assert_eq!(*told.lock().unwrap(), expected);
    }
}
