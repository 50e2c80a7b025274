//! What an earlier publication left in the folder of a new one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use ferrotype_run::PublicFolder;
use ferrotype_run::files::explain;
use ferrotype_run::folder::{GROUP, folders};

/// Files that a publication may write. Others were put there by people, and stay.
const FILES: [&str; 15] = [
    "MODEL_CARD.md",
    "aggregate.json",
    "attack.csv",
    "attack.json",
    "calibration.json",
    "clips.csv",
    "dataset.json",
    GROUP,
    "metrics.json",
    "metrics.jsonl",
    "onnx_check.json",
    "parts.json",
    "provenance.json",
    "real_fake.json",
    "reproduction.json",
];

/// How the folders begin that a publication makes within its own.
const FOLDERS: [&str; 3] = ["attack-", "fold-", "seed-"];

/// Whether a folder holds a published run or group: an experiment with the provenance or the members of what was made by it. A
/// `config.yaml` alone may be anybody's.
pub fn is_copy(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    has("config.yaml") && (has("provenance.json") || has(GROUP))
}

/// Removes what an earlier publication wrote and the one that has just been written has not, with folders that are empty then.
///
/// # Errors
/// When a file cannot be removed.
pub fn remove(target: &PublicFolder) -> Result<()> {
    remove_below(target.path(), target)
}

fn remove_below(folder: &Path, target: &PublicFolder) -> Result<()> {
    for path in FILES.map(|name| folder.join(name)) {
        if path.is_file() && !target.has_written(&path) {
            fs::remove_file(&path).map_err(|e| explain(&path, &e))?;
        }
    }
    let is_own = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // A link leads to what is not this publication's.
        !path.is_symlink() && FOLDERS.iter().any(|begin| name.starts_with(begin))
    };
    for path in folders(folder)?.into_iter().filter(is_own) {
        remove_below(&path, target)?;
        // It stays where something else is in it.
        let _ = fs::remove_dir(&path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_an_earlier_copy_had_goes_and_what_people_put_there_stays() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x");
        let write = |name: &str| {
            let file = path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "{}").unwrap();
        };
        let earlier = ["onnx_check.json", "attack-pgd/attack.json", "seed-1/metrics.json", "seed-4/dataset.json"];
        let others = ["config.yaml", "table.md", "attack-pgd/plot.png", "notes/metrics.json", "seed-5.txt"];
        earlier.iter().chain(&others).for_each(|name| write(name));
        assert!(!is_copy(&path), "an experiment alone");
        write("provenance.json");
        assert!(is_copy(&path));
        let target = PublicFolder::create(&path).unwrap();
        target.write("provenance.json", "{}").unwrap();
        target.inner("seed-1").unwrap().write("metrics.json", "{}").unwrap();
        remove(&target).unwrap();
        let left = |name: &&str| path.join(name).exists();
        assert_eq!(earlier.iter().filter(|name| left(name)).collect::<Vec<_>>(), [&"seed-1/metrics.json"]);
        assert!(others.iter().all(left) && left(&"provenance.json"));
        assert!(!path.join("seed-4").exists());
    }
}
