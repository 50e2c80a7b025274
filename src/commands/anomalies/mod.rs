//! One run of the system `anomalies`, from its experiment to its finished folder: a network per detector, each with
//! checkpoints and history of its own below `detectors/`.

mod aggregate;
mod detector;
mod files;
mod view;

use std::time::Instant;

use anyhow::{Result, bail};

use super::session::{compute, compute_name};
use super::train::Summary;
use crate::commands::pool::in_pool;
use crate::config::{self, AnomalyExperiment};
use ferrotype_anomaly::inputs::{self, Inputs};
use ferrotype_anomaly::results::{self, Scored};
use ferrotype_anomaly::source;
use ferrotype_anomaly::table::FeatureTable;
use ferrotype_model::device::DeviceName;
use ferrotype_ops::Compute;
use ferrotype_run::files::write_atomic;
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::interrupt::{Interrupt, Interrupted};
use ferrotype_training::progress::{Progress, Style};

pub use aggregate::{Compared, compare, report_group, text as comparison};
pub use files::{AnomalyScores, DetectorScores, Facts};
pub use view::{publish, report_run};

use detector::Trained;

/// One run, new or to be resumed.
pub struct AnomalySession<'a> {
    /// What is trained.
    pub experiment: &'a AnomalyExperiment,
    /// Where.
    pub run: &'a RunFolder,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
    /// How progress is shown.
    pub style: Style,
    /// Resume although the kernels differ.
    pub other_kernels: bool,
}

/// What a run works on.
struct Work {
    table: FeatureTable,
    inputs: Inputs,
    compute: Compute,
    device: burn::tensor::Device,
}

impl AnomalySession<'_> {
    /// Trains every detector, scores every frame, exports and reports.
    ///
    /// # Errors
    /// For bad input, a diverging loss, an interruption, or a file that cannot be written.
    pub fn run(&self) -> Result<Summary> {
        in_pool(self.experiment.threads, |threads| self.run_in_pool(threads))
    }

    fn run_in_pool(&self, threads: usize) -> Result<Summary> {
        let began = Instant::now();
        let _lock = self.run.lock()?;
        let mut progress = self.style.start();
        let device = self.experiment.device.0.parse::<DeviceName>()?.open()?;
        let compute = compute(&self.experiment.kernels, &device)?;
        write_atomic(self.run.config(), config::to_yaml(self.experiment).as_bytes())?;
        let table = source::obtain(&self.experiment.data, self.experiment.seed)?;
        let inputs = inputs::prepare(&table, &self.experiment.data)?;
        let facts = Facts::of(self.experiment, &table, &inputs);
        self.check_data(&facts)?;
        write_atomic(self.run.facts(), (serde_json::to_string_pretty(&facts)? + "\n").as_bytes())?;
        let mut provenance = Provenance::begin(&device.name.to_string(), &compute_name(compute), threads);
        provenance.data.insert(facts.source.clone(), facts.sha256.clone());
        provenance.experiment_sha256 = config::digest(self.experiment);
        let before = Provenance::load(self.run);
        if !before.started.is_empty() {
            provenance.started = before.started;
        }
        provenance.save(self.run)?;
        self.announce(&facts, &device.name.to_string(), compute, progress.as_mut());
        let work = Work { table, inputs, compute, device: device.device };
        let trained = self.detectors(&work, progress.as_mut())?;
        provenance.training_seconds = trained.iter().map(|t| t.seconds).sum();
        provenance.resumed = trained.iter().map(|t| t.resumed).max().unwrap_or_default();
        self.finish(&work, &facts, trained, provenance, began)
    }

    /// Whether the features are still those that training began with.
    fn check_data(&self, facts: &Facts) -> Result<()> {
        let path = self.run.facts();
        if !path.is_file() {
            return Ok(());
        }
        let before = Facts::load(self.run)?;
        if before.sha256 != facts.sha256 {
            bail!(
                "the features of {} are not those that {} was trained on until now (their sha256 differs): put the file \
                 back, or train anew",
                facts.source,
                self.run.path().display()
            );
        }
        Ok(())
    }

    fn detectors(&self, work: &Work, progress: &mut dyn Progress) -> Result<Vec<Trained>> {
        let mut all = Vec::new();
        for input in &work.inputs.detectors {
            if self.interrupt.is_asked() {
                return Err(self.interrupted(&format!("before the detector {}", input.name)));
            }
            progress.note(&format!("detector {}: {} columns", input.name, input.columns.len()));
            all.push(self.detector(work, input, progress)?);
        }
        Ok(all)
    }

    fn interrupted(&self, place: &str) -> anyhow::Error {
        let run = self.run.path().display();
        Interrupted(format!("interrupted {place}; everything is saved. Go on with\n  ferrotype train --resume {run}"))
            .into()
    }

    /// Writes the results and the report.
    fn finish(
        &self,
        work: &Work,
        facts: &Facts,
        trained: Vec<Trained>,
        mut provenance: Provenance,
        began: Instant,
    ) -> Result<Summary> {
        let Work { table, inputs, .. } = work;
        let mut scores = AnomalyScores { detectors: Vec::new() };
        for (t, input) in trained.iter().zip(&inputs.detectors) {
            files::write_errors(&self.run_of(&t.scored.name)?, table, &t.scored)?;
            scores.detectors.push(DetectorScores::of(self.experiment, table, inputs, input, t)?);
        }
        let scored: Vec<Scored> = trained.into_iter().map(|t| t.scored).collect();
        results::write(&self.run.path().join(facts.result_file()), table, inputs, &scored)?;
        provenance.finish(began.elapsed().as_secs_f64());
        provenance.save(self.run)?;
        // Its presence says that the run is finished; the report can be built again at any time.
        write_atomic(self.run.scores(), (serde_json::to_string_pretty(&scores)? + "\n").as_bytes())?;
        let text = report_run(self.run)?;
        let json = serde_json::json!({ "event": "result", "run": self.run.path(), "scores": scores });
        Ok(Summary { text, json })
    }

    /// The folder of a detector: checkpoints, history, export and errors, as in any run.
    fn run_of(&self, name: &str) -> Result<RunFolder> {
        files::detector_folder(self.run, name)
    }

    /// Says what is about to be trained.
    fn announce(&self, facts: &Facts, device: &str, compute: Compute, progress: &mut dyn Progress) {
        let drawn = if facts.synthetic { " (simulated)" } else { "" };
        progress.note(&format!("run      {}", self.run.path().display()));
        progress.note(&format!("data     {}{drawn}: {}", facts.source, facts.extent()));
        progress.note(&format!("device   {device}, {} kernels", compute_name(compute)));
        if let Some(kept) = facts.kept_variance {
            progress.note(&format!("reduced  the components keep {:.1} % of the embedding's variance", 100.0 * kept));
        }
    }
}
