//! `ferrotype compare-methods`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::inputs::Inputs;
use super::say;
use crate::systems::real_fake;

/// Put runs of the system real_fake into one table: accuracy with interval, AUROC, McNemar's test against logistic
/// regression on AU means, and what clip length alone tells.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  ferrotype compare-methods runs/smiles-* --out experiments/smiles --title \"Genuine and posed smiles\"")]
pub struct CompareMethodsCommand {
    /// Finished runs, or groups of seeds or folds.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The folder for methods.md, methods.csv and methods.html.
    #[arg(long, value_name = "FOLDER", default_value = "methods")]
    out: PathBuf,
    /// The table's title.
    #[arg(long, default_value = "Felt or posed: methods compared")]
    title: String,
}

impl CompareMethodsCommand {
    /// Writes the table and prints it.
    ///
    /// # Errors
    /// When a run is not finished or of another system, or a file cannot be written.
    pub fn run(self) -> Result<()> {
        let inputs = self.runs.iter().fold(Inputs::new(), |all, run| all.run(run));
        ["methods.md", "methods.csv", "methods.html"]
            .iter()
            .try_for_each(|name| inputs.spare_file("--out", &self.out.join(name)))?;
        say(real_fake::compare(&self.runs, &self.out, &self.title)?)
    }
}
