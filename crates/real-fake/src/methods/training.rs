//! The ordinary training loop for a method's network: checkpoints, schedules, early stopping, history.

use anyhow::{Context, Result};
use ferrotype_base::digest;
use serde::Serialize;

use crate::clip::{CLASSES, ClipSet};
use crate::method::Work;
use ferrotype_model::Network;
use ferrotype_model::objective::Objective;
use ferrotype_run::RunFolder;
use ferrotype_training::checkpoint::{Checkpoint, Meta};
use ferrotype_training::interrupt::Interrupted;
use ferrotype_training::learner::Learner;
use ferrotype_training::parts::{Batches, Validation};
use ferrotype_training::schedule;
use ferrotype_training::trainer::{Ended, Keep, Setup, Trainer, load_selected};

/// What is minimised, over which batches, and what selects the weights.
pub struct Goal<'a> {
    /// The loss.
    pub objective: Box<dyn Objective>,
    /// One weight per class; empty where targets are no classes.
    pub class_weights: Vec<f32>,
    /// Training batches.
    pub batches: &'a dyn Batches,
    /// What selects the weights.
    pub validation: &'a dyn Validation,
}

/// Trains `network` in a folder of its own below the fit's, or goes on where its checkpoint stands, and gives it the
/// selected weights. `depends_on` is all that the weights depend on, beside the options of training and the seed.
///
/// # Errors
/// For a diverging loss, an interruption, a checkpoint of something else, or a file that cannot be written.
pub fn train(
    network: &mut Network,
    name: &str,
    depends_on: &impl Serialize,
    goal: Goal,
    work: &mut Work,
) -> Result<Meta> {
    let run = RunFolder::create_at(&work.run.path().join("networks").join(name))?;
    let text = serde_json::to_string(&(depends_on, work.train, work.seed)).context("cannot describe the fit")?;
    let fresh = Meta {
        model: network.graph().name.clone(),
        classes: CLASSES.map(str::to_owned).to_vec(),
        experiment_sha256: digest::sha256(text.as_bytes()),
        kernels: work.compute.to_string(),
        ..Meta::default()
    };
    let checkpoint = Checkpoint::to_resume(&run, &fresh, work.other_kernels)?;
    let learner = Learner::new(network.clone(), goal.objective, goal.class_weights, work.train, work.seed);
    let setup = Setup {
        options: work.train,
        every: 1,
        loader: goal.batches,
        validation: goal.validation,
        keep: Keep::Best,
        teaching: None,
        run: &run,
        interrupt: work.interrupt,
    };
    let schedule = schedule::build(&work.train.schedule, work.train.lr);
    let mut trainer = Trainer::new(setup, learner, schedule, fresh, checkpoint, work.progress)?;
    if trainer.run()? == Ended::Interrupted {
        let meta = trainer.meta();
        let place = format!("after step {} (epoch {}) of the network {name}", meta.step, meta.epoch + 1);
        return Err(Interrupted(format!("interrupted {place}; everything is saved")).into());
    }
    load_selected(&run, network)
}

/// Names of clips: a fit depends on which ones it saw.
pub fn names(set: &ClipSet, clips: &[usize]) -> Vec<String> {
    clips.iter().map(|&i| set.clips[i].name.clone()).collect()
}
