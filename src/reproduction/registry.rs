//! The registry: the entries that are shipped, or those of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::Entry;
use crate::config;

/// The folder of the registry in Ferrotype's source.
const FOLDER: &str = "reproductions";

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../reproductions/", $name, ".yaml")))),*]
    };
}

/// Name and text of each entry, so that an installed program knows them without the source.
const SHIPPED: &[(&str, &str)] = shipped![
    "affectnet-resemotenet",
    "baum-microx",
    "ck48-resnet18",
    "ck48-resnet18_subjects",
    "ck48-vgg19",
    "ck48-vgg19_subjects",
    "ckplus-micro_exp_net",
    "fer2013-big_xception",
    "fer2013-ferronet",
    "fer2013-human",
    "fer2013-micro_exp_net",
    "fer2013-mini_xception",
    "fer2013-mini_xception-published",
    "fer2013-resemotenet",
    "fer2013-resnet18",
    "ferplus-emopy_cnn-emotion_detection_use_case",
    "ferplus-ferronet",
    "ferplus-mobilenet_v2-emotion_detection_use_case",
    "ferplus-mobilenet_v2-frozen",
    "ferplus-resnet18",
    "ferplus-vgg13-crossentropy",
    "ferplus-vgg13-majority",
    "ferplus-vgg13-multi_target",
    "ferplus-vgg13-probability",
    "jaffe-ferronet_random",
    "jaffe-ferronet_subjects",
    "kdef-ferronet_random",
    "kdef-ferronet_subjects",
    "megc2019-htnet",
    "megc2019-htnet_attention",
    "megc2019-htnet_reduced",
    "megc2019-linear_svm",
    "megc2019-off_apexnet",
    "megc2019-rbf_svm",
    "megc2019-resnet_small",
    "megc2019-ststnet",
    "megc2019-ststnet_selected_on_test",
    "megc2019-ststnet_short",
    "megc2019-vit_small",
    "rafdb-micro_exp_net",
    "rafdb-resemotenet",
    "rafdb-resnet18",
    "sase_fe-parametric_bias",
    "sase_fe-rank_svm",
    "sase_fe-relaxed",
];

/// All entries, in order of name.
#[derive(Clone, Debug)]
pub struct Registry {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The folder that their experiment files are relative to.
    pub root: PathBuf,
}

impl Registry {
    /// The registry of a folder; by default `reproductions` here, or else the one inside the program.
    ///
    /// # Errors
    /// When the folder cannot be read, or an entry is broken.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        match folder {
            Some(folder) => Self::read(folder),
            None if Path::new(FOLDER).is_dir() => Self::read(Path::new(FOLDER)),
            None => Self::shipped(),
        }
    }

    /// The one inside the program.
    ///
    /// # Errors
    /// Never, as a test sees to.
    pub fn shipped() -> Result<Self> {
        let entries = SHIPPED.iter().map(|(name, text)| entry(name, text)).collect::<Result<_>>()?;
        Ok(Self { entries, root: PathBuf::new() })
    }

    fn read(folder: &Path) -> Result<Self> {
        let listed = fs::read_dir(folder).with_context(|| format!("cannot list the registry {}", folder.display()))?;
        let mut files: Vec<PathBuf> = listed.flatten().map(|e| e.path()).collect();
        files.retain(|p| p.extension().is_some_and(|e| e == "yaml"));
        files.sort();
        ensure!(!files.is_empty(), "{} holds no registry: no file in it ends with .yaml", folder.display());
        let read = |path: &PathBuf| {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let read = entry(&path.display().to_string(), &text)?;
            let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            ensure!(read.name == stem, "{}: its name is `{}`, not the file's", path.display(), read.name);
            Ok(read)
        };
        let mut entries = files.iter().map(read).collect::<Result<Vec<Entry>>>()?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { entries, root: folder.parent().unwrap_or(Path::new("")).to_path_buf() })
    }

    /// The entry of this name.
    ///
    /// # Errors
    /// When there is none: the nearest name is given.
    pub fn find(&self, name: &str) -> Result<&Entry> {
        if let Some(entry) = self.get(name) {
            return Ok(entry);
        }
        let nearest = self.entries.iter().map(|e| (strsim::jaro_winkler(&e.name, name), &e.name));
        let nearest = nearest.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|n| n.0 > 0.8);
        let meant = nearest.map_or_else(|| ":".into(), |(_, n)| format!("; did you mean `{n}`?"));
        bail!("the registry has no entry `{name}`{meant} `ferrotype reproduce list` names them all")
    }

    /// The entry of this name, if there is one.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.name == name)
    }
}

fn entry(name: &str, text: &str) -> Result<Entry> {
    let entry: Entry = config::document(name, text)?;
    entry.check().with_context(|| name.to_owned())?;
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduction::SelectedOn;

    fn repository() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn what_is_shipped_is_what_the_folder_holds() {
        let shipped = Registry::shipped().unwrap();
        let read = Registry::open(Some(&repository().join(FOLDER))).unwrap();
        assert_eq!(shipped.entries, read.entries);
        assert_eq!(read.root, repository());
    }

    #[test]
    fn every_recipe_resolves() {
        let registry = Registry::open(Some(&repository().join(FOLDER))).unwrap();
        for entry in registry.entries.iter().filter(|e| e.recipe.is_some()) {
            let experiment = entry.experiment(&registry.root, &[]).unwrap_or_else(|e| panic!("{}: {e:#}", entry.name));
            for need in &entry.needs {
                if let Some(key) = &need.key {
                    let named = crate::reproduction::entry::at(&experiment.to_json(), key).clone();
                    assert!(named.is_string(), "{}: needs.key {key} names nothing", entry.name);
                }
            }
        }
    }

    #[test]
    fn the_results_that_must_be_there_are() {
        let registry = Registry::shipped().unwrap();
        for mode in ["majority", "probability", "crossentropy", "multi_target"] {
            let figure = registry.find(&format!("ferplus-vgg13-{mode}")).unwrap().figure().unwrap();
            assert!(!figure.confirmed && figure.text().ends_with("(unconfirmed)"), "{figure:?}");
        }
        for name in ["fer2013-mini_xception", "fer2013-big_xception", "ferplus-emopy_cnn-emotion_detection_use_case"] {
            assert_eq!(registry.find(name).unwrap().figure().unwrap().selected_on, SelectedOn::Test);
        }
        assert!(registry.find("fer2013-human").unwrap().recipe.is_none());
        for name in ["rank_svm", "parametric_bias", "relaxed"] {
            let entry = registry.find(&format!("sase_fe-{name}")).unwrap();
            assert!(entry.needs.iter().any(|n| n.licensed), "{name}");
        }
        let error = registry.find("ferplus-vgg13-majorty").unwrap_err().to_string();
        assert!(error.contains("did you mean `ferplus-vgg13-majority`?"), "{error}");
    }

    #[test]
    fn broken_entries_are_refused() {
        let (_, text) = SHIPPED.iter().find(|(n, _)| *n == "fer2013-human").unwrap();
        for (change, with, expected) in [
            ("value: 0.65", "value: 65", "not between 0 and 1"),
            ("no_run: people, not a model", "", "either a recipe or"),
            ("tolerance: 0.05", "tolerance: 0.05\ntolerence: 1", "unknown key"),
            ("metric: accuracy", "metric: acuracy", "did you mean `accuracy`?"),
        ] {
            let error = format!("{:#}", entry("x.yaml", &text.replace(change, with)).unwrap_err());
            assert!(error.contains(expected), "{error}\nlacks {expected}");
        }
    }
}
