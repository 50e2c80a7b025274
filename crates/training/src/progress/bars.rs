//! Bars on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use super::{EpochReport, Progress, StepReport, duration, epoch_line};

/// One bar, for the epoch or for other work; finished epochs become lines above it.
pub struct Bars {
    bar: Option<(String, ProgressBar)>,
}

impl Bars {
    /// No bar yet.
    pub fn new() -> Self {
        Self { bar: None }
    }

    /// The bar of this name, in place of any other.
    fn bar(&mut self, name: &str, length: usize) -> &ProgressBar {
        if self.bar.as_ref().is_none_or(|(n, _)| n != name) {
            self.clear();
            let bar = ProgressBar::new(length as u64);
            let template = "{prefix} [{bar:28}] {pos}/{len} {msg}";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("=> "));
            bar.set_prefix(name.to_owned());
            self.bar = Some((name.to_owned(), bar));
        }
        &self.bar.as_ref().expect("it was just set").1
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn line(&mut self, text: &str) {
        match &self.bar {
            Some((_, bar)) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }
}

impl Progress for Bars {
    fn step(&mut self, r: &StepReport) {
        let message = format!(
            "loss {:.4}  lr {:.2e}  {:.0} img/s  {} left",
            r.loss,
            r.lr,
            r.images_per_second,
            duration(r.seconds_left)
        );
        let bar = self.bar(&format!("epoch {}/{}", r.epoch, r.epochs), r.batches);
        bar.set_message(message);
        bar.set_position(r.batch as u64);
    }

    fn epoch(&mut self, r: &EpochReport) {
        self.clear();
        self.line(&epoch_line(r));
    }

    fn note(&mut self, text: &str) {
        self.line(text);
    }

    fn warn(&mut self, text: &str) {
        self.line(&format!("warning: {text}"));
    }

    fn work(&mut self, what: &str, done: usize, all: usize) {
        let bar = self.bar(what, all);
        bar.set_position(done as u64);
        if done >= all {
            self.clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}
