//! What datasets of action units, valence and arousal have in common: groups of targets, and folders of frames.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use ferrotype_base::targets::TargetKind;

use super::micro::frames_in;
use super::pictures::file_name;
use crate::listing::{self, first_folder};
use crate::targets::TargetGroup;

/// The name of a unit's column: `AU01`.
pub(super) fn column(unit: u32) -> String {
    format!("AU{unit:02}")
}

/// The group `au_occurrence`, as the generator of synthetic faces has it.
pub(super) fn occurrence(units: &[u32]) -> TargetGroup {
    let columns = units.iter().copied().map(column).collect();
    TargetGroup { name: "au_occurrence".into(), kind: TargetKind::Labels, columns }
}

/// The group `au_intensity`, FACS steps from 0 to 5, where any unit has intensities.
pub(super) fn intensity(units: &[u32]) -> Option<TargetGroup> {
    let columns: Vec<String> = units.iter().copied().map(column).collect();
    let kind = TargetKind::Continuous { units: "FACS steps".into(), range: [0.0, 5.0] };
    (!columns.is_empty()).then(|| TargetGroup { name: "au_intensity".into(), kind, columns })
}

/// The group `valence_arousal`, from -1 to 1, as the generator of synthetic faces has it.
pub(super) fn valence_arousal() -> TargetGroup {
    let kind = TargetKind::Continuous { units: String::new(), range: [-1.0, 1.0] };
    TargetGroup { name: "valence_arousal".into(), kind, columns: vec!["valence".into(), "arousal".into()] }
}

/// The units to store: those asked for, or the usual ones.
///
/// # Errors
/// When one is asked for twice, or is none that the dataset `title` can have.
pub(super) fn chosen(asked: &[u32], usual: &[u32], known: impl Fn(u32) -> bool, title: &str) -> Result<Vec<u32>> {
    for (i, &unit) in asked.iter().enumerate() {
        ensure!(known(unit), "units: {title} has no action unit {unit}; by default {usual:?} are stored");
        ensure!(!asked[..i].contains(&unit), "units: {unit} is asked for twice");
    }
    Ok(if asked.is_empty() { usual.to_vec() } else { asked.to_vec() })
}

/// The folder of a dataset's frames: the one that is named, or the first of these below `root`; none where it is not there.
pub(super) fn frames_folder(named: Option<&Path>, root: &Path, names: &[&str]) -> Option<PathBuf> {
    named.map(Path::to_path_buf).or_else(|| first_folder(root, names)).filter(|folder| folder.is_dir())
}

/// Folders in a folder, with their names.
pub(super) fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    Ok(listing::folders(folder)?.into_iter().map(|path| (file_name(&path), path)).collect())
}

/// The pictures of a video by the number of the frame; none where the folder is not there.
///
/// # Errors
/// When the folder cannot be read, or two pictures have one number.
pub(super) fn pictures_in(folder: &Path) -> Result<BTreeMap<u32, PathBuf>> {
    if folder.is_dir() { frames_in(folder) } else { Ok(BTreeMap::new()) }
}

/// Refuses a dataset of which no file was found where it should be.
pub(super) fn nothing<T>(root: &Path, title: &str, lacking: &str) -> Result<T> {
    bail!(
        "{} does not hold {title} as its authors publish it: it lacks {lacking} (see datasets/README.md)",
        root.display()
    )
}

/// The box around points `[x, y]`; none without points.
pub(super) fn box_of(points: &[[f32; 2]]) -> Option<[f32; 4]> {
    let first = points.first()?;
    let start = [first[0], first[1], first[0], first[1]];
    Some(points.iter().fold(start, |[l, t, r, b], &[x, y]| [l.min(x), t.min(y), r.max(x), b.max(y)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_chosen_and_named() {
        let usual = [1, 12];
        assert_eq!(chosen(&[], &usual, |_| true, "X").unwrap(), usual);
        assert_eq!(chosen(&[12], &usual, |u| u < 20, "X").unwrap(), [12]);
        assert!(
            chosen(&[33], &usual, |u| u < 20, "DISFA").unwrap_err().to_string().contains("DISFA has no action unit 33")
        );
        assert!(chosen(&[1, 1], &usual, |_| true, "X").unwrap_err().to_string().contains("twice"));
        assert_eq!(occurrence(&[4, 26]).columns, ["AU04", "AU26"]);
        assert!(intensity(&[]).is_none());
        assert_eq!(box_of(&[[3.0, 1.0], [1.0, 5.0], [2.0, 2.0]]), Some([1.0, 1.0, 3.0, 5.0]));
        assert_eq!(box_of(&[]), None);
    }
}
