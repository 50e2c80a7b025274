//! Tables of OpenFace 2.2 (Baltrusaitis et al. 2018): landmarks and action units per frame and face.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;

use super::{FaceColumns, Landmarks};
use ferrotype_data::text_table;

/// A table, face by face.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenFaceTable {
    /// The rows of each face, by its number, in the order of frames.
    pub faces: BTreeMap<i64, Vec<OpenFaceRow>>,
    /// Names of the action units' columns, where there are any: `AU01_r` (intensity 0 to 5), `AU01_c` (0 or 1).
    pub units: Vec<String>,
}

/// A face in a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenFaceRow {
    /// The frame's number, from 0 (in the file from 1).
    pub frame: usize,
    /// Seconds.
    pub time: f64,
    /// How sure OpenFace is of the landmarks, 0 to 1.
    pub confidence: f32,
    /// Whether it calls the tracking a success.
    pub success: bool,
    /// The landmarks in pixels; NaN where the tracking failed.
    pub points: Landmarks,
    /// Values of [`OpenFaceTable::units`].
    pub units: Vec<f32>,
}

impl OpenFaceTable {
    /// Reads a table as FeatureExtraction writes it (`-2Dfp`, with or without action units). Names of columns may have
    /// spaces around them, as OpenFace's have. The columns `face_id` and `timestamp` may be missing.
    ///
    /// # Errors
    /// When the file cannot be read, lacks columns (they are named), or a cell is not a number (its line is named).
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let mut reader = text_table::open(path)?;
        let header: Vec<String> =
            reader.headers().with_context(|| format!("{shown} is not a table"))?.iter().map(str::to_owned).collect();
        let columns = Columns::of(&header).with_context(|| format!("{shown} is no table of OpenFace 2.2"))?;
        let mut table =
            Self { faces: BTreeMap::new(), units: columns.units.iter().map(|&c| header[c].clone()).collect() };
        for record in reader.records() {
            let record = record.with_context(|| format!("{shown} is damaged"))?;
            let line = record.position().map_or(0, csv::Position::line);
            let (face, row) = columns.row(&record).with_context(|| format!("{shown}, line {line}"))?;
            table.faces.entry(face).or_default().push(row);
        }
        ensure!(!table.faces.is_empty(), "{shown} has no rows");
        Ok(table)
    }

    /// The face with the greatest sum of confidence over its successful rows; the first of equals.
    pub fn main_face(&self, min_confidence: f32) -> Option<(i64, &[OpenFaceRow])> {
        let weight = |rows: &[OpenFaceRow]| -> f64 {
            rows.iter().filter(|r| r.is_good(min_confidence)).map(|r| f64::from(r.confidence)).sum()
        };
        let mut best: Option<(i64, &[OpenFaceRow], f64)> = None;
        for (&face, rows) in &self.faces {
            let weight = weight(rows);
            if weight > 0.0 && best.is_none_or(|b| weight > b.2) {
                best = Some((face, rows, weight));
            }
        }
        best.map(|(face, rows, _)| (face, rows))
    }
}

impl OpenFaceRow {
    /// Whether the landmarks are to be relied on.
    pub fn is_good(&self, min_confidence: f32) -> bool {
        self.success && self.confidence >= min_confidence && self.points.as_flattened().iter().all(|v| v.is_finite())
    }
}

/// Where the columns stand.
struct Columns {
    place: FaceColumns,
    confidence: usize,
    units: Vec<usize>,
}

impl Columns {
    fn of(header: &[String]) -> Result<Self> {
        let find = |name: &str| header.iter().position(|h| h == name);
        let points = ["x", "y"].into_iter().flat_map(|axis| (0..68).map(move |i| format!("{axis}_{i}")));
        let needed = ["frame", "confidence", "success"].into_iter().map(String::from).chain(points);
        let missing: Vec<String> = needed.filter(|name| find(name).is_none()).collect();
        let (Some(place), Some(confidence), true) = (FaceColumns::of(header), find("confidence"), missing.is_empty())
        else {
            bail!("its columns {} are missing: run FeatureExtraction with -2Dfp", listed(&missing, 6));
        };
        let is_unit = |name: &str| name.starts_with("AU") && (name.ends_with("_r") || name.ends_with("_c"));
        let units = (0..header.len()).filter(|&c| is_unit(&header[c])).collect();
        Ok(Self { place, confidence, units })
    }

    fn row(&self, record: &csv::StringRecord) -> Result<(i64, OpenFaceRow)> {
        let place = self.place.row(record)?;
        // What stands in a row whose face was lost means nothing, and need not even be numbers.
        let number = |column: usize| if place.lost { Ok(f64::NAN) } else { self.place.number(record, column) };
        let (x, y) = self.place.points().split_at(68);
        let mut points = [[0.0; 2]; 68];
        for (i, point) in points.iter_mut().enumerate() {
            *point = [number(x[i])? as f32, number(y[i])? as f32];
        }
        let row = OpenFaceRow {
            frame: place.frame,
            time: place.time.unwrap_or_default(),
            confidence: if place.lost { 0.0 } else { number(self.confidence)? as f32 },
            success: !place.lost,
            points,
            units: self.units.iter().map(|&c| Ok(number(c)? as f32)).collect::<Result<_>>()?,
        };
        Ok((place.face.unwrap_or_default(), row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(header: &str, rows: &[String]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
        (folder, path)
    }

    fn header() -> String {
        let axis = |a: &str| (0..68).map(|i| format!(" {a}_{i}")).collect::<Vec<_>>().join(",");
        format!("frame, face_id, timestamp, confidence, success,{},{}, AU01_r, AU12_c", axis("x"), axis("y"))
    }

    fn row(frame: usize, face: usize, confidence: f32, success: u8) -> String {
        let values = (0..136).map(|i| (i * 2).to_string()).collect::<Vec<_>>().join(", ");
        format!("{frame}, {face}, {}, {confidence}, {success}, {values}, 1.5, 1", frame as f32 * 0.04)
    }

    #[test]
    fn rows_are_read_face_by_face() {
        let rows = [row(1, 0, 0.9, 1), row(1, 3, 0.98, 1), row(2, 3, 0.98, 1), row(2, 0, 0.2, 0)];
        let (_folder, path) = table(&header(), &rows);
        let table = OpenFaceTable::read(&path).unwrap();
        assert_eq!(table.units, ["AU01_r", "AU12_c"]);
        let (face, rows) = table.main_face(0.5).unwrap();
        assert_eq!((face, rows.len(), rows[1].frame), (3, 2, 1));
        assert_eq!((rows[0].points[1], rows[0].units.clone()), ([2.0, 138.0], vec![1.5, 1.0]));
        assert!(!table.faces[&0][1].is_good(0.1) && table.faces[&0][0].is_good(0.5));
        assert!(table.main_face(0.99).is_none());
    }

    #[test]
    fn what_stands_in_lost_frames_is_not_read() {
        let lost = row(2, 0, 0.02, 0).replace(" 136,", " -nan(ind),").replace(" 8,", " 1.#QNAN,");
        let (_folder, path) = table(&header(), &[row(1, 0, 0.9, 1), lost, row(3, 0, 0.9, 1)]);
        let table = OpenFaceTable::read(&path).unwrap();
        let rows = table.main_face(0.5).unwrap().1;
        assert_eq!(rows.iter().map(|r| r.is_good(0.0)).collect::<Vec<_>>(), [true, false, true]);
        // A face that was found has numbers; a blank among them makes it useless, not the table.
        let (_folder, path) =
            self::table(&header(), &[row(1, 0, 0.9, 1), row(2, 0, 0.9, 1).replace(" 136,", " -nan,")]);
        assert!(!OpenFaceTable::read(&path).unwrap().faces[&0][1].is_good(0.0));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let refused = |header: &str, rows: &[String]| {
            let (_folder, path) = table(header, rows);
            format!("{:#}", OpenFaceTable::read(&path).unwrap_err())
        };
        let message = refused(&header().replace(" y_40,", " z,").replace(" success", " luck"), &[row(1, 0, 1.0, 1)]);
        assert!(message.contains("success, y_40 are missing") && message.contains("-2Dfp"), "{message}");
        let message = refused("a,b", &[]);
        assert!(message.contains("confidence") && message.contains("more"), "{message}");
        let message = refused(&header(), &[row(1, 0, 1.0, 1), row(2, 0, 1.0, 1).replace("136,", "x,")]);
        assert!(message.contains("line 3") && message.contains("y_0 is `x`"), "{message}");
        assert!(refused(&header(), &[]).contains("no rows"));
        assert!(refused(&header(), &[row(0, 0, 1.0, 1)]).contains("counted from 1"));
    }
}
