//! How a trial's values are chosen. A choice is a function of the study's seed, the trial's number, the key's name and
//! (TPE only) the trials that have ended: never of the machine, the worker, or what was drawn before.

mod halton;
mod tpe;

use ferrotype_base::random::{Purpose, Stream, name_index};

use crate::curve::Curve;
use crate::options::{Sampler, SweepOptions};
use crate::space::{Space, Values};

/// A grid with more combinations could only be a slip.
const MOST: usize = 100_000;

/// Trials of a sweep that names no number.
const TRIALS: usize = 20;

/// What a sampler may know of another trial.
#[derive(Clone, Debug)]
pub struct Past<'a> {
    /// Its values.
    pub values: &'a Values,
    /// How it stands.
    pub outcome: TrialOutcome<'a>,
}

/// How another trial stands.
#[derive(Clone, Copy, Debug)]
pub enum TrialOutcome<'a> {
    /// It ended with this loss (less is better).
    Finished(f64),
    /// It was ended early; the curve of its first seed.
    Pruned(&'a Curve),
    /// It failed: its values are to be avoided.
    Failed,
    /// It is being trained: its neighbourhood is taken.
    Running,
}

/// How many trials a sweep has.
pub fn trials(options: &SweepOptions, space: &Space) -> usize {
    let wanted = options.trials;
    match &options.sampler {
        Sampler::Grid(_) => {
            let all = grid(options, space).map_or(0, |g| g.len());
            wanted.map_or(all, |n| n.min(all))
        }
        _ => wanted.unwrap_or(TRIALS),
    }
}

/// The values of a trial.
pub fn sample(options: &SweepOptions, space: &Space, trial: usize, past: &[Past<'_>]) -> Values {
    let seed = options.seed;
    match &options.sampler {
        Sampler::Grid(_) => {
            grid(options, space).and_then(|mut g| g.get_mut(trial).map(std::mem::take)).unwrap_or_default()
        }
        Sampler::Random => space.fill(|d| d.domain.value(stream(seed, trial, &d.key).unit())),
        Sampler::Halton => halton::sample(space, seed, trial),
        Sampler::Tpe(t) => {
            let ended = past.iter().filter(|p| !matches!(p.outcome, TrialOutcome::Running)).count();
            if trial < t.startup || ended < 2 {
                halton::sample(space, seed, trial)
            } else {
                tpe::sample(t, space, seed, trial, past)
            }
        }
    }
}

/// The random numbers of one key in one trial.
fn stream(seed: u64, trial: usize, key: &str) -> Stream {
    Stream::of(seed, Purpose::Trial, &[trial as u64, name_index(key)])
}

/// Every combination, where the sweep asks for a grid.
fn grid(options: &SweepOptions, space: &Space) -> Option<Vec<Values>> {
    let Sampler::Grid(g) = &options.sampler else { return None };
    space.combinations(|d| d.domain.grid(g.points), MOST)
}

/// Whether a grid is too large to be meant.
pub fn grid_problem(options: &SweepOptions, space: &Space) -> Option<(String, String)> {
    let too_large = matches!(options.sampler, Sampler::Grid(_)) && grid(options, space).is_none();
    too_large
        .then(|| ("space".into(), format!("the grid has more than {MOST} combinations; use random, halton or tpe")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn options(sampler: serde_json::Value) -> (SweepOptions, Space) {
        let options: SweepOptions = serde_json::from_value(json!({
            "name": "a", "experiment": "e.yaml", "sampler": sampler,
            "space": {
                "train.lr": {"log": [1e-4, 1e-1]},
                "train.batch_size": {"choice": [32, 64]},
                "train.optimizer": {"choice": ["adam", "sgd"]},
                "train.optimizer.sgd.momentum": {"float": [0.5, 0.9], "step": 0.2, "when": {"train.optimizer": "sgd"}},
            },
        }))
        .unwrap();
        let space = Space::of(&options.space).unwrap();
        (options, space)
    }

    #[test]
    fn the_grid_has_every_combination_once() {
        let (options, space) = options(json!({"grid": {"points": 4}}));
        // 4 rates x 2 sizes x (adam, or sgd with 3 momenta).
        let n = trials(&options, &space);
        assert_eq!(n, 4 * 2 * (1 + 3));
        let all: Vec<Values> = (0..n).map(|i| sample(&options, &space, i, &[])).collect();
        for (i, values) in all.iter().enumerate() {
            assert!(!all[..i].contains(values), "{values:?} stands twice");
            assert_eq!(values.contains_key("train.optimizer.sgd.momentum"), values["train.optimizer"] == "sgd");
        }
        assert!(all.iter().any(|v| v["train.lr"] == json!(1e-4)) && all.iter().any(|v| v["train.lr"] == json!(1e-1)));
    }

    #[test]
    fn draws_depend_on_seed_and_trial_only() {
        for sampler in ["random", "halton"] {
            let (mut options, space) = options(json!(sampler));
            let first: Vec<Values> = (0..50).map(|i| sample(&options, &space, i, &[])).collect();
            let again: Vec<Values> = (0..50).rev().map(|i| sample(&options, &space, i, &[])).rev().collect();
            assert_eq!(first, again);
            let sgd = first.iter().filter(|v| v["train.optimizer"] == "sgd").count();
            assert!((15..=35).contains(&sgd), "{sampler}: {sgd} of 50");
            options.seed = 1;
            assert!((0..50).any(|i| sample(&options, &space, i, &[]) != first[i]));
        }
    }

    #[test]
    fn a_key_that_joins_the_space_leaves_random_draws_of_the_others() {
        let (mut options, space) = options(json!("random"));
        let before = sample(&options, &space, 7, &[]);
        let new = serde_json::from_value(json!({"float": [0.0, 1.0]})).unwrap();
        options.space.insert("train.ema".into(), new);
        let after = sample(&options, &Space::of(&options.space).unwrap(), 7, &[]);
        assert!(before.iter().all(|(k, v)| after[k] == *v));
    }

    #[test]
    fn an_endless_grid_is_refused() {
        let (mut options, _) = options(json!({"grid": {"points": 1000}}));
        options
            .space
            .insert("train.weight_decay".into(), serde_json::from_value(json!({"log": [1e-6, 1e-2]})).unwrap());
        let space = Space::of(&options.space).unwrap();
        assert!(grid_problem(&options, &space).unwrap().1.contains("100000"));
    }
}
