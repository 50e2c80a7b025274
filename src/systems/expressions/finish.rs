//! What follows training: scores, export, files, report.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Session, calibration, report_run, saliency};
use crate::systems::engine::Account;
use crate::systems::expressions::onnx;
use crate::systems::{RunScope, Summary};
use ferrotype_data::task::{Subset, Task};
use ferrotype_evaluation::{HeadPredictions, Predictions, Scores, score, score_heads};
use ferrotype_expressions::LoadedRun;
use ferrotype_interop::export::ExportCheck;
use ferrotype_model::Network;
use ferrotype_report::{self as report, head_predictions};
use ferrotype_run::files::write_json;
use ferrotype_run::tensorboard::TensorBoard;
use ferrotype_training::checkpoint::Meta;
use ferrotype_training::interrupt::Interrupted;
use ferrotype_training::options::Calibrate;
use ferrotype_training::progress::Progress;
use ferrotype_training::trainer::load_selected;
use ferrotype_training::{head_scoring, scoring};

/// Predictions of a set: of one class per picture, or of a model with heads.
enum Said {
    Classes(Predictions),
    Heads(Vec<HeadPredictions>),
}

impl Said {
    fn scores(&self) -> Result<Scores> {
        match self {
            Self::Classes(predictions) => score(predictions),
            Self::Heads(predictions) => score_heads(predictions),
        }
    }

    fn write(&self, path: &Path) -> Result<()> {
        match self {
            Self::Classes(predictions) => report::predictions::write(path, predictions),
            Self::Heads(predictions) => head_predictions::write(path, predictions),
        }
    }
}

impl Session<'_> {
    /// Scores the selected weights, exports, writes everything, reports.
    pub(super) fn score(
        &self,
        task: &Task,
        mut network: Network,
        last_step: u64,
        account: &mut Account<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Summary> {
        let mut meta = load_selected(self.job.run, &mut network)?;
        self.stop_if_asked()?;
        // What a trial tells a sweep is how it was trained.
        if self.job.scope != RunScope::ValidationOnly {
            self.calibrate(task, &mut network, &mut meta, progress)?;
        }
        let validation = match task.validation.is_empty() {
            true => None,
            false => Some(self.predict(&network, &task.validation, progress)?.scores()?),
        };
        self.stop_if_asked()?;
        if self.job.scope == RunScope::ValidationOnly {
            return self.finish_trial(validation.context("a trial needs a validation set")?, account);
        }
        let said = self.predict(&network, &task.test, progress)?;
        self.stop_if_asked()?;
        let test = said.scores().context("cannot score the test set")?;
        if let (Some(temperature), Said::Classes(predictions)) = (meta.temperature, &said) {
            calibration::before(self.job.run, "test", predictions, temperature)?;
        }
        let check = match self.experiment.export.onnx {
            true => Some(self.export(task, &network, &test, progress)?),
            false => None,
        };
        account.close()?;
        said.write(&self.job.run.predictions())?;
        if let Said::Classes(predictions) = &said {
            let (run, experiment, facts) = (self.job.run.clone(), self.experiment.clone(), task.facts.clone());
            saliency::write(LoadedRun { run, experiment, network, meta, facts }, &task.test.faces, predictions)?;
        }
        // Its presence says that the run is finished; the report can be built again at any time.
        let mut sets = BTreeMap::from([("test".to_owned(), test.clone())]);
        sets.extend(validation.map(|scores| ("validation".to_owned(), scores)));
        report::write_metrics(self.job.run.scores(), &sets)?;
        let text = report_run(self.job.run)?;
        if let Said::Classes(_) = said {
            self.show_confusion(&test, last_step)?;
        }
        Ok(Summary { json: self.json(&test, check.as_ref()), text })
    }

    /// What the weights say of a set.
    fn predict(&self, network: &Network, subset: &Subset, progress: &mut dyn Progress) -> Result<Said> {
        let evaluate = &self.experiment.evaluate;
        Ok(match subset.labelled.heads.is_empty() {
            true => Said::Classes(scoring::predict(network, subset, evaluate, progress)?),
            false => Said::Heads(head_scoring::predict(network, subset, evaluate, progress)?),
        })
    }

    /// Fits and applies what the experiment asks for, once: the checkpoint says so.
    fn calibrate(
        &self,
        task: &Task,
        network: &mut Network,
        meta: &mut Meta,
        progress: &mut dyn Progress,
    ) -> Result<()> {
        if self.experiment.evaluate.calibrate == Calibrate::None || meta.temperature.is_some() {
            return Ok(());
        }
        let evaluate = &self.experiment.evaluate;
        let predictions = scoring::predict(network, &task.validation, evaluate, progress)?;
        let temperature = calibration::apply(self.job.run, network, meta, &predictions)?;
        progress
            .note(&format!("calibrated: logits are divided by {temperature:.3}, fitted on {} rows", predictions.len()));
        Ok(())
    }

    /// The result as one JSON object.
    fn json(&self, scores: &Scores, onnx: Option<&ExportCheck>) -> serde_json::Value {
        let values: serde_json::Map<_, _> = scores.metrics.iter().map(|(k, v)| (k.clone(), v.value.into())).collect();
        serde_json::json!({ "event": "result", "run": self.job.run.path(), "scores": values, "onnx": onnx })
    }

    /// Writes what a sweep reads of a trial. Its test set is not looked at.
    fn finish_trial(&self, validation: Scores, account: &mut Account<'_>) -> Result<Summary> {
        account.close()?;
        report::write_metrics(self.job.run.scores(), &BTreeMap::from([("validation".to_owned(), validation.clone())]))?;
        let name = &self.experiment.evaluate.select_by;
        let text = validation.get(name).map_or_else(|_| String::new(), |s| format!("validation {name} {:.4}", s.value));
        Ok(Summary { json: self.json(&validation, None), text })
    }

    /// Adds the test set's confusion matrix to TensorBoard, at the last step.
    fn show_confusion(&self, test: &Scores, last_step: u64) -> Result<()> {
        let png = report::confusion_matrix(test).png()?;
        TensorBoard::open(self.job.run.tensorboard(), last_step)?.image("test/confusion_matrix", last_step, &png)
    }

    /// Between the parts of the work that follows training.
    fn stop_if_asked(&self) -> Result<()> {
        if !self.job.interrupt.is_asked() {
            return Ok(());
        }
        let run = self.job.run.path().display();
        Err(Interrupted(format!(
            "interrupted; training is complete and saved, scores and report are not made yet. Go on with\n  ferrotype train \
             --resume {run}"
        ))
        .into())
    }

    fn export(
        &self,
        task: &Task,
        network: &Network,
        scores: &Scores,
        progress: &mut dyn Progress,
    ) -> Result<ExportCheck> {
        progress.note("exporting and checking model.onnx");
        let out = self.job.run.onnx();
        let what = onnx::Exported {
            network,
            experiment: self.experiment,
            facts: &task.facts,
            heads: task.heads(),
            scores,
            run: self.job.run,
            views: self.experiment.evaluate.views(),
        };
        let check = onnx::export(&what, &onnx::Examples::Rows(&task.test), &out, self.job.interrupt);
        // How to go on is said in the words of the whole run.
        self.stop_if_asked()?;
        let check = check?;
        write_json(self.job.run.onnx_check(), &check)?;
        Ok(check)
    }
}
