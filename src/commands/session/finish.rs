//! What follows training: scores, export, files, report.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result};

use super::{Ending, Session, report_run};
use crate::commands::onnx;
use ferrotype_data::task::Task;
use ferrotype_evaluation::{Scores, score};
use ferrotype_interop::export::ExportCheck;
use ferrotype_model::Network;
use ferrotype_report as report;
use ferrotype_run::files::write_atomic;
use ferrotype_run::tensorboard::TensorBoard;
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::interrupt::Interrupted;
use ferrotype_training::progress::Progress;
use ferrotype_training::scoring;
use ferrotype_training::trainer::load_selected;

/// What came out.
pub struct Outcome {
    /// Test scores; of a sweep's trial those of the validation set.
    pub scores: Scores,
    /// The result as text for a terminal.
    text: String,
    run: RunFolder,
    onnx: Option<ExportCheck>,
}

impl Outcome {
    /// The last lines of a run.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The result as one JSON object.
    pub fn json(&self) -> serde_json::Value {
        let values: serde_json::Map<_, _> =
            self.scores.metrics.iter().map(|(k, v)| (k.clone(), v.value.into())).collect();
        serde_json::json!({ "event": "result", "run": self.run.path(), "scores": values, "onnx": self.onnx })
    }
}

impl Session<'_> {
    /// Scores the selected weights, exports, writes everything, reports.
    pub(super) fn finish(
        &self,
        task: &Task,
        mut network: Network,
        last_step: u64,
        provenance: &mut Provenance,
        began: Instant,
        progress: &mut dyn Progress,
    ) -> Result<Outcome> {
        load_selected(self.run, &mut network)?;
        let evaluate = &self.experiment.evaluate;
        self.stop_if_asked()?;
        let validation = scoring::scores(&network, &task.validation, evaluate, progress)?;
        self.stop_if_asked()?;
        if self.ending == Ending::ValidationOnly {
            return self.finish_trial(validation, provenance, began);
        }
        let predictions = scoring::predict(&network, &task.test, evaluate, progress)?;
        self.stop_if_asked()?;
        let test = score(&predictions).context("cannot score the test set")?;
        let check = match self.experiment.export.onnx {
            true => Some(self.export(task, &network, &test, progress)?),
            false => None,
        };
        provenance.finish(began.elapsed().as_secs_f64());
        provenance.save(self.run)?;
        report::predictions::write(self.run.predictions(), &predictions)?;
        // Its presence says that the run is finished; the report can be built again at any time.
        let sets = BTreeMap::from([("validation".to_owned(), validation), ("test".to_owned(), test.clone())]);
        report::write_metrics(self.run.scores(), &sets)?;
        let text = report_run(self.run)?;
        self.show_confusion(last_step)?;
        Ok(Outcome { scores: test, text, run: self.run.clone(), onnx: check })
    }

    /// Writes what a sweep reads of a trial. Its test set is not looked at.
    fn finish_trial(&self, validation: Scores, provenance: &mut Provenance, began: Instant) -> Result<Outcome> {
        provenance.finish(began.elapsed().as_secs_f64());
        provenance.save(self.run)?;
        report::write_metrics(self.run.scores(), &BTreeMap::from([("validation".to_owned(), validation.clone())]))?;
        let name = &self.experiment.evaluate.select_by;
        let text = validation.get(name).map_or_else(|_| String::new(), |s| format!("validation {name} {:.4}", s.value));
        Ok(Outcome { scores: validation, text, run: self.run.clone(), onnx: None })
    }

    /// Adds the test set's confusion matrix to TensorBoard, at the last step.
    fn show_confusion(&self, last_step: u64) -> Result<()> {
        let path = self.run.path().join("plots/confusion_matrix.png");
        let png = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        TensorBoard::open(self.run.tensorboard(), last_step)?.image("test/confusion_matrix", last_step, &png)
    }

    /// Between the parts of the work that follows training.
    fn stop_if_asked(&self) -> Result<()> {
        if !self.interrupt.is_asked() {
            return Ok(());
        }
        let run = self.run.path().display();
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
        let out = self.run.onnx();
        let what = onnx::Exported { network, experiment: self.experiment, facts: &task.facts, scores, run: self.run };
        let check = onnx::export(&what, &onnx::Examples::Rows(&task.test), &out, self.interrupt);
        // How to go on is said in the words of the whole run.
        self.stop_if_asked()?;
        let check = check?;
        write_atomic(self.run.onnx_check(), (serde_json::to_string_pretty(&check)? + "\n").as_bytes())?;
        Ok(check)
    }
}
