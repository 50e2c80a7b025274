//! The run folder and where its files stand.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::files::explain;
use super::group::Group;
use super::lock::Lock;

/// The file that says that a folder is a group of runs.
pub const GROUP: &str = "group.json";
/// The file of the final scores.
pub(crate) const SCORES: &str = "metrics.json";

/// Files and folders of a run of whatever system, and of a group of runs.
const OWN: [&str; 28] = [
    "config.yaml",
    "metrics.jsonl",
    SCORES,
    "dataset.json",
    "face_template.json",
    "seen_pictures.json",
    "calibration.json",
    "predictions.csv",
    "provenance.json",
    "import.json",
    "onnx_check.json",
    "report.html",
    "reproduction.json",
    "clips.csv",
    "real_fake.json",
    "results.csv",
    "anomalies.md",
    "anomalies.json",
    "parts.json",
    GROUP,
    "checkpoints",
    "plots",
    "saliency",
    "tensorboard",
    "detectors",
    "method",
    "baselines",
    "evaluations",
];

/// A run's folder: everything that a training run leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes a new run folder `<parent>/<name>-<time>`; a number is added where that name is taken.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(parent: &Path, name: &str) -> Result<Self> {
        fs::create_dir_all(parent).map_err(|e| explain(parent, &e))?;
        let stamp = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        for attempt in 0..1000 {
            let tail = if attempt == 0 { String::new() } else { format!("-{attempt}") };
            let path = parent.join(format!("{name}-{stamp}{tail}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(explain(&path, &e)),
            }
        }
        bail!("cannot find a free name for {}/{name}-{stamp}", parent.display())
    }

    /// Makes the folder `path` itself (a member of a group of runs), or takes it as it is.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create_at(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(|e| explain(path, &e))?;
        Ok(Self { path: path.to_path_buf() })
    }

    /// An existing run.
    ///
    /// # Errors
    /// When the folder does not exist or holds no run.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            bail!("there is no run folder {}: `ferrotype runs` lists those there are", path.display());
        }
        let run = Self { path: path.to_path_buf() };
        if !run.config().is_file() {
            bail!("{} is not a run folder: it has no config.yaml", path.display());
        }
        Ok(run)
    }

    /// Removes a new run's folder if training never began in it: a start that was refused leaves nothing to clear.
    pub fn remove_if_untouched(&self) {
        if !self.is_begun() && ![self.parts(), self.method()].iter().any(|folder| begun_below(folder)) {
            self.remove();
        }
    }

    /// Whether training left something to go on from.
    pub fn is_begun(&self) -> bool {
        fs::metadata(self.history()).is_ok_and(|m| m.len() > 0) || self.last_checkpoint().exists()
    }

    /// Where the parts of a run stand that trains several networks: each is a folder as a run's.
    pub fn parts(&self) -> PathBuf {
        self.path.join("detectors")
    }

    /// Where a fitted method stands, of a run that is more than one network. Its networks' folders below it are as a run's.
    pub fn method(&self) -> PathBuf {
        self.path.join("method")
    }

    /// Removes the folder with all that is in it.
    pub fn remove(&self) {
        // What cannot be removed stays: the error that led here is the one to be told.
        let _ = fs::remove_dir_all(&self.path);
    }

    /// Takes the run for training or reporting: nobody else may do so meanwhile, and what a killed process left
    /// half-written is removed.
    ///
    /// # Errors
    /// When another trainer holds it.
    pub fn lock(&self) -> Result<Lock> {
        let lock = Lock::acquire(&self.path)?;
        for folder in [self.path.clone(), self.checkpoints(), self.path.join("plots")] {
            remove_leftovers(&folder);
        }
        Ok(lock)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's name.
    pub fn name(&self) -> String {
        last_name(&self.whole())
    }

    /// The folder's name, for a member of a group behind the group's: `seed-0` alone says nothing.
    pub fn title(&self) -> String {
        let whole = self.whole();
        match whole.parent().filter(|parent| parent.join(GROUP).is_file()) {
            Some(group) => format!("{}/{}", last_name(group), last_name(&whole)),
            None => last_name(&whole),
        }
    }

    fn whole(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }

    /// The resolved experiment file.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.yaml")
    }

    /// One line per event of training.
    pub fn history(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// What is known about the data.
    pub fn facts(&self) -> PathBuf {
        self.path.join("dataset.json")
    }

    /// What face crops of the training set look like, to notice pictures that are none.
    pub fn template(&self) -> PathBuf {
        self.path.join("face_template.json")
    }

    /// The final scores.
    pub fn scores(&self) -> PathBuf {
        self.path.join(SCORES)
    }

    /// What the logits were divided by after training, and the scores before that.
    pub fn calibration(&self) -> PathBuf {
        self.path.join("calibration.json")
    }

    /// Test predictions, row by row.
    pub fn predictions(&self) -> PathBuf {
        self.path.join("predictions.csv")
    }

    /// Versions, device, data, times.
    pub fn provenance(&self) -> PathBuf {
        self.path.join("provenance.json")
    }

    /// What published weights the run was made of, where it was imported and not trained.
    pub fn imported(&self) -> PathBuf {
        self.path.join("import.json")
    }

    /// Whether the run was imported and not trained.
    pub fn is_imported(&self) -> bool {
        self.imported().is_file()
    }

    /// The verified export.
    pub fn onnx(&self) -> PathBuf {
        self.path.join("model.onnx")
    }

    /// The result of the export's check.
    pub fn onnx_check(&self) -> PathBuf {
        self.path.join("onnx_check.json")
    }

    /// The folder of the pictures that show what the network looks at.
    pub fn saliency(&self) -> PathBuf {
        self.path.join("saliency")
    }

    /// The folder of TensorBoard's event files.
    pub fn tensorboard(&self) -> PathBuf {
        self.path.join("tensorboard")
    }

    /// The report.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// The newest checkpoint: everything needed to go on.
    pub fn last_checkpoint(&self) -> PathBuf {
        self.checkpoints().join("last.safetensors")
    }

    /// The selected weights.
    pub fn best_weights(&self) -> PathBuf {
        self.checkpoints().join("best.safetensors")
    }

    /// The pictures that the weights have seen, as fingerprints.
    pub fn seen(&self) -> PathBuf {
        self.path.join("seen_pictures.json")
    }

    /// The files and folders that make up the run, as far as they are there. What else somebody put into its folder is not
    /// among them, nor is the exported model, which may be exported anew.
    pub fn own_files(&self) -> Vec<PathBuf> {
        let named = OWN.iter().map(|name| self.path.join(name));
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten().map(|entry| entry.path());
        let attacks = entries.filter(|path| path.is_dir() && last_name(path).starts_with("attack-"));
        named.chain(attacks).filter(|path| path.exists()).collect()
    }

    /// Whether the run has ended and was scored; of a group, all its runs (see [`Group::is_finished`]).
    pub fn is_finished(&self) -> bool {
        match Group::open(&self.path) {
            Ok(Some(group)) => group.is_finished(&self.path),
            Ok(None) => self.scores().is_file(),
            // What its members are is not known.
            Err(_) => false,
        }
    }

    /// A JSON file of the run.
    ///
    /// # Errors
    /// When it cannot be read, or is of another form.
    pub fn read_json<T: serde::de::DeserializeOwned>(&self, path: &Path) -> Result<T> {
        serde_json::from_str(&self.read(path)?)
            .with_context(|| format!("{} is not what a run of this system writes", path.display()))
    }

    /// A file of the run as text.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, path: &Path) -> Result<String> {
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// The folders in a folder, in order of name; none where it does not exist.
///
/// # Errors
/// When it cannot be listed.
pub fn folders(parent: &Path) -> Result<Vec<PathBuf>> {
    if !parent.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(parent).with_context(|| format!("cannot list {}", parent.display()))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

/// The runs below a folder with their names there, members of groups (`x-seeds/seed-0`) in place of the groups, in order of name.
///
/// # Errors
/// As [`folders`].
pub fn runs_below(root: &Path) -> Result<Vec<(String, RunFolder)>> {
    fn collect(root: &Path, folder: &Path, runs: &mut Vec<(String, RunFolder)>) -> Result<()> {
        for path in folders(folder)? {
            let Ok(run) = RunFolder::open(&path) else { continue };
            if path.join(GROUP).is_file() {
                collect(root, &path, runs)?;
            } else {
                runs.push((path.strip_prefix(root).unwrap_or(&path).display().to_string(), run));
            }
        }
        Ok(())
    }
    let mut runs = Vec::new();
    collect(root, root, &mut runs)?;
    Ok(runs)
}

/// Whether training left something to go on from in any of the folders below.
fn begun_below(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    folders.into_iter().any(|path| RunFolder { path: path.clone() }.is_begun() || begun_below(&path))
}

fn last_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Removes temporary files of writes that were cut off. Only called under the lock, so none is in use.
fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') && name.contains(".tmp-") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_groups_are_called_by_both_names() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create_at(&parent.path().join("x-seeds/seed-0")).unwrap();
        assert_eq!(run.title(), "seed-0");
        fs::write(parent.path().join("x-seeds").join(GROUP), "{}").unwrap();
        assert_eq!((run.title().as_str(), run.name().as_str()), ("x-seeds/seed-0", "seed-0"));
    }

    #[test]
    fn names_do_not_collide() {
        let parent = tempfile::tempdir().unwrap();
        let a = RunFolder::create(parent.path(), "x").unwrap();
        let b = RunFolder::create(parent.path(), "x").unwrap();
        assert_ne!(a, b);
    }

    #[test]
    fn a_start_that_was_refused_vanishes_and_a_begun_one_stays() {
        let parent = tempfile::tempdir().unwrap();
        let refused = RunFolder::create(parent.path(), "x").unwrap();
        fs::create_dir_all(refused.method().join("networks/anger")).unwrap();
        refused.remove_if_untouched();
        assert!(!refused.path().exists());
        let begun = RunFolder::create(parent.path(), "x").unwrap();
        let network = RunFolder::create_at(&begun.method().join("networks/anger")).unwrap();
        fs::write(network.history(), "{}").unwrap();
        begun.remove_if_untouched();
        assert!(begun.path().exists());
    }

    #[test]
    fn a_missing_or_foreign_folder_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let missing = RunFolder::open(&parent.path().join("no")).unwrap_err().to_string();
        assert!(missing.contains("there is no run folder"), "{missing}");
        let foreign = RunFolder::open(parent.path()).unwrap_err().to_string();
        assert!(foreign.contains("not a run folder"), "{foreign}");
    }

    #[test]
    fn a_second_trainer_is_refused_and_leftovers_vanish() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create(parent.path(), "x").unwrap();
        fs::write(run.path().join(".config.yaml.tmp-1-0"), "half").unwrap();
        let held = run.lock().unwrap();
        assert!(!run.path().join(".config.yaml.tmp-1-0").exists());
        assert!(run.lock().unwrap_err().to_string().contains("another process"));
        drop(held);
        run.lock().unwrap();
    }
}
