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

/// Keeps scores in the run's folder. The same rows of the same file scored again take the place of the earlier ones.
///
/// # Errors
/// When the record cannot be written.
pub fn save(run: &RunFolder, data: &Path, view: &EvaluationView) -> Result<()> {
    let folder = folder(run);
    std::fs::create_dir_all(&folder).map_err(|e| explain(&folder, &e))?;
    let stem = data.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-{}.json", &digest::sha256(&view.title)[..8]);
    write_json(folder.join(name), view)
}

/// All that are kept, in order of name.
pub fn of_run(run: &RunFolder) -> Result<Vec<EvaluationView>> {
    let entries = std::fs::read_dir(folder(run)).into_iter().flatten().flatten().map(|e| e.path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    paths.sort();
    let read = |path: &PathBuf| -> Result<EvaluationView> {
        let text = run.read(path)?;
        serde_json::from_str(&text).with_context(|| {
            format!("{} is not what `ferrotype eval` writes: remove it, or score again", path.display())
        })
    };
    paths.iter().map(read).collect()
}
