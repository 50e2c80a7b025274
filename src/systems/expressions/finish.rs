//! What follows training: scores, export, files, report.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::{Session, report_run};
use crate::commands::onnx;
use crate::systems::engine::Account;
use crate::systems::{RunScope, Summary};
use ferrotype_data::task::Task;
use ferrotype_evaluation::{Scores, score};
use ferrotype_interop::export::ExportCheck;
use ferrotype_model::Network;
use ferrotype_report as report;
use ferrotype_run::files::write_atomic;
use ferrotype_run::tensorboard::TensorBoard;
use ferrotype_training::interrupt::Interrupted;
use ferrotype_training::progress::Progress;
use ferrotype_training::scoring;
use ferrotype_training::trainer::load_selected;

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
        load_selected(self.job.run, &mut network)?;
        if !task.heads().is_empty() {
            return self.score_heads(task, &network, account, progress);
        }
        let evaluate = &self.experiment.evaluate;
        self.stop_if_asked()?;
        let validation = match task.validation.is_empty() {
            true => None,
            false => Some(scoring::scores(&network, &task.validation, evaluate, progress)?),
        };
        self.stop_if_asked()?;
        if self.job.scope == RunScope::ValidationOnly {
            return self.finish_trial(validation.context("a trial needs a validation set")?, account);
        }
        let predictions = scoring::predict(&network, &task.test, evaluate, progress)?;
        self.stop_if_asked()?;
        let test = score(&predictions).context("cannot score the test set")?;
        let check = match self.experiment.export.onnx {
            true => Some(self.export(task, &network, &test, progress)?),
            false => None,
        };
        account.close()?;
        report::predictions::write(self.job.run.predictions(), &predictions)?;
        // Its presence says that the run is finished; the report can be built again at any time.
        let mut sets = BTreeMap::from([("test".to_owned(), test.clone())]);
        sets.extend(validation.map(|scores| ("validation".to_owned(), scores)));
        report::write_metrics(self.job.run.scores(), &sets)?;
        let text = report_run(self.job.run)?;
        self.show_confusion(&test, last_step)?;
        Ok(Summary { json: self.json(&test, check.as_ref()), text })
    }

    /// The result as one JSON object.
    pub(super) fn json(&self, scores: &Scores, onnx: Option<&ExportCheck>) -> serde_json::Value {
        let values: serde_json::Map<_, _> = scores.metrics.iter().map(|(k, v)| (k.clone(), v.value.into())).collect();
        serde_json::json!({ "event": "result", "run": self.job.run.path(), "scores": values, "onnx": onnx })
    }

    /// Writes what a sweep reads of a trial. Its test set is not looked at.
    pub(super) fn finish_trial(&self, validation: Scores, account: &mut Account<'_>) -> Result<Summary> {
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
    pub(super) fn stop_if_asked(&self) -> Result<()> {
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

    pub(super) fn export(
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
        };
        let check = onnx::export(&what, &onnx::Examples::Rows(&task.test), &out, self.job.interrupt);
        // How to go on is said in the words of the whole run.
        self.stop_if_asked()?;
        let check = check?;
        write_atomic(self.job.run.onnx_check(), (serde_json::to_string_pretty(&check)? + "\n").as_bytes())?;
        Ok(check)
    }
}
