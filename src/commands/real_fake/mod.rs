//! One run of the system `real_fake`, from its experiment to its finished folder: a fitted method below `method/`, its
//! networks' files below `onnx/`, the baselines beside it below `baselines/`.

mod compare;
mod eval;
mod files;
mod group;
mod predict;
mod view;

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::session::{compute, compute_name};
use super::train::Summary;
use crate::commands::pool::in_pool;
use crate::config::{self, RealFakeExperiment};
use ferrotype_interop::export::ReconstructionCheck;
use ferrotype_model::device::DeviceName;
use ferrotype_ops::Compute;
use ferrotype_real_fake::baselines::baselines;
use ferrotype_real_fake::clip::ClipSet;
use ferrotype_real_fake::data;
use ferrotype_real_fake::method::{Fitted, Method, Work};
use ferrotype_real_fake::results::{self, ScoredClip};
use ferrotype_real_fake::split::{self, Division};
use ferrotype_run::files::{explain, write_atomic};
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::interrupt::{Interrupt, Interrupted};
use ferrotype_training::progress::{Progress, Style};

pub use compare::compare;
pub use eval::{Asked, eval};
pub use files::{Facts, Outcome};
pub use group::report_group;
pub use predict::{Wanted, predict};
pub use view::{experiment_of, publish, publish_group, report_run};

/// One run, new or to be resumed.
pub struct RealFakeSession<'a> {
    /// What is fitted.
    pub experiment: &'a RealFakeExperiment,
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
struct Room {
    set: ClipSet,
    division: Division,
    compute: Compute,
    device: burn::tensor::Device,
}

impl RealFakeSession<'_> {
    /// Fits the method and the baselines, scores every clip, exports and reports.
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
        let method = self.experiment.method.build();
        let set = data::obtain(&self.experiment.data)?;
        let division = split::divide(&set, &self.experiment.data, method.selects(), self.experiment.seed)?;
        let facts = Facts::of(self.experiment, &set, &division);
        facts.check_against(self.run)?;
        write_atomic(self.run.facts(), (serde_json::to_string_pretty(&facts)? + "\n").as_bytes())?;
        let mut provenance = Provenance::begin(&device.name.to_string(), &compute_name(compute), threads);
        provenance.data.insert(facts.source.clone(), facts.sha256.clone());
        provenance.experiment_sha256 = config::digest(self.experiment);
        let before = Provenance::load(self.run);
        if !before.started.is_empty() {
            (provenance.started, provenance.resumed) = (before.started, before.resumed + 1);
        }
        provenance.save(self.run)?;
        self.announce(&facts, &device.name.to_string(), compute, progress.as_mut());
        let room = Room { set, division, compute, device: device.device };
        let fitting = Instant::now();
        let fitted = self.fit(&room, method.as_ref(), &RunFolder::create_at(&self.run.method())?, progress.as_mut())?;
        provenance.training_seconds = fitting.elapsed().as_secs_f64();
        self.finish(&room, fitted.as_ref(), provenance, began, progress.as_mut())
    }

    /// Fits a method and saves it.
    fn fit(
        &self,
        room: &Room,
        method: &dyn Method,
        folder: &RunFolder,
        progress: &mut dyn Progress,
    ) -> Result<Box<dyn Fitted>> {
        self.stop_if_asked("before the method was fitted")?;
        let Division { training, validation, .. } = &room.division;
        let mut work = Work {
            seed: self.experiment.seed,
            train: &self.experiment.train,
            device: room.device.clone(),
            compute: room.compute,
            run: folder,
            interrupt: self.interrupt,
            other_kernels: self.other_kernels,
            progress,
        };
        let fitted = method.fit(&room.set, training, validation, &mut work).map_err(|e| self.explained(e))?;
        fitted.save(folder.path())?;
        Ok(fitted)
    }

    /// An interruption that a network reports names its own part; the whole run is what goes on.
    fn explained(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast_ref::<Interrupted>() {
            Some(_) => self.interrupted("while the method was fitted"),
            None => error.context(format!("the method {} cannot be fitted", self.experiment.method.name())),
        }
    }

    /// Scores, exports, writes the results and the report.
    fn finish(
        &self,
        room: &Room,
        fitted: &dyn Fitted,
        mut provenance: Provenance,
        began: Instant,
        progress: &mut dyn Progress,
    ) -> Result<Summary> {
        let mut clips = self.scored(room, fitted)?;
        let mut names = Vec::new();
        for baseline in baselines(&room.set) {
            let folder = RunFolder::create_at(&files::baseline(self.run, baseline.name))?;
            let fitted = self.fit(room, baseline.method.as_ref(), &folder, progress)?;
            add_scores(&room.set, &files::sets(&room.division), fitted.as_ref(), baseline.name, &mut clips)?;
            names.push(baseline.name.to_owned());
        }
        let onnx = self.export(room, fitted)?;
        self.stop_if_asked("before the results were written")?;
        let outcome = Outcome::of(self.experiment, &room.division, &clips, &names, fitted.parameters(), onnx)?;
        let test: Vec<&ScoredClip> = clips.iter().filter(|c| c.set == "test").collect();
        ferrotype_report::predictions::write(self.run.predictions(), &results::predictions(&test, None)?)?;
        results::write(&files::clips(self.run), &clips, &names)?;
        write_atomic(files::outcome(self.run), (serde_json::to_string_pretty(&outcome)? + "\n").as_bytes())?;
        provenance.finish(began.elapsed().as_secs_f64());
        provenance.save(self.run)?;
        // Its presence says that the run is finished; the report can be built again at any time.
        ferrotype_report::write_metrics(self.run.scores(), &files::scores_by_set(&clips)?)?;
        let text = report_run(self.run)?;
        let json = serde_json::json!({ "event": "result", "run": self.run.path(), "scores": outcome });
        Ok(Summary { text, json })
    }

    /// The method's scores of all clips of the division. Clips of a set are scored together: some methods decide by their
    /// median.
    fn scored(&self, room: &Room, fitted: &dyn Fitted) -> Result<Vec<ScoredClip>> {
        let mut clips = Vec::new();
        for (name, places) in files::sets(&room.division) {
            let scores =
                scores(fitted, &room.set, places).with_context(|| format!("the {name} clips cannot be scored"))?;
            clips.extend(places.iter().zip(scores).map(|(&i, score)| ScoredClip::new(&room.set, i, name, score)));
        }
        Ok(clips)
    }

    fn export(&self, room: &Room, fitted: &dyn Fitted) -> Result<Vec<(String, ReconstructionCheck)>> {
        if !self.experiment.export.onnx {
            return Ok(Vec::new());
        }
        let folder = self.run.path().join("onnx");
        std::fs::create_dir_all(&folder).map_err(|e| explain(&folder, &e))?;
        let checks = fitted.export(&room.set, &room.division.test, &folder, self.experiment.export.tolerance)?;
        if checks.is_empty() {
            // Methods without networks leave no empty folder.
            std::fs::remove_dir(&folder).map_err(|e| explain(&folder, &e))?;
        }
        Ok(checks)
    }

    fn stop_if_asked(&self, place: &str) -> Result<()> {
        if self.interrupt.is_asked() { Err(self.interrupted(place)) } else { Ok(()) }
    }

    fn interrupted(&self, place: &str) -> anyhow::Error {
        let run = self.run.path().display();
        Interrupted(format!("interrupted {place}; everything is saved. Go on with\n  ferrotype train --resume {run}"))
            .into()
    }

    /// Says what is about to be fitted.
    fn announce(&self, facts: &Facts, device: &str, compute: Compute, progress: &mut dyn Progress) {
        let drawn = if facts.synthetic { " (simulated)" } else { "" };
        progress.note(&format!("run      {}", self.run.path().display()));
        progress.note(&format!("data     {}{drawn}: {}", facts.source, facts.sizes()));
        facts.notes.iter().for_each(|note| progress.note(&format!("note     {note}")));
        progress.note(&format!("method   {}", self.experiment.method.name()));
        progress.note(&format!("device   {device}, {} kernels", compute_name(compute)));
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
