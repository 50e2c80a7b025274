//! A run's scores on other data.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ferrotype_base::digest;

use ferrotype_report::EvaluationView;
use ferrotype_run::RunFolder;
use ferrotype_run::files::{explain, write_json};

/// The folder of their records.
fn folder(run: &RunFolder) -> PathBuf {
    run.path().join("evaluations")
}

/// Keeps scores in the run's folder. The same set of the same file scored again by the same labels takes the place of the
/// earlier one, whatever rows the file has now.
///
/// # Errors
/// When the record cannot be written, or an earlier one cannot be removed.
pub fn save(run: &RunFolder, data: &Path, view: &EvaluationView) -> Result<()> {
    let folder = folder(run);
    std::fs::create_dir_all(&folder).map_err(|e| explain(&folder, &e))?;
    let stem = data.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-{}.json", &digest::sha256(&view.key)[..8]);
    write_json(folder.join(name), view)?;
    // A record that cannot be read is told of by the report, which is made next.
    let older = paths(run).into_iter().filter(|path| read(run, path).is_ok_and(|old| is_older(&old, view)));
    older.into_iter().try_for_each(|path| std::fs::remove_file(&path).map_err(|e| explain(&path, &e)))
}

/// Whether a record is an earlier version's of the same: those were told apart by the number of rows, too.
fn is_older(old: &EvaluationView, new: &EvaluationView) -> bool {
    old.key.is_empty() && old.title.strip_prefix(&new.key).is_some_and(|rest| rest.starts_with(", "))
}

/// All that are kept, in order of name.
pub fn of_run(run: &RunFolder) -> Result<Vec<EvaluationView>> {
    paths(run).iter().map(|path| read(run, path)).collect()
}

/// The files of all records, in order of name.
fn paths(run: &RunFolder) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(run)).into_iter().flatten().flatten().map(|e| e.path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    paths.sort();
    paths
}

fn read(run: &RunFolder, path: &Path) -> Result<EvaluationView> {
    let text = run.read(path)?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not what `ferrotype eval` writes: remove it, or score again", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(set: &str, rows: usize) -> EvaluationView {
        let key = format!("other.h5, {set} set, labels majority");
        EvaluationView {
            title: format!("{key}, {rows} images"),
            key,
            sha256: "ab".into(),
            notes: vec!["3 rows left out".into()],
            ..EvaluationView::default()
        }
    }

    /// A file that was prepared anew has other rows, and its old scores say nothing any more.
    #[test]
    fn the_same_set_scored_again_takes_the_place_of_the_earlier_score() {
        let place = tempfile::tempdir().unwrap();
        let run = RunFolder::create_at(place.path()).unwrap();
        let data = Path::new("other.h5");
        // As earlier versions wrote it: under a name made of the title, without what is new.
        for rows in [30, 31] {
            let mut old = serde_json::to_value(view("test", rows)).unwrap();
            ["key", "sha256", "notes"].iter().for_each(|name| drop(old.as_object_mut().unwrap().remove(*name)));
            std::fs::create_dir_all(folder(&run)).unwrap();
            write_json(folder(&run).join(format!("other-{rows}.json")), &old).unwrap();
        }
        assert_eq!(of_run(&run).unwrap().len(), 2);
        for view in [view("test", 32), view("validation", 8), view("test", 33)] {
            save(&run, data, &view).unwrap();
        }
        let mut kept = of_run(&run).unwrap();
        kept.sort_by(|a, b| a.title.cmp(&b.title));
        assert_eq!(kept, [view("test", 33), view("validation", 8)]);
    }
}
