//! The attacks on a run's network.

use std::path::PathBuf;

use anyhow::Result;

use ferrotype_report::AttackView;
use ferrotype_run::RunFolder;

/// The run's folders that hold an attack, in order of name.
pub fn folders(run: &RunFolder) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(run.path()).into_iter().flatten().flatten().map(|e| e.path());
    let is_attack = |path: &PathBuf| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("attack-") && path.join("attack.json").is_file()
    };
    let mut found: Vec<PathBuf> = entries.filter(is_attack).collect();
    found.sort();
    found
}

/// What they found.
pub(super) fn of_run(run: &RunFolder) -> Result<Vec<AttackView>> {
    folders(run).iter().map(|folder| AttackView::read(folder)).collect()
}
