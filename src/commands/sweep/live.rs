//! The table that is drawn while a sweep runs: a line per running trial, and one for the whole.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use ferrotype_sweep::study::journal::now;
use ferrotype_sweep::study::{Snapshot, State, Study, Trial};
use ferrotype_sweep::table::{settings, summary};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use ferrotype_training::progress::duration;

/// How often the study is read anew.
const EVERY: Duration = Duration::from_millis(700);

/// Shows how a study goes, until it is told to end.
pub struct Live {
    terminal: Option<(MultiProgress, Vec<ProgressBar>)>,
    quiet: bool,
    /// Trials whose end was told.
    told: Vec<usize>,
    last: Option<Instant>,
}

impl Live {
    /// A table on a terminal, a line per ended trial elsewhere, nothing if `quiet`.
    pub fn new(quiet: bool) -> Self {
        let terminal = (!quiet && std::io::stderr().is_terminal()).then(|| (MultiProgress::new(), Vec::new()));
        Self { terminal, quiet, told: Vec::new(), last: None }
    }

    /// Takes trials that had ended before for told.
    pub fn skip_ended(&mut self, snapshot: &Snapshot) {
        self.told = snapshot.trials.iter().filter(|t| t.is_over()).map(|t| t.number).collect();
    }

    /// Draws if it is time.
    pub fn tick(&mut self, study: &Study) {
        if self.quiet || self.last.is_some_and(|l| l.elapsed() < EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        // What cannot be read now is told by the worker that cannot write either.
        if let Ok(snapshot) = study.snapshot() {
            self.draw(study, &snapshot);
        }
    }

    /// Draws the last state; clears the table.
    pub fn end(&mut self, study: &Study, snapshot: &Snapshot) {
        if !self.quiet {
            self.draw(study, snapshot);
        }
        if let Some((multi, _)) = &self.terminal {
            let _ = multi.clear();
        }
    }

    fn draw(&mut self, study: &Study, snapshot: &Snapshot) {
        for trial in snapshot.trials.iter().filter(|t| t.is_over()) {
            if !self.told.contains(&trial.number) {
                self.told.push(trial.number);
                self.line(&ended_line(study, trial));
            }
        }
        let Some((multi, bars)) = &mut self.terminal else { return };
        let running: Vec<&Trial> = snapshot.trials.iter().filter(|t| t.state == State::Running).collect();
        let mut lines: Vec<String> = running.iter().map(|t| running_line(study, t)).collect();
        lines.push(format!("{}{}", summary(study, snapshot), time_left(study, snapshot, running.len())));
        while bars.len() > lines.len() {
            if let Some(bar) = bars.pop() {
                multi.remove(&bar);
            }
        }
        while bars.len() < lines.len() {
            let bar = multi.add(ProgressBar::new_spinner());
            bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bars.push(bar);
        }
        bars.iter().zip(lines).for_each(|(bar, line)| bar.set_message(line));
    }

    fn line(&self, text: &str) {
        match &self.terminal {
            // A terminal that went away shows nothing.
            Some((multi, _)) => drop(multi.println(text)),
            None => eprintln!("{text}"),
        }
    }
}

fn ended_line(study: &Study, t: &Trial) -> String {
    let value = t.value.map_or_else(String::new, |v| format!("  {} {v:.4}", study.objective().metric));
    let reason = t.reason.as_deref().and_then(|r| r.lines().next()).map(|r| format!("  ({r})")).unwrap_or_default();
    format!("trial {:>4}  {:<8}  {}{value}{reason}", t.number, t.state.as_str(), settings(t))
}

fn running_line(study: &Study, t: &Trial) -> String {
    let all = t.epochs * study.seeds() as u64;
    let value = t.value.map_or_else(|| "-".into(), |v| format!("{v:.4}"));
    let left = epoch_seconds(t).map(|s| format!("  {} left", duration(s * (all - t.trained().min(all)) as f64)));
    format!(
        "trial {:>4}  running   {}  epoch {}/{all}  best {value}{}",
        t.number,
        settings(t),
        t.trained(),
        left.unwrap_or_default()
    )
}

/// Seconds per epoch of a trial so far.
fn epoch_seconds(t: &Trial) -> Option<f64> {
    (t.trained() > 0).then(|| t.seconds_until(t.ended.unwrap_or_else(now)) / t.trained() as f64)
}

/// What the rest will take at the mean pace of the trials that have ended.
fn time_left(study: &Study, snapshot: &Snapshot, running: usize) -> String {
    let over: Vec<&Trial> = snapshot.trials.iter().filter(|t| t.is_over()).collect();
    if over.is_empty() || running == 0 {
        return String::new();
    }
    let seconds: f64 = over.iter().filter_map(|t| Some(t.seconds_until(t.ended?))).sum();
    let rest = study.trials().saturating_sub(over.len()) as f64;
    format!("; about {} left", duration(seconds / over.len() as f64 * rest / running as f64))
}
