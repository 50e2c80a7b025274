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
const FREE: [&str; 12] = [
    "name",
    "description",
    "seed",
    "device",
    "threads",
    "kernels",
    "expect",
    "export",
    "data.path",
    "data.workers",
    "data.fold",
    "train.epochs",
];

/// The weights that training begins with.
const INIT: &str = "train.init";

/// Keys of data sources that name files and folders. What else a source has decides what pictures and labels come of it.
const PLACES: [&str; 18] = [
    "annotations",
    "csv",
    "detector",
    "files",
    "frames",
    "images",
    "labels",
    "landmarks",
    "list",
    "openface",
    "path",
    "root",
    "sheet",
    "tables",
    "training",
    "validation",
    "videos",
    "votes",
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
        let is_free = FREE.iter().any(|f| key == *f || key.strip_prefix(f).is_some_and(|rest| rest.starts_with('.')));
        is_free || (is_place(key) && places(at(&recipe, key)).is_some_and(|n| places(at(&run, key)) == Some(n)))
    };
    let changes = differences(&recipe, &run).into_iter().filter(|line| !free(line)).collect();
    RecipeComparison { epochs: epochs(&run), recipe_epochs: epochs(&recipe), changes }
}

/// Whether a key says where files are: the weights to begin with, or what a data source is read from. Elsewhere in a source,
/// below a list of classes say, anything may have such a name.
fn is_place(key: &str) -> bool {
    let Some(source) = key.strip_prefix("data.source.") else { return key == INIT };
    match source.split('.').collect::<Vec<_>>().as_slice() {
        [_, name] | [_, "video", name] => PLACES.contains(name),
        _ => false,
    }
}

/// How many files and folders a value names; none where it names none. Without weights, labels or a detector that the other side
/// has, whatever their names are, a run is another experiment.
fn places(value: &Value) -> Option<usize> {
    match value {
        Value::String(_) => Some(1),
        Value::Array(all) if !all.is_empty() && all.iter().all(Value::is_string) => Some(all.len()),
        _ => None,
    }
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

    fn changes(recipe: &str, run: &str) -> Vec<String> {
        let of = |text: &str| read_any("x", text).unwrap();
        comparison(&of(recipe), &of(run)).changes
    }

    #[test]
    fn other_data_are_another_experiment_and_other_places_are_not() {
        let source = |source: &str| RECIPE.replace("path: a.h5", &format!("path: a.h5, source: {source}"));
        let changed = |recipe: &str, run: &str| changes(&source(recipe), &source(run));
        let ferplus = "{ferplus: {csv: a/fer.csv, votes: [a/new.csv]}}";
        assert_eq!(changed(ferplus, "{ferplus: {csv: b/fer.csv, votes: [b/new.csv]}}"), [""; 0]);
        let folder = "{folder: {root: a, size: 48}}";
        assert_eq!(changed(folder, "{folder: {root: b, size: 48}}"), [""; 0]);
        assert_eq!(changed(folder, "{folder: {root: b, size: 64}}"), ["data.source.folder.size: 48 -> 64"]);
        // Other labels: more tables of votes, renamed classes, another source.
        for (recipe, run) in [
            (ferplus, "{ferplus: {csv: a/fer.csv, votes: [a/new.csv, a/label.csv]}}"),
            (ferplus, "{ferplus: {images: a}}"),
            (ferplus, "{fer2013: {csv: a/fer.csv}}"),
            (ferplus, "null"),
            (folder, "{folder: {root: a, size: 48, classes: {root: leaf}}}"),
        ] {
            assert!(!changed(recipe, run).is_empty(), "{recipe} -> {run}");
        }
    }

    #[test]
    fn a_run_with_weights_to_begin_with_is_another_one_than_a_run_without() {
        let init = |weights: &str| RECIPE.replace("lr: 1e-3", &format!("lr: 1e-3, init: {weights}"));
        let changed = |recipe: &str, run: &str| changes(&init(recipe), &init(run));
        assert_eq!(changed("runs/a", "weights/b.safetensors"), [""; 0]);
        assert_eq!(changed("null", "runs/a"), [r#"train.init: null -> "runs/a""#]);
        assert_eq!(changed("runs/a", "null"), [r#"train.init: "runs/a" -> null"#]);
    }
}
