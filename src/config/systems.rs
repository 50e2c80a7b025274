//! The systems that experiment files can describe, told apart by the top-level key `system`.
//!
//! A new system is one experiment type with its [`Root`], one variant of [`AnyExperiment`] and one line in [`read_root`].

use std::path::{Path, PathBuf};

use ferrotype_config::diagnostic::{ConfigError, Diagnostic};
use ferrotype_config::shape::Shape;
use ferrotype_config::tree::{Node, Source, Value, parse};
use ferrotype_config::{Loaded, finish, layers, load_as, to_yaml, write};
use ferrotype_training::options::TrainOptions;

use super::{AnomalyExperiment, Expect, Experiment, RealFakeExperiment};

/// The key that names the system. A file without it describes a classification of expressions.
const KEY: &str = "system";

/// The experiment of any system.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyExperiment {
    /// Classifies expressions.
    Expressions(Box<Experiment>),
    /// Finds anomalies in a face's behaviour.
    Anomalies(Box<AnomalyExperiment>),
    /// Tells felt from posed expressions.
    RealFake(Box<RealFakeExperiment>),
}

impl AnyExperiment {
    /// The experiment's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Expressions(e) => &e.name,
            Self::Anomalies(e) => &e.name,
            Self::RealFake(e) => &e.name,
        }
    }

    /// The fully resolved experiment file.
    pub fn to_yaml(&self) -> String {
        match self {
            Self::Expressions(e) => to_yaml(&**e),
            Self::Anomalies(e) => to_yaml(&**e),
            Self::RealFake(e) => to_yaml(&**e),
        }
    }

    /// Whether the weights are selected on the rows that are scored in the end.
    pub fn is_selected_on_test(&self) -> bool {
        match self {
            Self::Expressions(e) => e.is_selected_on_test(),
            // The test part of their divisions selects nothing.
            Self::Anomalies(_) | Self::RealFake(_) => false,
        }
    }

    /// Puts another figure in the place of the expected one.
    ///
    /// # Errors
    /// Where the system has no expected figures.
    pub fn set_expect(&mut self, expect: Option<Expect>) -> anyhow::Result<()> {
        match self {
            Self::Expressions(e) => e.expect = expect,
            Self::RealFake(e) => e.expect = expect,
            Self::Anomalies(_) => {
                anyhow::ensure!(expect.is_none(), "the system {} has no expected figures", self.system());
            }
        }
        Ok(())
    }

    /// CPU threads; 0 means all cores.
    pub fn threads_mut(&mut self) -> &mut usize {
        match self {
            Self::Expressions(e) => &mut e.threads,
            Self::Anomalies(e) => &mut e.threads,
            Self::RealFake(e) => &mut e.threads,
        }
    }

    /// The fully resolved experiment as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Expressions(e) => write::json(&**e),
            Self::Anomalies(e) => write::json(&**e),
            Self::RealFake(e) => write::json(&**e),
        }
    }

    /// How it is trained.
    pub fn train(&self) -> &TrainOptions {
        match self {
            Self::Expressions(e) => &e.train,
            Self::Anomalies(e) => &e.train,
            Self::RealFake(e) => &e.train,
        }
    }

    /// The same settings under another name and, where there is one, with another seed. What scores were expected is left
    /// out: they were those of the experiment that these settings come from.
    pub fn renamed(mut self, name: String, seed: Option<u64>) -> Self {
        match &mut self {
            Self::Expressions(e) => {
                (e.name, e.seed, e.expect) = (name, seed.unwrap_or(e.seed), None);
            }
            Self::Anomalies(e) => (e.name, e.seed) = (name, seed.unwrap_or(e.seed)),
            Self::RealFake(e) => {
                (e.name, e.seed, e.expect) = (name, seed.unwrap_or(e.seed), None);
            }
        }
        self
    }

    /// The experiment without an export and, where it does not say, with so many CPU threads: one trial of many.
    pub fn as_trial(mut self, threads: usize) -> Self {
        let export = match &mut self {
            Self::Expressions(e) => &mut e.export,
            Self::Anomalies(e) => &mut e.export,
            Self::RealFake(e) => &mut e.export,
        };
        export.onnx = false;
        if *self.threads_mut() == 0 {
            *self.threads_mut() = threads;
        }
        self
    }

    /// The experiment, if it is one of expressions.
    ///
    /// # Errors
    /// When it is one of another system.
    pub(super) fn expressions(self) -> Result<Experiment, ConfigError> {
        match self {
            Self::Expressions(e) => Ok(*e),
            other => Err(Diagnostic::new(format!(
                "the experiment `{}` is not one of expressions (it has `system: {}`), and only those can be used here",
                other.name(),
                other.system()
            ))
            .into()),
        }
    }

    /// The system's name in the file.
    pub fn system(&self) -> &'static str {
        match self {
            Self::Expressions(_) => "expressions",
            Self::Anomalies(_) => "anomalies",
            Self::RealFake(_) => "real_fake",
        }
    }
}

/// As [`load`](super::load), for an experiment of any system.
///
/// # Errors
/// As [`load`](super::load), and where the system is unknown.
pub fn load_any(path: &Path, sets: &[String]) -> Result<Loaded<AnyExperiment>, ConfigError> {
    // How variants merge is of no account for a plain word.
    let (root, _) = layers::read_chain(path, Shape::of::<Experiment>())?;
    let whole = |experiment: AnyExperiment, sources: Vec<PathBuf>| Loaded { experiment, sources };
    Ok(match system(&root)? {
        None => {
            let loaded = load_as::<Experiment>(path, sets)?;
            whole(AnyExperiment::Expressions(Box::new(loaded.experiment)), loaded.sources)
        }
        Some(System::Anomalies) => {
            let loaded = load_as::<AnomalyExperiment>(path, sets)?;
            whole(AnyExperiment::Anomalies(Box::new(loaded.experiment)), loaded.sources)
        }
        Some(System::RealFake) => {
            let loaded = load_as::<RealFakeExperiment>(path, sets)?;
            whole(AnyExperiment::RealFake(Box::new(loaded.experiment)), loaded.sources)
        }
    })
}

/// As [`from_yaml_str`](super::from_yaml_str), for an experiment of any system.
///
/// # Errors
/// As [`load_any`].
pub fn read_any(name: &str, text: &str) -> Result<AnyExperiment, ConfigError> {
    read_root(&parse(&Source::file(name, text))?)
}

/// The experiment in a tree, its values checked.
pub(super) fn read_root(root: &Node) -> Result<AnyExperiment, ConfigError> {
    Ok(match system(root)? {
        None => AnyExperiment::Expressions(Box::new(finish(root)?)),
        Some(System::Anomalies) => AnyExperiment::Anomalies(Box::new(finish(root)?)),
        Some(System::RealFake) => AnyExperiment::RealFake(Box::new(finish(root)?)),
    })
}

/// The keys that the experiment in a tree may have, by its system.
pub(super) fn shape_of(root: &Node) -> Result<&'static Shape, ConfigError> {
    Ok(match system(root)? {
        None => Shape::of::<Experiment>(),
        Some(System::Anomalies) => Shape::of::<AnomalyExperiment>(),
        Some(System::RealFake) => Shape::of::<RealFakeExperiment>(),
    })
}

#[derive(Clone, Copy)]
enum System {
    Anomalies,
    RealFake,
}

fn system(root: &Node) -> Result<Option<System>, Box<Diagnostic>> {
    let Value::Map(entries) = &root.value else { return Ok(None) };
    let Some(entry) = entries.iter().find(|entry| entry.key == KEY) else { return Ok(None) };
    match &entry.node.value {
        Value::Plain(name) | Value::Quoted(name) if name == "expressions" => Ok(None),
        Value::Plain(name) | Value::Quoted(name) if name == "anomalies" => Ok(Some(System::Anomalies)),
        Value::Plain(name) | Value::Quoted(name) if name == "real_fake" => Ok(Some(System::RealFake)),
        _ => {
            let found = entry.node.describe();
            let message = format!("expected `expressions`, `anomalies` or `real_fake`, found {found}");
            let help = "without this key the experiment is a classification of expressions";
            Err(Diagnostic::new(message).help(help).or_at(&entry.node.place, KEY))
        }
    }
}
