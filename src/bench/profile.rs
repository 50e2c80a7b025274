//! A table of where a training step's time goes.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Subject;
use ferrotype_ops::profile::{Kind, Phase, Spent, record};

/// Runs `steps` training steps after one that is not counted; gives the table of time by phase and by operation.
///
/// # Errors
/// When the loss is no longer finite.
pub fn breakdown(subject: &mut Subject, steps: usize) -> Result<String> {
    subject.train(1)?;
    let began = Instant::now();
    let (result, profile) = record(|| subject.train(steps));
    result?;
    let whole = began.elapsed();
    let pick = |wanted: fn(&Kind) -> bool| -> Vec<(Kind, Spent)> {
        profile.iter().filter(|(kind, _)| wanted(kind)).map(|(&kind, &spent)| (kind, spent)).collect()
    };
    let phases = pick(|kind| matches!(kind, Kind::Phase(_)));
    // The phases that hold operations would count them twice.
    let operations = pick(|kind| !matches!(kind, Kind::Phase(Phase::Forward | Phase::Backward)));
    let mut text = format!("{:<32} {:>9} {:>6} {:>6}\n", "of a step", "ms", "%", "calls");
    section(&mut text, &phases, "everything else", whole, steps);
    text.push('\n');
    section(&mut text, &operations, "autodiff, copies, everything else", whole, steps);
    let step = whole.as_secs_f64() * 1e3 / steps as f64;
    let _ = writeln!(text, "\n{:<32} {step:>9.3}", "a step");
    Ok(text)
}

/// The rows of one division of the whole time, the largest first, and what they leave.
fn section(text: &mut String, rows: &[(Kind, Spent)], rest: &str, whole: Duration, steps: usize) {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|(_, spent)| std::cmp::Reverse(spent.time));
    let counted: Duration = rows.iter().map(|(_, spent)| spent.time).sum();
    let mut line = |name: &str, time: Duration, calls: String| {
        let (ms, share) = (time.as_secs_f64() * 1e3 / steps as f64, 100.0 * time.as_secs_f64() / whole.as_secs_f64());
        let _ = writeln!(text, "{name:<32} {ms:>9.3} {share:>6.1} {calls:>6}");
    };
    for (kind, spent) in &rows {
        line(&kind.to_string(), spent.time, (spent.calls / steps as u64).to_string());
    }
    line(rest, whole.saturating_sub(counted), String::new());
}
