//! The registry of systems, told apart by the top-level key `system` of an experiment file.

use std::path::Path;

use ferrotype_config::diagnostic::{ConfigError, Diagnostic};
use ferrotype_config::sections::Expect;
use ferrotype_config::shape::Shape;
use ferrotype_config::tree::{Node, Value};
use ferrotype_config::{Loaded, digest, finish, load_tree, schema_of, text_tree, to_yaml, write};
use ferrotype_training::options::SelectOn;

use super::common::{Common, Shared};
use super::{System, anomalies, baselines, expressions, real_fake};
use crate::config::{AnomalyExperiment, BaselineExperiment, Experiment, RealFakeExperiment};

/// The key that names the system. A file without it is one of the first system of the registry.
const KEY: &str = "system";

/// Declares the systems: a variant of [`AnyExperiment`], the experiment's type, what is done with it, and the word in files.
macro_rules! systems {
    ($($(#[$doc:meta])+ $variant:ident($experiment:ty) => $system:path, $word:literal;)+) => {
        /// The experiment of any system.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnyExperiment {
            $($(#[$doc])+ $variant(Box<$experiment>),)+
        }

        /// The words of all systems, in the registry's order.
        pub const WORDS: &[&str] = &[$($word),+];

        impl AnyExperiment {
            /// The system's name in the file.
            pub fn system(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $word,)+
                }
            }

            /// The fully resolved experiment file.
            pub fn to_yaml(&self) -> String {
                match self {
                    $(Self::$variant(e) => to_yaml(&**e),)+
                }
            }

            /// The fully resolved experiment as JSON.
            pub fn to_json(&self) -> serde_json::Value {
                match self {
                    $(Self::$variant(e) => write::json(&**e),)+
                }
            }

            /// sha256 of what it says.
            pub fn digest(&self) -> String {
                match self {
                    $(Self::$variant(e) => digest(&**e),)+
                }
            }

            fn common(&self) -> &dyn Common {
                match self {
                    $(Self::$variant(e) => &**e,)+
                }
            }

            fn common_mut(&mut self) -> &mut dyn Common {
                match self {
                    $(Self::$variant(e) => &mut **e,)+
                }
            }
        }

        /// The system of an experiment.
        pub fn of(experiment: &AnyExperiment) -> Box<dyn System + '_> {
            match experiment {
                $(AnyExperiment::$variant(e) => Box::new($system(e)),)+
            }
        }

        /// The experiment in a tree, its values checked.
        pub(super) fn read_root(root: &Node) -> Result<AnyExperiment, ConfigError> {
            let word = word(root)?;
            $(if word == $word {
                return Ok(AnyExperiment::$variant(Box::new(finish(root)?)));
            })+
            unreachable!("`word` gives those of the registry")
        }

        /// The JSON Schema of a system's experiments; none of an unknown one.
        pub fn schema(word: &str) -> Option<serde_json::Value> {
            $(if word == $word {
                return Some(schema_of::<$experiment>());
            })+
            None
        }

        /// The keys that the experiment in a tree may have, by its system.
        pub(super) fn shape_of(root: &Node) -> Result<&'static Shape, Box<Diagnostic>> {
            let word = word(root)?;
            $(if word == $word {
                return Ok(Shape::of::<$experiment>());
            })+
            unreachable!("`word` gives those of the registry")
        }
    };
}

systems! {
    /// Classifies expressions.
    Expressions(Experiment) => expressions::Expressions, "expressions";
    /// Finds anomalies in a face's behaviour.
    Anomalies(AnomalyExperiment) => anomalies::Anomalies, "anomalies";
    /// Tells genuine from posed expressions.
    RealFake(RealFakeExperiment) => real_fake::RealFake, "real_fake";
    /// Classifies expressions by classical methods.
    Baselines(BaselineExperiment) => baselines::Baselines, "baselines";
}

impl AnyExperiment {
    /// The experiment's name.
    pub fn name(&self) -> &str {
        self.common().name()
    }

    /// The epochs of its training; none where nothing is trained in epochs.
    pub fn epochs(&self) -> Option<usize> {
        self.common().epochs()
    }

    /// The device that it is trained on, as its file names it.
    pub fn device(&self) -> &str {
        self.common().device()
    }

    /// The set that selects the weights.
    pub fn selected_on(&self) -> SelectOn {
        self.common().selected_on()
    }

    /// Whether the weights are selected on the rows that are scored in the end.
    pub fn is_selected_on_test(&self) -> bool {
        self.selected_on() == SelectOn::Test
    }

    /// The settings that commands change.
    pub fn shared(&mut self) -> Shared<'_> {
        self.common_mut().shared()
    }

    /// Puts another figure in the place of the expected one.
    ///
    /// # Errors
    /// Where the system has no expected figures.
    pub fn set_expect(&mut self, figure: Option<Expect>) -> anyhow::Result<()> {
        let system = self.system();
        match self.shared().expect {
            Some(expect) => *expect = figure,
            None => anyhow::ensure!(figure.is_none(), "the system {system} has no expected figures"),
        }
        Ok(())
    }

    /// The same settings under another name and, where there is one, with another seed. What scores were expected is left
    /// out: they were those of the experiment that these settings come from.
    pub fn renamed(mut self, name: String, seed: Option<u64>) -> Self {
        let shared = self.shared();
        *shared.name = name;
        *shared.seed = seed.unwrap_or(*shared.seed);
        if let Some(expect) = shared.expect {
            *expect = None;
        }
        self
    }

    /// The experiment without an export and, where it does not say, with so many CPU threads: one trial of many.
    pub fn as_trial(mut self, threads: usize) -> Self {
        let shared = self.shared();
        if let Some(export) = shared.export {
            export.onnx = false;
        }
        if *shared.threads == 0 {
            *shared.threads = threads;
        }
        self
    }

    /// The experiment, if it is one of expressions.
    ///
    /// # Errors
    /// When it is one of another system.
    pub fn expressions(self) -> Result<Experiment, ConfigError> {
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
}

/// Reads an experiment file of any system, with its bases and `--set` overrides.
///
/// # Errors
/// Whatever is wrong, with file, line, column and the key's path; all impossible values at once.
pub fn load_any(path: &Path, sets: &[String]) -> Result<Loaded<AnyExperiment>, ConfigError> {
    let (root, sources, warnings) = load_tree(path, sets, shape_of)?;
    Ok(Loaded { experiment: read_root(&root)?, sources, warnings })
}

/// Reads a complete experiment of any system from text, such as the resolved file of a run folder.
///
/// # Errors
/// As [`load_any`].
pub fn read_any(name: &str, text: &str) -> Result<AnyExperiment, ConfigError> {
    read_root(&text_tree(name, text)?)
}

/// The system's word in a tree.
fn word(root: &Node) -> Result<&'static str, Box<Diagnostic>> {
    let Value::Map(entries) = &root.value else { return Ok(WORDS[0]) };
    let Some(entry) = entries.iter().find(|entry| entry.key == KEY) else { return Ok(WORDS[0]) };
    let known = match &entry.node.value {
        Value::Plain(name) | Value::Quoted(name) => WORDS.iter().find(|word| *word == name),
        _ => None,
    };
    known.copied().ok_or_else(|| {
        let all: Vec<String> = WORDS.iter().map(|word| format!("`{word}`")).collect();
        let (last, others) = all.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
        let message = format!("expected {} or {last}, found {}", others.join(", "), entry.node.describe());
        let help = "without this key the experiment is a classification of expressions";
        Diagnostic::new(message).help(help).or_at(&entry.node.place, KEY)
    })
}
