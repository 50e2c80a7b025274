//! One run of the system `real_fake`, from its experiment to its finished folder: a fitted method below `method/`, its
//! networks' files below `onnx/`, the baselines beside it below `baselines/`.

mod compare;
mod eval;
mod files;
mod group;
mod predict;
mod system;
mod view;

use anyhow::{Context, Result, bail, ensure};

use super::Summary;
use super::engine::{Account, Effort, Ingredients, Job, Training, Workbench};
use crate::config::RealFakeExperiment;
use ferrotype_interop::export::ReconstructionCheck;
use ferrotype_real_fake::baselines::baselines;
use ferrotype_real_fake::clip::ClipSet;
use ferrotype_real_fake::data;
use ferrotype_real_fake::method::{Fitted, Method, Work};
use ferrotype_real_fake::results::{self, ScoredClip};
use ferrotype_real_fake::split::{self, Division};
use ferrotype_run::RunFolder;
use ferrotype_run::files::{explain, write_json};
use ferrotype_training::interrupt::Interrupted;

pub use compare::compare;
pub use eval::{EvalRequest, eval};
pub use files::{DatasetSummary, Outcome};
pub use group::report_group;
pub use predict::{PredictRequest, predict};
pub use system::RealFake;
pub use view::{experiment_of, published, report_run};

/// One run, new or to be resumed.
pub struct RealFakeSession<'a> {
    /// What is fitted.
    pub experiment: &'a RealFakeExperiment,
    /// Where and how.
    pub job: &'a Job<'a>,
}

/// What a run works on.
pub struct Data {
    set: ClipSet,
    division: Division,
    facts: DatasetSummary,
}

impl Training for RealFakeSession<'_> {
    type Data = Data;
    type Fitted = Box<dyn Fitted>;
    type Experiment = RealFakeExperiment;

    fn experiment(&self) -> &RealFakeExperiment {
        self.experiment
    }

    fn prepare(&self, _: &mut Workbench<'_>) -> Result<(Data, Ingredients)> {
        let set = data::obtain(&self.experiment.data)?;
        let selects = self.experiment.method.build().selects();
        let division = split::divide(&set, &self.experiment.data, selects, self.experiment.seed)?;
        let facts = DatasetSummary::of(self.experiment, &set, &division);
        facts.check_against(self.job.run)?;
        write_json(self.job.run.facts(), &facts)?;
        let (data, sha256) = (facts.source.clone(), facts.sha256.clone());
        Ok((Data { set, division, facts }, Ingredients { data, sha256, ..Ingredients::default() }))
    }

    /// Says what is about to be fitted.
    fn announce(&self, data: &Data, work: &mut Workbench<'_>) {
        let (facts, device) = (&data.facts, work.device_line());
        let drawn = if facts.synthetic { " (synthetic)" } else { "" };
        let progress = work.progress.as_mut();
        progress.note(&format!("run      {}", self.job.run.path().display()));
        progress.note(&format!("data     {}{drawn}: {}", facts.source, facts.sizes()));
        facts.notes.iter().for_each(|note| progress.note(&format!("note     {note}")));
        progress.note(&format!("method   {}", self.experiment.method.name()));
        progress.note(&device);
    }

    fn fit(&self, data: &mut Data, work: &mut Workbench<'_>) -> Result<(Box<dyn Fitted>, Effort)> {
        let method = self.experiment.method.build();
        let fitted = self.method(data, method.as_ref(), &RunFolder::create_at(&self.job.run.method())?, work)?;
        Ok((fitted, Effort::default()))
    }

    fn finish(
        &self,
        data: Data,
        fitted: Box<dyn Fitted>,
        work: &mut Workbench<'_>,
        account: &mut Account<'_>,
    ) -> Result<Summary> {
        let fitted = fitted.as_ref();
        let mut clips = self.scored(&data, fitted)?;
        let mut names = Vec::new();
        for baseline in baselines(&data.set) {
            let folder = RunFolder::create_at(&files::baseline(self.job.run, baseline.name))?;
            let fitted = self.method(&data, baseline.method.as_ref(), &folder, work)?;
            add_scores(&data.set, &files::sets(&data.division), fitted.as_ref(), baseline.name, &mut clips)?;
            names.push(baseline.name.to_owned());
        }
        let onnx = self.export(&data, fitted)?;
        work.stop_if_asked("before the results were written")?;
        let outcome = Outcome::of(self.experiment, &data.division, &clips, &names, fitted.parameters(), onnx)?;
        let run = self.job.run;
        let test: Vec<&ScoredClip> = clips.iter().filter(|c| c.set == "test").collect();
        ferrotype_report::predictions::write(run.predictions(), &results::predictions(&test, None)?)?;
        results::write(&files::clips(run), &clips, &names)?;
        write_json(files::outcome(run), &outcome)?;
        account.close()?;
        // Its presence says that the run is finished; the report can be built again at any time.
        ferrotype_report::write_metrics(run.scores(), &files::scores_by_set(&clips)?)?;
        let text = report_run(run)?;
        let json = serde_json::json!({ "event": "result", "run": run.path(), "scores": outcome });
        Ok(Summary { text, json })
    }
}

impl RealFakeSession<'_> {
    /// Fits a method and saves it.
    fn method(
        &self,
        data: &Data,
        method: &dyn Method,
        folder: &RunFolder,
        work: &mut Workbench<'_>,
    ) -> Result<Box<dyn Fitted>> {
        work.stop_if_asked("before the method was fitted")?;
        let Division { training, validation, .. } = &data.division;
        let mut given = Work {
            seed: self.experiment.seed,
            train: &self.experiment.train,
            device: work.device.device.clone(),
            compute: work.compute,
            run: folder,
            interrupt: self.job.interrupt,
            other_kernels: self.job.other_kernels,
            progress: work.progress.as_mut(),
        };
        let fitted = method.fit(&data.set, training, validation, &mut given);
        let fitted = fitted.map_err(|error| match error.downcast_ref::<Interrupted>() {
            // An interruption that a network reports names its own part; the whole run is what goes on.
            Some(_) => work.interrupted("while the method was fitted"),
            None => error.context(format!("the method {} cannot be fitted", self.experiment.method.name())),
        })?;
        fitted.save(folder.path())?;
        Ok(fitted)
    }

    /// The method's scores of all clips of the division. Clips of a set are scored together: some methods decide by their
    /// median.
    fn scored(&self, data: &Data, fitted: &dyn Fitted) -> Result<Vec<ScoredClip>> {
        let mut clips = Vec::new();
        for (name, places) in files::sets(&data.division) {
            let scores =
                scores(fitted, &data.set, places).with_context(|| format!("the {name} clips cannot be scored"))?;
            clips.extend(places.iter().zip(scores).map(|(&i, score)| ScoredClip::new(&data.set, i, name, score)));
        }
        Ok(clips)
    }

    fn export(&self, data: &Data, fitted: &dyn Fitted) -> Result<Vec<(String, ReconstructionCheck)>> {
        if !self.experiment.export.onnx {
            return Ok(Vec::new());
        }
        let folder = self.job.run.path().join("onnx");
        std::fs::create_dir_all(&folder).map_err(|e| explain(&folder, &e))?;
        let checks = fitted.export(&data.set, &data.division.test, &folder, self.experiment.export.tolerance)?;
        if checks.is_empty() {
            // Methods without networks leave no empty folder.
            std::fs::remove_dir(&folder).map_err(|e| explain(&folder, &e))?;
        }
        Ok(checks)
    }
}

/// How many folds the experiment's split makes of its clips.
///
/// # Errors
/// When the clips cannot be read, or the split makes none.
pub fn fold_count(experiment: &RealFakeExperiment) -> Result<usize> {
    split::fold_count(&data::obtain(&experiment.data)?, &experiment.data, experiment.seed)
}

/// A method's scores of clips, each a finite number.
fn scores(fitted: &dyn Fitted, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>> {
    if clips.is_empty() {
        return Ok(Vec::new());
    }
    let scores = fitted.scores(set, clips)?;
    ensure!(scores.len() == clips.len(), "{} scores were given for {} clips", scores.len(), clips.len());
    if let Some(i) = scores.iter().position(|s| !s.is_finite()) {
        bail!(
            "the score of clip {} is {}: the method's weights or the clip's values are broken",
            set.clips[clips[i]].name,
            scores[i]
        );
    }
    Ok(scores)
}

/// Adds a baseline's scores to the scored clips of these sets.
fn add_scores(
    set: &ClipSet,
    sets: &[(&str, &Vec<usize>)],
    fitted: &dyn Fitted,
    name: &str,
    clips: &mut [ScoredClip],
) -> Result<()> {
    for (of, places) in sets {
        let own = clips.iter_mut().filter(|c| c.set == *of);
        for (clip, score) in own.zip(scores(fitted, set, places)?) {
            clip.baselines.insert(name.to_owned(), score);
        }
    }
    Ok(())
}
