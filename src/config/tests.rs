//! Bad files with the exact text of their errors, inheritance, overrides, and reading back what was written.
//!
//! Most tests read a `Trial`: an experiment whose models are made for the test.

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::validate::Found;
use super::*;
use crate::data::options::{DataOptions, Scale, SplitRule};
use crate::objective::ObjectiveOptions;
use crate::training::options::{OptimizerOptions, ScheduleOptions, TrainOptions};

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
    let (mut root, _) = super::layers::read_chain(path, shape)?;
    for set in sets {
        root = super::layers::apply_set(root, set, shape)?;
    }
    let trial: Trial = from_tree(&root)?;
    let mut found = Found::default();
    found.data(&trial.data);
    found.model(&trial.model);
    found.objective(&trial.objective);
    found.train(&trial.train);
    found.evaluate(&trial.evaluate);
    trial.expect.iter().for_each(|expect| found.expect(expect));
    if found.problems.is_empty() {
        return Ok(trial);
    }
    Err(ConfigError::new(found.problems.into_iter().map(|problem| *problem.at_place_in(&root)).collect()))
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
