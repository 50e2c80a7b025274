//! Values of the right type that are impossible all the same. Everything wrong is reported, not only the first.

mod anomalies;
mod data;
mod model;
mod real_fake;
mod train;
mod transfer;

use std::fmt::Debug;

use super::diagnostic::{Problem, nearest};
use super::{Device, Evaluate, Expect, Experiment, Root};
use crate::data::options::Scale;
use crate::objective::{ClassWeights, ObjectiveOptions};

/// The names of the metrics that an experiment file may ask for. `loss` is `log_loss` by its short name.
pub const METRICS: [&str; 10] =
    ["accuracy", "uar", "macro_f1", "uf1", "kappa", "top2_accuracy", "log_loss", "loss", "ece", "kl_votes"];

const MAX_THREADS: usize = 1024;
const MAX_BATCH: usize = 65_536;

impl Root for Experiment {
    fn settle(&mut self) {
        if let (Some(clips), Some((parts, frames))) = (&self.data.clips, self.model.streams_mut()) {
            parts.get_or_insert_with(|| clips.parts.iter().map(ToString::to_string).collect());
            frames.get_or_insert(clips.frames);
        }
    }

    fn validate(&self) -> Vec<Problem> {
        let mut found = Found::default();
        found.general(&self.name, &self.device, self.threads);
        found.data(&self.data);
        found.model(&self.model);
        found.streams(&self.model, self.data.clips.as_ref());
        found.objective(&self.objective);
        found.train(&self.train);
        if self.train.adversarial.is_some() && self.data.preprocess.scale == Scale::Ferplus {
            found.add(
                "train.adversarial",
                "impossible with data.preprocess.scale ferplus, whose histogram equalisation cannot be undone; expected \
                 another scale: raw, unit, signed or mean_std"
                    .into(),
            );
        }
        found.evaluate(&self.evaluate);
        found.range("export.tolerance", self.export.tolerance, self.export.tolerance > 0.0, "more than 0");
        if let Some(expect) = &self.expect {
            found.expect(expect);
        }
        found.problems
    }
}

/// A run folder's name is made of it, on any file system.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(allowed)
}

fn is_device(name: &str) -> bool {
    let (kind, index) = match name.split_once(':') {
        Some((kind, index)) => (kind, Some(index)),
        None => (name, None),
    };
    let index_ok = index.is_none_or(|index| index.parse::<u16>().is_ok_and(|n| n.to_string() == index));
    match kind {
        "auto" | "flex" | "tch" | "vulkan" => index.is_none(),
        "cuda" | "tch-cuda" => index_ok,
        _ => false,
    }
}

/// The problems found so far.
#[derive(Default)]
pub(super) struct Found {
    pub problems: Vec<Problem>,
}

impl Found {
    /// What stands at the top of every system's experiment.
    pub fn general(&mut self, name: &str, device: &Device, threads: usize) {
        let expected = "letters, digits, `-`, `_` and `.`, not beginning with `.`";
        self.check("name", name, is_name(name), expected);
        let expected = "auto, flex, cuda, cuda:N, tch, tch-cuda, tch-cuda:N or vulkan";
        self.check("device", &device.0, is_device(&device.0), expected);
        self.up_to("threads", threads, 0, MAX_THREADS);
    }

    fn add(&mut self, path: &str, message: String) {
        self.problems.push(Problem { path: path.to_string(), message });
    }

    fn check(&mut self, path: &str, found: impl Debug, ok: bool, expected: &str) {
        if !ok {
            self.add(path, format!("{found:?} is impossible; expected {expected}"));
        }
    }

    /// A number against its range; no range holds NaN or infinity.
    fn range(&mut self, path: &str, found: impl Into<f64> + Debug + Copy, ok: bool, expected: &str) {
        self.check(path, found, ok && found.into().is_finite(), expected);
    }

    fn at_least(&mut self, path: &str, found: usize, least: usize) {
        self.check(path, found, found >= least, &format!("at least {least}"));
    }

    /// A count whose excess could only be a slip: it would ask for more memory or threads than there are.
    fn up_to(&mut self, path: &str, found: usize, least: usize, most: usize) {
        self.check(path, found, (least..=most).contains(&found), &format!("{least} to {most}"));
    }

    fn positive(&mut self, path: &str, found: f64) {
        self.range(path, found, found > 0.0, "a number above 0");
    }

    fn not_negative(&mut self, path: &str, found: f64) {
        self.range(path, found, found >= 0.0, "a number of at least 0");
    }

    /// From 0, but below 1: what is averaged or added up without end.
    fn below_one(&mut self, path: &str, found: impl Into<f64> + Debug + Copy) {
        let value = found.into();
        self.range(path, found, (0.0..1.0).contains(&value), "a number from 0 to below 1");
    }

    fn fraction(&mut self, path: &str, found: impl Into<f64> + Debug + Copy) {
        let value = found.into();
        self.range(path, found, (0.0..=1.0).contains(&value), "a number from 0 to 1");
    }

    /// A factor that lowers the learning rate.
    fn factor(&mut self, path: &str, found: f64) {
        self.range(path, found, found > 0.0 && found <= 1.0, "a number above 0, at most 1");
    }

    fn metric(&mut self, path: &str, found: &str) {
        if METRICS.contains(&found) {
            return;
        }
        let meant = nearest(found, METRICS).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        self.add(path, format!("unknown metric {found:?}{meant} (known: {})", METRICS.join(", ")));
    }

    fn pixels(&mut self, path: &str, found: usize) {
        self.check(path, found, (16..=512).contains(&found), "16 to 512");
    }

    fn not_negative_f32(&mut self, path: &str, found: f32) {
        self.range(path, found, found >= 0.0, "a number of at least 0");
    }

    pub fn objective(&mut self, objective: &ObjectiveOptions) {
        match objective {
            ObjectiveOptions::CrossEntropy(options) => {
                self.below_one("objective.cross_entropy.label_smoothing", options.label_smoothing);
                self.class_weights("objective.cross_entropy.class_weights", &options.class_weights);
            }
            ObjectiveOptions::Focal(options) => {
                self.not_negative_f32("objective.focal.gamma", options.gamma);
                self.class_weights("objective.focal.class_weights", &options.class_weights);
            }
            ObjectiveOptions::MultiTarget(_) => {}
            ObjectiveOptions::BinaryCrossEntropy(options) => {
                self.class_weights("objective.binary_cross_entropy.class_weights", &options.class_weights);
            }
            ObjectiveOptions::Distillation(options) => self.distillation(options),
        }
    }

    fn class_weights(&mut self, at: &str, weights: &ClassWeights) {
        let ClassWeights::Given(weights) = weights else { return };
        let some = weights.iter().any(|&weight| weight > 0.0);
        self.check(&format!("{at}.given"), weights, some, "one weight per class, at least one above 0");
        for (i, &weight) in weights.iter().enumerate() {
            self.not_negative_f32(&format!("{at}.given[{i}]"), weight);
        }
    }

    pub fn evaluate(&mut self, evaluate: &Evaluate) {
        self.up_to("evaluate.batch_size", evaluate.batch_size, 1, MAX_BATCH);
        self.at_least("evaluate.every", evaluate.every, 1);
        self.metric("evaluate.select_by", &evaluate.select_by);
    }

    pub fn expect(&mut self, expect: &Expect) {
        self.metric("expect.metric", &expect.metric);
        let unbounded = matches!(expect.metric.as_str(), "loss" | "log_loss" | "kl_votes" | "kappa");
        if unbounded {
            self.range("expect.value", expect.value, true, "a finite number");
        } else {
            self.fraction("expect.value", expect.value);
        }
        self.fraction("expect.tolerance", expect.tolerance);
        self.check("expect.source", &expect.source, !expect.source.trim().is_empty(), "where the figure comes from");
    }
}
