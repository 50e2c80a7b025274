//! What a classifier is given, what it gives, and the registry of all.

use anyhow::Result;
use ferrotype_base::problems::Problems;
use ferrotype_classic::matrix::Matrix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::methods::{most_common, nearest, svm};

/// What is to be learned and told.
pub struct Problem {
    /// Features of the training rows, then of the test rows.
    pub features: Matrix,
    /// The classes of the training rows, which come first.
    pub labels: Vec<usize>,
    /// Who is in each training row, as a number; each row is a person of its own where nobody knows.
    pub people: Vec<usize>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Fixes the folds within the training rows.
    pub seed: u64,
}

impl Problem {
    /// Number of test rows.
    pub fn tests(&self) -> usize {
        self.features.rows() - self.labels.len()
    }
}

/// What a fitted method says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// A score of each class for each test row, `[test rows, classes]`: the largest is the predicted class. They are no
    /// logarithms of probabilities.
    pub scores: Vec<f32>,
    /// What was chosen and fitted, for the report: name and text.
    pub details: Vec<(String, String)>,
    /// Numbers that were fitted.
    pub parameters: u64,
    /// The fitted method; rows are named by their place among the training rows.
    pub fitted: serde_json::Value,
}

/// A classifier with its options.
pub trait Method {
    /// Adds impossible values of its options.
    fn check(&self, problems: &mut Problems);

    /// Is fitted on the training rows, and tells the test rows. `stop` gives an error where somebody asked to stop.
    ///
    /// # Errors
    /// That one, and when the rows cannot be fitted.
    fn tell(&self, problem: &Problem, stop: &(dyn Fn() -> Result<()> + Sync)) -> Result<Outcome>;
}

/// Declares [`MethodOptions`]: one variant per file below `methods`.
macro_rules! registry {
    ($($(#[$doc:meta])* $variant:ident($module:ident::$options:ident),)*) => {
        /// A classical classifier.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum MethodOptions {
            $($(#[$doc])* $variant($module::$options),)*
        }

        impl MethodOptions {
            /// The method.
            pub fn build(&self) -> &dyn Method {
                match self {
                    $(Self::$variant(options) => options,)*
                }
            }

            /// Its name in the experiment file.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($module),)*
                }
            }
        }
    };
}

// A new method is one file below `methods` and one line here.
registry! {
    /// The commonest class of the training rows: the least that a score means anything above.
    MostCommon(most_common::MostCommonOptions),
    /// The class of the nearest training row, by the cosine of differences from the mean row.
    Nearest(nearest::NearestOptions),
    /// Support vector machines, one for each pair of classes.
    Svm(svm::SvmOptions),
}
