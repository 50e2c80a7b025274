//! Published runs: what may leave the machine, and the table of all.

pub mod experiments;
mod row;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::commands::inputs::spare_runs;
use crate::reproduction::{Mark, Registry};
use crate::systems::System;
use crate::systems::loaded::any_experiment_of;
use ferrotype_run::RunFolder;
use ferrotype_run::files::{explain, write_atomic};
use ferrotype_run::group::Group;

/// Writes what may be published of a run to `<parent>/<experiment's name>`, and the table of `parent` anew.
/// Photographs of people stay behind. `lines` are the last ones of the report.
///
/// # Errors
/// When a file of the run is missing, or one cannot be written.
pub fn publish(system: &dyn System, run: &RunFolder, parent: &Path, lines: &str) -> Result<PathBuf> {
    let target = parent.join(name(run)?);
    begin(run, &target)?;
    let mut files = system.publish_run(run, &target)?;
    files.extend([run.config(), run.provenance(), run.facts(), Mark::file(run.path())]);
    end(&files, run, parent, &target, lines)?;
    Ok(target)
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
    let target = parent.join(format!("{}-{}s", name(folder)?, group.axis.as_str()));
    begin(folder, &target)?;
    let mut files = system.group_files(folder)?;
    group.save(&RunFolder::create_at(&target)?)?;
    for &value in &group.values {
        let run = RunFolder::open(&group.member(folder.path(), value))?;
        let out = group.member(&target, value);
        std::fs::create_dir_all(&out).map_err(|e| explain(&out, &e))?;
        copy(&system.member_files(&run), &run, &out)?;
    }
    files.extend([folder.config(), Mark::file(folder.path())]);
    end(&files, folder, parent, &target, lines)?;
    Ok(target)
}

/// Before anything is written: what is refused leaves everything as it was.
fn begin(run: &RunFolder, target: &Path) -> Result<()> {
    spare_runs(run.path(), target)?;
    std::fs::create_dir_all(target).map_err(|e| explain(target, &e))
}

/// The files beside the scores, a page with the report's last lines, and the table of all.
fn end(files: &[PathBuf], run: &RunFolder, parent: &Path, target: &Path, lines: &str) -> Result<()> {
    copy(files, run, target)?;
    let lines: String =
        lines.lines().filter(|l| !l.starts_with("report ")).map(|l| format!("{}\n", l.trim_end())).collect();
    let page = format!(
        "# {}\n\n```\n{lines}```\n\nWritten by `ferrotype report --publish`. The scores with all their figures: the JSON files here; \
         what was trained: [config.yaml](config.yaml).\n",
        target.file_name().unwrap_or_default().to_string_lossy()
    );
    write_atomic(target.join("README.md"), page.as_bytes())?;
    experiments::write(&Registry::open(None)?, parent, Path::new(experiments::RUNS)).map(drop)
}

/// Copies those of a run's files that there are.
fn copy(files: &[PathBuf], run: &RunFolder, target: &Path) -> Result<()> {
    for path in files {
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            write_atomic(target.join(name), run.read(path)?.as_bytes())?;
        }
    }
    Ok(())
}

/// What a published copy is called: after the experiment, or after what it repeats and how.
fn name(run: &RunFolder) -> Result<String> {
    match Mark::open(run.path())? {
        Some(mark) => Ok(mark.published_name()),
        None => Ok(any_experiment_of(run)?.name().to_owned()),
    }
}
