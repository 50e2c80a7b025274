//! Published runs: what may leave the machine, and the table of all.

mod earlier;
pub mod experiments;
mod row;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::commands::inputs::spare_runs;
use crate::reproduction::{Mark, Registry};
use crate::systems::System;
use crate::systems::loaded::any_experiment_of;
use ferrotype_run::folder::GROUP;
use ferrotype_run::group::Group;
use ferrotype_run::{PublicFolder, RunFolder};

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
/// what is known of each member but its pictures and weights.
///
/// # Errors
/// As [`publish`].
pub fn publish_group(
    system: &dyn System,
    folder: &RunFolder,
    group: &Group,
    parent: &Path,
    lines: &str,
) -> Result<PathBuf> {
    let target = begin(folder, &parent.join(format!("{}-{}s", name(folder)?, group.axis.as_str())))?;
    let mut files = system.group_files(folder)?;
    for &value in &group.values {
        let member = group.member(Path::new(""), value);
        let run = RunFolder::open(&folder.path().join(&member))?;
        target.folder.inner(&member)?.copy(&system.member_files(&run), &run)?;
    }
    files.extend([folder.config(), folder.path().join(GROUP), Mark::file(folder.path())]);
    end(&files, folder, parent, &target, lines)
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
