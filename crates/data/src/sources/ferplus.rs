//! FER+: FER2013's pictures with the votes of ten people, from `fer2013.csv` and Microsoft's vote files, or from
//! Microsoft's folders of pictures.
//!
//! `fer2013new.csv` is aligned with `fer2013.csv` by row. The number in an image name is not a row number: rows without a
//! name shift it, and four names are used twice. So label.csv, which has names only, needs `fer2013new.csv` to be placed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::pictures::{self, Picture, Reading, Want};
use super::votes::{self, ByName, ByRow, COLUMNS, Counts, VoteFile};
use super::{fer2013, names::owned};
use crate::options::{Colour, FerplusOptions};
use crate::picture::MAX_PIXELS;
use crate::{FaceSet, NO_LABEL, Split, Votes};

/// Reads FER+ in either form.
pub(super) fn load(options: &FerplusOptions, reading: &Reading) -> Result<FaceSet> {
    match (&options.csv, &options.images) {
        (Some(csv), None) => from_tables(csv, &options.votes),
        (None, Some(folder)) => {
            ensure!(options.votes.is_empty(), "FER+'s folders hold their own label.csv files: leave out `votes`");
            from_folders(folder, reading)
        }
        _ => bail!(
            "FER+ needs either `csv` (fer2013.csv) with `votes`, or `images`, the folder that holds Microsoft's \
             FER2013Train, FER2013Valid and FER2013Test"
        ),
    }
}

fn from_tables(csv: &Path, paths: &[PathBuf]) -> Result<FaceSet> {
    // The small files first: their errors should not wait for the large one.
    let (by_row, by_name) = read_votes(paths)?;
    let mut faces = fer2013::read_with_usage(csv)?;
    check_alignment(csv, &faces, &by_row)?;
    let files = &mut faces.provenance.files;
    files.push((by_row.path.display().to_string(), by_row.sha256.clone()));
    files.extend(by_name.iter().map(|f| (f.path.display().to_string(), f.sha256.clone())));
    let counts = if by_name.is_empty() {
        by_row.counts
    } else {
        let counts = place_by_name(&by_row, &by_name)?;
        check_every_split(&faces.splits, &counts)?;
        faces.provenance.notes.push("the votes are those of label.csv; fer2013new.csv gave the names only".into());
        counts
    };
    faces.votes = Some(table(&counts));
    faces.names = by_row.names;
    let unnamed = faces.names.iter().filter(|n| n.is_empty()).count();
    if unnamed > 0 {
        faces.provenance.notes.push(format!("{unnamed} rows have no image name: FER+ found no face in them"));
    }
    Ok(faces)
}

fn table(counts: &[Counts]) -> Votes {
    Votes { counts: counts.concat(), columns: owned(&COLUMNS) }
}

fn read_votes(paths: &[PathBuf]) -> Result<(ByRow, Vec<ByName>)> {
    let (mut by_row, mut by_name): (Option<ByRow>, _) = (None, Vec::new());
    for path in paths {
        match votes::read(path)? {
            VoteFile::ByName(file) => by_name.push(file),
            VoteFile::ByRow(file) => {
                if let Some(other) = by_row.replace(file) {
                    bail!(
                        "{} and {} both have a row per row of fer2013.csv: give one",
                        other.path.display(),
                        path.display()
                    );
                }
            }
        }
    }
    let by_row = by_row.with_context(|| match by_name.first() {
        None => "no votes are given: name fer2013new.csv, alone or with Microsoft's three label.csv files".to_string(),
        Some(file) => format!(
            "{} has image names but no row numbers, and the number in a name is not the row in fer2013.csv: give \
             fer2013new.csv as well, whose column \"Image name\" places them",
            file.path.display()
        ),
    })?;
    Ok((by_row, by_name))
}

fn check_alignment(csv: &Path, faces: &FaceSet, votes: &ByRow) -> Result<()> {
    let (csv, table) = (csv.display(), votes.path.display());
    ensure!(
        faces.len() == votes.splits.len(),
        "{csv} has {} rows and {table} {}: the two are matched row by row and must have the same number; one of them is \
         cut off or is not the published file",
        faces.len(),
        votes.splits.len()
    );
    if let Some(row) = (0..faces.len()).find(|&i| faces.splits[i] != votes.splits[i]) {
        bail!(
            "row {} (the first after the header is 1): {csv} says {:?} and {table} {:?} in column Usage; the two are \
             matched row by row, so one of them has been sorted or changed",
            row + 1,
            faces.splits[row],
            votes.splits[row]
        );
    }
    Ok(())
}

/// Votes by row from votes by name. Rows that no name reaches get no votes.
fn place_by_name(rows: &ByRow, files: &[ByName]) -> Result<Vec<Counts>> {
    let places = rows_of_names(&rows.names);
    let mut counts = vec![Counts::default(); rows.names.len()];
    let mut placed: HashMap<&str, &ByName> = HashMap::new();
    for file in files {
        for (i, (name, votes)) in file.names.iter().zip(&file.counts).enumerate() {
            let (path, line) = (file.path.display(), i + 1);
            let Some(&row) = places.get(name.as_str()) else {
                bail!("{path}, line {line}: {} has no picture named \"{name}\"", rows.path.display());
            };
            if let Some(other) = placed.insert(name, file) {
                bail!("{path}, line {line}: \"{name}\" has votes already, in {}", other.path.display());
            }
            counts[row] = *votes;
        }
    }
    Ok(counts)
}

/// The row of each name. Where a name is used twice, the numbers of the neighbouring rows tell which row it belongs to:
/// numbers grow with the rows.
fn rows_of_names(names: &[String]) -> HashMap<&str, usize> {
    let named: Vec<(usize, &str)> =
        names.iter().enumerate().filter(|(_, n)| !n.is_empty()).map(|(i, n)| (i, n.as_str())).collect();
    let mut places = HashMap::new();
    for (i, &(row, name)) in named.iter().enumerate() {
        let before = i.checked_sub(1).map(|j| named[j].1);
        let after = named.get(i + 1).map(|n| n.1);
        let in_order = before.is_none_or(|b| b < name) && after.is_none_or(|a| name < a);
        if in_order {
            places.insert(name, row);
        } else {
            places.entry(name).or_insert(row);
        }
    }
    places
}

fn check_every_split(splits: &[Split], counts: &[Counts]) -> Result<()> {
    for (split, set) in [(Split::Train, "Train"), (Split::Validation, "Valid"), (Split::Test, "Test")] {
        let rows = splits.iter().filter(|&&s| s == split).count();
        let voted = splits.iter().zip(counts).filter(|(s, c)| **s == split && c.iter().any(|&n| n > 0)).count();
        ensure!(
            rows == 0 || voted > 0,
            "none of the {rows} rows of FER2013{set} has votes: give all three label.csv files (Train, Valid and Test)"
        );
    }
    Ok(())
}

fn from_folders(root: &Path, reading: &Reading) -> Result<FaceSet> {
    let (mut pictures, mut counts, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for (split, set) in
        [(Split::Train, "FER2013Train"), (Split::Validation, "FER2013Valid"), (Split::Test, "FER2013Test")]
    {
        let folder = root.join(set);
        ensure!(
            folder.is_dir(),
            "{} has no folder {set}: Microsoft's form has FER2013Train, FER2013Valid and FER2013Test, each with pictures \
             and a label.csv",
            root.display()
        );
        let file = votes::read_by_name(&folder.join("label.csv"))?;
        for name in &file.names {
            let mut picture = Picture::new(folder.join(name), NO_LABEL, split, pictures.len());
            picture.name.clone_from(name);
            pictures.push(picture);
        }
        counts.extend(file.counts);
        files.push((file.path.display().to_string(), file.sha256));
    }
    let want = Want::whole(None, Some(Colour::Grey), false, MAX_PIXELS).with(reading);
    let mut faces = pictures::read(pictures, owned(&super::names::FER2013), &want)?;
    faces.votes = Some(table(&counts));
    faces.provenance.files.extend(files);
    faces.provenance.notes.push("Microsoft's folders: FER2013's own labels are not in them".into());
    Ok(faces)
}

#[cfg(test)]
mod tests;
