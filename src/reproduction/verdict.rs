//! How a result stands to the published figure.

use anyhow::Result;

use super::{Entry, Outcome, Published, SelectedOn};
use crate::report::{self, ExpectView};

/// The kinds of verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Within the tolerance.
    Reproduced,
    /// Better by more than the tolerance.
    Above,
    /// Worse by more than the tolerance.
    Below,
    /// The two do not measure the same.
    NotComparable,
    /// The published figure was selected on the rows it was scored on: it cannot be a yardstick.
    SelectedOnTest,
}

impl Kind {
    /// The words for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Above => "above",
            Self::Below => "below",
            Self::NotComparable => "not comparable",
            Self::SelectedOnTest => "published figure selected on test",
        }
    }
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its kind.
    pub kind: Kind,
    /// Kind, reasons, difference and everything that speaks against taking it at face value.
    pub text: String,
}

/// Judges a finished outcome; none where it has no value.
///
/// # Errors
/// When the metric does not exist.
pub fn verdict(entry: &Entry, outcome: &Outcome) -> Result<Option<Verdict>> {
    let Some(value) = outcome.value.filter(|_| outcome.is_finished()) else { return Ok(None) };
    let reasons = reasons(entry, outcome);
    let Some(figure) = entry.figure() else {
        return Ok(Some(Verdict { kind: Kind::NotComparable, text: sentence(Kind::NotComparable, &reasons) }));
    };
    let expect = ExpectView {
        metric: figure.metric.clone(),
        value: figure.value,
        tolerance: entry.tolerance,
        source: figure.source.clone(),
        note: String::new(),
    };
    let relation = report::verdict(&expect, value, outcome.interval)?.kind;
    let kind = match relation {
        _ if !reasons.is_empty() => Kind::NotComparable,
        _ if figure.selected_on == SelectedOn::Test => Kind::SelectedOnTest,
        "reproduced" => Kind::Reproduced,
        "better" => Kind::Above,
        _ => Kind::Below,
    };
    let mut text = vec![sentence(kind, &reasons), difference(figure, value, outcome.interval, entry.tolerance)];
    text.extend(cautions(figure, outcome, kind));
    Ok(Some(Verdict { kind, text: text.join(" ") }))
}

/// Why the two do not measure the same.
fn reasons(entry: &Entry, outcome: &Outcome) -> Vec<String> {
    let mut all = Vec::new();
    if entry.figure().is_none() {
        all.push("there is no published figure".to_owned());
    }
    all.extend(outcome.standing.shortened());
    if !outcome.standing.changes.is_empty() {
        all.push(format!("changed: {}", outcome.standing.changes.join(", ")));
    }
    if outcome.drawn {
        all.push("drawn faces".into());
    }
    if outcome.selected_on_test && entry.figure().is_some_and(|f| f.selected_on != SelectedOn::Test) {
        all.push("ours was selected on the test set".into());
    }
    all.extend((!entry.not_comparable.is_empty()).then(|| entry.not_comparable.clone()));
    all
}

fn sentence(kind: Kind, reasons: &[String]) -> String {
    let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
    format!("**{}**{why}.", kind.word())
}

fn difference(figure: &Published, value: f64, interval: Option<[f64; 2]>, tolerance: f64) -> String {
    let inside = match interval {
        Some([low, high]) if (low..=high).contains(&figure.value) => ", which lies within the 95 % interval",
        Some(_) => ", which lies outside the 95 % interval",
        None => "",
    };
    let gain = 100.0 * (value - figure.value);
    format!("{gain:+.2} points to the published figure{inside}; tolerance {:.2}.", 100.0 * tolerance)
}

/// What speaks against taking the published figure, or ours, at face value.
fn cautions(figure: &Published, outcome: &Outcome, kind: Kind) -> Vec<String> {
    let mut all = Vec::new();
    if !figure.confirmed {
        all.push("The published figure is unconfirmed.".to_owned());
    }
    if figure.selected_on == SelectedOn::Test && kind != Kind::SelectedOnTest {
        all.push("The published figure was selected on the test set.".into());
    }
    if figure.selected_on == SelectedOn::Test && outcome.selected_on_test {
        all.push("Ours was selected on the test set, too, as in the original.".into());
    }
    if figure.selected_on == SelectedOn::Unknown {
        all.push("How the published figure was selected is unknown.".into());
    }
    if outcome.values.len() == 1 {
        all.push("One run only: how it varies with the seed is not known.".into());
    }
    all
}
