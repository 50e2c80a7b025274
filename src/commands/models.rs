//! `ferrotype models`

pub mod hub;
mod publish;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::say;
use ferrotype_model::zoo;

/// List the networks of the zoo: input, parameters, work, source; or fetch published models by name.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  ferrotype models\n  ferrotype models --json\n  ferrotype models list --hub\n  ferrotype models pull yunet\n  ferrotype models publish runs/vgg13-20260101-120000 --name my_vgg13 --licence MIT"
)]
pub struct ModelsCommand {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the networks of the zoo, or published models.
    List(ListArgs),
    Publish(publish::PublishCommand),
    #[command(flatten)]
    Hub(hub::HubCommand),
}

/// What is listed.
#[derive(Debug, Args)]
struct ListArgs {
    /// Published models with licence, and whether they are in the cache (docs/models_by_name.md).
    #[arg(long)]
    hub: bool,
    /// Print one JSON object per network.
    #[arg(long)]
    json: bool,
}

impl ModelsCommand {
    /// Prints a list, or does what is asked with published models.
    ///
    /// # Errors
    /// When a network cannot be built for that number of classes, or a published model cannot be had.
    pub fn run(self) -> Result<()> {
        match self.action {
            Some(Action::Hub(command)) => command.run(),
            Some(Action::Publish(command)) => command.run(),
            Some(Action::List(args)) => args.run(),
            None => self.list.run(),
        }
    }
}

impl ListArgs {
    fn run(self) -> Result<()> {
        if self.hub {
            return hub::list(self.json);
        }
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
