//! Networks: layers, the zoo, and how a network computes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network of the zoo with its options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelOptions {}
