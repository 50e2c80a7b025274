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
    /// When standard output cannot be written.
    pub fn run(self) -> Result<()> {
        // Not straight to standard output: that panics where the reader has gone away.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "ferrotype", &mut script);
        super::say(String::from_utf8_lossy(&script).trim_end())
    }
}
