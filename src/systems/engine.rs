//! What training has in common, whatever the system: the lock, threads and device, the files that say what is done, the
//! account of what it took, and interruptions.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;
use ferrotype_base::energy::EnergyMeter;

use super::common::Common;
use super::{RunScope, Summary};
use crate::systems::pool::in_pool;
use ferrotype_config::{Root, digest, to_yaml};
use ferrotype_expressions::compute::compute;
use ferrotype_model::device::{DeviceName, Opened};
use ferrotype_ops::Compute;
use ferrotype_run::files::write_atomic;
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::interrupt::{Interrupt, Interrupted};
use ferrotype_training::progress::{Progress, Style, Watched, Watcher};

/// A run that is to be trained, new or to be resumed.
pub struct Job<'a> {
    /// Its folder.
    pub run: &'a RunFolder,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
    /// How progress is shown.
    pub style: Style,
    /// Who is told of it besides.
    pub watcher: Option<&'a Watcher>,
    /// Resume although the kernels differ.
    pub other_kernels: bool,
    /// What follows training.
    pub scope: RunScope,
    /// CPU threads in place of the experiment's. Results do not depend on them.
    pub threads: Option<usize>,
}

impl Job<'_> {
    fn progress(&self) -> Box<dyn Progress> {
        let shown = self.style.start();
        match self.watcher {
            None => shown,
            Some(watcher) => Box::new(Watched::new(shown, watcher.clone(), self.interrupt.clone())),
        }
    }
}

/// What a run is made from.
#[derive(Clone, Debug, Default)]
pub struct Ingredients {
    /// Where the data come from.
    pub data: String,
    /// sha256 of the data.
    pub sha256: String,
    /// Files of weights that training builds on, with their sha256.
    pub weights: BTreeMap<String, String>,
}

/// What training took, over all parts of an interrupted run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    /// Seconds, where the system's checkpoints keep them; the engine's own count otherwise.
    pub seconds: Option<f64>,
    /// Seconds before the first step of this part in which something was made for it, such as stored features; not among those.
    pub preparation: f64,
    /// How often it was resumed, where its checkpoints know.
    pub resumed: Option<usize>,
}

/// Training of one system: the engine calls these in their order.
pub trait Training: Sync {
    /// What the run works on.
    type Data;
    /// What training made.
    type Fitted;
    /// The type of its experiments.
    type Experiment: Common + Root;

    /// What is trained.
    fn experiment(&self) -> &Self::Experiment;

    /// Reads the data, holds them against those that an interrupted run began with, and writes down what is known of them.
    ///
    /// # Errors
    /// When they cannot be had, or are other data now.
    fn prepare(&self, work: &mut Workbench<'_>) -> Result<(Self::Data, Ingredients)>;

    /// Says what is about to be trained.
    fn announce(&self, data: &Self::Data, work: &mut Workbench<'_>);

    /// Trains, from the checkpoints if there are some.
    ///
    /// # Errors
    /// For a diverging loss, an interruption, or a file that cannot be written.
    fn fit(&self, data: &mut Self::Data, work: &mut Workbench<'_>) -> Result<(Self::Fitted, Effort)>;

    /// Scores, exports, writes the results, calls [`Account::close`] before the file whose presence says that the run is
    /// finished, and reports.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    fn finish(
        &self,
        data: Self::Data,
        fitted: Self::Fitted,
        work: &mut Workbench<'_>,
        account: &mut Account<'_>,
    ) -> Result<Summary>;
}

/// Where a run is trained, and what watches over it.
pub struct Workbench<'a> {
    /// What is trained.
    pub job: &'a Job<'a>,
    /// The device.
    pub device: Opened,
    /// The code that computes.
    pub compute: Compute,
    /// Where progress is shown.
    pub progress: Box<dyn Progress>,
}

impl Workbench<'_> {
    /// The device's line among the first ones of a run.
    pub fn device_line(&self) -> String {
        format!("device   {}, {} kernels", self.device.name, self.compute)
    }

    /// An error where somebody asked to stop.
    ///
    /// # Errors
    /// That one; `place` says where it was.
    pub fn stop_if_asked(&self, place: &str) -> Result<()> {
        if self.job.interrupt.is_asked() { Err(self.interrupted(place)) } else { Ok(()) }
    }

    /// The interruption of the whole run, with how to go on.
    pub fn interrupted(&self, place: &str) -> anyhow::Error {
        let run = self.job.run.path().display();
        Interrupted(format!("interrupted {place}; everything is saved. Go on with\n  ferrotype train --resume {run}"))
            .into()
    }
}

/// The provenance of a run while it is made.
pub struct Account<'a> {
    provenance: Provenance,
    run: &'a RunFolder,
    began: Instant,
    energy: Option<EnergyMeter>,
}

impl Account<'_> {
    /// Writes down that the run is complete, and what it took.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn close(&mut self) -> Result<()> {
        self.provenance.energy_joules = self.energy.take().and_then(EnergyMeter::finish);
        self.provenance.finish(self.began.elapsed().as_secs_f64());
        self.provenance.save(self.run)
    }
}

/// Trains a run from its experiment to its report.
///
/// # Errors
/// For bad input, a diverging loss, an interruption, or a file that cannot be written.
pub fn train<T: Training>(system: &T, job: &Job<'_>) -> Result<Summary> {
    in_pool(job.threads.unwrap_or_else(|| system.experiment().threads()), |threads| train_in_pool(system, job, threads))
}

fn train_in_pool<T: Training>(system: &T, job: &Job<'_>, threads: usize) -> Result<Summary> {
    let experiment = system.experiment();
    let _lock = job.run.lock()?;
    let device = experiment.device().parse::<DeviceName>()?.open()?;
    let compute = compute(&experiment.kernels(), &device)?;
    write_atomic(job.run.config(), to_yaml(experiment).as_bytes())?;
    // Side by side, and before the data are read or made: all figures of what the run took are of the same time.
    let (began, energy) = (Instant::now(), EnergyMeter::start());
    let mut provenance = Provenance::begin(crate::COMMIT, &device.name.to_string(), &compute.to_string(), threads);
    let mut work = Workbench { job, device, compute, progress: job.progress() };
    let (mut data, ingredients) = system.prepare(&mut work)?;
    provenance.data.insert(ingredients.data, ingredients.sha256);
    provenance.weights = ingredients.weights;
    provenance.experiment_sha256 = digest(experiment);
    let before = Provenance::load(job.run);
    if !before.started.is_empty() {
        provenance.started = before.started;
        (provenance.training_seconds, provenance.resumed) = (before.training_seconds, before.resumed + 1);
        provenance.preparation_seconds = before.preparation_seconds;
    }
    provenance.save(job.run)?;
    system.announce(&data, &mut work);
    let fitting = Instant::now();
    let fitted = system.fit(&mut data, &mut work);
    // Also of a part that was interrupted: what the run took is what all its parts took.
    provenance.training_seconds += fitting.elapsed().as_secs_f64();
    let (fitted, effort) = match fitted {
        Ok(fitted) => fitted,
        Err(error) => {
            provenance.save(job.run)?;
            return Err(error);
        }
    };
    provenance.preparation_seconds += effort.preparation;
    if let Some(seconds) = effort.seconds {
        provenance.training_seconds = seconds + provenance.preparation_seconds;
    }
    provenance.resumed = effort.resumed.unwrap_or(provenance.resumed);
    // What follows may be interrupted, too.
    provenance.save(job.run)?;
    let mut account = Account { provenance, run: job.run, began, energy };
    system.finish(data, fitted, &mut work, &mut account)
}
