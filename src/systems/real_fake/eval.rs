//! A fitted method on clips again: its own, or others.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use burn::tensor::Device;

use super::files::{self, DatasetSummary, Outcome};
use super::view::{aligned, emotions, experiment_of, methods, verdicts};
use super::{add_scores, scores};
use crate::commands::scored_set::SetName;
use crate::config::RealFakeExperiment;
use crate::systems::pool::in_pool;
use ferrotype_data::Split;
use ferrotype_expressions::compute::compute;
use ferrotype_model::device::DeviceName;
use ferrotype_ops::Compute;
use ferrotype_real_fake::baselines::baselines;
use ferrotype_real_fake::clip::{ClipSet, Part};
use ferrotype_real_fake::data;
use ferrotype_real_fake::method::Fitted;
use ferrotype_real_fake::results::{self, ScoredClip, beside};
use ferrotype_real_fake::split;
use ferrotype_report::terminal::red_for_stdout;
use ferrotype_report::{EvaluationView, SeenShare};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_json;

/// What `ferrotype eval` was asked for.
pub struct EvalRequest<'a> {
    /// Another folder or file for the experiment's source.
    pub data: Option<&'a Path>,
    /// Which clips.
    pub set: Option<SetName>,
    /// Another device than the experiment's.
    pub device: Option<&'a str>,
    /// Also write the scores to this file.
    pub json: Option<&'a Path>,
    /// Also write every clip's scores to this file.
    pub csv: Option<&'a Path>,
}

/// A run's experiment and where it computes.
pub(super) struct Loaded<'a> {
    pub run: &'a RunFolder,
    pub experiment: RealFakeExperiment,
    pub facts: DatasetSummary,
    device: Device,
    compute: Compute,
}

impl<'a> Loaded<'a> {
    pub fn open(run: &'a RunFolder, device: Option<&str>) -> Result<Self> {
        let experiment = experiment_of(run)?;
        ensure!(
            run.method().is_dir(),
            "{} holds no fitted method: it is not finished, or a group (name one of its members)",
            run.path().display()
        );
        let device = device.unwrap_or(&experiment.device.0).parse::<DeviceName>()?.open()?;
        let compute = compute(&experiment.kernels, &device)?;
        Ok(Self { run, facts: DatasetSummary::load(run)?, experiment, device: device.device, compute })
    }

    /// The fitted method, for clips like these.
    pub fn method(&self, set: &ClipSet) -> Result<Box<dyn Fitted>> {
        self.experiment.method.build().load(set, &self.run.method(), &self.device, self.compute)
    }

    /// The clips with the action units that the method was fitted on, in their order.
    pub fn like_fitted(&self, mut set: ClipSet) -> Result<ClipSet> {
        set.take_units(&self.facts.units)?;
        set.name_emotions(&self.facts.emotions)?;
        Ok(set)
    }
}

/// Scores; gives the lines for the terminal, and what a report shows.
///
/// # Errors
/// When the run or the clips cannot be read, or do not fit each other.
pub fn eval(run: &RunFolder, request: &EvalRequest) -> Result<(String, EvaluationView)> {
    let threads = experiment_of(run)?.threads;
    in_pool(threads, |_| eval_in_pool(run, request))
}

fn eval_in_pool(run: &RunFolder, request: &EvalRequest) -> Result<(String, EvaluationView)> {
    let loaded = Loaded::open(run, request.device)?;
    let mut options = loaded.experiment.data.clone();
    if let Some(path) = request.data {
        options.source.set_path(path)?;
    }
    let set = loaded.like_fitted(data::obtain(&options)?)?;
    let (name, places) = match request.data {
        None => own(&loaded, &set, request.set)?,
        Some(_) => others(&set, request.set)?,
    };
    let fitted = loaded.method(&set)?;
    let values = scores(fitted.as_ref(), &set, &places)?;
    let mut clips: Vec<ScoredClip> =
        places.iter().zip(values).map(|(&i, score)| ScoredClip::new(&set, i, &name, score)).collect();
    let mut names = Vec::new();
    for baseline in baselines(&set) {
        let folder = files::baseline(run, baseline.name);
        if folder.is_dir() {
            let fitted = baseline.method.load(&set, &folder, &loaded.device, loaded.compute)?;
            add_scores(&set, &[(name.as_str(), &places)], fitted.as_ref(), baseline.name, &mut clips)?;
            names.push(baseline.name.to_owned());
        }
    }
    let goes_without_saying = request.data.is_none() && !matches!(request.set, None | Some(SetName::Test));
    let seen = if goes_without_saying { Vec::new() } else { known(&loaded, &set, &places) };
    report(&loaded, &set, &clips, &names, request, &seen)
}

/// Of each clip whether the method was fitted on it, and whether it selected the weights; nothing where the run is too old to
/// tell.
fn known(loaded: &Loaded, set: &ClipSet, places: &[usize]) -> Vec<[bool; 2]> {
    let Some(seen) = &loaded.facts.seen else { return Vec::new() };
    places.iter().map(|&i| seen.knows(&set.clips[i])).collect()
}

/// How many of the scored clips were seen, where there are any.
fn share(seen: &[[bool; 2]]) -> Option<SeenShare> {
    let count = |which: usize| seen.iter().filter(|known| known[which]).count();
    let share = SeenShare { rows: seen.len(), trained: count(0), selected: count(1) };
    (share.trained + share.selected > 0).then_some(share)
}

/// A set of the run's own division.
fn own(loaded: &Loaded, set: &ClipSet, wanted: Option<SetName>) -> Result<(String, Vec<usize>)> {
    let e = &loaded.experiment;
    let division = split::divide(set, &e.data, e.method.build().selects(), e.seed)?;
    let (name, places) = match wanted {
        Some(SetName::Train) => ("training", division.training),
        Some(SetName::Validation) => ("validation", division.validation),
        Some(SetName::Test) | None => ("test", division.test),
    };
    ensure!(!places.is_empty(), "the run has no {name} clips: its method needs none to select weights");
    Ok((name.to_owned(), places))
}

/// Labelled clips of another folder: those of a part, or all.
fn others(set: &ClipSet, wanted: Option<SetName>) -> Result<(String, Vec<usize>)> {
    let part = wanted.map(|name| match name {
        SetName::Train => Part::Training,
        SetName::Validation => Part::Validation,
        SetName::Test => Part::Test,
    });
    let fits = |&i: &usize| set.clips[i].real.is_some() && part.is_none_or(|p| set.clips[i].part == p);
    let places: Vec<usize> = (0..set.clips.len()).filter(fits).collect();
    ensure!(!places.is_empty(), "none of the {} clips is labelled and of that part", set.clips.len());
    Ok(("test".into(), places))
}

fn report(
    loaded: &Loaded,
    set: &ClipSet,
    clips: &[ScoredClip],
    names: &[String],
    request: &EvalRequest,
    seen: &[[bool; 2]],
) -> Result<(String, EvaluationView)> {
    let all: Vec<&ScoredClip> = clips.iter().collect();
    let Some((measures, metrics)) = results::measure(&all, None)? else { bail!("none of the clips is labelled") };
    let besides = beside(&all, names)?;
    let share = share(seen);
    let others: Vec<&ScoredClip> =
        clips.iter().zip(seen).filter(|(_, known)| **known == [false; 2]).map(|(c, _)| c).collect();
    let unseen = if share.is_some() && !others.is_empty() { results::measure(&others, None)? } else { None };
    let method = loaded.experiment.method.name();
    if let Some(path) = request.csv {
        results::write(path, clips, names)?;
    }
    if let Some(path) = request.json {
        let outcome = Outcome {
            method: method.to_owned(),
            sets: BTreeMap::from([("test".to_owned(), measures.clone())]),
            baselines: besides.clone(),
            ..Outcome::default()
        };
        let mut both = serde_json::json!({ "outcome": outcome, "metrics": metrics });
        if let Some(share) = share {
            both["seen"] = serde_json::to_value(share)?;
            both["unseen"] = serde_json::to_value(unseen.as_ref().map(|(measures, _)| measures))?;
        }
        write_json(path, &both)?;
    }
    let mut lines = vec![format!("{}: {} clips", loaded.run.path().display(), measures.n)];
    lines.push(aligned(&methods(method, &measures, &besides)));
    if !measures.by_emotion.is_empty() {
        lines.push(aligned(&emotions(&measures)));
    }
    if let Some(share) = share {
        lines.push(red_for_stdout(&format!("SEEN     {}", share.text())));
        match &unseen {
            Some((measures, _)) => {
                lines.push(format!("without the clips that were seen: {} clips", measures.n));
                lines.push(aligned(&methods(method, measures, &[])));
            }
            None => lines.push("no clip is left to be scored without them".to_owned()),
        }
    }
    let doubt =
        loaded.facts.seen.is_none().then_some("whether the run, which is older than such records, was fitted on them");
    lines.extend(doubt.map(|doubt| format!("note: not known: {doubt}")));
    lines.extend(verdicts(&measures, method, &besides));
    lines.extend(set.notes.iter().map(|note| format!("note: {note}")));
    let key = key(request);
    let view = EvaluationView {
        title: format!("{key}, {} clips", measures.n),
        key,
        sha256: data::digest(set),
        notes: set.notes.clone(),
        scores: metrics,
        seen: share,
        unseen: unseen.map(|(_, metrics)| metrics),
        doubt: doubt.map(str::to_owned),
    };
    Ok((lines.join("\n"), view))
}

/// What was scored.
fn key(request: &EvalRequest) -> String {
    let data = request.data.map_or_else(|| "the run's own clips".to_owned(), |path| path.display().to_string());
    let part = request.set.map_or("all", |set| Split::from(set).as_str());
    format!("{data}, {part}")
}
