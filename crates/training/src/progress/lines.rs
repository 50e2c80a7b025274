//! Plain lines, for logs.

use std::time::{Duration, Instant};

use super::{EpochReport, Progress, StepReport, duration, epoch_line};

/// Time between two lines within an epoch.
const PAUSE: Duration = Duration::from_secs(30);

/// One line per epoch, and one every half minute within it.
pub struct Lines {
    last: Instant,
    quiet: bool,
}

impl Lines {
    /// Lines on standard error.
    pub fn new() -> Self {
        Self { last: Instant::now(), quiet: false }
    }

    /// Only warnings.
    pub fn quiet() -> Self {
        Self { quiet: true, ..Self::new() }
    }

    fn line(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }
}

impl Progress for Lines {
    fn step(&mut self, r: &StepReport) {
        if self.last.elapsed() < PAUSE {
            return;
        }
        self.last = Instant::now();
        self.line(&format!(
            "epoch {}/{} batch {}/{}  loss {:.4}  lr {:.2e}  {:.0} img/s  {} left",
            r.epoch,
            r.epochs,
            r.batch,
            r.batches,
            r.loss,
            r.lr,
            r.images_per_second,
            duration(r.seconds_left)
        ));
    }

    fn epoch(&mut self, r: &EpochReport) {
        self.last = Instant::now();
        self.line(&epoch_line(r));
    }

    fn note(&mut self, text: &str) {
        self.line(text);
    }

    fn warn(&mut self, text: &str) {
        eprintln!("warning: {text}");
    }

    fn work(&mut self, what: &str, done: usize, all: usize) {
        if self.last.elapsed() >= PAUSE {
            self.last = Instant::now();
            self.line(&format!("{what}: {done}/{all}"));
        }
    }
}
