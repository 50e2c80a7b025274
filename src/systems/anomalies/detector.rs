//! One detector: its network trained, its frames scored, its file exported.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::{AnomalySession, Data};
use crate::config;
use crate::systems::engine::Workbench;
use ferrotype_anomaly::autoencoder::Autoencoder;
use ferrotype_anomaly::inputs::DetectorInput;
use ferrotype_anomaly::options::AnomalyModel;
use ferrotype_anomaly::results::Scored;
use ferrotype_anomaly::rules;
use ferrotype_anomaly::windows::{Reconstruction, Windows};
use ferrotype_interop::export::ReconstructionCheck;
use ferrotype_model::Network;
use ferrotype_model::objective;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_json;
use ferrotype_training::checkpoint::{Checkpoint, Meta};
use ferrotype_training::learner::Learner;
use ferrotype_training::schedule;
use ferrotype_training::trainer::{Ended, Keep, Setup, Trainer, load_selected};

/// A trained detector.
pub struct Trained {
    /// What it says of the frames.
    pub scored: Scored,
    /// Trained values.
    pub parameters: usize,
    /// Epoch of the selected weights, counted from 1.
    pub best_epoch: usize,
    /// Epochs that were trained.
    pub epochs: usize,
    /// Mean squared error of the validation frames with the selected weights.
    pub validation_error: f64,
    /// How the exported file was checked.
    pub onnx: Option<ReconstructionCheck>,
    /// Seconds of training.
    pub seconds: f64,
    /// How often training was resumed.
    pub resumed: usize,
}

impl AnomalySession<'_> {
    /// Trains a detector (or goes on where its checkpoint stands), scores all frames with the selected weights, exports.
    pub(super) fn detector(&self, data: &Data, input: &DetectorInput, work: &mut Workbench<'_>) -> Result<Trained> {
        let run = self.run_of(&input.name)?;
        // The whole run is held already; this clears what a killed process left half-written here.
        let _lock = run.lock()?;
        let columns = input.columns.len();
        let AnomalyModel::LstmAutoencoder(options) = &self.experiment.model;
        let autoencoder = Autoencoder::new(options, columns, self.experiment.train.batch_size);
        let (training, validation) = input.values.split_at(data.inputs.training * columns);
        let windows = self.windows(&input.name, training, columns)?;
        let graph = autoencoder.graph(windows.length())?;
        let mut network =
            Network::new(Arc::new(graph), self.experiment.seed, &work.device.device).with_compute(work.compute);
        let meta = Meta {
            model: network.graph().name.clone(),
            classes: input.columns.clone(),
            experiment_sha256: result_digest(self.experiment),
            kernels: work.compute.to_string(),
            ..Meta::default()
        };
        let checkpoint = Checkpoint::to_resume(&run, &meta, self.job.other_kernels)?;
        let train = &self.experiment.train;
        let learner =
            Learner::new(network.clone(), Box::new(objective::Reconstruction), Vec::new(), train, self.experiment.seed);
        let setup = Setup {
            options: train,
            every: self.experiment.evaluate.every,
            loader: &windows,
            validation: &Reconstruction { autoencoder: &autoencoder, values: validation },
            keep: Keep::Best,
            teaching: None,
            run: &run,
            interrupt: self.job.interrupt,
        };
        let schedule = schedule::build(&train.schedule, train.lr);
        let mut trainer = Trainer::new(setup, learner, schedule, meta, checkpoint, work.progress.as_mut())?;
        if trainer.run()? == Ended::Interrupted {
            let (step, epoch) = (trainer.meta().step, trainer.meta().epoch + 1);
            drop(trainer);
            return Err(work.interrupted(&format!("after step {step} (epoch {epoch}) of the detector {}", input.name)));
        }
        let (seconds, resumed, epochs) = (trainer.seconds(), trainer.meta().resumed, trainer.meta().epoch);
        let meta = load_selected(&run, &mut network)?;
        let scored = self.score(data, input, &autoencoder, &network)?;
        let onnx = self.experiment.export.onnx.then(|| self.export(&run, input, &autoencoder, &network)).transpose()?;
        Ok(Trained {
            scored,
            parameters: network.graph().parameter_count(),
            best_epoch: meta.selection.best_epoch + 1,
            epochs,
            validation_error: meta.selection.best.unwrap_or(f64::NAN),
            onnx,
            seconds,
            resumed,
        })
    }

    fn windows(&self, name: &str, training: &[f32], columns: usize) -> Result<Windows> {
        let AnomalyModel::LstmAutoencoder(options) = &self.experiment.model;
        let batch = self.experiment.train.batch_size;
        Windows::new(training, columns, options.window.as_ref(), batch, self.experiment.seed)
            .with_context(|| format!("the detector {name} cannot be trained"))
    }

    fn score(&self, data: &Data, input: &DetectorInput, a: &Autoencoder, network: &Network) -> Result<Scored> {
        let errors = a.errors(network, &input.values)?;
        let columns = input.columns.len();
        let mean = |row: &[f32]| row.iter().map(|&e| f64::from(e)).sum::<f64>() / columns as f64;
        let scores: Vec<f64> = errors.chunks_exact(columns).map(mean).collect();
        if let Some(i) = scores.iter().position(|s| !s.is_finite()) {
            bail!("the detector {} gives frame {} the error {}", input.name, data.table.frames[i], scores[i]);
        }
        let found = rules::apply(&self.experiment.rules, &scores, &data.table.times);
        Ok(Scored { name: input.name.clone(), columns: input.columns.clone(), errors, scores, found })
    }

    fn export(
        &self,
        run: &RunFolder,
        input: &DetectorInput,
        autoencoder: &Autoencoder,
        network: &Network,
    ) -> Result<ReconstructionCheck> {
        let check = autoencoder.export(network, input, &run.onnx(), self.experiment.export.tolerance)?;
        write_json(run.onnx_check(), &check)?;
        Ok(check)
    }
}

/// The digest of what the weights depend on: rules and comparisons may change, threads and kernels are compared
/// otherwise.
fn result_digest(experiment: &config::AnomalyExperiment) -> String {
    let mut e = experiment.clone();
    (e.threads, e.kernels, e.rules, e.description) = Default::default();
    config::digest(&e)
}
