//! Labels as they stand in a source, and the classes that they become.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use ferrotype_base::text::listed;

use super::pictures::Picture;
use crate::options::ClassNames;

/// The classes of a source.
pub(super) struct Classes {
    /// Their names in order.
    pub(super) names: Vec<String>,
    /// What is to be known of them, a line each.
    pub(super) notes: Vec<String>,
}

/// What labels are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Names of folders, in the order of the alphabet whatever they are, as Keras and torchvision have them.
    Folders,
    /// Cells of a table: in the order of numbers where all are numbers, and `3.0` is `3`.
    Cells,
}

/// Numbers the labels' classes, after the renaming; pictures whose label's new name is empty are left out.
///
/// # Errors
/// When a renaming is of a label that does not occur, or no picture is left.
pub(super) fn assign(
    pictures: &mut Vec<Picture>,
    labels: &[String],
    kind: Kind,
    renaming: &ClassNames,
) -> Result<Classes> {
    let labels = if kind == Kind::Cells { without_point_zero(labels) } else { labels.to_vec() };
    let found: BTreeSet<&str> = labels.iter().map(String::as_str).collect();
    let strange: Vec<&String> = renaming.0.keys().filter(|old| !found.contains(old.as_str())).collect();
    ensure!(
        strange.is_empty(),
        "classes: no label is called {}; the labels are {}",
        listed(&strange, 8),
        listed(&found.into_iter().collect::<Vec<_>>(), 20)
    );
    let new_name = |label: &String| renaming.0.get(label).unwrap_or(label).clone();
    let renamed: Vec<String> = labels.iter().map(new_name).collect();
    let mut names: Vec<String> = renamed.iter().filter(|n| !n.is_empty()).cloned().collect();
    names.sort();
    names.dedup();
    ensure!(!names.is_empty(), "classes: every label is left out; at least one needs a name");
    if kind == Kind::Cells && names.iter().all(|n| n.parse::<i64>().is_ok()) {
        names.sort_by_key(|n| n.parse::<i64>().unwrap_or(0));
    }
    let place: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
    let before = pictures.len();
    *pictures = std::mem::take(pictures)
        .into_iter()
        .zip(&renamed)
        .filter_map(|(picture, name)| Some(Picture { label: *place.get(name.as_str())? as i16, ..picture }))
        .collect();
    let mut notes: Vec<String> = renaming
        .0
        .iter()
        .filter(|(_, new)| !new.is_empty())
        .map(|(old, new)| format!("class \"{old}\" is called \"{new}\""))
        .collect();
    if before > pictures.len() {
        notes.push(format!("{} pictures were left out with their class (an empty name)", before - pictures.len()));
    }
    notes.extend(look_alikes(&names));
    Ok(Classes { names, notes })
}

/// Tables that went through a column of floats have `3.0` for `3`: where all labels are numbers, whole ones lose it.
fn without_point_zero(labels: &[String]) -> Vec<String> {
    if !labels.iter().all(|l| l.parse::<f64>().is_ok()) {
        return labels.to_vec();
    }
    let whole = |label: &String| {
        let (digits, zeros) = label.split_once('.')?;
        (digits.parse::<i64>().is_ok() && zeros.bytes().all(|b| b == b'0')).then(|| digits.to_owned())
    };
    labels.iter().map(|label| whole(label).unwrap_or_else(|| label.clone())).collect()
}

/// A line for each group of classes that differ only in case, blanks, dashes or underscores.
fn look_alikes(names: &[String]) -> Vec<String> {
    let plain = |name: &str| name.chars().filter(|c| !c.is_whitespace() && !"-_".contains(*c)).collect::<String>();
    let mut groups: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for name in names {
        groups.entry(plain(name).to_lowercase()).or_default().push(name);
    }
    let alike = groups.values().filter(|group| group.len() > 1);
    alike
        .map(|group| {
            let quoted: Vec<String> = group.iter().map(|n| format!("\"{n}\"")).collect();
            let last = group[group.len() - 1];
            let merging: Vec<String> =
                group.iter().filter(|n| **n != last).map(|n| format!("--class \"{n}={last}\"")).collect();
            format!(
                "warning: {} differ only in case or blanks and are {} separate classes; if they mean the same, merge them \
                 with {} (in an experiment file: classes in data.source)",
                quoted.join(" and "),
                group.len(),
                merging.join(" ")
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Split;

    fn classes(labels: &str, renaming: &[(&str, &str)]) -> Result<(Vec<i16>, Classes)> {
        let labels: Vec<String> = labels.split(',').map(str::to_owned).collect();
        let mut pictures =
            (0..labels.len()).map(|i| Picture::new("a.png".into(), 0, Split::Train, i)).collect::<Vec<_>>();
        let names = renaming.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect();
        let classes = assign(&mut pictures, &labels, Kind::Cells, &ClassNames(names))?;
        Ok((pictures.iter().map(|p| p.label).collect(), classes))
    }

    #[test]
    fn classes_that_differ_in_case_or_blanks_are_named_and_can_be_merged() {
        let (labels, found) = classes("HAPPY,happy,very sad,very_sad,fear", &[]).unwrap();
        assert_eq!(labels, [0, 2, 3, 4, 1]);
        assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
        assert!(
            found.notes[0].contains("\"HAPPY\" and \"happy\"") && found.notes[0].contains("--class \"HAPPY=happy\"")
        );
        let (labels, found) = classes("HAPPY,happy,sad", &[("HAPPY", "happy")]).unwrap();
        assert_eq!((labels, found.names), (vec![0, 0, 1], vec!["happy".to_owned(), "sad".into()]));
        assert!(found.notes.iter().all(|n| !n.contains("warning")), "{:?}", found.notes);
    }

    #[test]
    fn numbers_are_named_left_out_and_lose_their_point() {
        let (labels, found) = classes("3.0,10,3", &[]).unwrap();
        assert_eq!((labels, found.names), (vec![0, 1, 0], vec!["3".to_owned(), "10".into()]));
        let (labels, found) = classes("1,2,8", &[("1", "surprise"), ("2", "fear"), ("8", "")]).unwrap();
        assert_eq!((labels, found.names), (vec![1, 0], vec!["fear".to_owned(), "surprise".into()]));
        let error = classes("1,2", &[("7", "neutral")]).err().unwrap().to_string();
        assert!(error.contains('7') && error.contains("the labels are"), "{error}");
        assert!(classes("1", &[("1", "")]).is_err());
    }
}
