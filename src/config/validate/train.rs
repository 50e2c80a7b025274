//! Ranges of the `train:` section.

use super::{Found, MAX_BATCH};
use crate::attack::Method;
use crate::training::adversarial::AdversarialOptions;
use crate::training::options::{OptimizerOptions, ScheduleOptions, TrainOptions};

impl Found {
    pub fn train(&mut self, train: &TrainOptions) {
        self.at_least("train.epochs", train.epochs, 1);
        self.up_to("train.batch_size", train.batch_size, 1, MAX_BATCH);
        self.at_least("train.accumulate", train.accumulate, 1);
        self.positive("train.lr", train.lr);
        self.optimizer(&train.optimizer);
        self.schedule(&train.schedule, train.epochs);
        self.not_negative("train.weight_decay", train.weight_decay);
        train.clip_norm.into_iter().for_each(|norm| self.positive("train.clip_norm", norm));
        train.ema.into_iter().for_each(|decay| self.below_one("train.ema", decay));
        if let Some(stopping) = &train.early_stopping {
            self.at_least("train.early_stopping.patience", stopping.patience, 1);
            self.not_negative("train.early_stopping.min_delta", stopping.min_delta);
        }
        self.not_negative("train.checkpoint.minutes", train.checkpoint.minutes);
        self.transfer(train);
        train.adversarial.iter().for_each(|adversarial| self.adversarial(adversarial));
    }

    fn adversarial(&mut self, options: &AdversarialOptions) {
        let at = |name: &str| format!("train.adversarial.{name}");
        self.range(&at("eps"), options.eps, options.eps > 0.0, "a number above 0, in pixel units of 0..255");
        self.range(
            &at("ratio"),
            options.ratio,
            options.ratio > 0.0 && options.ratio <= 1.0,
            "a number above 0, at most 1",
        );
        if let Method::Pgd(pgd) = &options.method {
            self.up_to(&at("method.pgd.steps"), pgd.steps, 1, 10_000);
            if let Some(size) = pgd.step_size {
                self.range(&at("method.pgd.step_size"), size, size > 0.0, "a number above 0, in pixel units of 0..255");
            }
        }
    }

    fn optimizer(&mut self, optimizer: &OptimizerOptions) {
        match optimizer {
            OptimizerOptions::Sgd(options) => {
                let at = "train.optimizer.sgd";
                self.below_one(&format!("{at}.momentum"), options.momentum);
                if options.nesterov && options.momentum == 0.0 {
                    self.add(
                        &format!("{at}.nesterov"),
                        "true is impossible without momentum; expected momentum above 0".into(),
                    );
                }
            }
            OptimizerOptions::Adam(options) | OptimizerOptions::Adamw(options) => {
                let decoupled = matches!(optimizer, OptimizerOptions::Adamw(_));
                let at = if decoupled { "train.optimizer.adamw" } else { "train.optimizer.adam" };
                self.below_one(&format!("{at}.beta1"), options.beta1);
                self.below_one(&format!("{at}.beta2"), options.beta2);
                self.positive(&format!("{at}.eps"), options.eps);
            }
            OptimizerOptions::Rmsprop(options) => {
                let at = "train.optimizer.rmsprop";
                self.below_one(&format!("{at}.alpha"), options.alpha);
                self.below_one(&format!("{at}.momentum"), options.momentum);
                self.positive(&format!("{at}.eps"), options.eps);
            }
        }
    }

    fn schedule(&mut self, schedule: &ScheduleOptions, epochs: usize) {
        let at = |name: &str| format!("train.schedule.{name}");
        match schedule {
            ScheduleOptions::Constant => {}
            ScheduleOptions::Step(options) => {
                self.at_least(&at("step.every"), options.every, 1);
                self.factor(&at("step.factor"), options.factor);
            }
            ScheduleOptions::MultiStep(options) => self.multi_step(&options.at, &options.factor),
            ScheduleOptions::Cosine(options) => {
                let fits = options.warmup >= 0.0 && options.warmup <= epochs as f64;
                self.range(&at("cosine.warmup"), options.warmup, fits, &format!("0 to train.epochs, {epochs}"));
                self.fraction(&at("cosine.floor"), options.floor);
            }
            ScheduleOptions::OneCycle(options) => {
                self.fraction(&at("one_cycle.rise"), options.rise);
                let (start, end) = (options.start_div, options.end_div);
                self.range(&at("one_cycle.start_div"), start, start >= 1.0, "a number of at least 1");
                self.range(&at("one_cycle.end_div"), end, end >= 1.0, "a number of at least 1");
            }
            ScheduleOptions::InverseTime(options) => self.not_negative(&at("inverse_time.decay"), options.decay),
            ScheduleOptions::ReduceOnPlateau(options) => {
                let factor = options.factor;
                self.range(
                    &at("reduce_on_plateau.factor"),
                    factor,
                    factor > 0.0 && factor < 1.0,
                    "a number between 0 and 1",
                );
                self.at_least(&at("reduce_on_plateau.patience"), options.patience, 1);
                self.not_negative(&at("reduce_on_plateau.min_delta"), options.min_delta);
                self.not_negative(&at("reduce_on_plateau.min_lr"), options.min_lr);
                self.metric(&at("reduce_on_plateau.watch"), &options.watch);
            }
        }
    }

    /// Steps beyond the last epoch are fine: a recipe that is cut short (`--set train.epochs=30`) never comes to them.
    fn multi_step(&mut self, at: &[usize], factor: &[f64]) {
        let path = "train.schedule.multi_step";
        self.check(&format!("{path}.at"), at, !at.is_empty(), "at least one epoch");
        self.check(&format!("{path}.at"), at, at.is_sorted_by(|a, b| a < b), "epochs in ascending order");
        let count_ok = factor.len() == 1 || factor.len() == at.len();
        self.check(
            &format!("{path}.factor"),
            factor,
            count_ok,
            &format!("1 factor, or {}: one per epoch of `at`", at.len()),
        );
        for (i, &factor) in factor.iter().enumerate() {
            self.factor(&format!("{path}.factor[{i}]"), factor);
        }
    }
}
