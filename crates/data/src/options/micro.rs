//! Datasets of micro-expressions.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The MEGC 2019 composite of SMIC, CASME II and SAMM as published optical flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Megc2019Options {
    /// The folder: with `combined_3_class2_for_optical_flow.csv` and `STSNet_whole_norm_u_v_os` as HTNet's repository has them
    /// (also below `datasets`), or with `rows.csv` and the sheet `flow_442.png` of all pictures.
    #[arg(long)]
    pub root: PathBuf,
}
