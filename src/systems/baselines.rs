//! One run of the system `baselines`: a classical method on the rows of a prepared file, from its experiment to its report.

mod report;
mod system;

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::Summary;
use super::engine::{Account, Effort, Ingredients, Job, Training, Workbench};
use crate::config::BaselineExperiment;
use ferrotype_baselines::{Outcome, rows};
use ferrotype_data::task::Task;
use ferrotype_evaluation::score;
use ferrotype_report::{predictions, write_metrics};
use ferrotype_run::files::write_json;
use ferrotype_training::scoring;
use ferrotype_vision::clips::write_source;

pub use system::Baselines;

/// One run. A method takes minutes at most: an interrupted one begins anew.
struct Session<'a> {
    experiment: &'a BaselineExperiment,
    job: &'a Job<'a>,
}

impl Training for Session<'_> {
    type Data = Task;
    type Fitted = Outcome;
    type Experiment = BaselineExperiment;

    fn experiment(&self) -> &BaselineExperiment {
        self.experiment
    }

    fn prepare(&self, _: &mut Workbench<'_>) -> Result<(Task, Ingredients)> {
        let mut task = Task::prepare(&self.experiment.data, self.experiment.seed, write_source)?;
        if self.job.run.facts().is_file() {
            let before = ferrotype_data::task::DatasetSummary::load(self.job.run)?;
            if before.sha256 != task.facts.sha256 {
                bail!(
                    "{} is not the file that {} began with (its sha256 differs): put that file back, or train anew",
                    task.facts.path,
                    self.job.run.path().display()
                );
            }
        }
        task.check_source()?;
        write_json(self.job.run.facts(), &task.facts)?;
        let (data, sha256) = (task.facts.path.clone(), task.facts.sha256.clone());
        Ok((task, Ingredients { data, sha256, ..Ingredients::default() }))
    }

    fn announce(&self, task: &Task, work: &mut Workbench<'_>) {
        let f = &task.facts;
        let drawn = if f.synthetic { " (synthetic faces)" } else { "" };
        let [train, _, test] = f.sizes;
        let progress = work.progress.as_mut();
        progress.note(&format!("run      {}", self.job.run.path().display()));
        progress.note(&format!(
            "data     {}{drawn}: {train} training, {test} test; {} classes",
            f.path,
            f.classes.len()
        ));
        progress.note(&format!("method   {}", self.experiment.method.name()));
        if let Some(limit) = self.experiment.data.limit {
            progress.warn(&format!("each set is cut to {limit} rows (data.limit): this is a trial, not a result"));
        }
    }

    fn fit(&self, task: &mut Task, work: &mut Workbench<'_>) -> Result<(Outcome, Effort)> {
        let problem = rows::problem(task, self.experiment.seed)?;
        let interrupt = self.job.interrupt;
        let stop = || if interrupt.is_asked() { bail!("asked to stop") } else { Ok(()) };
        let outcome = self.experiment.method.build().tell(&problem, &stop);
        // What was interrupted has no partial result.
        work.stop_if_asked("before the method was fitted")?;
        Ok((outcome?, Effort::default()))
    }

    fn finish(&self, task: Task, fitted: Outcome, _: &mut Workbench<'_>, account: &mut Account<'_>) -> Result<Summary> {
        let run = self.job.run;
        let mut said = scoring::without_logits(&task.test);
        said.logits = fitted.scores;
        let scores = score(&said)?;
        let method = report::Fitted { details: fitted.details, parameters: fitted.parameters, fitted: fitted.fitted };
        write_json(run.path().join(report::FITTED), &method)?;
        account.close()?;
        predictions::write(run.predictions(), &said)?;
        // Its presence says that the run is finished; the report can be built again at any time.
        write_metrics(run.scores(), &BTreeMap::from([("test".to_owned(), scores.clone())]))?;
        let values: serde_json::Map<_, _> = scores.metrics.iter().map(|(k, v)| (k.clone(), v.value.into())).collect();
        let json = serde_json::json!({ "event": "result", "run": run.path(), "scores": values });
        Ok(Summary { text: report::report_run(run)?, json })
    }
}
