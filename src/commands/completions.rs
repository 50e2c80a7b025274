//! `ferrotype completions`

use anyhow::Result;
use clap::{Args, CommandFactory};

/// Print a completion script for your shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ferrotype completions bash > ~/.local/share/bash-completion/completions/ferrotype")]
pub struct CompletionsCommand {
    /// The shell.
    shell: clap_complete::Shell,
}

impl CompletionsCommand {
    /// Prints the script.
    ///
    /// # Errors
    /// Never.
    pub fn run(self) -> Result<()> {
        clap_complete::generate(self.shell, &mut super::Cli::command(), "ferrotype", &mut std::io::stdout());
        Ok(())
    }
}
