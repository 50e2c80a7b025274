//! The two forms in which Microsoft publishes the FER+ votes.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use csv::ByteRecord;

use super::names;
use super::table::{Table, text};
use crate::Split;

/// The ten columns: eight emotions, and two ways of not being a usable face.
pub(super) const COLUMNS: [&str; 10] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"];

/// The votes for one picture.
pub(super) type Counts = [u8; COLUMNS.len()];

/// A file of votes.
pub(super) enum VoteFile {
    /// `fer2013new.csv`.
    ByRow(ByRow),
    /// One set's label.csv.
    ByName(ByName),
}

/// `fer2013new.csv`: one row per row of `fer2013.csv`.
pub(super) struct ByRow {
    pub(super) path: PathBuf,
    pub(super) sha256: String,
    pub(super) splits: Vec<Split>,
    pub(super) names: Vec<String>,
    pub(super) counts: Vec<Counts>,
}

/// label.csv: name, box and votes, without a header.
pub(super) struct ByName {
    pub(super) path: PathBuf,
    pub(super) sha256: String,
    pub(super) names: Vec<String>,
    pub(super) counts: Vec<Counts>,
}

/// Reads either form, told apart by the first line.
pub(super) fn read(path: &Path) -> Result<VoteFile> {
    let table = Table::open(path, true)?;
    if table.header.first().is_some_and(|cell| cell.to_ascii_lowercase().ends_with(".png")) {
        return read_by_name(path).map(VoteFile::ByName);
    }
    read_by_row(path, table).map(VoteFile::ByRow)
}

fn read_by_row(path: &Path, mut table: Table) -> Result<ByRow> {
    let [usage, name] = table.columns(["Usage", "Image name"])?;
    let votes = table.columns(COLUMNS)?;
    let (mut splits, mut image_names, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    let mut record = ByteRecord::new();
    while table.next(&mut record)? {
        let place = || table.place(table.rows() - 1, &record);
        let word = text(&record, usage);
        let Some(split) = names::usage(&word) else {
            bail!(
                "{}, column Usage: unknown word \"{word}\"; Training, PublicTest or PrivateTest is expected",
                place()
            );
        };
        splits.push(split);
        image_names.push(text(&record, name));
        counts.push(parse_counts(&record, votes, place)?);
    }
    Ok(ByRow { path: path.into(), sha256: table.sha256(), splits, names: image_names, counts })
}

/// Reads one set's label.csv.
pub(super) fn read_by_name(path: &Path) -> Result<ByName> {
    let mut table = Table::open(path, false)?;
    let (mut image_names, mut counts) = (Vec::new(), Vec::new());
    let mut record = ByteRecord::new();
    while table.next(&mut record)? {
        let place = || table.place(0, &record);
        ensure!(
            record.len() == COLUMNS.len() + 2,
            "{}: {} cells; twelve are expected: image name, box and the votes for {}",
            place(),
            record.len(),
            COLUMNS.join(", ")
        );
        let region = text(&record, 1).replace(' ', "");
        ensure!(
            region == "(0,0,48,48)",
            "{}, column 2 (box): \"{region}\"; only the whole picture, (0, 0, 48, 48), is supported",
            place()
        );
        image_names.push(text(&record, 0));
        counts.push(parse_counts(&record, std::array::from_fn(|i| i + 2), place)?);
    }
    Ok(ByName { path: path.into(), sha256: table.sha256(), names: image_names, counts })
}

fn parse_counts(record: &ByteRecord, columns: [usize; 10], place: impl Fn() -> String) -> Result<Counts> {
    let mut counts = Counts::default();
    for ((count, column), name) in counts.iter_mut().zip(columns).zip(COLUMNS) {
        let word = text(record, column);
        let Ok(n) = word.parse() else {
            bail!("{}, column {name}: \"{word}\"; a number of votes from 0 to 255 is expected", place());
        };
        *count = n;
    }
    Ok(counts)
}
