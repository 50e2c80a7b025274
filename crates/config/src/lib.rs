//! Experiment files: typed sections, inheritance, overrides, and errors that say where.
//!
//! Each crate owns the options it reads (`data::options`, `model::options`, ...), and each system assembles them into its
//! experiment; this crate reads, checks and prints any of them. The way of a file:
//!
//! 1. `tree` parses YAML into nodes that know their line and column;
//! 2. `layers` lays the file over its `base:` files and the `--set` flags over both, guided by `shape`, which knows
//!    from the schema where the variants of an enum stand;
//! 3. `read` turns the tree into an experiment, with serde's derived code and errors that have a place;
//! 4. `Root::resolve_defaults` fills in what follows from other sections;
//! 5. `Root::validate` looks at the values.

pub mod diagnostic;
mod home;
pub mod layers;
mod read;
mod reference;
pub mod renamed;
mod scalar;
mod schema;
pub mod sections;
pub mod shape;
mod suggestion;
pub mod tree;
pub mod write;

use std::path::{Path, PathBuf};

use ferrotype_base::problems::Problem;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use diagnostic::ConfigError;
pub use home::expand_words;
pub use read::read as read_tree;
pub use reference::key_table_of;
pub use schema::schema_of;
pub use write::{digest, to_yaml};

use diagnostic::Diagnostic;
use shape::Shape;
use tree::{Node, Source};

/// What an experiment file can hold as a whole: the experiment of one system.
pub trait Root: Serialize + DeserializeOwned + JsonSchema + 'static {
    /// Fills in what was left out because it follows from another section, so that the resolved file shows it.
    fn resolve_defaults(&mut self) {}

    /// Keys of sections shared with other systems that this one refuses: they do not stand in its table of keys.
    fn refused_keys() -> Vec<&'static str> {
        Vec::new()
    }

    /// All values that are out of their ranges, in the order of the file's sections.
    fn validate(&self) -> Vec<Problem>;
}

/// An experiment with the files it was read from.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The experiment: complete and within its ranges.
    pub experiment: T,
    /// The file, then its base, then the base of that, and so on.
    pub sources: Vec<PathBuf>,
    /// What its writer is to be told: old names that were used.
    pub warnings: Vec<String>,
}

/// Reads an experiment file with its bases, lays `--set` overrides (`key.path=value`) over it, and checks it.
///
/// # Errors
/// Whatever is wrong, with file, line, column and the key's path; all impossible values at once.
pub fn load_as<T: Root>(path: &Path, sets: &[String]) -> Result<Loaded<T>, ConfigError> {
    let (root, sources, warnings) = load_tree(path, sets, |_| Ok(Shape::of::<T>()))?;
    Ok(Loaded { experiment: finish(&root)?, sources, warnings })
}

/// As [`load_as`], up to the tree, the files read and the warnings: for files whose keys (`shape`) depend on their content.
///
/// # Errors
/// As [`load_as`], and those of `shape`.
pub fn load_tree(
    path: &Path,
    sets: &[String],
    shape: impl Fn(&Node) -> Result<&'static Shape, Box<Diagnostic>>,
) -> Result<(Node, Vec<PathBuf>, Vec<String>), ConfigError> {
    let layers::Chain { mut root, sources, mut warnings } = layers::read_chain(path, &shape)?;
    let shape = shape(&root)?;
    for set in sets {
        root = layers::apply_set(root, set, shape, &mut warnings)?;
    }
    Ok((root, sources, warnings))
}

/// Reads a complete experiment from text, such as the resolved file of a run folder. `name` stands for the file in
/// errors. A `base:` is refused: it could mean any folder.
///
/// # Errors
/// As [`load_as`].
pub fn from_text<T: Root>(name: &str, text: &str) -> Result<T, ConfigError> {
    finish(&text_tree(name, text)?)
}

/// The tree of a complete experiment in text, old names as those of today.
///
/// # Errors
/// When it is no YAML.
pub fn text_tree(name: &str, text: &str) -> Result<Node, Box<Diagnostic>> {
    let mut root = tree::parse(&Source::file(name, text))?;
    renamed::update(&mut root);
    Ok(root)
}

/// An experiment with `--set` overrides laid over it, checked. `name` stands for it in errors.
///
/// # Errors
/// As [`load_as`].
pub fn with_sets<T: Root>(name: &str, experiment: &T, sets: &[String]) -> Result<T, ConfigError> {
    let shape = Shape::of::<T>();
    let mut root = tree::parse(&Source::file(name, &to_yaml(experiment)))?;
    for set in sets {
        root = layers::apply_set(root, set, shape, &mut Vec::new())?;
    }
    finish(&root)
}

/// Reads any other document in YAML into a type, as strictly as an experiment file. `name` stands for it in errors.
///
/// # Errors
/// Whatever is wrong, with line, column and the key's path.
pub fn document<T: DeserializeOwned + JsonSchema + 'static>(name: &str, text: &str) -> Result<T, ConfigError> {
    Ok(from_tree(&tree::parse(&Source::file(name, text))?)?)
}

/// The experiment in a tree, its values checked.
///
/// # Errors
/// Names every key that is unknown or whose value is impossible.
pub fn finish<T: Root>(root: &Node) -> Result<T, ConfigError> {
    let mut experiment: T = from_tree(root)?;
    experiment.resolve_defaults();
    let problems = experiment.validate();
    if problems.is_empty() {
        return Ok(experiment);
    }
    Err(ConfigError::new(problems.into_iter().map(|problem| *diagnostic::at_place_in(problem, root)).collect()))
}

/// Any value in a tree, its kinds and names checked but not its ranges.
///
/// # Errors
/// Names the first value of a wrong kind.
pub fn from_tree<T: DeserializeOwned + JsonSchema + 'static>(root: &Node) -> Result<T, Box<Diagnostic>> {
    read::read(root).map_err(|mut error| {
        if let Some(path) = error.stray.take().and_then(|key| Shape::of::<T>().path_of(&key)) {
            error.message += &format!("; did you mean `{path}`?");
        }
        error
    })
}
