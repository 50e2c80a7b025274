//! Published runs: what may leave the machine, and the table of all.

mod earlier;
pub mod experiments;
mod row;
mod seeds;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::commands::inputs::spare_runs;
use crate::reproduction::{Mark, Registry};
use crate::systems::System;
use crate::systems::loaded::any_experiment_of;
use ferrotype_run::folder::GROUP;
use ferrotype_run::group::{Group, GroupAxis};
use ferrotype_run::{PublicFolder, RunFolder};

pub use seeds::PublishedSeeds;

/// Writes what may be published of a run to `<parent>/<experiment's name>`, and the table of `parent` anew.
/// Photographs of people stay behind, and where things lie on this machine. `lines` are the last ones of the report.
///
/// # Errors
/// When a file of the run is missing, or one cannot be written.
pub fn publish(system: &dyn System, run: &RunFolder, parent: &Path, lines: &str) -> Result<PathBuf> {
    let target = begin(run, &parent.join(name(run)?))?;
    let mut files = system.publish_run(run, &target.folder)?;
    files.extend([run.config(), run.provenance(), run.facts(), Mark::file(run.path())]);
    end(&files, run, parent, &target, lines)
}

/// As [`publish`], for seeds or folds: `<parent>/<experiment's name>-<folds or seeds>` with the scores of the group, and
/// what is known of each member but its pictures and weights. Of a group of seeds those that are finished are published.
///
/// # Errors
/// As [`publish`]; also where a copy is there of another group with seeds that this one lacks: they would be lost.
pub fn publish_group(
    system: &dyn System,
    folder: &RunFolder,
    group: &Group,
    parent: &Path,
    lines: &str,
) -> Result<PathBuf> {
    let path = parent.join(format!("{}-{}s", name(folder)?, group.axis.as_str()));
    let finished = match group.axis {
        GroupAxis::Seed => {
            group.values.iter().copied().filter(|&v| group.is_member_finished(folder.path(), v)).collect()
        }
        GroupAxis::Fold => group.values.clone(),
    };
    let group = Group { values: finished, ..*group };
    spare_seeds(&path, folder, &group)?;
    let target = begin(folder, &path)?;
    let mut files = system.group_files(folder)?;
    for &value in &group.values {
        let member = group.member(Path::new(""), value);
        let run = RunFolder::open(&folder.path().join(&member))?;
        target.folder.inner(&member)?.copy(&system.member_files(&run), &run)?;
    }
    target.folder.write(GROUP, &(serde_json::to_string_pretty(&group)? + "\n"))?;
    files.extend([folder.config(), Mark::file(folder.path())]);
    end(&files, folder, parent, &target, lines)
}

/// Refuses to replace a published group of seeds by another one that lacks some of them.
fn spare_seeds(target: &Path, folder: &RunFolder, group: &Group) -> Result<()> {
    let Some(there) = Group::open(target)?.filter(|there| there.axis == GroupAxis::Seed) else { return Ok(()) };
    let lost: Vec<String> =
        there.values.iter().filter(|seed| !group.values.contains(seed)).map(u64::to_string).collect();
    let seeds = if lost.len() == 1 { "the seed" } else { "the seeds" };
    ensure!(
        lost.is_empty(),
        "{0} holds {seeds} {1}, which {2} lacks, and would lose them: train them too (`ferrotype train --resume {2} --seeds {1}`), take \
         them over (`ferrotype reproduce NAME --publish {3}` trains what is not published there), or remove {0} if they are not to be kept",
        target.display(),
        lost.join(","),
        folder.path().display(),
        target.parent().unwrap_or(target).display()
    );
    Ok(())
}

/// Where a run is published.
struct Target {
    folder: PublicFolder,
    /// Whether a copy that was published earlier is there.
    is_copy: bool,
}

/// Before anything is written: what is refused leaves everything as it was.
fn begin(run: &RunFolder, target: &Path) -> Result<Target> {
    spare_runs(run.path(), target)?;
    let is_copy = earlier::is_copy(target);
    Ok(Target { folder: PublicFolder::create(target)?, is_copy })
}

/// The files beside the scores, a page with the report's last lines, and the table of all. What only an earlier copy had, is removed:
/// it would be taken for this one's.
fn end(files: &[PathBuf], run: &RunFolder, parent: &Path, target: &Target, lines: &str) -> Result<PathBuf> {
    let Target { folder, is_copy } = target;
    folder.copy(files, run)?;
    let lines: String =
        lines.lines().filter(|l| !l.starts_with("report ")).map(|l| format!("{}\n", l.trim_end())).collect();
    let page = format!(
        "# {}\n\n```\n{lines}```\n\nWritten by `ferrotype report --publish`. The scores with all their figures: the JSON files here; \
         what was trained: [config.yaml](config.yaml).\n",
        folder.path().file_name().unwrap_or_default().to_string_lossy()
    );
    folder.write("README.md", &page)?;
    if *is_copy {
        earlier::remove(folder)?;
    }
    experiments::write(&Registry::open(None)?, parent, Path::new(experiments::RUNS))?;
    Ok(folder.path().to_owned())
}

/// What a published copy is called: after the experiment, or after what it repeats and how.
fn name(run: &RunFolder) -> Result<String> {
    match Mark::open(run.path())? {
        Some(mark) => Ok(mark.published_name()),
        None => Ok(any_experiment_of(run)?.name().to_owned()),
    }
}
