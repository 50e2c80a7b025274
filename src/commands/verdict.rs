//! What is said of a run that repeats a published result.

use std::path::Path;

use anyhow::Result;
use ferrotype_base::energy::watt_hours;

use super::say;
use crate::publication::experiments;
use crate::reproduction::{self, Mark, Registry, verdict};

/// The verdict on a marked folder, with the figures behind it; none where it is not marked, or not finished.
///
/// # Errors
/// When a file of the run is broken.
pub fn judged(registry: &Registry, folder: &Path) -> Result<Option<String>> {
    let Some(outcome) = experiments::read(registry, folder)? else { return Ok(None) };
    let Some(entry) = outcome.mark.as_ref().and_then(|m| registry.get(&m.entry)) else { return Ok(None) };
    let Some(verdict) = verdict(entry, &outcome)? else { return Ok(None) };
    let ours = outcome.value.unwrap_or_default();
    let mut figures = format!("{} {:.2} %", outcome.metric, 100.0 * ours);
    if let Some(sd) = outcome.sd {
        figures += &format!(" +- {:.2}", 100.0 * sd);
    }
    if let Some([low, high]) = outcome.interval {
        figures += &format!(", 95 % interval {:.2} to {:.2}", 100.0 * low, 100.0 * high);
    }
    let processor = outcome.processor_seconds.map_or_else(|| "unknown".into(), reproduction::duration);
    let energy = outcome.energy_joules.map_or_else(String::new, |j| format!(", {}", watt_hours(j)));
    Ok(Some(format!(
        "verdict on {}\n  {}\n  ours      {figures}, n = {}\n  took      {} run time over all runs, {processor} processor time{energy}, on {}\n  \
         data      sha256 {}\n  config    sha256 {}",
        entry.name,
        verdict.text.replace("**", ""),
        outcome.runs(),
        reproduction::duration(outcome.wall_seconds),
        outcome.made_on(),
        outcome.data.join(" and "),
        outcome.config,
    )))
}

/// Prints the verdict on a folder, if it is marked and the registry at hand knows its entry.
///
/// # Errors
/// When a file of the run is broken.
pub fn say_verdict(folder: &Path) -> Result<()> {
    if Mark::open(folder)?.is_none() {
        return Ok(());
    }
    match judged(&Registry::open(None)?, folder)? {
        Some(text) => say(text),
        None => Ok(()),
    }
}
