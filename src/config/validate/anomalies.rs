//! Ranges of an experiment of the system `anomalies`.

use super::Found;
use crate::anomaly::options::{
    AnomalyData, AnomalyModel, AnomalySource, Form, GeneratedOptions, LstmAutoencoderOptions, Pick, Reduction, Rules,
};
use crate::config::diagnostic::Problem;
use crate::config::{AnomalyExperiment, Root};
use crate::training::options::TrainOptions;

/// More hidden values than any sensible network of this kind has.
const MAX_HIDDEN: usize = 4096;
/// A day at 100 frames per second has fewer frames.
const MAX_FRAMES: usize = 10_000_000;

impl Root for AnomalyExperiment {
    fn validate(&self) -> Vec<Problem> {
        let mut found = Found::default();
        found.general(&self.name, &self.device, self.threads);
        found.anomaly_data(&self.data);
        let AnomalyModel::LstmAutoencoder(model) = &self.model;
        found.lstm_autoencoder(model);
        found.train(&self.train);
        found.only_for_expressions(&self.train, "anomalies");
        found.rules(&self.rules);
        found.at_least("evaluate.every", self.evaluate.every, 1);
        found.not_negative("evaluate.tolerance", self.evaluate.tolerance);
        found.at_least("evaluate.pca_components", self.evaluate.pca_components, 1);
        found.range("export.tolerance", self.export.tolerance, self.export.tolerance > 0.0, "more than 0");
        found.problems
    }
}

impl Found {
    /// Keys of `train` that belong to the classification of expressions are refused rather than read and ignored.
    pub fn only_for_expressions(&mut self, train: &TrainOptions, system: &str) {
        let given = [
            ("train.init", train.init.is_some()),
            ("train.fresh", !train.fresh.is_empty()),
            ("train.freeze", !train.freeze.is_empty()),
            ("train.thaw_at", !train.thaw_at.is_empty()),
            ("train.layer_decay", train.layer_decay.is_some()),
            ("train.head_lr", train.head_lr.is_some()),
            ("train.feature_cache", train.feature_cache.is_some()),
            ("train.adversarial", train.adversarial.is_some()),
        ];
        for (key, _) in given.into_iter().filter(|(_, given)| *given) {
            self.add(key, format!("is for the classification of expressions; the system {system} does not have it"));
        }
    }

    fn anomaly_data(&mut self, data: &AnomalyData) {
        match &data.source {
            AnomalySource::Csv(o) => {
                self.check("data.source.csv.path", &o.path, !o.path.as_os_str().is_empty(), "a file's path");
            }
            AnomalySource::Faces(o) => {
                self.check("data.source.faces.path", &o.path, !o.path.as_os_str().is_empty(), "a file's path");
                self.at_least("data.source.faces.person", o.person, 1);
            }
            AnomalySource::Generated(o) => self.generated(o),
        }
        data.rate.into_iter().for_each(|rate| self.positive("data.rate", rate));
        let part = data.validation;
        self.range("data.validation", part, part > 0.0 && part < 1.0, "a number between 0 and 1");
        match &data.reduction {
            Reduction::None => {}
            Reduction::Pca(o) => self.up_to("data.reduction.pca.components", o.components, 1, MAX_HIDDEN),
            Reduction::Elbow(o) => self.up_to("data.reduction.elbow.most", o.most, 3, MAX_HIDDEN),
        }
    }

    fn generated(&mut self, o: &GeneratedOptions) {
        let at = |name: &str| format!("data.source.generated.{name}");
        self.positive(&at("seconds"), o.seconds);
        let rate_ok = (1.0..=240.0).contains(&o.rate);
        self.range(&at("rate"), o.rate, rate_ok, "1 to 240 frames per second");
        let frames = (o.seconds * o.rate) as usize;
        self.check(&at("seconds"), o.seconds, frames <= MAX_FRAMES, "fewer frames than 10000000");
        self.up_to(&at("anomalies"), o.anomalies, 0, 10_000);
        self.check(&at("kinds"), &o.kinds, !o.kinds.is_empty() || o.anomalies == 0, "at least one kind");
        self.fraction(&at("strength"), o.strength);
        self.not_negative(&at("noise"), o.noise);
    }

    fn lstm_autoencoder(&mut self, o: &LstmAutoencoderOptions) {
        let at = |name: &str| format!("model.lstm_autoencoder.{name}");
        self.up_to(&at("hidden"), o.hidden, 1, MAX_HIDDEN);
        self.up_to(&at("layers"), o.layers, 1, 16);
        if let Some(window) = &o.window {
            self.up_to(&at("window.length"), window.length, 2, MAX_FRAMES);
            self.at_least(&at("window.stride"), window.stride, 1);
        }
        if let Form::Bottleneck(b) = &o.form {
            self.up_to(&at("form.bottleneck.code"), b.code, 1, MAX_HIDDEN);
            if o.window.is_none() {
                let message = "a bottleneck holds one code per window, so a whole clip would be one code; expected a \
                               window, such as `window: {length: 20, stride: 5}`";
                self.add(&at("window"), message.into());
            }
        }
    }

    fn rules(&mut self, rules: &Rules) {
        match &rules.pick {
            Pick::Top(o) => self.at_least("rules.pick.top.n", o.n, 1),
            Pick::Deviation(o) => self.not_negative("rules.pick.deviation.k", o.k),
            Pick::Quantile(o) => {
                let ok = o.q > 0.0 && o.q < 1.0;
                self.range("rules.pick.quantile.q", o.q, ok, "a number between 0 and 1");
            }
        }
        rules.group.into_iter().for_each(|seconds| self.not_negative("rules.group", seconds));
    }
}
