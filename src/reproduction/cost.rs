//! What repeating a result costs on this machine: measured on the runs that there are, and where there are none by the registry's
//! figure and how this machine stood to the registry's figures so far.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use ferrotype_base::statistics::median;
use ferrotype_run::folder::folders;
use ferrotype_run::group::Group;
use ferrotype_run::history::History;

use super::{Entry, Mark, RecipeComparison, Registry};
use crate::runner::is_finished;

/// Seconds per epoch of a run, by entry, and the speed of this machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Costs {
    per_epoch: BTreeMap<String, f64>,
    /// Seconds here for a second of the registry.
    speed: Option<f64>,
}

impl Costs {
    /// From the marked runs in a folder.
    ///
    /// # Errors
    /// When a mark or a group cannot be read.
    pub fn measured(registry: &Registry, runs: &Path) -> Result<Self> {
        let mut seconds: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for folder in folders(runs)? {
            let (Some(mark), Some(group)) = (Mark::open(&folder)?, Group::open(&folder)?) else { continue };
            let epochs = seconds.entry(mark.entry).or_default();
            for run in group.run_folders(&folder) {
                let history = History::read(run.join("metrics.jsonl")).unwrap_or_default();
                epochs.extend(history.epochs.iter().map(|e| e.seconds).filter(|s| s.is_finite()));
            }
        }
        let per_epoch: BTreeMap<String, f64> =
            seconds.into_iter().filter_map(|(name, all)| Some((name, median(&all)?))).collect();
        let ratio = |entry: &Entry| Some(per_epoch.get(&entry.name)? / expected(entry, registry)?);
        let ratios: Vec<f64> = registry.entries.iter().filter_map(ratio).collect();
        Ok(Self { per_epoch, speed: median(&ratios) })
    }

    /// Seconds per epoch of a run of this entry, where one was trained here.
    pub fn per_epoch(&self, entry: &Entry) -> Option<f64> {
        self.per_epoch.get(&entry.name).copied()
    }

    /// Seconds that are left of a group; of one without a folder, all.
    pub fn left(&self, entry: &Entry, comparison: &RecipeComparison, group: &Group, folder: Option<&Path>) -> f64 {
        let all = group.runs() as u64 * comparison.epochs;
        let left = folder.map_or(all, |folder| epochs_left(group, folder, comparison.epochs)) as f64;
        if let Some(seconds) = self.per_epoch(entry) {
            return left * seconds;
        }
        // The registry's figure is that of a seed with all its folds and epochs.
        let per_seed = entry.recipe.as_ref().map_or(0.0, |recipe| recipe.seconds);
        let a_seed = group.runs() as f64 / group.values.len().max(1) as f64 * comparison.recipe_epochs.max(1) as f64;
        per_seed * left / a_seed * self.speed.unwrap_or(1.0)
    }
}

/// Epochs that the runs of a group have still to do, of so many each: none of what is finished, here or elsewhere, however early
/// it stopped.
pub fn epochs_left(group: &Group, folder: &Path, epochs: u64) -> u64 {
    let done = |run: &PathBuf| History::read(run.join("metrics.jsonl")).unwrap_or_default().epochs.len() as u64;
    let of = |run: &PathBuf| if is_finished(run) { 0 } else { epochs.saturating_sub(done(run)) };
    group.with_runs(folder).run_folders(folder).iter().map(of).sum()
}

/// Seconds per epoch of a run by the registry.
fn expected(entry: &Entry, registry: &Registry) -> Option<f64> {
    let recipe = entry.recipe.as_ref()?;
    let experiment = entry.experiment(&registry.root, &[]).ok()?;
    let epochs = super::entry::at(&experiment.to_json(), "train.epochs").as_f64()?;
    // How many folds there are is known of the data alone.
    (!recipe.folds && epochs > 0.0).then(|| recipe.seconds / epochs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_run::group::GroupAxis;

    /// A marked group of two seeds, the first of which has done three epochs of 2, 4 and 60 seconds.
    fn begun(runs: &Path, entry: &str) -> PathBuf {
        let folder = runs.join("group");
        let group = Group::of(GroupAxis::Seed, vec![0, 1]);
        let first = group.member(&folder, 0);
        std::fs::create_dir_all(&first).unwrap();
        std::fs::write(folder.join("group.json"), serde_json::to_string(&group).unwrap()).unwrap();
        Mark::new(entry, &folder, RecipeComparison::default()).save(&folder).unwrap();
        let line = |epoch: u64, seconds: f64| {
            format!(
                "{{\"event\":\"epoch\",\"epoch\":{epoch},\"step\":{epoch},\"train_loss\":1.0,\"validation\":{{}},\"lr\":0.1,\"seconds\":{seconds}}}\n"
            )
        };
        std::fs::write(first.join("metrics.jsonl"), line(1, 2.0) + &line(2, 4.0) + &line(3, 60.0)).unwrap();
        folder
    }

    #[test]
    fn what_is_left_is_measured_where_it_can_be() {
        let place = tempfile::tempdir().unwrap();
        let registry = Registry::open(Some(Path::new("reproductions"))).unwrap();
        let trained = registry.find("fer2013-mini_xception").unwrap();
        let other = registry.find("ferplus-vgg13-majority").unwrap();
        let group = Group::of(GroupAxis::Seed, vec![0, 1]);
        let comparison = RecipeComparison { epochs: 10, recipe_epochs: 10, changes: Vec::new() };
        // Nothing was trained: the registry's figures, for both seeds.
        let costs = Costs::measured(&registry, place.path()).unwrap();
        let seconds = trained.recipe.as_ref().unwrap().seconds;
        assert_eq!((costs.per_epoch(trained), costs.left(trained, &comparison, &group, None)), (None, 2.0 * seconds));
        let folder = begun(place.path(), &trained.name);
        let costs = Costs::measured(&registry, place.path()).unwrap();
        // One epoch that waited for something else does not count: the median.
        assert_eq!(costs.per_epoch(trained), Some(4.0));
        assert_eq!(costs.left(trained, &comparison, &group, Some(&folder)), (20.0 - 3.0) * 4.0);
        // Of what was not trained here, the registry's figure at the speed of this machine.
        let epochs =
            super::super::entry::at(&trained.experiment(&registry.root, &[]).unwrap().to_json(), "train.epochs")
                .as_f64();
        let speed = 4.0 / (seconds / epochs.unwrap());
        let expected = 2.0 * other.recipe.as_ref().unwrap().seconds * speed;
        assert!((costs.left(other, &comparison, &group, None) - expected).abs() < 1e-6 * expected);
    }
}
