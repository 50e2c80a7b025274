//! `ferrotype models`

use anyhow::Result;
use clap::Args;

use crate::model::zoo;

/// List the networks of the zoo: input, parameters, work, source.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ferrotype models\n  ferrotype models --classes 8")]
pub struct ModelsCommand {
    /// Number of classes the networks are counted for.
    #[arg(long, default_value_t = 7)]
    classes: usize,
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
        let models = zoo::list(self.classes)?;
        if self.json {
            for m in &models {
                println!("{}", serde_json::to_string(m)?);
            }
            return Ok(());
        }
        println!("{:<16} {:>10} {:>12} {:>12} {:>9}  source", "model", "input", "parameters", "values", "MMACs");
        for m in &models {
            let input = m.input.map(|v| v.to_string()).join("x");
            let (parameters, values) = (m.parameters, m.values);
            let macs = m.macs as f64 / 1e6;
            println!("{:<16} {input:>10} {parameters:>12} {values:>12} {macs:>9.1}  {}", m.name, m.source);
        }
        println!("\nvalues = parameters and running statistics; MMACs = million multiply-accumulates per image");
        Ok(())
    }
}
