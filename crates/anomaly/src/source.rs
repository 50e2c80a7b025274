//! Feature tables from where an experiment names them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;

use super::generated;
use super::options::{AnomalyData, AnomalySource};
use super::people;
use super::table::{Column, ColumnKind, FeatureTable};
use ferrotype_data::text_table;
use ferrotype_vision::faces::{Bounds, FaceColumns, FaceRow};

/// The table that an experiment's data section describes, at the wanted rate.
///
/// # Errors
/// When the source cannot be read, or has no frames or impossible values.
pub fn obtain(data: &AnomalyData, seed: u64) -> Result<FeatureTable> {
    let table = match &data.source {
        AnomalySource::Csv(o) => read_csv(&o.path)?,
        AnomalySource::Faces(o) => people::read_person(&o.path, o.person)?,
        AnomalySource::Generated(o) => generated::generate(o, seed),
    };
    table.check().with_context(|| format!("the features of {} cannot be used", describe(&data.source)))?;
    Ok(match data.rate {
        Some(rate) => table.at_rate(rate),
        None => table,
    })
}

/// The source in a few words.
pub fn describe(source: &AnomalySource) -> String {
    match source {
        AnomalySource::Csv(o) => o.path.display().to_string(),
        AnomalySource::Faces(o) => format!("person {} of {}", o.person, o.path.display()),
        AnomalySource::Generated(o) => {
            format!("a synthetic face ({} s at {} frames/s, seed {})", o.seconds, o.rate, o.seed)
        }
    }
}

const TRUTH: &str = "anomaly";
/// Columns of the original's result table that say where a frame is, not what is in it.
const SKIPPED: [&str; 3] = ["timecode", "time (minutes)", "embedding_index"];

/// A table of features by frame as a file has it: of one or several faces and videos.
#[derive(Clone, Debug, Default)]
pub struct FaceTable {
    /// The features.
    pub columns: Vec<Column>,
    /// The rows with a face; others, of which the tracker says so or all features are blank, are left out.
    pub rows: Vec<TableRow>,
    /// How many rows were left out because they have no face.
    pub lost: usize,
    /// Whether the rows are timed.
    pub timed: bool,
    /// Whether times begin at the first frame.
    pub from_zero: bool,
    /// Whether a column says what is wrong with a frame.
    pub has_truth: bool,
}

/// A row of a [`FaceTable`].
#[derive(Clone, Debug)]
pub struct TableRow {
    /// Which frame, when, and whose face.
    pub place: FaceRow,
    /// Where the face is.
    pub bounds: Option<Bounds>,
    /// What is wrong with the frame; empty for nothing.
    pub truth: String,
    /// The features.
    pub values: Vec<f32>,
}

/// Reads a table of one person in one video, in order of time.
///
/// # Errors
/// As [`read_rows`], and when the table has no times, or several faces or videos.
pub fn read_csv(path: &Path) -> Result<FeatureTable> {
    let shown = path.display();
    let read = read_rows(path)?;
    ensure!(read.timed, "{shown} needs the columns `frame` and `timestamp` (seconds)");
    let faces: BTreeSet<i64> = read.rows.iter().filter_map(|row| row.place.face).collect();
    let videos: BTreeSet<&str> = read.rows.iter().filter_map(|row| row.place.video.as_deref()).collect();
    ensure!(
        faces.len() < 2,
        "{shown} has {} faces (face_id), and one person is expected: leave one of them in",
        faces.len()
    );
    ensure!(
        videos.len() < 2,
        "{shown} holds several videos ({}), and one is expected",
        listed(&videos.into_iter().collect::<Vec<_>>(), 4)
    );
    Ok(FeatureTable {
        frames: read.rows.iter().map(|row| row.place.number).collect(),
        times: read.rows.iter().map(|row| row.place.time.unwrap_or_default()).collect(),
        truth: read.has_truth.then(|| read.rows.iter().map(|row| row.truth.clone()).collect()),
        values: read.rows.into_iter().flat_map(|row| row.values).collect(),
        columns: read.columns,
        lost: read.lost,
        ..FeatureTable::default()
    })
}

/// Reads a table of features. Frames whose face was lost are left out before their numbers are read.
///
/// # Errors
/// When the file cannot be read, lacks a needed column, or a value is not a number; the line is named.
pub fn read_rows(path: &Path) -> Result<FaceTable> {
    let shown = path.display();
    let mut reader = text_table::open(path)?;
    let header: Vec<String> =
        reader.headers().with_context(|| format!("{shown} has no header"))?.iter().map(str::to_owned).collect();
    let Some(place) = FaceColumns::of(&header) else {
        bail!("{shown} needs the columns `frame` and `timestamp` (seconds); it has {}", header.join(", "));
    };
    let truth = header.iter().position(|h| h.eq_ignore_ascii_case(TRUTH));
    let is_feature =
        |&i: &usize| !place.has(i) && Some(i) != truth && !SKIPPED.contains(&header[i].to_ascii_lowercase().as_str());
    let features: Vec<usize> = (0..header.len()).filter(is_feature).collect();
    ensure!(!features.is_empty(), "{shown} has no columns of features beside frame, timestamp and truth");
    let columns = features.iter().map(|&i| Column { name: header[i].clone(), kind: ColumnKind::of(&header[i]) });
    let mut table = FaceTable {
        columns: columns.collect(),
        timed: place.timed(),
        from_zero: place.from_zero(),
        has_truth: truth.is_some(),
        ..FaceTable::default()
    };
    for record in reader.records() {
        let record = record.with_context(|| format!("{shown} is not a table"))?;
        let line = record.position().map_or(0, csv::Position::line);
        match row(&place, &features, truth, &record).with_context(|| format!("{shown}, line {line}"))? {
            Some(row) => table.rows.push(row),
            None => table.lost += 1,
        }
    }
    Ok(table)
}

/// A row; none without a face.
fn row(
    columns: &FaceColumns,
    features: &[usize],
    truth: Option<usize>,
    record: &csv::StringRecord,
) -> Result<Option<TableRow>> {
    let place = columns.row(record)?;
    if place.lost {
        return Ok(None);
    }
    let values = features.iter().map(|&i| columns.number(record, i)).collect::<Result<Vec<f64>>>()?;
    if values.len() > 1 && values.iter().all(|v| v.is_nan()) {
        return Ok(None);
    }
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        columns.refuse(record, features[i])?;
    }
    let word = truth.and_then(|i| record.get(i)).unwrap_or_default();
    let truth = if matches!(word, "0" | "" | "false") { String::new() } else { word.to_owned() };
    let bounds = columns.bounds(record)?;
    Ok(Some(TableRow { place, bounds, truth, values: values.into_iter().map(|v| v as f32).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FeatureTable> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, text).unwrap();
        let table = read_csv(&path)?;
        table.check()?;
        Ok(table)
    }

    #[test]
    fn a_table_is_read_by_its_column_names() {
        let table =
            read("Frame, Timestamp ,Comp 1,happy,AU12,anomaly\n0,0.0,1,0.5,2,0\n5,0.2,3,0.25,4,freeze\n").unwrap();
        assert_eq!((table.frames.as_slice(), table.times.as_slice()), (&[0, 5][..], &[0.0, 0.2][..]));
        assert_eq!(table.values, [1.0, 0.5, 2.0, 3.0, 0.25, 4.0]);
        assert_eq!(table.truth.as_deref().unwrap(), ["", "freeze"]);
        let kinds: Vec<ColumnKind> = table.columns.iter().map(|c| c.kind).collect();
        assert_eq!(kinds, [ColumnKind::Component, ColumnKind::Emotion, ColumnKind::Feature]);
    }

    #[test]
    fn frames_without_a_face_are_left_out_before_their_numbers_are_read() {
        let text = "frame,timestamp,confidence,success,AU12_r\n1,0,0.9,1,2\n2,0.04,0.02,0,-nan(ind)\n3,0.08,0.9,1,3\n";
        let table = read(text).unwrap();
        assert_eq!((table.frames, table.times, table.lost), (vec![1, 3], vec![0.0, 0.08], 1));
        assert_eq!(table.values, [0.9, 2.0, 0.9, 3.0]);
        for (text, word) in [
            ("frame,face_id,timestamp,AU1\n0,0,0,1\n0,1,0,1\n", "2 faces"),
            ("frame,timestamp,AU1,input\n0,0,1,a.mp4\n0,0,1,b.mp4\n", "several videos (a.mp4, b.mp4)"),
            ("frame,timestamp,AU1,AU2\n0,0,1,-nan(ind)\n", "line 2: column AU2 is `-nan(ind)`"),
        ] {
            let message = format!("{:#}", read(text).unwrap_err());
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn bad_tables_say_where() {
        for (text, word) in [
            ("frame,AU1\n0,1\n", "needs the columns"),
            ("frame,timestamp\n0,1\n", "no columns of features"),
            ("frame,timestamp,AU1\n0,0.1,\n", "line 2: column AU1 is blank"),
            ("frame,timestamp,AU1\n0,0.1,1\n1,0.1,2\n", "does not come after"),
            ("frame,timestamp,AU1\n", "no frames"),
            ("frame,timestamp,AU1\n0,1,2,3\n", "not a table"),
        ] {
            let message = format!("{:#}", read(text).unwrap_err());
            assert!(message.contains(word), "{text:?}: {message}");
        }
        let missing = read_csv(Path::new("no/such.csv")).unwrap_err().to_string();
        assert!(missing.contains("cannot read the table no/such.csv"), "{missing}");
    }
}
