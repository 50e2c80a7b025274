//! Bad files with the exact text of their errors, inheritance, overrides, and reading back what was written.
//!
//! Most tests read a `Trial`: an experiment whose models are made for the test.

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;
use ferrotype_base::problems::Problems;
use ferrotype_config::diagnostic::at_place_in;
use ferrotype_config::layers::{apply_set, read_chain};
use ferrotype_config::shape::Shape;
use ferrotype_config::tree::{self, Source};
use ferrotype_config::{from_tree, read_tree, write};
use ferrotype_data::options::{DataOptions, Scale, SplitRule};
use ferrotype_model::objective::ObjectiveOptions;
use ferrotype_training::options::{OptimizerOptions, ScheduleOptions, TrainOptions};

mod clips;
mod errors;
mod layers;
mod shipped;
mod sweeps;
mod text;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Trial {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    seed: u64,
    data: DataOptions,
    model: TrialModel,
    #[serde(default)]
    objective: ObjectiveOptions,
    train: TrainOptions,
    #[serde(default)]
    evaluate: Evaluate,
    #[serde(default)]
    expect: Option<Expect>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TrialModel {
    Plain(PlainOptions),
    Sized(SizedOptions),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct PlainOptions {
    dropout: f32,
    act: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SizedOptions {
    width: u32,
    #[serde(default)]
    sides: [usize; 2],
}

/// The smallest file that is right.
const GOOD: &str = "\
name: good
data:
  path: a.h5
  preprocess:
    size: 48
model: plain
train:
  epochs: 10
  lr: 1e-3
";

/// A file read as a `Trial`, with the ranges of its sections checked.
fn trial(path: &Path, sets: &[&str]) -> Result<Trial, ConfigError> {
    let shape = Shape::of::<Trial>();
    let mut root = read_chain(path, |_| Ok(shape))?.root;
    for set in sets {
        root = apply_set(root, set, shape, &mut Vec::new())?;
    }
    let trial: Trial = from_tree(&root)?;
    let mut problems = Problems::default();
    let p = &mut problems;
    ferrotype_data::validate::data(p, &trial.data);
    ferrotype_model::validate::model(p, &trial.model);
    ferrotype_model::validate::objective(p, &trial.objective);
    ferrotype_training::validate::train(p, &trial.train, &[]);
    ferrotype_training::validate::evaluate(p, &trial.evaluate, &[]);
    trial.expect.iter().for_each(|expect| ferrotype_config::sections::expect(p, expect, &[]));
    let problems = problems.into_vec();
    if problems.is_empty() {
        return Ok(trial);
    }
    Err(ConfigError::new(problems.into_iter().map(|problem| *at_place_in(problem, &root)).collect()))
}

/// A folder with files of the given names and texts.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Reads the first of the files.
fn read(files: &[(&str, &str)], sets: &[&str]) -> Result<Trial, String> {
    let folder = folder(files);
    let prefix = format!("{}/", folder.path().display());
    trial(&folder.path().join(files[0].0), sets).map_err(|error| error.to_string().replace(&prefix, ""))
}

fn read_one(text: &str) -> Result<Trial, String> {
    read(&[("x.yaml", text)], &[])
}
