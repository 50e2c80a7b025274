//! The model card of a run: what it is, what it scored, on what, and what it must not be used for (Mitchell et al., FAT* 2019,
//! arXiv:1810.03993), as Markdown with the front matter that model hubs read.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::attack::{AttackPoint, AttackView};
use super::context as text;
use super::html::render;
use super::terminal::{all_warnings, leak_warnings};
use super::view::RunView;

/// What a run itself does not know of its publication.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CardView {
    /// The name under which it is published.
    pub name: String,
    /// The licence of the weights: an SPDX identifier, or words.
    pub licence: String,
    /// Where the licence stands, or the terms in words.
    pub terms: String,
    /// Whether it may be used commercially: `allowed`, `forbidden` or `unclear`.
    pub commercial: String,
    /// What to cite, if anything.
    pub citation: String,
    /// What of the preprocessing the ONNX file does.
    pub inside: String,
    /// What of it the caller must do.
    pub outside: String,
    /// Whether the weights are there to be used, and not their scores alone.
    pub has_weights: bool,
}

impl CardView {
    /// Of a run whose scores are published, and whose weights are not.
    pub fn scores_alone(name: &str) -> Self {
        let none = || "the weights are not published here".to_owned();
        Self { name: name.to_owned(), licence: none(), terms: none(), commercial: none(), ..Self::default() }
    }
}

/// The metrics that the front matter names.
const FIGURES: [&str; 5] = ["accuracy", "uar", "macro_f1", "log_loss", "ece"];

/// The card of a finished run.
///
/// # Errors
/// When the card's template cannot be filled, which the tests of this crate would have found.
pub fn card(run: &RunView, card: &CardView) -> Result<String> {
    let scored = run.test.as_ref().or(run.validation.as_ref());
    let mut warnings = all_warnings(run);
    warnings.extend(leak_warnings(&run.dataset.leaks));
    let figures = FIGURES.iter().filter_map(|name| {
        let score = run.test.as_ref()?.metrics.get(*name)?;
        Some(json!({ "type": name, "value": score.value }))
    });
    let mut about = serde_json::to_value(card)?;
    // Identifiers of hubs are in small letters; what is none of SPDX's is `other` there.
    let is_spdx = card.licence.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    about["hub_licence"] = if is_spdx { card.licence.to_lowercase() } else { "other".into() }.into();
    about["dataset_json"] = serde_json::to_string(&run.dataset.name)?.into();
    let attacks: Vec<String> = run.attacks.iter().flat_map(attack_lines).collect();
    let provenance: Vec<Value> =
        run.provenance.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect();
    let page = render(
        "card.md",
        json!({
            "run": run,
            "card": about,
            "figures": figures.collect::<Vec<_>>(),
            "synthetic": run.dataset.synthetic,
            "warnings": warnings,
            "selection": text::selection(run),
            "calibration": text::calibration(run),
            "metrics": text::metric_rows(run.validation.as_ref(), run.test.as_ref()),
            "classes": scored.map(text::class_rows),
            "dataset": text::dataset_facts(&run.dataset),
            "sets": text::set_rows(&run.dataset),
            "model": text::model_facts(&run.model),
            "onnx": run.onnx.as_ref().map(text::onnx_facts),
            "attacks": attacks,
            "provenance": provenance,
        }),
    )?;
    Ok(page)
}

/// What is left of the accuracy at each strength of an attack.
fn attack_lines(attack: &AttackView) -> Vec<String> {
    let line = |point: &AttackPoint| {
        format!(
            "{} within {} ({}, of 0 to 255): {:.1} % of {} rows are still told right.",
            attack.method,
            point.eps,
            attack.norm,
            100.0 * point.accuracy,
            point.n
        )
    };
    attack.points.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::run as example_run;

    #[test]
    fn a_card_says_scores_terms_and_limits() {
        let about = CardView {
            name: "small_one".into(),
            licence: "MIT".into(),
            terms: "LICENSE beside it".into(),
            commercial: "allowed".into(),
            citation: "Nobody, 2026".into(),
            inside: "x / 255".into(),
            outside: "resizing to 48x48".into(),
            has_weights: true,
        };
        let run = example_run();
        let page = card(&run, &about).unwrap();
        let front = page.split("---\n").nth(1).unwrap();
        let accuracy = run.test.as_ref().unwrap().metrics["accuracy"].value;
        assert!(front.contains("license: mit\n") && front.contains(&format!("value: {accuracy}")), "{front}");
        for class in &run.test.as_ref().unwrap().per_class {
            assert!(page.contains(&format!("| {} | {:.1} |", class.class, 100.0 * class.precision)), "{page}");
        }
        for text in ["hub:small_one", "resizing to 48x48", "Not for decisions about people", "Cite: Nobody, 2026"] {
            assert!(page.contains(text), "{text} in\n{page}");
        }
        // A table ends at an empty line: every row must follow the one before.
        assert!(!page.contains("|\n\n| "), "{page}");
        let alone = card(&run, &CardView::scores_alone("small_one")).unwrap();
        assert!(!alone.contains("hub:small_one") && alone.contains("license: other"), "{alone}");
        let other = card(&run, &CardView { licence: "research only".into(), ..about }).unwrap();
        assert!(other.contains("license: other\n"), "{other}");
    }
}
