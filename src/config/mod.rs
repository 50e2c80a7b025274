//! The experiment file: typed sections, inheritance, overrides, and errors that say where.
//!
//! Each room owns the options it reads (`data::options`, `model::options`, ...); this room assembles them into one
//! [`Experiment`], and reads, checks and prints it. The way of a file:
//!
//! 1. `tree` parses YAML into nodes that know their line and column;
//! 2. `layers` lays the file over its `base:` files and the `--set` flags over both, guided by `shape`, which knows
//!    from the schema where the variants of an enum stand;
//! 3. `read` turns the tree into an [`Experiment`], with serde's derived code and errors that have a place;
//! 4. `validate` looks at the values.
//!
//! `sweep` reads the file of a search, whose keys are those of an experiment, in the same way.

mod diagnostic;
mod experiment;
mod layers;
mod read;
mod reference;
mod scalar;
mod schema;
mod shape;
mod sweep;
mod tree;
mod validate;
mod write;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

pub use diagnostic::{ConfigError, Problem};
pub use experiment::{Device, Evaluate, Expect, Experiment, Export, KernelBackend, Kernels, KernelsIsa, SelectOn};
pub use reference::key_table;
pub use schema::schema;
pub use sweep::{LoadedSweep, freeze, frozen_from_yaml, frozen_to_yaml, load_sweep, trial_experiment};
pub use validate::METRICS;
pub use write::{digest, to_yaml};

use diagnostic::Diagnostic;
use shape::Shape;
use tree::{Node, Source};

/// An experiment with the files it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The experiment: complete and within its ranges.
    pub experiment: Experiment,
    /// The file, then its base, then the base of that, and so on.
    pub sources: Vec<PathBuf>,
}

/// Reads an experiment file with its bases, lays `--set` overrides (`key.path=value`) over it, and checks it.
///
/// # Errors
/// Whatever is wrong, with file, line, column and the key's path; all impossible values at once.
pub fn load(path: &Path, sets: &[String]) -> Result<Loaded, ConfigError> {
    let shape = Shape::of::<Experiment>();
    let (mut root, sources) = layers::read_chain(path, &shape)?;
    for set in sets {
        root = layers::apply_set(root, set, &shape)?;
    }
    let experiment = finish(&root)?;
    Ok(Loaded { experiment, sources })
}

/// Reads a complete experiment from text, such as the resolved file of a run folder. `name` stands for the file in
/// errors. A `base:` is refused: it could mean any folder.
///
/// # Errors
/// As [`load`].
pub fn from_yaml_str(name: &str, text: &str) -> Result<Experiment, ConfigError> {
    let root = tree::parse(&Source::file(name, text))?;
    finish(&root)
}

/// The experiment in a tree, its values checked.
fn finish(root: &Node) -> Result<Experiment, ConfigError> {
    let experiment: Experiment = from_tree(root)?;
    let problems = experiment.validate();
    if problems.is_empty() {
        return Ok(experiment);
    }
    Err(ConfigError::new(problems.into_iter().map(|problem| *problem.at_place_in(root)).collect()))
}

/// Any value in a tree, its kinds and names checked but not its ranges.
fn from_tree<T: DeserializeOwned + JsonSchema>(root: &Node) -> Result<T, Box<Diagnostic>> {
    read::read(root).map_err(|mut error| {
        if let Some(path) = error.stray.take().and_then(|key| Shape::of::<T>().path_of(&key)) {
            error.message += &format!("; did you mean `{path}`?");
        }
        error
    })
}
