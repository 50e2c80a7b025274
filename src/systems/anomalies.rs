//! One run of the system `anomalies`, from its experiment to its finished folder: a network per detector, each with
//! checkpoints and history of its own below `detectors/`.

mod aggregate;
mod detector;
mod files;
mod search;
mod system;
mod view;

use anyhow::{Result, bail};

use super::Summary;
use super::engine::{Account, Effort, Ingredients, Job, Training, Workbench};
use crate::config::AnomalyExperiment;
use ferrotype_anomaly::inputs::{self, Inputs};
use ferrotype_anomaly::results::{self, Scored};
use ferrotype_anomaly::source;
use ferrotype_anomaly::table::FeatureTable;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_json;

pub use aggregate::{Compared, compare, report_group, text as comparison};
pub use files::{AnomalyScores, DatasetSummary, DetectorScores};
pub use system::Anomalies;
pub use view::report_run;

use detector::Trained;

/// One run, new or to be resumed.
pub struct AnomalySession<'a> {
    /// What is trained.
    pub experiment: &'a AnomalyExperiment,
    /// Where and how.
    pub job: &'a Job<'a>,
}

/// What a run works on.
pub struct Data {
    table: FeatureTable,
    inputs: Inputs,
    facts: DatasetSummary,
}

impl Training for AnomalySession<'_> {
    type Data = Data;
    type Fitted = Vec<Trained>;
    type Experiment = AnomalyExperiment;

    fn experiment(&self) -> &AnomalyExperiment {
        self.experiment
    }

    fn prepare(&self, _: &mut Workbench<'_>) -> Result<(Data, Ingredients)> {
        let table = source::obtain(&self.experiment.data, self.experiment.seed)?;
        let inputs = inputs::prepare(&table, &self.experiment.data)?;
        let facts = DatasetSummary::of(self.experiment, &table, &inputs);
        self.check_data(&facts)?;
        write_json(self.job.run.facts(), &facts)?;
        let (data, sha256) = (facts.source.clone(), facts.sha256.clone());
        Ok((Data { table, inputs, facts }, Ingredients { data, sha256, ..Ingredients::default() }))
    }

    /// Says what is about to be trained.
    fn announce(&self, data: &Data, work: &mut Workbench<'_>) {
        let (facts, device) = (&data.facts, work.device_line());
        let drawn = if facts.synthetic { " (synthetic)" } else { "" };
        let progress = work.progress.as_mut();
        progress.note(&format!("run      {}", self.job.run.path().display()));
        progress.note(&format!("data     {}{drawn}: {}", facts.source, facts.extent()));
        progress.note(&device);
        if let Some(kept) = facts.kept_variance {
            progress.note(&format!("reduced  the components keep {:.1} % of the embedding's variance", 100.0 * kept));
        }
    }

    fn fit(&self, data: &mut Data, work: &mut Workbench<'_>) -> Result<(Vec<Trained>, Effort)> {
        let mut all = Vec::new();
        for input in &data.inputs.detectors {
            work.stop_if_asked(&format!("before the detector {}", input.name))?;
            work.progress.note(&format!("detector {}: {} columns", input.name, input.columns.len()));
            all.push(self.detector(data, input, work)?);
        }
        let seconds = Some(all.iter().map(|t| t.seconds).sum());
        let effort = Effort { seconds, preparation: 0.0, resumed: all.iter().map(|t| t.resumed).max() };
        Ok((all, effort))
    }

    fn finish(
        &self,
        data: Data,
        trained: Vec<Trained>,
        _: &mut Workbench<'_>,
        account: &mut Account<'_>,
    ) -> Result<Summary> {
        let Data { table, inputs, facts } = &data;
        let mut scores = AnomalyScores { detectors: Vec::new() };
        for (t, input) in trained.iter().zip(&inputs.detectors) {
            files::write_errors(&self.run_of(&t.scored.name)?, table, &t.scored)?;
            scores.detectors.push(DetectorScores::of(self.experiment, table, inputs, input, t)?);
        }
        let scored: Vec<Scored> = trained.into_iter().map(|t| t.scored).collect();
        results::write(&self.job.run.path().join(facts.result_file()), table, inputs, &scored)?;
        account.close()?;
        // Its presence says that the run is finished; the report can be built again at any time.
        write_json(self.job.run.scores(), &scores)?;
        let text = report_run(self.job.run)?;
        let json = serde_json::json!({ "event": "result", "run": self.job.run.path(), "scores": scores });
        Ok(Summary { text, json })
    }
}

impl AnomalySession<'_> {
    /// Whether the features are still those that training began with.
    fn check_data(&self, facts: &DatasetSummary) -> Result<()> {
        let path = self.job.run.facts();
        if !path.is_file() {
            return Ok(());
        }
        let before = DatasetSummary::load(self.job.run)?;
        if before.sha256 != facts.sha256 {
            bail!(
                "the features of {} are not those that {} was trained on until now (their sha256 differs): put the file \
                 back, or train anew",
                facts.source,
                self.job.run.path().display()
            );
        }
        Ok(())
    }

    /// The folder of a detector: checkpoints, history, export and errors, as in any run.
    fn run_of(&self, name: &str) -> Result<RunFolder> {
        files::detector_folder(self.job.run, name)
    }
}
