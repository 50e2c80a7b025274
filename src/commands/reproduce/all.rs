//! All entries within a budget of time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::{How, Plan, judged};
use crate::commands::report::ReportCommand;
use crate::commands::say;
use crate::reproduction::{Costs, Mark, Registry, duration, not_run_here};
use ferrotype_run::RunFolder;
use ferrotype_run::folder::folders;
use ferrotype_run::group::Group;
use ferrotype_training::interrupt::{Interrupt, Interrupted};

/// Runs what can be run, the cheapest first, and says what was not run and why.
///
/// # Errors
/// When an entry failed, or the user interrupted; the others' results stay.
pub fn run(registry: &Registry, budget: Option<&str>, how: &How) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let over = budget.map(parse).transpose()?.map(|budget| end_after(budget, &interrupt));
    let costs = Costs::measured(registry, &how.out)?;
    let (plans, mut left) = plans(registry, how, &costs)?;
    let runner = how.runner(interrupt.clone());
    let mut failed = Vec::new();
    for plan in &plans {
        let name = &plan.entry.name;
        if let Some(parent) = how.publish.as_ref().filter(|_| plan.is_published()) {
            left.push(format!("{name}: published before, in {}", parent.display()));
            continue;
        }
        if interrupt.is_asked() {
            left.push(format!("{name}: not run: no time was left (about {})", duration(plan.left(&costs, None))));
            continue;
        }
        let (folder, trained) = match begun(plan, &how.out)? {
            Begun::Finished(folder) => {
                left.push(format!("{name}: done before, in {}", folder.display()));
                if let Some(parent) = &how.publish {
                    // Ended between its last seed and its publication.
                    ReportCommand::published(&folder, parent).run()?;
                }
                continue;
            }
            Begun::Unfinished(folder) => {
                let time = duration(plan.left(&costs, Some(&folder)));
                eprintln!("== {name}: going on with {}, about {time}", folder.display());
                let run = RunFolder::open(&folder)?;
                (folder, plan.train(&runner, &run, how.publish.as_deref()))
            }
            Begun::No => {
                eprintln!("== {name}: about {}", duration(plan.left(&costs, None)));
                let run = plan.begin(&how.out)?;
                (run.path().to_path_buf(), plan.train(&runner, &run, how.publish.as_deref()))
            }
        };
        match trained {
            Ok(_) => say(judged(registry, &folder)?.unwrap_or_default())?,
            Err(e) if e.downcast_ref::<Interrupted>().is_some() => {
                let (group, what) = (folder.display(), "unfinished and saved: the same command goes on with it, or");
                // Stopped before the first step it leaves nothing.
                left.push(match folder.exists() {
                    true => format!("{name}: {what} ferrotype train --resume {group}"),
                    false => format!("{name}: not run: the time was up before its first step"),
                });
            }
            Err(e) => failed.push(format!("{name}: {e:#}")),
        }
    }
    for line in &left {
        say(line)?;
    }
    ensure!(failed.is_empty(), "{} of {} entries failed: {}", failed.len(), plans.len(), failed.join("; "));
    let by_user = interrupt.is_asked() && !over.is_some_and(|over| over.load(Ordering::SeqCst));
    if by_user {
        return Err(Interrupted("interrupted; everything is saved, and the same command goes on".into()).into());
    }
    Ok(())
}

/// What can be run, the cheapest first; and why the rest cannot.
pub(super) fn plans<'r>(registry: &'r Registry, how: &How, costs: &Costs) -> Result<(Vec<Plan<'r>>, Vec<String>)> {
    let (mut plans, mut left) = (Vec::new(), Vec::new());
    for entry in &registry.entries {
        match Plan::of(registry, entry, how) {
            Ok(plan) => plans.push(plan),
            Err(_)
                if entry.recipe.is_none()
                    || !entry.missing(entry.experiment(&registry.root, &how.sets).ok().as_ref()).is_empty() =>
            {
                left.push(format!("{}: {}", entry.name, not_run_here(entry, &registry.root)));
            }
            Err(e) => left.push(format!("{}: not run: {e:#}", entry.name)),
        }
    }
    let whole = |plan: &Plan<'_>| plan.left(costs, None);
    plans.sort_by(|a, b| whole(a).total_cmp(&whole(b)).then_with(|| a.entry.name.cmp(&b.entry.name)));
    Ok((plans, left))
}

/// What an earlier call left of a plan.
pub(super) enum Begun {
    No,
    Unfinished(PathBuf),
    Finished(PathBuf),
}

/// Looks for a folder with the same mark and seeds.
pub(super) fn begun(plan: &Plan<'_>, out: &Path) -> Result<Begun> {
    let mut unfinished = None;
    for folder in folders(out)? {
        let Some(mark) = Mark::open(&folder)? else { continue };
        let group = Group::open(&folder)?;
        if mark.entry != plan.entry.name || mark.comparison != plan.comparison || group.as_ref() != Some(&plan.group) {
            continue;
        }
        if plan.group.is_finished(&folder) {
            return Ok(Begun::Finished(folder));
        }
        unfinished = Some(folder);
    }
    Ok(unfinished.map_or(Begun::No, Begun::Unfinished))
}

/// Asks for a stop when the budget is used up, some seconds early: the step is finished and the state saved in them.
fn end_after(budget: Duration, interrupt: &Interrupt) -> Arc<AtomicBool> {
    let over = Arc::new(AtomicBool::new(false));
    let (set, interrupt) = (over.clone(), interrupt.clone());
    let wait = budget.saturating_sub((budget / 20).min(Duration::from_secs(5)));
    std::thread::spawn(move || {
        std::thread::sleep(wait);
        if !interrupt.is_asked() {
            set.store(true, Ordering::SeqCst);
            interrupt.ask();
        }
    });
    over
}

/// Reads `45s`, `90m`, `2h`, `1h30m`.
fn parse(text: &str) -> Result<Duration> {
    let wrong = || format!("--budget `{text}` is no time: 45m, 2h or 1h30m");
    let (mut seconds, mut number) = (0.0, String::new());
    for c in text.trim().chars() {
        let unit = match c {
            '0'..='9' | '.' => {
                number.push(c);
                continue;
            }
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            _ => bail!(wrong()),
        };
        seconds += number.parse::<f64>().with_context(wrong)? * unit;
        number.clear();
    }
    ensure!(number.is_empty() && seconds > 0.0 && seconds < 1e9, wrong());
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        for (text, seconds) in [("45s", 45), ("90m", 5400), ("2h", 7200), ("1h30m", 5400), ("0.5h", 1800)] {
            assert_eq!(parse(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in ["", "2", "h", "2d", "0h", "1.2.3h", "-1h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
