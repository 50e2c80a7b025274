//! `ferrotype models`

use anyhow::Result;
use clap::Args;

use super::say;
use ferrotype_model::zoo;

/// List the networks of the zoo: input, parameters, work, source.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ferrotype models\n  ferrotype models --json")]
pub struct ModelsCommand {
    /// Print one JSON object per network.
    #[arg(long)]
    json: bool,
}

impl ModelsCommand {
    /// Prints the list.
    ///
    /// # Errors
    /// When a network cannot be built for that number of classes.
    pub fn run(self) -> Result<()> {
        let models = zoo::list()?;
        if self.json {
            for m in &models {
                say(serde_json::to_string(m)?)?;
            }
            return Ok(());
        }
        say(format_args!(
            "{:<20} {:>10} {:>12} {:>12} {:>9} {:>8}  source",
            "model", "input", "parameters", "values", "MMACs", "classes"
        ))?;
        for m in &models {
            let input = m.input.map(|v| v.to_string()).join("x");
            let (parameters, values) = (m.parameters, m.values);
            let macs = m.macs as f64 / 1e6;
            say(format_args!(
                "{:<20} {input:>10} {parameters:>12} {values:>12} {macs:>9.1} {:>8}  {}",
                m.name, m.classes, m.source
            ))?;
        }
        say(
            "\nvalues = parameters and running statistics; MMACs = million multiply-accumulates per image;\ninput and classes are the original's, others are possible",
        )
    }
}
