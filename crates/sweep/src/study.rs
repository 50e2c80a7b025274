//! The study's folder: everything that its workers share.
//!
//! ```text
//! study.yaml              the sweep and its experiment, frozen
//! claims/                 who works on which trial
//! journal/<worker>.jsonl  what happened
//! workers/                who the workers are, and their signs of life
//! trials/00007/           the runs of a trial, one folder and one log per seed
//! ```

pub mod claims;
pub mod identity;
pub mod journal;
pub mod probe;
mod snapshot;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use ferrotype_base::files::explain;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::curve::{Curve, Objective};
use crate::options::SweepOptions;
use crate::sampler;
use crate::space::{Space, Values};
use claims::{Claim, Claims};
pub use snapshot::{Snapshot, State, Trial};

/// What a study's results depend on, as `study.yaml` keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// The digest of all that follows, but for what may change between two parts of a sweep.
    pub digest: String,
    /// What ranks the trials.
    pub objective: Objective,
    /// The sweep.
    pub sweep: SweepOptions,
    /// The resolved experiment that every trial starts from.
    pub experiment: Value,
}

impl Frozen {
    /// The part that must not change: number of trials, jobs, lease and the launchers' options may.
    pub fn essence(&self) -> Value {
        let mut sweep = serde_json::to_value(&self.sweep).unwrap_or_default();
        if let Some(map) = sweep.as_object_mut() {
            ["trials", "jobs", "lease", "slurm", "kubernetes", "ssh", "launcher", "description", "experiment"]
                .iter()
                .for_each(|k| {
                    map.shift_remove(*k);
                });
        }
        serde_json::json!({ "objective": self.objective, "sweep": sweep, "experiment": self.experiment })
    }

    /// How another sweep differs: `path: here -> there`, one line each.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        differences(&self.essence(), &other.essence())
    }
}

/// Where two values differ, a line `path: here -> there` each.
pub fn differences(here: &Value, there: &Value) -> Vec<String> {
    let flat = |value| {
        let mut out = BTreeMap::new();
        flatten("", value, &mut out);
        out
    };
    let (here, there) = (flat(here), flat(there));
    let mut paths: Vec<&String> = here.keys().chain(there.keys()).collect();
    paths.sort();
    paths.dedup();
    let show = |v: Option<&String>| v.cloned().unwrap_or_else(|| "nothing".into());
    let differs = |p: &&String| here.get(*p) != there.get(*p);
    let line = |p: &String| format!("{p}: {} -> {}", show(here.get(p)), show(there.get(p)));
    paths.into_iter().filter(differs).map(line).collect()
}

fn flatten(path: &str, value: &Value, out: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let below = |k: &String| if path.is_empty() { k.clone() } else { format!("{path}.{k}") };
            map.iter().for_each(|(k, v)| flatten(&below(k), v, out));
        }
        other => drop(out.insert(path.to_owned(), other.to_string())),
    }
}

/// An open study.
#[derive(Clone, Debug)]
pub struct Study {
    folder: PathBuf,
    frozen: Frozen,
    space: Space,
    /// Who works on which trial.
    pub claims: Claims,
}

impl Study {
    /// The file that freezes a study.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("study.yaml")
    }

    /// The study of a folder whose file was read; makes the folders that are missing.
    ///
    /// # Errors
    /// When the space is impossible, or a folder cannot be made.
    pub fn open(folder: &Path, frozen: Frozen) -> Result<Self> {
        let space = Space::of(&frozen.sweep.space)
            .map_err(|problems| anyhow!("{}: {}", problems[0].0, problems[0].1))
            .with_context(|| format!("{} is damaged", Self::file(folder).display()))?;
        for name in ["claims", "journal", "workers", "trials"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(|e| explain(&path, &e))?;
        }
        let claims = Claims::at(folder.join("claims"));
        Ok(Self { folder: folder.to_path_buf(), frozen, space, claims })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it is.
    pub fn frozen(&self) -> &Frozen {
        &self.frozen
    }

    /// The sweep.
    pub fn options(&self) -> &SweepOptions {
        &self.frozen.sweep
    }

    /// What is searched.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// What ranks its trials.
    pub fn objective(&self) -> &Objective {
        &self.frozen.objective
    }

    /// How many trials it is to have.
    pub fn trials(&self) -> usize {
        sampler::trials(self.options(), &self.space)
    }

    /// How many seeds each trial is trained with.
    pub fn seeds(&self) -> usize {
        self.options().seeds.len().max(1)
    }

    /// The folder of a trial.
    pub fn trial_folder(&self, trial: usize) -> PathBuf {
        self.folder.join("trials").join(format!("{trial:05}"))
    }

    /// The run of a seed of a trial.
    pub fn run_folder(&self, trial: usize, seed: usize) -> PathBuf {
        let name = self.options().seeds.get(seed).map_or_else(|| "run".to_owned(), |s| format!("seed-{s}"));
        self.trial_folder(trial).join(name)
    }

    /// The folder of journals.
    pub fn journals(&self) -> PathBuf {
        self.folder.join("journal")
    }

    /// The folder of workers.
    pub fn workers(&self) -> PathBuf {
        self.folder.join("workers")
    }

    /// What has happened so far.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let (lines, damaged) = journal::read_all(&self.journals())?;
        // After the journals: whatever they tell has its claim by now.
        let claim_states = self.claims.list()?;
        let ended = claim_states.iter().filter(|(_, s)| s.ended);
        let ends = ended.map(|(&t, _)| Ok((t, self.claims.read_end(t)?))).collect::<Result<BTreeMap<_, _>>>()?;
        let mut snapshot = Snapshot::of(&lines, &claim_states, &ends, self.objective());
        snapshot.damaged_lines = damaged;
        self.add_silent(&mut snapshot, &claim_states)?;
        for trial in snapshot.trials.iter_mut().filter(|t| t.state == State::Running) {
            if identity::is_gone(&self.workers(), &trial.worker) {
                trial.state = State::Waiting;
            }
        }
        Ok(snapshot)
    }

    /// Makes failed trials free again; how many.
    ///
    /// # Errors
    /// When the study cannot be read or written.
    pub fn reopen_failed(&self) -> Result<usize> {
        let snapshot = self.snapshot()?;
        let failed: Vec<&Trial> = snapshot.trials.iter().filter(|t| t.state == State::Failed).collect();
        failed.iter().try_for_each(|t| self.claims.reopen(t.number, t.generation))?;
        Ok(failed.len())
    }

    /// Adds the trials whose owner died between its claim and its first line.
    fn add_silent(&self, snapshot: &mut Snapshot, claim_states: &BTreeMap<usize, claims::ClaimState>) -> Result<()> {
        for (&number, standing) in claim_states {
            if snapshot.trial(number).is_some() || standing.generation == 0 {
                continue;
            }
            let claim = self.claims.read(number, 1)?;
            let line = journal::Line {
                time: claim.time,
                worker: claim.worker,
                event: journal::Event::Started { trial: number, generation: 1, values: claim.values, epochs: 0 },
            };
            let end = if standing.ended { Some((number, self.claims.read_end(number)?)) } else { None };
            let one = BTreeMap::from([(number, *standing)]);
            let silent = Snapshot::of(&[line], &one, &end.into_iter().collect(), self.objective());
            snapshot.trials.extend(silent.trials);
        }
        snapshot.trials.sort_by_key(|t| t.number);
        Ok(())
    }

    /// The values that a trial is to have: those of its first claim, or new ones.
    ///
    /// # Errors
    /// When the study cannot be read.
    pub fn values(&self, trial: usize, first: Option<&Claim>) -> Result<Values> {
        if let Some(claim) = first {
            return Ok(claim.values.clone());
        }
        let snapshot = self.snapshot()?;
        let empty = Curve::default();
        let past = snapshot.past(trial, &empty, self.objective().goal);
        Ok(sampler::sample(self.options(), &self.space, trial, &past))
    }
}
