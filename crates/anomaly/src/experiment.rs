//! The experiment of the system that finds anomalies in a face's behaviour, and the ranges of its values. Field documentation
//! here is what `ferrotype config schema --system anomalies` prints.

use ferrotype_base::problems::{Problem, Problems};
use ferrotype_config::Root;
use ferrotype_config::sections::{self, Device, Export, Kernels};
use ferrotype_training::options::TrainOptions;
use ferrotype_training::validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::options::{
    AnomalyData, AnomalyEvaluate, AnomalyModel, AnomalySource, Form, GeneratedOptions, LstmAutoencoderOptions, Pick,
    Reduction, Rules,
};

/// More hidden values than any sensible network of this kind has.
const MAX_HIDDEN: usize = 4096;
/// A day at 100 frames per second has fewer frames.
const MAX_FRAMES: usize = 10_000_000;

/// The word that makes an experiment file one of this system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnomalySystem {
    /// Finds anomalies in a face's behaviour over a video.
    #[default]
    Anomalies,
}

/// One experiment: whose behaviour is learned from which features, how, and what counts as an anomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnomalyExperiment {
    /// The system: `anomalies`.
    pub system: AnomalySystem,
    /// Short name: the run folder is `runs/<name>-<time>`. Letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One or two sentences for the report.
    #[serde(default)]
    pub description: String,
    /// Fixes every random choice: initialisation, order of windows, and a generated person's behaviour.
    #[serde(default)]
    pub seed: u64,
    /// Where to compute: `auto`, `flex` (CPU), `cuda:N`, `rocm:N`, `tch`, `tch-cuda:N`, `metal`, `vulkan` or `wgpu`.
    #[serde(default)]
    pub device: Device,
    /// CPU threads; 0 means all cores. Results do not depend on it.
    #[serde(default)]
    pub threads: usize,
    /// Which CPU kernels compute.
    #[serde(default)]
    pub kernels: Kernels,
    /// The features of one person, frame by frame, and what is made of them.
    pub data: AnomalyData,
    /// The network that learns to give its input again.
    #[serde(default)]
    pub model: AnomalyModel,
    /// How the squared error is minimised. `batch_size` counts windows; a whole clip is one.
    pub train: TrainOptions,
    /// Which frames are anomalies.
    #[serde(default)]
    pub rules: Rules,
    /// How the network is validated, and compared with injected anomalies where there are any.
    #[serde(default)]
    pub evaluate: AnomalyEvaluate,
    /// What is exported.
    #[serde(default)]
    pub export: Export,
}

impl Root for AnomalyExperiment {
    fn refused_keys() -> Vec<&'static str> {
        validate::keys_of_expressions()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        let p = &mut problems;
        sections::general(p, &self.name, &self.device, self.threads);
        check_anomaly_data(p, &self.data);
        let AnomalyModel::LstmAutoencoder(model) = &self.model;
        check_lstm_autoencoder(p, model);
        validate::train(p, &self.train, &[]);
        validate::only_for_expressions(p, &self.train, "anomalies");
        check_rules(p, &self.rules);
        p.at_least("evaluate.every", self.evaluate.every, 1);
        p.not_negative("evaluate.tolerance", self.evaluate.tolerance);
        p.at_least("evaluate.pca_components", self.evaluate.pca_components, 1);
        p.range("export.tolerance", self.export.tolerance, self.export.tolerance > 0.0, "more than 0");
        problems.into_vec()
    }
}

fn check_anomaly_data(p: &mut Problems, data: &AnomalyData) {
    match &data.source {
        AnomalySource::Csv(o) => {
            p.check("data.source.csv.path", &o.path, !o.path.as_os_str().is_empty(), "a file's path");
        }
        AnomalySource::Faces(o) => {
            p.check("data.source.faces.path", &o.path, !o.path.as_os_str().is_empty(), "a file's path");
            p.at_least("data.source.faces.person", o.person, 1);
        }
        AnomalySource::Generated(o) => check_generated(p, o),
    }
    data.rate.into_iter().for_each(|rate| p.positive("data.rate", rate));
    let part = data.validation;
    p.range("data.validation", part, part > 0.0 && part < 1.0, "a number between 0 and 1");
    match &data.reduction {
        Reduction::None => {}
        Reduction::Pca(o) => p.up_to("data.reduction.pca.components", o.components, 1, MAX_HIDDEN),
        Reduction::Elbow(o) => p.up_to("data.reduction.elbow.most", o.most, 3, MAX_HIDDEN),
    }
}

fn check_generated(p: &mut Problems, o: &GeneratedOptions) {
    let at = |name: &str| format!("data.source.generated.{name}");
    p.positive(&at("seconds"), o.seconds);
    let rate_ok = (1.0..=240.0).contains(&o.rate);
    p.range(&at("rate"), o.rate, rate_ok, "1 to 240 frames per second");
    let frames = (o.seconds * o.rate) as usize;
    p.check(&at("seconds"), o.seconds, frames <= MAX_FRAMES, "fewer frames than 10000000");
    p.up_to(&at("anomalies"), o.anomalies, 0, 10_000);
    p.check(&at("kinds"), &o.kinds, !o.kinds.is_empty() || o.anomalies == 0, "at least one kind");
    p.fraction(&at("strength"), o.strength);
    p.not_negative(&at("noise"), o.noise);
}

fn check_lstm_autoencoder(p: &mut Problems, o: &LstmAutoencoderOptions) {
    let at = |name: &str| format!("model.lstm_autoencoder.{name}");
    p.up_to(&at("hidden"), o.hidden, 1, MAX_HIDDEN);
    p.up_to(&at("layers"), o.layers, 1, 16);
    if let Some(window) = &o.window {
        p.up_to(&at("window.length"), window.length, 2, MAX_FRAMES);
        p.at_least(&at("window.stride"), window.stride, 1);
    }
    if let Form::Bottleneck(b) = &o.form {
        p.up_to(&at("form.bottleneck.code"), b.code, 1, MAX_HIDDEN);
        if o.window.is_none() {
            let message = "a bottleneck holds one code per window, so a whole clip would be one code; expected a \
                               window, such as `window: {length: 20, stride: 5}`";
            p.add(&at("window"), message.into());
        }
    }
}

fn check_rules(p: &mut Problems, rules: &Rules) {
    match &rules.pick {
        Pick::Top(o) => p.at_least("rules.pick.top.n", o.n, 1),
        Pick::Deviation(o) => p.not_negative("rules.pick.deviation.k", o.k),
        Pick::Quantile(o) => {
            let ok = o.q > 0.0 && o.q < 1.0;
            p.range("rules.pick.quantile.q", o.q, ok, "a number between 0 and 1");
        }
    }
    rules.group.into_iter().for_each(|seconds| p.not_negative("rules.group", seconds));
}
