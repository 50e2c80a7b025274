//! Ranges of the `train:` section.

use crate::adversarial::AdversarialOptions;
use crate::attack::Method;
use crate::options::{Evaluate, OptimizerOptions, ScheduleOptions, TrainOptions};
use ferrotype_base::problems::Problems;
use ferrotype_evaluation::metrics;

const MAX_BATCH: usize = 65_536;

/// Impossible values of the section `train`; of an experiment whose model has heads, with their names.
pub fn train(p: &mut Problems, train: &TrainOptions, heads: &[&str]) {
    p.at_least("train.epochs", train.epochs, 1);
    p.up_to("train.batch_size", train.batch_size, 1, MAX_BATCH);
    p.at_least("train.accumulate", train.accumulate, 1);
    p.positive("train.lr", train.lr);
    check_optimizer(p, &train.optimizer);
    check_schedule(p, &train.schedule, train.epochs, heads);
    p.not_negative("train.weight_decay", train.weight_decay);
    train.clip_norm.into_iter().for_each(|norm| p.positive("train.clip_norm", norm));
    train.clip_value.into_iter().for_each(|value| p.positive("train.clip_value", value));
    train.ema.into_iter().for_each(|decay| p.below_one("train.ema", decay));
    check_swa(p, train);
    if let Some(stopping) = &train.early_stopping {
        p.at_least("train.early_stopping.patience", stopping.patience, 1);
        p.not_negative("train.early_stopping.min_delta", stopping.min_delta);
    }
    train.stop_at.into_iter().for_each(|value| p.range("train.stop_at", value, value.is_finite(), "a number"));
    p.not_negative("train.checkpoint.minutes", train.checkpoint.minutes);
    transfer(p, train);
    train.adversarial.iter().for_each(|adversarial| check_adversarial(p, adversarial));
}

fn check_swa(p: &mut Problems, train: &TrainOptions) {
    let Some(swa) = &train.swa else { return };
    let after = swa.after;
    if after >= train.epochs {
        let epochs = train.epochs;
        p.add(
            "train.swa.after",
            format!("{after} is impossible with {epochs} epochs: no epoch would be averaged; expected less"),
        );
    }
    swa.lr.into_iter().for_each(|lr| p.positive("train.swa.lr", lr));
    p.not_negative("train.swa.anneal", swa.anneal);
    if swa.anneal > 0.0 && swa.lr.is_none() {
        p.add("train.swa.anneal", "is the way to a rate, and there is none: set train.swa.lr, or leave it out".into());
    }
    if train.ema.is_some() {
        p.add(
            "train.swa",
            "is impossible beside train.ema: one average can be scored and kept; remove one of them".into(),
        );
    }
}

fn check_adversarial(p: &mut Problems, options: &AdversarialOptions) {
    let at = |name: &str| format!("train.adversarial.{name}");
    p.range(&at("eps"), options.eps, options.eps > 0.0, "a number above 0, in pixel units of 0..255");
    p.range(&at("ratio"), options.ratio, options.ratio > 0.0 && options.ratio <= 1.0, "a number above 0, at most 1");
    if let Method::Pgd(pgd) = &options.method {
        p.up_to(&at("method.pgd.steps"), pgd.steps, 1, 10_000);
        if let Some(size) = pgd.step_size {
            p.range(&at("method.pgd.step_size"), size, size > 0.0, "a number above 0, in pixel units of 0..255");
        }
    }
}

fn check_optimizer(p: &mut Problems, optimizer: &OptimizerOptions) {
    match optimizer {
        OptimizerOptions::Sgd(options) => {
            let at = "train.optimizer.sgd";
            p.below_one(&format!("{at}.momentum"), options.momentum);
            if options.nesterov && options.momentum == 0.0 {
                p.add(
                    &format!("{at}.nesterov"),
                    "true is impossible without momentum; expected momentum above 0".into(),
                );
            }
        }
        OptimizerOptions::Adam(options) | OptimizerOptions::Adamw(options) => {
            let decoupled = matches!(optimizer, OptimizerOptions::Adamw(_));
            let at = if decoupled { "train.optimizer.adamw" } else { "train.optimizer.adam" };
            p.below_one(&format!("{at}.beta1"), options.beta1);
            p.below_one(&format!("{at}.beta2"), options.beta2);
            p.positive(&format!("{at}.eps"), options.eps);
        }
        OptimizerOptions::Rmsprop(options) => {
            let at = "train.optimizer.rmsprop";
            p.below_one(&format!("{at}.alpha"), options.alpha);
            p.below_one(&format!("{at}.momentum"), options.momentum);
            p.positive(&format!("{at}.eps"), options.eps);
        }
    }
}

fn check_schedule(p: &mut Problems, schedule: &ScheduleOptions, epochs: usize, heads: &[&str]) {
    let at = |name: &str| format!("train.schedule.{name}");
    match schedule {
        ScheduleOptions::Constant => {}
        ScheduleOptions::Step(options) => {
            p.at_least(&at("step.every"), options.every, 1);
            p.factor(&at("step.factor"), options.factor);
        }
        ScheduleOptions::MultiStep(options) => check_multi_step(p, &options.at, &options.factor),
        ScheduleOptions::Cosine(options) => {
            let fits = options.warmup >= 0.0 && options.warmup <= epochs as f64;
            p.range(&at("cosine.warmup"), options.warmup, fits, &format!("0 to train.epochs, {epochs}"));
            p.fraction(&at("cosine.floor"), options.floor);
        }
        ScheduleOptions::CosineRestarts(options) => {
            let first = options.first;
            p.range(&at("cosine_restarts.first"), first, first >= 0.1, "epochs, at least 0.1");
            p.range(&at("cosine_restarts.growth"), options.growth, options.growth >= 1.0, "a factor of at least 1");
            p.fraction(&at("cosine_restarts.floor"), options.floor);
        }
        ScheduleOptions::OneCycle(options) => {
            p.fraction(&at("one_cycle.rise"), options.rise);
            let (start, end) = (options.start_div, options.end_div);
            p.range(&at("one_cycle.start_div"), start, start >= 1.0, "a number of at least 1");
            p.range(&at("one_cycle.end_div"), end, end >= 1.0, "a number of at least 1");
        }
        ScheduleOptions::InverseTime(options) => p.not_negative(&at("inverse_time.decay"), options.decay),
        ScheduleOptions::ReduceOnPlateau(options) => {
            let factor = options.factor;
            p.range(&at("reduce_on_plateau.factor"), factor, factor > 0.0 && factor < 1.0, "a number between 0 and 1");
            p.at_least(&at("reduce_on_plateau.patience"), options.patience, 1);
            p.not_negative(&at("reduce_on_plateau.min_delta"), options.min_delta);
            p.not_negative(&at("reduce_on_plateau.min_lr"), options.min_lr);
            metrics::check_of_heads(p, &at("reduce_on_plateau.watch"), &options.watch, heads);
        }
    }
}

/// Steps beyond the last epoch are fine: a recipe that is cut short (`--set train.epochs=30`) never comes to them.
fn check_multi_step(p: &mut Problems, at: &[usize], factor: &[f64]) {
    let path = "train.schedule.multi_step";
    p.check(&format!("{path}.at"), at, !at.is_empty(), "at least one epoch");
    p.check(&format!("{path}.at"), at, at.is_sorted_by(|a, b| a < b), "epochs in ascending order");
    let count_ok = factor.len() == 1 || factor.len() == at.len();
    p.check(&format!("{path}.factor"), factor, count_ok, &format!("1 factor, or {}: one per epoch of `at`", at.len()));
    for (i, &factor) in factor.iter().enumerate() {
        p.factor(&format!("{path}.factor[{i}]"), factor);
    }
}

/// More views than this would be a slip: each is a whole copy of the features of the training set.
const MAX_VIEWS: usize = 1000;

fn transfer(p: &mut Problems, train: &TrainOptions) {
    check_patterns(p, "train.freeze", &train.freeze);
    check_patterns(p, "train.reinit", &train.reinit);
    for (i, unfreeze) in train.unfreeze_at.iter().enumerate() {
        let at = format!("train.unfreeze_at[{i}]");
        p.at_least(&format!("{at}.epoch"), unfreeze.epoch, 1);
        p.check(&format!("{at}.patterns"), &unfreeze.patterns, !unfreeze.patterns.is_empty(), "at least one pattern");
        check_patterns(p, &format!("{at}.patterns"), &unfreeze.patterns);
    }
    if train.freeze.is_empty() && !train.unfreeze_at.is_empty() {
        p.add(
            "train.unfreeze_at",
            "unfreezes what was never frozen; say in train.freeze what is frozen at first".into(),
        );
    }
    if let Some(init) = &train.init {
        p.check("train.init", init, !init.as_os_str().is_empty(), "a run folder or a file of weights");
    } else if !train.reinit.is_empty() {
        p.add("train.reinit", "is for parameters that train.init does not give; there is no train.init".into());
    }
    train.layer_decay.into_iter().for_each(|decay| p.factor("train.layer_decay", decay));
    train.head_lr.into_iter().for_each(|factor| p.positive("train.head_lr", factor));
    if let Some(cache) = &train.feature_cache {
        p.up_to("train.feature_cache.views", cache.views, 1, MAX_VIEWS);
        if train.freeze.is_empty() {
            let message = "stores what is frozen, and nothing is: set train.freeze, such as [\"features.*\"]";
            p.add("train.feature_cache", message.into());
        }
        if train.adversarial.is_some() {
            let message = "stores features, and train.adversarial changes pictures: use one of them";
            p.add("train.feature_cache", message.into());
        }
    }
}

fn check_patterns(p: &mut Problems, path: &str, patterns: &[String]) {
    for (i, pattern) in patterns.iter().enumerate() {
        let ok = !pattern.trim().is_empty();
        p.check(&format!("{path}[{i}]"), pattern, ok, "a pattern of parameter names, such as `features.*`");
    }
}

/// Impossible values of the section `evaluate`; of an experiment whose model has heads, with their names.
pub fn evaluate(p: &mut Problems, evaluate: &Evaluate, heads: &[&str]) {
    p.up_to("evaluate.batch_size", evaluate.batch_size, 1, MAX_BATCH);
    p.at_least("evaluate.every", evaluate.every, 1);
    if evaluate.ten_crop && evaluate.flip_average {
        let message = "has the mirror images among its ten: leave one of the two out";
        p.add("evaluate.ten_crop", format!("beside evaluate.flip_average {message}"));
    }
    metrics::check_of_heads(p, "evaluate.select_by", &evaluate.select_by, heads);
}

/// What needs a validation set, where there is none.
pub fn without_validation(p: &mut Problems, train: &TrainOptions) {
    let message = "goes by a validation set, and evaluate.select_on: none has none; remove one of the two";
    if train.early_stopping.is_some() {
        p.add("train.early_stopping", message.into());
    }
    if train.stop_at.is_some() {
        p.add("train.stop_at", message.into());
    }
    if matches!(train.schedule, ScheduleOptions::ReduceOnPlateau(_)) {
        p.add("train.schedule.reduce_on_plateau", message.into());
    }
}

/// Whether a key is given.
type IsGiven = fn(&TrainOptions) -> bool;

/// Keys of `train` that belong to the classification of expressions.
const ONLY_FOR_EXPRESSIONS: [(&str, IsGiven); 8] = [
    ("train.init", |train| train.init.is_some()),
    ("train.reinit", |train| !train.reinit.is_empty()),
    ("train.freeze", |train| !train.freeze.is_empty()),
    ("train.unfreeze_at", |train| !train.unfreeze_at.is_empty()),
    ("train.layer_decay", |train| train.layer_decay.is_some()),
    ("train.head_lr", |train| train.head_lr.is_some()),
    ("train.feature_cache", |train| train.feature_cache.is_some()),
    ("train.adversarial", |train| train.adversarial.is_some()),
];

/// The keys that [`only_for_expressions`] refuses.
pub fn keys_of_expressions() -> Vec<&'static str> {
    ONLY_FOR_EXPRESSIONS.iter().map(|(key, _)| *key).collect()
}

/// Keys of `train` that belong to the classification of expressions are refused rather than read and ignored.
pub fn only_for_expressions(p: &mut Problems, train: &TrainOptions, system: &str) {
    for (key, _) in ONLY_FOR_EXPRESSIONS.iter().filter(|(_, is_given)| is_given(train)) {
        p.add(key, format!("is for the classification of expressions; the system {system} does not have it"));
    }
}
