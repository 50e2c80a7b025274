//! The files of an attack.

use std::path::Path;

use anyhow::Result;

use ferrotype_data::preprocess::pixels;
use ferrotype_evaluation::Predictions;
use ferrotype_report::{AttackView, ExampleView, Face, adversarial_examples, robust_accuracy};
use ferrotype_run::files::{explain, write_atomic, write_json};
use ferrotype_run::numpy::{Array, npz};
use ferrotype_training::attack::{AttackResult, RobustnessTest, Strength};

/// Examples in the picture.
const SHOWN: usize = 8;

/// What is written, in this order: the figures last, so that they never stand beside older pictures.
pub(super) const NAMES: [&str; 6] =
    ["robust_accuracy.svg", "robust_accuracy.png", "examples.png", "examples.npz", "attack.csv", "attack.json"];

/// What is written of an attack.
pub(super) struct Written<'a> {
    pub(super) view: &'a AttackView,
    pub(super) found: &'a AttackResult,
    pub(super) test_plan: &'a RobustnessTest,
    /// `[channels, height, width]` of a picture.
    pub(super) shape: [usize; 3],
}

impl Written<'_> {
    /// Writes plot, picture, arrays and figures.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
        let plot = robust_accuracy(self.view);
        let [svg, png, picture, arrays, csv, json] = NAMES.map(|name| folder.join(name));
        write_atomic(svg, plot.svg()?.as_bytes())?;
        write_atomic(png, &plot.png()?)?;
        write_atomic(picture, &self.picture()?.png()?)?;
        write_atomic(arrays, &self.arrays()?)?;
        write_atomic(csv, &self.view.csv()?)?;
        write_json(json, self.view)
    }

    fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Pictures kept.
    fn kept(&self) -> usize {
        self.found.kept.len() / self.size()
    }

    /// A grid of examples of the strongest attack: first those that it turned from right to wrong.
    fn picture(&self) -> Result<ferrotype_report::Figure> {
        let heading = format!("Examples: {}", self.view.title());
        let Some(strongest) = self.found.strengths.last() else { return adversarial_examples(&heading, "", &[]) };
        let (clean, said) = (&self.found.clean, &strongest.predictions);
        let turned = |&i: &usize| clean.predicted(i) == clean.truth[i] && said.predicted(i) != said.truth[i];
        let (mut chosen, rest): (Vec<usize>, Vec<usize>) = (0..self.kept()).partition(turned);
        chosen.extend(rest);
        chosen.truncate(SHOWN);
        let change = |i: usize| {
            let at = i * self.size()..(i + 1) * self.size();
            let pairs = strongest.kept[at.clone()].iter().zip(&self.found.kept[at]);
            pairs.map(|(a, b)| a - b).collect::<Vec<f32>>()
        };
        let largest = chosen.iter().flat_map(|&i| change(i)).fold(0f32, |m, v| m.max(v.abs()));
        let factor = if largest > 0.0 { 127.0 / largest } else { 1.0 };
        let example = |&i: &usize| ExampleView {
            row: clean.rows[i],
            truth: clean.classes[clean.truth[i]].clone(),
            clean: self.shown(&self.found.kept, clean, i),
            change: self.face(&change(i).iter().map(|v| 128.0 + factor * v).collect::<Vec<f32>>()),
            adversarial: self.shown(&strongest.kept, said, i),
        };
        let examples: Vec<ExampleView> = chosen.iter().map(example).collect();
        let line = format!(
            "eps {} ({}). Changes are shown {factor:.1} times as large, around middle grey.",
            strongest.eps, self.view.norm
        );
        adversarial_examples(&heading, &line, &examples)
    }

    fn shown(&self, pictures: &[f32], predictions: &Predictions, i: usize) -> (Face, String, f64) {
        let said = predictions.predicted(i);
        let picture = &pictures[i * self.size()..(i + 1) * self.size()];
        (self.face(picture), predictions.classes[said].clone(), predictions.probabilities(i)[said])
    }

    fn face(&self, planes: &[f32]) -> Face {
        let [channels, height, width] = self.shape;
        Face { width, height, channels, pixels: pixels(planes, channels) }
    }

    /// The kept pictures and what was said of them, as NumPy reads it.
    fn arrays(&self) -> Result<Vec<u8>> {
        let (found, n) = (self.found, self.kept());
        let [c, h, w] = self.shape;
        let strengths = &found.strengths;
        let said = |p: &Predictions| (0..n).map(|i| p.predicted(i) as i64).collect::<Vec<i64>>();
        let all = |f: fn(&Strength) -> &[f32]| strengths.iter().flat_map(f).copied().collect::<Vec<f32>>();
        let logits = |p: &Predictions| p.logits[..n * p.classes.len()].to_vec();
        let classes = found.clean.classes.len();
        npz(&[
            ("clean", Array::f32(&[n, c, h, w], &found.kept)),
            ("adversarial", Array::f32(&[strengths.len(), n, c, h, w], &all(|s| &s.kept))),
            ("eps", Array::f32(&[strengths.len()], &self.test_plan.eps)),
            ("rows", Array::i64(&[n], found.clean.rows[..n].iter().map(|&r| i64::from(r)))),
            ("labels", Array::i64(&[n], found.clean.truth[..n].iter().map(|&t| t as i64))),
            ("clean_predictions", Array::i64(&[n], said(&found.clean))),
            ("predictions", Array::i64(&[strengths.len(), n], strengths.iter().flat_map(|s| said(&s.predictions)))),
            ("clean_logits", Array::f32(&[n, classes], &logits(&found.clean))),
            (
                "logits",
                Array::f32(
                    &[strengths.len(), n, classes],
                    &strengths.iter().flat_map(|s| logits(&s.predictions)).collect::<Vec<f32>>(),
                ),
            ),
            ("classes", Array::text(&found.clean.classes)),
        ])
    }
}
