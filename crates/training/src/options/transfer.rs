//! Options of training a part of a network.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters that begin to be trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unfreeze {
    /// The first epoch in which they are trained, counted from 0.
    pub epoch: usize,
    /// Patterns of their names.
    pub patterns: Vec<String>,
}

/// How the values of the frozen part are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureCache {
    /// Augmented views stored of each training picture: view v is what epoch v would show, and epoch e is given view e
    /// modulo their number. One is enough without augmentation.
    pub views: usize,
    /// Where they are stored; by default the folder `feature-cache` beside the prepared data file.
    pub folder: Option<PathBuf>,
}

impl Default for FeatureCache {
    fn default() -> Self {
        Self { views: 1, folder: None }
    }
}
