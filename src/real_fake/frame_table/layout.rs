//! Where the columns of a table stand, by its header.

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::{TableKind, TableOptions};

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
    pub header: Vec<String>,
    pub frame: usize,
    /// Column and seconds per unit.
    pub time: Option<(usize, f64)>,
    pub face: Option<usize>,
    pub score: Option<usize>,
    pub success: Option<usize>,
    /// Name and column.
    pub units: Vec<(String, usize)>,
    /// 68 columns of x, 68 of y; none without landmarks.
    pub points: Vec<usize>,
}

/// A row as it stands in the file.
pub struct Row {
    pub time: f64,
    pub face: i64,
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
        let frame = find(frame_name).with_context(|| format!("its column {frame_name} is missing"))?;
        let units: Vec<(String, usize)> = header
            .iter()
            .enumerate()
            .filter_map(|(i, name)| Some((format!("AU{:02}", unit_number(kind, name)?), i)))
            .collect();
        ensure!(!units.is_empty(), "it has no columns of action units' intensities");
        if let Some(twice) = (1..units.len()).find(|&i| units[..i].iter().any(|u| u.0 == units[i].0)) {
            bail!("two of its columns are {}", units[twice].0);
        }
        let points: Option<Vec<usize>> =
            ["x", "y"].iter().flat_map(|axis| (0..68).map(move |i| find(&format!("{axis}_{i}")))).collect();
        Ok(Self {
            header: header.to_vec(),
            frame,
            time: find("timestamp").map(|c| (c, 1.0)).or(find("frame_time_in_ms").map(|c| (c, 1e-3))),
            face: find("face_id"),
            score: ["confidence", "FaceScore", "face_detection_score"].iter().find_map(|name| find(name)),
            success: find("success"),
            units,
            points: points.unwrap_or_default(),
        })
    }

    /// A row of the table.
    ///
    /// # Errors
    /// For what is not a number, and frames or times that cannot be.
    pub fn row(&self, record: &csv::StringRecord, options: &TableOptions) -> Result<Row> {
        let number = |column: usize| -> Result<f64> {
            let text = record.get(column).unwrap_or_default();
            if text.is_empty() {
                return Ok(f64::NAN);
            }
            text.parse().map_err(|_| anyhow!("column {} is `{text}`, not a number", self.header[column]))
        };
        let frame = number(self.frame)?;
        ensure!(frame.is_finite() && frame >= 0.0, "column {} is {frame}", self.header[self.frame]);
        let time = match self.time {
            Some((column, unit)) => number(column)? * unit,
            None => frame / options.rate,
        };
        ensure!(time.is_finite() && time >= 0.0, "the time of frame {frame} is {time} s");
        let optional = |column: Option<usize>, default: f64| column.map_or(Ok(default), number);
        let (score, success) = (optional(self.score, 1.0)?, optional(self.success, 1.0)?);
        let mut values = Vec::with_capacity(self.units.len() + self.points.len());
        for (_, column) in &self.units {
            values.push(number(*column)? as f32);
        }
        for i in 0..self.points.len() {
            // From all x, then all y, to pairs.
            values.push(number(self.points[i % 2 * 68 + i / 2])? as f32);
        }
        values.iter_mut().filter(|v| v.is_infinite()).for_each(|v| *v = f32::NAN);
        let lost = success < 0.5 || score < options.min_score;
        if lost {
            values.iter_mut().for_each(|v| *v = f32::NAN);
        }
        Ok(Row { time, face: optional(self.face, 0.0)? as i64, score: if lost { 0.0 } else { score }, values })
    }
}
