//! The systems that experiment files can describe, told apart by the top-level key `system`.
//!
//! A new system is one experiment type with its [`Root`], one variant of [`AnyExperiment`] and one line in [`read_root`].

use std::path::{Path, PathBuf};

use super::diagnostic::{ConfigError, Diagnostic};
use super::shape::Shape;
use super::tree::{Node, Source, Value, parse};
use super::{AnomalyExperiment, Experiment, Loaded, finish, layers, load_as, to_yaml};

/// The key that names the system. A file without it describes a classification of expressions.
const KEY: &str = "system";

/// The experiment of any system.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyExperiment {
    /// Classifies expressions.
    Expressions(Box<Experiment>),
    /// Finds anomalies in a face's behaviour.
    Anomalies(Box<AnomalyExperiment>),
}

impl AnyExperiment {
    /// The experiment's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Expressions(e) => &e.name,
            Self::Anomalies(e) => &e.name,
        }
    }

    /// The fully resolved experiment file.
    pub fn to_yaml(&self) -> String {
        match self {
            Self::Expressions(e) => to_yaml(&**e),
            Self::Anomalies(e) => to_yaml(&**e),
        }
    }

    /// Whether the weights are selected on the rows that are scored in the end.
    pub fn is_selected_on_test(&self) -> bool {
        match self {
            Self::Expressions(e) => e.is_selected_on_test(),
            Self::Anomalies(_) => false,
        }
    }

    /// Every key with its value, as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Expressions(e) => super::write::json(&**e),
            Self::Anomalies(e) => super::write::json(&**e),
        }
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
        }
    }
}

impl Loaded<AnyExperiment> {
    pub(super) fn expressions(self) -> Result<Loaded, ConfigError> {
        Ok(Loaded { experiment: self.experiment.expressions()?, sources: self.sources })
    }
}

/// As [`load`](super::load), for an experiment of any system.
///
/// # Errors
/// As [`load`](super::load), and where the system is unknown.
pub fn load_any(path: &Path, sets: &[String]) -> Result<Loaded<AnyExperiment>, ConfigError> {
    // How variants merge is of no account for a plain word.
    let (root, _) = layers::read_chain(path, &Shape::of::<Experiment>())?;
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
    })
}

/// As [`from_yaml_str`](super::from_yaml_str), for an experiment of any system.
///
/// # Errors
/// As [`load_any`].
pub fn read_any(name: &str, text: &str) -> Result<AnyExperiment, ConfigError> {
    let root = parse(&Source::file(name, text))?;
    Ok(match system(&root)? {
        None => AnyExperiment::Expressions(Box::new(finish(&root)?)),
        Some(System::Anomalies) => AnyExperiment::Anomalies(Box::new(finish(&root)?)),
    })
}

#[derive(Clone, Copy)]
enum System {
    Anomalies,
}

fn system(root: &Node) -> Result<Option<System>, Box<Diagnostic>> {
    let Value::Map(entries) = &root.value else { return Ok(None) };
    let Some(entry) = entries.iter().find(|entry| entry.key == KEY) else { return Ok(None) };
    match &entry.node.value {
        Value::Plain(name) | Value::Quoted(name) if name == "anomalies" => Ok(Some(System::Anomalies)),
        _ => {
            let found = entry.node.describe();
            let message = format!("expected `anomalies`, found {found}");
            let help = "without this key the experiment is a classification of expressions";
            Err(Diagnostic::new(message).help(help).or_at(&entry.node.place, KEY))
        }
    }
}
