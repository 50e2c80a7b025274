//! `ferrotype config`: check, show and describe experiment files.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::say_warnings;
use crate::config;
use crate::systems::registry;

/// Check, show and describe experiment files.
#[derive(Debug, Args)]
pub struct ConfigCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say whether experiment files are right, and if not, where and why.
    #[command(after_help = "Example:\n  ferrotype config check configs/ferplus/*.yaml")]
    Check {
        /// The experiment files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        overrides: Overrides,
    },
    /// Print an experiment file fully resolved: its bases and overrides laid in, every key with its value.
    #[command(after_help = "Example:\n  ferrotype config show configs/quickstart.yaml --set train.lr=0.01")]
    Show {
        /// The experiment file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        overrides: Overrides,
    },
    /// Print the JSON Schema of an experiment file; editors complete and check from it.
    #[command(after_help = "Example:\n  ferrotype config schema > experiment.schema.json")]
    Schema {
        /// The system: what `system:` says in the file.
        #[arg(long, value_parser = PossibleValuesParser::new(registry::WORDS), default_value = registry::WORDS[0])]
        system: String,
    },
}

#[derive(Debug, Args)]
struct Overrides {
    /// Override a key, e.g. `train.lr=0.01`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

impl ConfigCommand {
    /// Does what was asked, printing to standard output.
    ///
    /// # Errors
    /// If a file is refused; the error says where and why.
    pub fn run(self) -> Result<()> {
        match self.verb {
            Verb::Check { files, overrides } => check(&files, &overrides.sets),
            Verb::Show { file, overrides } => {
                let loaded = config::load_any(&file, &overrides.sets)?;
                say_warnings(&loaded.warnings);
                let names: Vec<_> = loaded.sources.iter().map(|source| source.display().to_string()).collect();
                let text = loaded.experiment.to_yaml();
                print(&format!("# Resolved from {}\n{text}", names.join(", over ")))
            }
            Verb::Schema { system } => {
                let schema = registry::schema(&system).with_context(|| format!("there is no system `{system}`"))?;
                print(&format!("{schema:#}\n"))
            }
        }
    }
}

/// Prints to standard output. A reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Checks all files, also those after a wrong one.
fn check(files: &[PathBuf], sets: &[String]) -> Result<()> {
    let mut refused = 0;
    for file in files {
        match config::load_any(file, sets) {
            Ok(loaded) => {
                say_warnings(&loaded.warnings);
                print(&format!("{}: ok\n", file.display()))?;
            }
            Err(error) if files.len() == 1 => return Err(error.into()),
            Err(error) => {
                refused += 1;
                eprintln!("error: {error}");
            }
        }
    }
    if refused > 0 {
        bail!("{refused} of {} files refused", files.len());
    }
    Ok(())
}
