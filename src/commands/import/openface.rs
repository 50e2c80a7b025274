//! `ferrotype import openface`

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::commands::say;
use ferrotype_action_units::import::{ImportOptions, LICENCE, NOTICE, Origin, import};

/// Make one file of OpenFace 2.2.0's predictors of action units, from your own copy of OpenFace.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: ferrotype import openface --from OpenFace/lib/local/FaceAnalyser --out openface-au.safetensors"
)]
pub struct OpenfaceCommand {
    /// The folder of OpenFace, of its FaceAnalyser, or of its AU_predictors.
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// You have read OpenFace's terms and keep to them. Without it you are asked.
    #[arg(long)]
    accept_terms: bool,
    /// Also take files that differ from OpenFace 2.2.0's.
    #[arg(long)]
    allow_other: bool,
}

impl OpenfaceCommand {
    /// Imports.
    ///
    /// # Errors
    /// When the terms are not accepted, or a file is missing, damaged or another.
    pub fn run(self) -> Result<()> {
        ensure!(!self.out.exists(), "{} is there already: choose another --out, or remove it", self.out.display());
        let accepted = self.accept_terms || asked()?;
        let imported = import(&self.from, &self.out, ImportOptions { accepted, allow_other: self.allow_other })?;
        let count = |origin: Origin| imported.provenance.files.iter().filter(|f| f.origin == origin).count();
        say(format_args!(
            "{}: {} files of OpenFace 2.2.0's release, {} of a known copy, {} others",
            imported.path.display(),
            count(Origin::Official),
            count(Origin::Copy),
            count(Origin::Other)
        ))?;
        say(format_args!("terms: {NOTICE} ({LICENCE})"))?;
        say("Use it: ferrotype analyze VIDEO --detector ONNX --landmarks ONNX --action-units FILE")
    }
}

/// Whether a person at a terminal accepts the terms; nobody there does not.
fn asked() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprintln!("{NOTICE} ({LICENCE})\nDo you keep to these terms? Type yes:");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}
