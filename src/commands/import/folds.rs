//! A file with a network for each person who was left out: a group of folds, each scored on its person.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::ImportCommand;
use crate::commands::say;
use crate::config::{self, AnyExperiment};
use crate::runner::bar::bar;
use crate::runner::{begin_members, report as report_group};
use crate::systems::loaded;
use ferrotype_data::options::{DataOptions, SplitRule};
use ferrotype_data::task::{Task, obtain};
use ferrotype_evaluation::score;
use ferrotype_expressions::LoadedRun;
use ferrotype_interop::import::{self, Foreign};
use ferrotype_model::published::Origin;
use ferrotype_report as report;
use ferrotype_run::files::write_json;
use ferrotype_run::group::{Group, GroupAxis};
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::options::SelectOn;
use ferrotype_training::progress::Style;
use ferrotype_training::scoring;
use ferrotype_vision::clips::write_source;

/// Keys that folds decide: each tests the person whom its network has not seen, on whom nothing was selected.
const DECIDED: [&str; 4] = ["data.split", "data.fold", "data.validation_set", "evaluate.select_on"];

/// Imports a file of folds; `classes` names the outputs of each network.
///
/// # Errors
/// When it holds no network of this kind per person, or other people than the data, or `--set` changes what folds
/// decide.
pub fn import(
    command: &ImportCommand,
    from: &Path,
    file: &Foreign,
    origins: Vec<Origin>,
    classes: Option<&[String]>,
    out: &Path,
) -> Result<()> {
    refuse_decided(&command.sets)?;
    let networks = by_person(file)?;
    let origin = origins.into_iter().next().context("no published form is known")?;
    let (form, mut experiment) = command.form(origin, &file.declared, out)?;
    experiment.data.split = SplitRule::LeaveOneSubjectOut;
    experiment.data.validation_set = Some(false);
    experiment.evaluate.select_on = SelectOn::None;
    let people = people(&experiment.data)?;
    let missing: Vec<&str> = people.iter().filter(|p| !networks.contains_key(p.as_str())).map(String::as_str).collect();
    let unknown: Vec<&str> = networks.keys().filter(|p| !people.contains(p)).map(String::as_str).collect();
    ensure!(
        missing.is_empty() && unknown.is_empty(),
        "{} is not of the people in {}: without a network [{}], unknown to the data [{}]",
        from.display(),
        experiment.data.path.display(),
        missing.join(", "),
        unknown.join(", ")
    );
    let any = AnyExperiment::Expressions(Box::new(experiment.clone()));
    let group = Group::of(GroupAxis::Fold, (0..people.len() as u64).collect());
    let folder = RunFolder::create_at(out)?;
    let written = || -> Result<String> {
        let runs = begin_members(&any, &folder, &group)?;
        let progress = bar("folds", runs.len());
        for (run, person) in runs.iter().zip(&people) {
            let experiment = run.experiment.clone().expressions()?;
            let network = &networks[person];
            let matched = import::match_form(network, vec![form.clone()], command.head, classes)
                .with_context(|| format!("the network without {person}"))?;
            command.write(&run.folder, from, network, &matched, &experiment)?;
            score_fold(&run.folder, person).with_context(|| format!("the network without {person}"))?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(report_group(&any, &folder, &group)?.text)
    };
    match written() {
        Ok(text) => say(format_args!(
            "{} networks of {}, each scored on the person it has not seen\n{text}",
            people.len(),
            from.display()
        )),
        Err(error) => {
            // What stands there now was made here.
            let _ = std::fs::remove_dir_all(out);
            Err(error)
        }
    }
}

/// Refuses to change keys that would be set otherwise at once.
fn refuse_decided(sets: &[String]) -> Result<()> {
    for set in sets {
        let path = set.split('=').next().unwrap_or_default().trim();
        let is_of = |key: &str| path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        if let Some(key) = DECIDED.into_iter().find(|key| is_of(key)) {
            bail!(
                "--set {key} has no effect with --folds: each fold tests the person whom its network has not seen, without \
                 a validation set; leave it out"
            );
        }
    }
    Ok(())
}

/// The networks of a file by the word before the first dot of their tensors' names.
fn by_person(file: &Foreign) -> Result<BTreeMap<String, Foreign>> {
    let mut all: BTreeMap<String, Foreign> = BTreeMap::new();
    for tensor in &file.tensors {
        let (person, name) = tensor.name.split_once('.').with_context(|| {
            format!("the tensor {} does not name a person: `s01.conv1.weight` is expected with --folds", tensor.name)
        })?;
        let network = all.entry(person.to_owned()).or_insert_with(|| Foreign {
            format: file.format,
            declared: file.declared.clone(),
            ..Foreign::default()
        });
        network.tensors.push(import::ForeignTensor { name: name.to_owned(), ..tensor.clone() });
    }
    Ok(all)
}

/// The people of the data, in the order of the folds that leave one of them out.
fn people(data: &DataOptions) -> Result<Vec<String>> {
    let subjects = obtain(data, write_source)?.subjects.context("the data name no subjects")?;
    Ok(subjects.into_iter().collect::<BTreeSet<_>>().into_iter().collect())
}

/// Scores an imported fold on its test rows, which must be those of `person`.
fn score_fold(path: &Path, person: &str) -> Result<()> {
    let LoadedRun { run, experiment, network, meta, .. } = loaded::open(path, None)?;
    let task = Task::prepare(&experiment.data, experiment.seed, write_source)?;
    let subjects = task.test.faces.subjects.as_deref().unwrap_or_default();
    let own = task.test.rows().iter().all(|&row| subjects.get(row as usize).is_some_and(|s| s == person));
    ensure!(own, "fold {} does not test {person} alone", experiment.data.fold);
    write_json(run.facts(), &task.facts)?;
    let mut progress = Style::Quiet.start();
    // The file's outputs need not stand in the data's order.
    let (test, _) = task.test.with_classes(&meta.classes, false)?;
    let predictions = scoring::predict(&network, &test, &experiment.evaluate, progress.as_mut())?;
    report::predictions::write(run.predictions(), &predictions)?;
    let mut provenance = Provenance::load(&run);
    provenance.data.insert(task.facts.path.clone(), task.facts.sha256.clone());
    provenance.experiment_sha256 = config::digest(&experiment);
    provenance.save(&run)?;
    report::write_metrics(run.scores(), &BTreeMap::from([("test".to_owned(), score(&predictions)?)]))
}
