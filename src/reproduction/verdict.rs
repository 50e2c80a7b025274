//! How a result stands to the published figure.

use anyhow::Result;

use super::{Entry, Outcome, Published, SelectedOn};
use crate::config::SelectOn;
use ferrotype_report::{self as report, ExpectView};

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
    pub fn as_str(self) -> &'static str {
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
    all.extend(outcome.comparison.shortened());
    if !outcome.comparison.changes.is_empty() {
        all.push(format!("changed: {}", outcome.comparison.changes.join(", ")));
    }
    if outcome.synthetic {
        all.push("synthetic data".into());
    }
    if outcome.data.len() > 1 {
        all.push(format!("its runs were made of {} different data", outcome.data.len()));
    }
    if outcome.selected_on == SelectOn::Test && entry.figure().is_some_and(|f| f.selected_on != SelectedOn::Test) {
        all.push("ours was selected on the test set".into());
    }
    all.extend((!entry.not_comparable.is_empty()).then(|| entry.not_comparable.clone()));
    all
}

fn sentence(kind: Kind, reasons: &[String]) -> String {
    let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
    format!("**{}**{why}.", kind.as_str())
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
    if figure.selected_on == SelectedOn::Test && outcome.selected_on == SelectOn::Test {
        all.push("Ours was selected on the test set, too, as in the original.".into());
    }
    if figure.selected_on == SelectedOn::Unknown {
        all.push("How the published figure was selected is unknown.".into());
    }
    if outcome.seen_before > 0 {
        all.push(format!(
            "The weights or teachers that ours builds on have seen {} test rows: ours is optimistic.",
            outcome.seen_before
        ));
    }
    if !outcome.unknown_origins.is_empty() {
        all.push(format!(
            "What {} was trained on is not known: test rows may be among it.",
            outcome.unknown_origins.join(", ")
        ));
    }
    if outcome.seeds() == 1 {
        all.push("One run only: how it varies with the seed is not known.".into());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::{RecipeComparison, Registry, Unfinished};
    use super::*;
    use crate::config::read_any;
    use ferrotype_run::group::GroupAxis;

    const CONFIG: &str = "name: x\ndata: {path: a.h5, preprocess: {size: 48}}\nmodel: mini_xception\n\
                          train: {epochs: 30, lr: 1e-3}\n";

    fn outcome(value: f64) -> Outcome {
        Outcome {
            folder: "runs/x".into(),
            mark: None,
            comparison: RecipeComparison { epochs: 30, recipe_epochs: 30, changes: Vec::new() },
            over: Some(GroupAxis::Seed),
            folds: None,
            metric: "accuracy".into(),
            values: vec![value - 0.002, value, value + 0.002],
            value: Some(value),
            sd: Some(0.002),
            interval: Some([value - 0.005, value + 0.005]),
            rows: 3137,
            unfinished: Vec::new(),
            selected_on: SelectOn::Validation,
            synthetic: false,
            seen_before: 0,
            unknown_origins: Vec::new(),
            wall_seconds: 10.0,
            processor_seconds: Some(20.0),
            energy_joules: None,
            devices: vec!["flex".into()],
            builds: vec!["c0".into()],
            data: vec!["abc".into()],
            config: "def".into(),
            experiment: read_any("x", CONFIG).unwrap(),
        }
    }

    fn judge(name: &str, outcome: &Outcome) -> (Kind, String) {
        let registry = Registry::shipped().unwrap();
        let found = verdict(registry.find(name).unwrap(), outcome).unwrap().unwrap();
        (found.kind, found.text)
    }

    #[test]
    fn the_tolerance_decides() {
        // Published 83.97 %, tolerance one point.
        let kind = |value| judge("ferplus-vgg13-multi_target", &outcome(value)).0;
        assert_eq!(kind(0.835), Kind::Reproduced);
        assert_eq!(kind(0.849), Kind::Reproduced);
        assert_eq!(kind(0.851), Kind::Above);
        assert_eq!(kind(0.8295), Kind::Below);
        let text = judge("ferplus-vgg13-multi_target", &outcome(0.83)).1;
        assert_eq!(
            text,
            "**reproduced**. -0.97 points to the published figure, which lies outside the 95 % interval; tolerance 1.00. The \
             published figure is unconfirmed."
        );
    }

    #[test]
    fn what_speaks_against_a_figure_is_always_said() {
        let (kind, text) = judge("fer2013-mini_xception", &outcome(0.66));
        assert_eq!(kind, Kind::SelectedOnTest);
        assert!(text.starts_with("**published figure selected on test**. +0.00 points"), "{text}");
        let mut short = outcome(0.66);
        short.comparison.epochs = 3;
        short.comparison.changes = vec!["train.lr: 0.001 -> 0.002".into()];
        let (kind, text) = judge("fer2013-mini_xception", &short);
        assert_eq!(kind, Kind::NotComparable);
        for part in ["3 of 30 epochs; changed: train.lr: 0.001 -> 0.002.", "was selected on the test set."] {
            assert!(text.contains(part), "{text}");
        }
        let mut both = outcome(0.66);
        both.selected_on = SelectOn::Test;
        assert!(judge("fer2013-mini_xception-published", &both).1.contains("Ours was selected on the test set, too"));
        let (kind, text) = judge("ferplus-vgg13-majority", &both);
        assert!(kind == Kind::NotComparable && text.contains("ours was selected on the test set"), "{text}");
        let (kind, text) = judge("ferplus-resnet18", &outcome(0.8));
        assert!(kind == Kind::NotComparable && text.contains("there is no published figure"), "{text}");
        let (kind, text) = judge("fer2013-resnet18", &outcome(0.706));
        assert!(kind == Kind::NotComparable && text.contains("another recipe") && text.contains("unknown"), "{text}");
        let mut synthetic = outcome(0.84);
        synthetic.synthetic = true;
        synthetic.values.truncate(1);
        let (kind, text) = judge("ferplus-vgg13-multi_target", &synthetic);
        assert!(
            kind == Kind::NotComparable && text.contains("synthetic data") && text.contains("One run only"),
            "{text}"
        );
    }

    #[test]
    fn all_folds_of_a_seed_are_one_run() {
        let mut folds = outcome(0.84);
        (folds.over, folds.folds, folds.sd) = (Some(GroupAxis::Fold), Some(3), None);
        let text = judge("ferplus-vgg13-multi_target", &folds).1;
        assert!(text.contains("One run only"), "{text}");
        assert_eq!((folds.seeds(), folds.runs().as_str()), (1, "1 (3 folds)"));
        (folds.over, folds.folds) = (Some(GroupAxis::Seed), Some(68));
        assert_eq!(folds.runs(), "3 (68 folds)");
        assert!(!judge("ferplus-vgg13-multi_target", &folds).1.contains("One run only"));
    }

    #[test]
    fn what_the_weights_knew_before_is_said() {
        let mut ours = outcome(0.84);
        (ours.seen_before, ours.unknown_origins) = (12, vec!["runs/imported/x".into()]);
        let (kind, text) = judge("ferplus-vgg13-multi_target", &ours);
        assert_eq!(kind, Kind::Reproduced);
        for part in ["have seen 12 test rows: ours is optimistic", "What runs/imported/x was trained on is not known"] {
            assert!(text.contains(part), "{text}\nlacks {part}");
        }
        ours.data.push("def".into());
        let (kind, text) = judge("ferplus-vgg13-multi_target", &ours);
        assert!(kind == Kind::NotComparable && text.contains("made of 2 different data"), "{text}");
    }

    #[test]
    fn an_unfinished_run_has_no_verdict() {
        let registry = Registry::shipped().unwrap();
        let mut open = outcome(0.84);
        open.unfinished = vec![Unfinished::Epochs(4)];
        assert_eq!(verdict(registry.find("ferplus-vgg13-majority").unwrap(), &open).unwrap(), None);
    }
}
