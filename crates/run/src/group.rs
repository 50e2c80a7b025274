//! Several runs of one experiment: seeds or folds.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::write_json;
use super::folder::{GROUP, RunFolder, SCORES};

/// What the members of a group differ by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupAxis {
    /// The seed.
    Seed,
    /// The tested fold.
    Fold,
}

impl GroupAxis {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Fold => "fold",
        }
    }
}

/// The content of `group.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What the members differ by.
    #[serde(alias = "varied")]
    pub axis: GroupAxis,
    /// Its values, one per member; member folders are `seed-<value>` or `fold-<value>`.
    pub values: Vec<u64>,
    /// Where each member is itself a group of folds: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<u64>,
}

impl Group {
    /// The group of a folder; `None` where the folder is not a group's.
    ///
    /// # Errors
    /// When `group.json` cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let file = path.join(GROUP);
        if !file.is_file() {
            return Ok(None);
        }
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let group = serde_json::from_str(&text).with_context(|| format!("{} is not a group file", file.display()))?;
        Ok(Some(group))
    }

    /// Writes `group.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, folder: &RunFolder) -> Result<()> {
        write_json(folder.path().join(GROUP), self)
    }

    /// The members of one axis.
    pub fn of(axis: GroupAxis, values: Vec<u64>) -> Self {
        Self { axis, values, folds: None }
    }

    /// The folder of a member.
    pub fn member(&self, folder: &Path, value: u64) -> PathBuf {
        folder.join(format!("{}-{value}", self.axis.as_str()))
    }

    /// What each member is, where it is a group.
    pub fn inner(&self) -> Option<Self> {
        self.folds.map(|count| Self::of(GroupAxis::Fold, (0..count).collect()))
    }

    /// The group without those members whose runs were trained elsewhere and left behind there: of these the scores alone are in this
    /// folder, as in a published copy, and nothing is to be trained.
    pub fn with_runs(&self, folder: &Path) -> Self {
        let Some(inner) = self.inner() else { return self.clone() };
        let is_elsewhere = |member: &Path| inner.is_bare(member) && inner.is_finished(member);
        let values = self.values.iter().copied().filter(|&value| !is_elsewhere(&self.member(folder, value)));
        Self { values: values.collect(), ..*self }
    }

    /// How many runs are trained in all.
    pub fn runs(&self) -> usize {
        self.values.len() * self.folds.unwrap_or(1) as usize
    }

    /// The folders of all runs that are trained, in order.
    pub fn run_folders(&self, folder: &Path) -> Vec<PathBuf> {
        let members = self.values.iter().map(|&value| self.member(folder, value));
        match self.inner() {
            Some(inner) => members.flat_map(|member| inner.run_folders(&member)).collect(),
            None => members.collect(),
        }
    }
}

/// What of a group is finished. Of folds the pooled scores say it: so a published copy, which leaves the folds of its seeds behind,
/// says it too, and what a report made of the first folds alone is not taken for the end.
impl Group {
    /// Whether all runs of the group in this folder have ended, and its scores are of all of them.
    pub fn is_finished(&self, folder: &Path) -> bool {
        match self.axis {
            GroupAxis::Fold => {
                let all = self.values.len();
                self.pooled_folds(folder) >= all && (self.is_bare(folder) || self.finished_members(folder) == all)
            }
            GroupAxis::Seed => self.finished_members(folder) == self.values.len(),
        }
    }

    /// Whether a member of the group in this folder has ended and was scored; of a member that is a group of folds, all of them.
    pub fn is_member_finished(&self, folder: &Path, value: u64) -> bool {
        let member = self.member(folder, value);
        match self.inner() {
            Some(folds) => folds.is_finished(&member),
            None => member.join(SCORES).is_file(),
        }
    }

    /// How many members of the group in this folder are finished; where folds were left behind, as many as were pooled.
    pub fn finished(&self, folder: &Path) -> usize {
        match self.axis {
            GroupAxis::Fold if self.is_bare(folder) => self.pooled_folds(folder),
            _ => self.finished_members(folder),
        }
    }

    /// Whether none of the members is in this folder.
    fn is_bare(&self, folder: &Path) -> bool {
        self.values.iter().all(|&value| !self.member(folder, value).exists())
    }

    fn finished_members(&self, folder: &Path) -> usize {
        self.values.iter().filter(|&&value| self.is_member_finished(folder, value)).count()
    }

    /// How many folds the pooled scores in this folder are of.
    fn pooled_folds(&self, folder: &Path) -> usize {
        let text = fs::read_to_string(folder.join(SCORES)).unwrap_or_default();
        let sets: Value = serde_json::from_str(&text).unwrap_or_default();
        let pooled = &sets["pooled"];
        let folds = pooled["folds"].as_u64().unwrap_or(0) as usize;
        // Pooled scores of heads once said 1, however many folds there were.
        let is_uncounted = folds == 1 && pooled["heads"].as_array().is_some_and(|heads| !heads.is_empty());
        if is_uncounted { self.finished_members(folder) } else { folds }
    }
}

/// So many members a group can have.
const MOST_SEEDS: u64 = 1000;

/// Reads `0..5` (0 to 4), `0..=4`, `1,3,7` or `2`.
///
/// # Errors
/// When the text is none of these, or names no number, or one twice.
pub fn parse_values(text: &str) -> Result<Vec<u64>> {
    let number = |s: &str| s.trim().parse::<u64>().with_context(|| format!("`{s}` in `{text}` is not a whole number"));
    let range = |a: &str, b: &str, more: u64| -> Result<Vec<u64>> {
        let (first, last) = (number(a)?, number(b)?);
        // Counted before they are listed: a range may name more than memory holds.
        check_count(text, last.saturating_sub(first).saturating_add(more))?;
        Ok(if more == 0 { (first..last).collect() } else { (first..=last).collect() })
    };
    let values: Vec<u64> = if let Some((a, b)) = text.split_once("..=") {
        range(a, b, 1)?
    } else if let Some((a, b)) = text.split_once("..") {
        range(a, b, 0)?
    } else {
        text.split(',').map(number).collect::<Result<_>>()?
    };
    if values.is_empty() {
        bail!("`{text}` names no seed: 0..5 means the five seeds 0 to 4");
    }
    check_count(text, values.len() as u64)?;
    let mut sorted = values.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < values.len() {
        bail!("`{text}` names a seed twice");
    }
    Ok(values)
}

fn check_count(text: &str, count: u64) -> Result<()> {
    if count > MOST_SEEDS {
        bail!("`{text}` names {count} seeds: at most {MOST_SEEDS}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_of_folds_are_groups_of_groups() {
        let group = Group { folds: Some(2), ..Group::of(GroupAxis::Seed, vec![3, 5]) };
        let folders =
            ["seed-3/fold-0", "seed-3/fold-1", "seed-5/fold-0", "seed-5/fold-1"].map(|f| Path::new("g").join(f));
        assert_eq!((group.runs(), group.run_folders(Path::new("g"))), (4, folders.to_vec()));
        let older: Group = serde_json::from_str(r#"{"varied": "fold", "values": [0, 1]}"#).unwrap();
        assert_eq!((older.runs(), older.inner()), (2, None));
    }

    /// A folder that holds the pooled scores of so many folds, as a report leaves them, and what else its scores say.
    fn pooled(folder: &Path, folds: usize, rest: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(SCORES), format!("{{\"pooled\": {{\"folds\": {folds}{rest}}}}}")).unwrap();
    }

    #[test]
    fn a_seed_is_finished_when_all_its_folds_are() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path();
        let group = Group { folds: Some(3), ..Group::of(GroupAxis::Seed, vec![0, 1]) };
        let folds = group.inner().unwrap();
        // As a published copy, without its folds.
        pooled(&path.join("seed-0"), 3, "");
        for fold in [0, 1] {
            let run = folds.member(&path.join("seed-1"), fold);
            fs::create_dir_all(&run).unwrap();
            fs::write(run.join(SCORES), "{}").unwrap();
        }
        assert!(group.is_member_finished(path, 0) && !group.is_member_finished(path, 1));
        // A report in the middle of its folds does not end it.
        pooled(&path.join("seed-1"), 2, "");
        assert!(!group.is_member_finished(path, 1) && !group.is_finished(path));
        assert_eq!((group.finished(path), folds.finished(&path.join("seed-1"))), (1, 2));
        let seed = RunFolder::create_at(&path.join("seed-1")).unwrap();
        folds.save(&seed).unwrap();
        assert!(!seed.is_finished());
        // Nor do scores that are older than the loss of a fold.
        pooled(seed.path(), 3, "");
        assert!(!seed.is_finished());
        let run = RunFolder::create_at(&folds.member(seed.path(), 2)).unwrap();
        fs::write(run.scores(), "{}").unwrap();
        assert!(seed.is_finished() && group.is_finished(path));
        let whole = RunFolder::create_at(path).unwrap();
        assert!(!whole.is_finished(), "a folder without group.json is a single run's");
        group.save(&whole).unwrap();
        assert!(whole.is_finished());
    }

    #[test]
    fn seeds_whose_folds_are_elsewhere_have_nothing_to_be_trained() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path();
        let group = Group { folds: Some(2), ..Group::of(GroupAxis::Seed, vec![0, 1, 2]) };
        pooled(&path.join("seed-0"), 2, "");
        pooled(&path.join("seed-1"), 2, "");
        fs::create_dir_all(path.join("seed-1/fold-0")).unwrap();
        let left = group.with_runs(path);
        assert_eq!((left.values.as_slice(), left.folds), ([1, 2].as_slice(), Some(2)));
        let seeds = Group::of(GroupAxis::Seed, vec![0, 1]);
        assert_eq!(seeds.with_runs(path), seeds, "single runs say themselves whether they are finished");
    }

    #[test]
    fn pooled_scores_of_heads_that_counted_no_folds_are_taken_at_the_folds() {
        let place = tempfile::tempdir().unwrap();
        let group = Group::of(GroupAxis::Fold, vec![0, 1]);
        pooled(place.path(), 1, ", \"heads\": [{}]");
        for fold in [0, 1] {
            assert!(!group.is_finished(place.path()));
            let run = group.member(place.path(), fold);
            fs::create_dir_all(&run).unwrap();
            fs::write(run.join(SCORES), "{}").unwrap();
        }
        assert!(group.is_finished(place.path()));
    }

    #[test]
    fn ranges_and_lists() {
        assert_eq!(parse_values("0..5").unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(parse_values("3..=4").unwrap(), [3, 4]);
        assert_eq!(parse_values("7, 1").unwrap(), [7, 1]);
        // The last three would not fit any memory if they were listed before they are counted.
        for bad in
            ["5..5", "5..=4", "a", "1,1", "", "0..2000", "0..9999999999999", "0..=18446744073709551615", "0..=1000"]
        {
            assert!(parse_values(bad).is_err(), "{bad}");
        }
    }
}
