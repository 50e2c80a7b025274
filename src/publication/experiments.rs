//! `experiments/README.md` and `results.csv`: the only writer of both, from the folders of runs alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::row::{self, row};
use crate::reproduction::{self, Outcome, Registry};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
use ferrotype_run::folder::folders;

/// Where runs are by default.
pub const RUNS: &str = "runs";

/// What was written.
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// Runs that repeat a published result.
    pub reproductions: usize,
    /// Published results without a run.
    pub not_run: usize,
    /// Published runs that repeat nothing.
    pub others: usize,
}

const HEAD: &str = "# Experiments

Written by `ferrotype reproduce table`, and by `ferrotype report --run RUN --publish experiments`, from the files of each
run; nothing is typed by hand. The same, with more columns: [results.csv](results.csv).

## Reproductions

Published results of the registry (`reproductions/`) and what came of repeating them. *Ours* is the test score of the
selected weights: over seeds the mean, the standard deviation and Student's 95 % interval; of one run, or of pooled folds,
Wilson's interval over test rows. A verdict is a matter of the entry's tolerance; runs that depart from the full recipe, in
epochs or otherwise, are not comparable and say so. A figure that was **selected on test** is no yardstick.

";

const OTHERS: &str = "
## Other experiments

Test scores of the selected weights; accuracy with its 95 % interval. Of folds the pooled scores, of seeds the means with
their standard deviation and 95 % interval over seeds. **Synthetic**: synthetic faces or clips, whose scores say nothing of real
ones.

";

/// Refuses a folder whose README.md was written by somebody else.
///
/// # Errors
/// When it holds one.
pub fn spare_others(parent: &Path) -> Result<()> {
    let page = parent.join("README.md");
    let Ok(there) = std::fs::read(&page) else { return Ok(()) };
    let own = HEAD.split(',').next().unwrap_or(HEAD);
    ensure!(
        there.is_empty() || there.starts_with(own.as_bytes()),
        "{} was not written by `ferrotype reproduce table` and would be replaced: choose another folder, or move that file",
        page.display()
    );
    Ok(())
}

/// Writes both files into `parent`, from the published runs in it and the marked runs in `runs`.
///
/// # Errors
/// When a folder cannot be read, or a file not written.
pub fn write(registry: &Registry, parent: &Path, runs: &Path) -> Result<Written> {
    spare_others(parent)?;
    let (mut marked, mut others, mut rows) = (Vec::new(), Vec::new(), String::new());
    let mut seen = BTreeSet::new();
    for folder in folders(parent)? {
        let Ok(run) = RunFolder::open(&folder) else { continue };
        match read(registry, &folder)? {
            Some(outcome) if outcome.mark.is_some() => marked.push(outcome),
            Some(outcome) => {
                others.push(outcome);
                rows += &row(&run)?.unwrap_or_default();
            }
            None => {}
        }
    }
    seen.extend(marked.iter().filter_map(|o| Some(o.mark.as_ref()?.id.clone())));
    for folder in folders(runs)? {
        let is_marked = reproduction::Mark::file(&folder).is_file() && RunFolder::open(&folder).is_ok();
        let outcome = if is_marked { read(registry, &folder)? } else { None };
        // A published copy stands for its run.
        marked.extend(outcome.filter(|o| o.mark.as_ref().is_some_and(|m| seen.insert(m.id.clone()))));
    }
    let lines = reproduction::lines(registry, &marked)?;
    let mut text = HEAD.to_owned() + &reproduction::markdown(&lines, parent)?;
    if !rows.is_empty() {
        text = text + OTHERS + row::HEAD + &rows;
    }
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let page = parent.join("README.md");
    write_atomic(&page, text.as_bytes())?;
    write_atomic(parent.join("results.csv"), &reproduction::csv(&lines, &others)?)?;
    let run = lines.iter().filter(|l| l.outcome.is_some()).count();
    Ok(Written { page, reproductions: run, not_run: lines.len() - run, others: others.len() })
}

/// What came of a folder, judged by the registry as it is now.
pub fn read(registry: &Registry, folder: &Path) -> Result<Option<Outcome>> {
    let mark = reproduction::Mark::open(folder)?;
    let entry = mark.and_then(|m| registry.get(&m.entry));
    let mut outcome = reproduction::outcome(folder, entry.map_or("accuracy", |e| e.metric()))?;
    if let (Some(outcome), Some(entry)) = (&mut outcome, entry)
        && let Ok(recipe) = entry.experiment(&registry.root, &[])
    {
        outcome.judge_by(&recipe);
    }
    Ok(outcome)
}
