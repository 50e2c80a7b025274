//! The registry for a terminal.

use anyhow::Result;

use crate::commands::say;
use crate::reproduction::{Registry, duration, not_run_here};

/// Prints all entries.
///
/// # Errors
/// When nobody reads.
pub fn print(registry: &Registry, json: bool) -> Result<()> {
    for entry in &registry.entries {
        if json {
            let mut value = serde_json::to_value(entry)?;
            value["missing"] = missing(registry, entry).into();
            say(value)?;
            continue;
        }
        say(format_args!("{}\n  {}", entry.name, entry.title))?;
        for figure in &entry.published {
            say(format_args!(
                "  published  {}, selected on {} ({})",
                figure.text(),
                figure.selected_on.as_str(),
                figure.source
            ))?;
        }
        if entry.published.is_empty() {
            say("  published  no figure")?;
        }
        match &entry.recipe {
            Some(recipe) if missing(registry, entry).is_empty() => {
                let (config, seeds) = (recipe.config.display(), &recipe.seeds);
                say(format_args!("  recipe     {config}, seeds {seeds}, about {} a seed", duration(recipe.seconds)))?;
            }
            _ => say(format_args!("  {}", not_run_here(entry, &registry.root)))?,
        }
    }
    Ok(())
}

fn missing(registry: &Registry, entry: &crate::reproduction::Entry) -> Vec<String> {
    let experiment = entry.experiment(&registry.root, &[]).ok();
    entry.missing(experiment.as_ref()).into_iter().map(|n| n.text()).collect()
}
