//! `reproduction.json`: what a run or a group of runs repeats, and where it departs from the full recipe.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ferrotype_base::digest::sha256;
use ferrotype_sweep::study::differences;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::at;
use crate::config::AnyExperiment;
use ferrotype_run::files::write_json;

/// The mark of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The registry's entry.
    pub entry: String,
    /// The same in the run's own folder and in its published copy.
    pub id: String,
    /// How it stands to the full recipe, as it was when the run began.
    #[serde(flatten)]
    pub comparison: RecipeComparison,
}

/// How an experiment stands to the full recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeComparison {
    /// Epochs of the run.
    pub epochs: u64,
    /// Epochs of the full recipe.
    pub recipe_epochs: u64,
    /// Where else they differ: `key: recipe -> run`.
    pub changes: Vec<String>,
}

/// Keys in which runs of one recipe may differ: where things are, what computes, and which run it is.
const FREE: [&str; 14] = [
    "name",
    "description",
    "seed",
    "device",
    "threads",
    "kernels",
    "expect",
    "export",
    "data.path",
    "data.source",
    "data.workers",
    "data.fold",
    "train.init",
    "train.epochs",
];

/// Names that entries once had, in the marks of runs of that time, and those of today.
const RENAMED: [(&str, &str); 2] = [
    ("ferplus-emopy_cnn-system001", "ferplus-emopy_cnn-emotion_detection_use_case"),
    ("ferplus-mobilenet_v2-system001", "ferplus-mobilenet_v2-emotion_detection_use_case"),
];

/// Compares a run's experiment with the full recipe's.
pub fn comparison(recipe: &AnyExperiment, run: &AnyExperiment) -> RecipeComparison {
    let (recipe, run) = (recipe.to_json(), run.to_json());
    let epochs = |v: &Value| at(v, "train.epochs").as_u64().unwrap_or(0);
    let free = |line: &String| {
        let key = line.split(": ").next().unwrap_or_default();
        FREE.iter().any(|f| key == *f || key.strip_prefix(f).is_some_and(|rest| rest.starts_with('.')))
    };
    let changes = differences(&recipe, &run).into_iter().filter(|line| !free(line)).collect();
    RecipeComparison { epochs: epochs(&run), recipe_epochs: epochs(&recipe), changes }
}

impl RecipeComparison {
    /// Whether it is the full recipe.
    pub fn is_full(&self) -> bool {
        self.epochs == self.recipe_epochs && self.changes.is_empty()
    }

    /// `12 of 100 epochs` where they differ.
    pub fn shortened(&self) -> Option<String> {
        (self.epochs != self.recipe_epochs).then(|| format!("{} of {} epochs", self.epochs, self.recipe_epochs))
    }
}

impl Mark {
    /// The mark of a new run in `folder`.
    pub fn new(entry: &str, folder: &Path, comparison: RecipeComparison) -> Self {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let id = sha256(format!("{entry} {name} {}", std::process::id()))[..16].to_owned();
        Self { entry: entry.to_owned(), id, comparison }
    }

    /// The file.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("reproduction.json")
    }

    /// The mark of a folder; none where it repeats nothing.
    ///
    /// # Errors
    /// When the file is broken.
    pub fn open(folder: &Path) -> Result<Option<Self>> {
        let path = Self::file(folder);
        if !path.is_file() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut mark: Self =
            serde_json::from_str(&text).with_context(|| format!("{} is no mark of a run", path.display()))?;
        if let Some((_, new)) = RENAMED.iter().find(|(old, _)| mark.entry == *old) {
            (*new).clone_into(&mut mark.entry);
        }
        Ok(Some(mark))
    }

    /// Writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        write_json(Self::file(folder), self)
    }

    /// The name of a published copy: the entry's, with what sets it apart from the full recipe.
    pub fn published_name(&self) -> String {
        let epochs =
            self.comparison.shortened().map_or_else(String::new, |_| format!("-{}-epochs", self.comparison.epochs));
        let changed = if self.comparison.changes.is_empty() { "" } else { "-changed" };
        format!("{}{epochs}{changed}", self.entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read_any;

    const RECIPE: &str = "name: x\ndata: {path: a.h5, preprocess: {size: 48}}\nmodel: mini_xception\n\
                          train: {epochs: 30, lr: 1e-3}\n";

    #[test]
    fn only_what_makes_another_experiment_counts() {
        let of = |text: &str| read_any("x", text).unwrap();
        let against = |text: String| comparison(&of(RECIPE), &of(&text));
        assert!(against(RECIPE.to_owned()).is_full());
        let free = format!("{}seed: 3\nthreads: 1\n", RECIPE.replace("a.h5", "b.h5"));
        assert!(against(free).is_full());
        let short = against(RECIPE.replace("epochs: 30", "epochs: 5"));
        assert_eq!((short.shortened().as_deref(), short.changes.len()), (Some("5 of 30 epochs"), 0));
        let changed = against(RECIPE.replace("lr: 1e-3", "lr: 2e-3"));
        assert_eq!(changed.changes, ["train.lr: 0.001 -> 0.002"]);
        let mark = Mark::new("e", Path::new("runs/x"), RecipeComparison { changes: changed.changes, ..short });
        assert_eq!(mark.published_name(), "e-5-epochs-changed");
        let folder = tempfile::tempdir().unwrap();
        mark.save(folder.path()).unwrap();
        assert_eq!(Mark::open(folder.path()).unwrap(), Some(mark));
    }
}
