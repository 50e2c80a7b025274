//! Ranges of what is frozen, where weights come from, the rates of the parts of a network, and teachers. Whether a pattern matches
//! anything is the model's to say, when it is built.

use super::Found;
use crate::objective::{DistillationOptions, Signal};
use crate::training::options::TrainOptions;

/// More views than this would be a slip: each is a whole copy of the features of the training set.
const MAX_VIEWS: usize = 1000;

impl Found {
    pub fn transfer(&mut self, train: &TrainOptions) {
        self.patterns("train.freeze", &train.freeze);
        self.patterns("train.fresh", &train.fresh);
        for (i, thaw) in train.thaw_at.iter().enumerate() {
            let at = format!("train.thaw_at[{i}]");
            self.at_least(&format!("{at}.epoch"), thaw.epoch, 1);
            self.check(&format!("{at}.patterns"), &thaw.patterns, !thaw.patterns.is_empty(), "at least one pattern");
            self.patterns(&format!("{at}.patterns"), &thaw.patterns);
        }
        if train.freeze.is_empty() && !train.thaw_at.is_empty() {
            self.add(
                "train.thaw_at",
                "thaws what was never frozen; say in train.freeze what is frozen at first".into(),
            );
        }
        if let Some(init) = &train.init {
            self.check("train.init", init, !init.as_os_str().is_empty(), "a run folder or a file of weights");
        } else if !train.fresh.is_empty() {
            self.add("train.fresh", "is for parameters that train.init does not give; there is no train.init".into());
        }
        train.layer_decay.into_iter().for_each(|decay| self.factor("train.layer_decay", decay));
        train.head_lr.into_iter().for_each(|factor| self.positive("train.head_lr", factor));
        if let Some(cache) = &train.feature_cache {
            self.up_to("train.feature_cache.views", cache.views, 1, MAX_VIEWS);
            if train.freeze.is_empty() {
                let message = "stores what is frozen, and nothing is: set train.freeze, such as [\"features.*\"]";
                self.add("train.feature_cache", message.into());
            }
            if train.adversarial.is_some() {
                let message = "stores features, and train.adversarial changes pictures: use one of them";
                self.add("train.feature_cache", message.into());
            }
        }
    }

    pub fn distillation(&mut self, options: &DistillationOptions) {
        let at = |name: &str| format!("objective.distillation.{name}");
        let named = !options.teachers.is_empty() && options.teachers.iter().all(|t| !t.as_os_str().is_empty());
        self.check(&at("teachers"), &options.teachers, named, "one run folder or more");
        self.range(&at("temperature"), options.temperature, options.temperature > 0.0, "a number above 0");
        self.fraction(&at("lambda"), options.lambda);
        self.below_one(&at("hard.label_smoothing"), options.hard.label_smoothing);
        self.class_weights(&at("hard.class_weights"), &options.hard.class_weights);
        if let Signal::Views(views) = options.signal {
            self.up_to(&at("signal.views"), views, 1, MAX_VIEWS);
        }
    }

    fn patterns(&mut self, path: &str, patterns: &[String]) {
        for (i, pattern) in patterns.iter().enumerate() {
            let ok = !pattern.trim().is_empty();
            self.check(&format!("{path}[{i}]"), pattern, ok, "a pattern of parameter names, such as `features.*`");
        }
    }
}
