//! Several runs of one experiment: seeds or folds.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::files::write_json;
use super::folder::{GROUP, RunFolder};

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
