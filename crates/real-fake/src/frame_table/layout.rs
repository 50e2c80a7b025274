//! Where the columns of a table stand, by its header.

use anyhow::{Context, Result, bail, ensure};

use super::{TableKind, TableOptions};
use ferrotype_vision::faces::{Bounds, FaceColumns};

/// The program that writes such a header.
pub fn recognise(header: &[String]) -> Option<TableKind> {
    let has = |name: &str| header.iter().any(|h| h == name);
    let any = |kind: TableKind| header.iter().any(|h| unit_number(kind, h).is_some());
    if has("frame") && has("confidence") && has("success") && any(TableKind::OpenFace) {
        Some(TableKind::OpenFace)
    } else if has("frame_idx") && any(TableKind::LibreFace) {
        Some(TableKind::LibreFace)
    } else if has("frame") && any(TableKind::PyFeat) {
        Some(TableKind::PyFeat)
    } else {
        None
    }
}

/// The number of the action unit whose intensity a column holds.
fn unit_number(kind: TableKind, column: &str) -> Option<u8> {
    let digits = match kind {
        TableKind::PyFeat => column.strip_prefix("AU")?,
        TableKind::OpenFace => column.strip_prefix("AU")?.strip_suffix("_r")?,
        TableKind::LibreFace => column.strip_prefix("au_")?.strip_suffix("_intensity")?,
        TableKind::Auto => return None,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// Where the columns stand.
pub struct Layout {
    place: FaceColumns,
    score: Option<usize>,
    /// Name and column.
    pub units: Vec<(String, usize)>,
    /// 68 columns of x, 68 of y; none without landmarks.
    pub points: Vec<usize>,
}

/// A row as it stands in the file.
pub struct Row {
    /// Seconds; none in a lost frame without a time.
    pub time: Option<f64>,
    /// The number of the face's track; none where the table does not say it.
    pub face: Option<i64>,
    /// Where the face is, if its track is not known.
    pub bounds: Option<Bounds>,
    pub video: Option<String>,
    pub score: f64,
    /// Units and landmarks; NaN for blanks.
    pub values: Vec<f32>,
}

impl Row {
    /// Whether every value was measured.
    pub fn is_whole(&self) -> bool {
        self.values.iter().all(|v| v.is_finite())
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|v| v.is_nan())
    }
}

impl Layout {
    /// From the header of a table of this program.
    ///
    /// # Errors
    /// When a column is missing or stands twice.
    pub fn of(kind: TableKind, header: &[String]) -> Result<Self> {
        let find = |name: &str| header.iter().position(|h| h == name);
        let frame_name = if kind == TableKind::LibreFace { "frame_idx" } else { "frame" };
        let place = find(frame_name).and_then(|_| FaceColumns::of(header));
        let place = place.with_context(|| format!("its column {frame_name} is missing"))?;
        let units: Vec<(String, usize)> = header
            .iter()
            .enumerate()
            .filter_map(|(i, name)| Some((format!("AU{:02}", unit_number(kind, name)?), i)))
            .collect();
        ensure!(!units.is_empty(), "it has no columns of action units' intensities");
        if let Some(twice) = (1..units.len()).find(|&i| units[..i].iter().any(|u| u.0 == units[i].0)) {
            bail!("two of its columns are {}", units[twice].0);
        }
        let points = place.points().to_vec();
        let score = ["confidence", "FaceScore", "face_detection_score"].iter().find_map(|name| find(name));
        Ok(Self { place, score, units, points })
    }

    /// A row of the table. The numbers of a face that was lost are not read.
    ///
    /// # Errors
    /// For what is not a number, and frames or times that cannot be.
    pub fn row(&self, record: &csv::StringRecord, options: &TableOptions) -> Result<Row> {
        let place = self.place.row(record)?;
        let number = |column: usize| self.place.number(record, column);
        let score = if place.lost { 0.0 } else { self.score.map_or(Ok(1.0), number)? };
        // A face without a score is as unsure as can be.
        let score = if score.is_finite() { score } else { 0.0 };
        let lost = place.lost || score < options.min_score;
        let mut values = vec![f32::NAN; self.units.len() + self.points.len()];
        if !lost {
            for (value, (_, column)) in values.iter_mut().zip(&self.units) {
                *value = number(*column)? as f32;
            }
            for (i, value) in values[self.units.len()..].iter_mut().enumerate() {
                // From all x, then all y, to pairs.
                *value = number(self.points[i % 2 * 68 + i / 2])? as f32;
            }
            values.iter_mut().filter(|v| v.is_infinite()).for_each(|v| *v = f32::NAN);
        }
        let time = if self.place.timed() { place.time } else { Some(place.frame as f64 / options.rate) };
        let bounds = if lost || place.face.is_some() { None } else { self.place.bounds(record)? };
        Ok(Row { time, face: place.face, bounds, video: place.video, score: if lost { 0.0 } else { score }, values })
    }
}
