//! Experiments: what is trained on what, and how.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Error, Result, Run, TrainOptions};
use crate::config::{self, AnyExperiment};
use crate::runner::{GroupOptions, begin_group};
use ferrotype_run::RunFolder;
use ferrotype_run::group::Group;

/// One experiment of any system, its values checked.
///
/// # Examples
/// ```no_run
/// use ferrotype::{Experiment, TrainOptions};
///
/// let experiment = Experiment::load("configs/quickstart.yaml")?;
/// let run = experiment.train(&TrainOptions::default())?;
/// println!("{}", run.path().display());
/// # Ok::<(), ferrotype::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    inner: AnyExperiment,
    warnings: Vec<String>,
}

impl Experiment {
    /// Reads an experiment file, with the files that it inherits from.
    ///
    /// # Errors
    /// [`Error::Experiment`] with the mistakes: file, line, column, key, and what was expected.
    ///
    /// # Examples
    /// ```
    /// let experiment = ferrotype::Experiment::load("configs/quickstart.yaml")?;
    /// assert_eq!(experiment.name(), "quickstart");
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, &[])
    }

    /// As [`Experiment::load`], with changes as `--set` of the command line takes them: `KEY=VALUE`.
    ///
    /// # Errors
    /// As [`Experiment::load`].
    ///
    /// # Examples
    /// ```
    /// let experiment = ferrotype::Experiment::load_with("configs/quickstart.yaml", &["train.epochs=2"])?;
    /// assert!(experiment.to_yaml().contains("epochs: 2"));
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn load_with(path: impl AsRef<Path>, changes: &[&str]) -> Result<Self> {
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let loaded = config::load_any(path.as_ref(), &changes)?;
        Ok(Self { inner: loaded.experiment, warnings: loaded.warnings })
    }

    /// Reads the text of an experiment file.
    ///
    /// # Errors
    /// As [`Experiment::load`].
    ///
    /// # Examples
    /// ```
    /// let text = "name: tiny\ndata: {path: faces.h5, preprocess: {size: 48}}\nmodel: tiny_xception\ntrain: {epochs: 1, lr: 1e-3}\n";
    /// assert_eq!(ferrotype::Experiment::from_yaml(text)?.name(), "tiny");
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn from_yaml(text: &str) -> Result<Self> {
        Ok(Self::of(config::read_any("the experiment", text)?))
    }

    /// Begins an experiment in code.
    ///
    /// # Examples
    /// ```
    /// let experiment = ferrotype::Experiment::builder("tiny")
    ///     .set("data.path", "faces.h5")
    ///     .set("data.preprocess.size", 48)
    ///     .set("model", "tiny_xception")
    ///     .set("train.epochs", 1)
    ///     .set("train.lr", 1e-3)
    ///     .build()?;
    /// assert_eq!(experiment.name(), "tiny");
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn builder(name: &str) -> ExperimentBuilder {
        ExperimentBuilder { root: Map::new() }.set("name", name)
    }

    /// Its name.
    ///
    /// # Examples
    /// See [`Experiment::load`].
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// What the writer of a loaded file should know, such as keys that have other names by now.
    ///
    /// # Examples
    /// ```
    /// assert!(ferrotype::Experiment::load("configs/quickstart.yaml")?.warnings().is_empty());
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The experiment file with every value that it leaves to a default.
    ///
    /// # Examples
    /// See [`Experiment::load_with`].
    pub fn to_yaml(&self) -> String {
        self.inner.to_yaml()
    }

    /// Trains it in a new folder `<options.out>/<name>-<time>`: checkpoints, scores, checked ONNX file, report. With
    /// [`TrainOptions::seeds`] or [`TrainOptions::folds`] several runs are trained one after another, in one folder; the run that is
    /// given is their sum, and [`Run::members`] has them.
    ///
    /// # Errors
    /// [`Error::Training`], or [`Error::Interrupted`] where [`TrainOptions::interrupt`] asked for a stop.
    ///
    /// # Examples
    /// See [`Experiment`].
    pub fn train(&self, options: &TrainOptions) -> Result<Run> {
        let failed = |e| Error::training(&options.out, e);
        let wanted = GroupOptions { seeds: options.seeds.clone(), folds: options.folds };
        if let Some(group) = wanted.group(&self.inner).map_err(failed)? {
            let folder = begin_group(&self.inner, &options.out, &group).map_err(failed)?;
            let trained = options.runner().new_group(&self.inner, &folder, &group);
            trained.map_err(|e| Error::training(folder.path(), e))?;
            return Run::open(folder.path());
        }
        let folder = RunFolder::create(&options.out, self.name()).map_err(failed)?;
        let trained = self.train_in(&folder, options);
        if trained.is_err() {
            folder.remove_if_untouched();
        }
        trained
    }

    pub(super) fn of(inner: AnyExperiment) -> Self {
        Self { inner, warnings: Vec::new() }
    }

    pub(super) fn train_in(&self, folder: &RunFolder, options: &TrainOptions) -> Result<Run> {
        let runner = options.runner();
        let trained = match Group::open(folder.path()).map_err(|e| Error::run(folder.path(), e))? {
            Some(group) => runner.group(&self.inner, folder, &group),
            None => runner.train(&self.inner, folder),
        };
        trained.map_err(|e| Error::training(folder.path(), e))?;
        Run::open(folder.path())
    }
}

/// An experiment that is put together in code; [`Experiment::builder`] begins one.
///
/// # Examples
/// See [`Experiment::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ExperimentBuilder {
    root: Map<String, Value>,
}

impl ExperimentBuilder {
    /// Sets a key of the experiment file (docs/configuration.md lists them), sections separated by dots. Sections are made;
    /// a value that stood there is replaced.
    ///
    /// # Examples
    /// ```
    /// use serde_json::json;
    ///
    /// let builder = ferrotype::Experiment::builder("tiny").set("data.source", json!({"synthetic": {"count": 100}}));
    /// // What is missing is said when it is built.
    /// assert!(builder.build().unwrap_err().to_string().contains("is missing"));
    /// ```
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        let mut section = &mut self.root;
        let mut names = key.split('.').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                section.insert(name.to_owned(), value.into());
                break;
            }
            let entry = section.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if !entry.is_object() {
                *entry = Value::Object(Map::new());
            }
            let Value::Object(inner) = entry else { unreachable!("it was made an object") };
            section = inner;
        }
        self
    }

    /// Checks it.
    ///
    /// # Errors
    /// [`Error::Experiment`] for unknown or missing keys and impossible values.
    ///
    /// # Examples
    /// See [`Experiment::builder`].
    pub fn build(self) -> Result<Experiment> {
        // A line per key: errors show the line.
        Experiment::from_yaml(&format!("{:#}", Value::Object(self.root)))
    }
}
