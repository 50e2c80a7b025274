//! What the tables of face trackers (OpenFace, py-feat, LibreFace and tables like theirs) say of each row beside its
//! measurements: which frame of which video, when, whose face, where, and whether it was found at all.

use anyhow::{Context, Result, bail, ensure};

use super::{Bounds, Landmarks, bounds_of};
use ferrotype_data::foreign::number;

/// Columns of frames and times, in lower case, and seconds per unit.
const FRAMES: [&str; 2] = ["frame", "frame_idx"];
const TIMES: [(&str, f64); 4] = [("timestamp", 1.0), ("time", 1.0), ("seconds", 1.0), ("frame_time_in_ms", 1e-3)];
/// py-feat's box: left, top, width, height.
const BOX: [&str; 4] = ["facerectx", "facerecty", "facerectwidth", "facerectheight"];
/// Endings of pictures: of a table of picture files, the folder stands for the video.
const PICTURES: [&str; 8] = ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "gif", "webp"];

/// Where the columns stand that say where a row belongs.
#[derive(Clone, Debug)]
pub struct FaceColumns {
    header: Vec<String>,
    frame: usize,
    /// Number of a video's first frame: OpenFace counts from 1, py-feat and LibreFace from 0.
    first: u64,
    time: Option<(usize, f64)>,
    face: Option<usize>,
    success: Option<usize>,
    bounds: Option<[usize; 4]>,
    /// 68 columns of x, 68 of y; none without landmarks.
    points: Vec<usize>,
    video: Option<usize>,
    identity: Option<usize>,
}

/// Where a row belongs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaceRow {
    /// The frame's number as the file has it.
    pub number: u64,
    /// The same counted from 0.
    pub frame: usize,
    /// Seconds; none without such a column, or where a lost frame has none.
    pub time: Option<f64>,
    /// The number of the face's track, where the table has one.
    pub face: Option<i64>,
    /// Whether the tracker says that it has lost the face: the measurements of such a row mean nothing, and are not read.
    pub lost: bool,
    /// The video; none without such a column, or in a row that leaves it blank.
    pub video: Option<String>,
}

impl FaceColumns {
    /// By a header; none where no column counts frames.
    pub fn of(header: &[String]) -> Option<Self> {
        let lower: Vec<String> = header.iter().map(|name| name.to_ascii_lowercase()).collect();
        let find = |name: &str| lower.iter().position(|h| h == name);
        let openface = find("confidence").is_some() && find("success").is_some();
        let points: Option<Vec<usize>> =
            ["x", "y"].iter().flat_map(|axis| (0..68).map(move |i| find(&format!("{axis}_{i}")))).collect();
        let bounds: Option<Vec<usize>> = BOX.iter().map(|name| find(name)).collect();
        Some(Self {
            header: header.to_vec(),
            frame: FRAMES.iter().find_map(|name| find(name))?,
            first: u64::from(openface),
            time: TIMES.iter().find_map(|(name, unit)| Some((find(name)?, *unit))),
            face: find("face_id"),
            success: find("success"),
            bounds: bounds.and_then(|b| b.try_into().ok()),
            points: points.unwrap_or_default(),
            video: find("input"),
            identity: find("identity"),
        })
    }

    /// Whether a column says where a row belongs, and is no measurement.
    pub fn has(&self, column: usize) -> bool {
        let own = [Some(self.frame), self.time.map(|t| t.0), self.face, self.success, self.video, self.identity];
        own.contains(&Some(column))
    }

    /// Whether the rows are timed.
    pub fn timed(&self) -> bool {
        self.time.is_some()
    }

    /// Whether times begin with 0 at the first frame, whatever the video's own say: OpenFace computes them from the rate.
    pub fn from_zero(&self) -> bool {
        self.first == 1
    }

    /// The 68 landmarks' columns, all x before all y; none without landmarks.
    pub fn points(&self) -> &[usize] {
        &self.points
    }

    /// A cell as a number; NaN for blanks and all forms of NaN.
    ///
    /// # Errors
    /// When it is something else; the column is named.
    pub fn number(&self, record: &csv::StringRecord, column: usize) -> Result<f64> {
        let text = record.get(column).unwrap_or_default();
        let name = self.header.get(column).map_or("", String::as_str);
        number(text).with_context(|| format!("column {name} is `{text}`, not a number"))
    }

    /// The error of a cell that says that there is no value, where one is needed.
    ///
    /// # Errors
    /// Always.
    pub fn refuse(&self, record: &csv::StringRecord, column: usize) -> Result<()> {
        let name = self.header.get(column).map_or("", String::as_str);
        match record.get(column).unwrap_or_default() {
            "" => bail!("column {name} is blank, and a number is expected"),
            text => bail!("column {name} is `{text}`, and a number is expected"),
        }
    }

    /// Where a row belongs.
    ///
    /// # Errors
    /// For what is not a number, and frames or times that cannot be.
    pub fn row(&self, record: &csv::StringRecord) -> Result<FaceRow> {
        let at = |column: usize| self.number(record, column);
        let success = self.success.map_or(Ok(1.0), at)?;
        // A blank is no success, too.
        let lost = success.is_nan() || success < 0.5;
        let frame = at(self.frame)?;
        ensure!((0.0..1e15).contains(&frame), "column {} is {frame}", self.header[self.frame]);
        let number = frame as u64;
        let counted = number.checked_sub(self.first);
        let counted = counted.with_context(|| format!("frame {number}: OpenFace's frames are counted from 1"))?;
        let time = self.time.map(|(column, unit)| Ok::<f64, anyhow::Error>(at(column)? * unit)).transpose()?;
        let good = |t: &f64| t.is_finite() && *t >= 0.0;
        ensure!(lost || time.as_ref().is_none_or(good), "the time of frame {number} is {} s", time.unwrap_or_default());
        let face = self.face.map(at).transpose()?;
        ensure!(lost || face.is_none_or(f64::is_finite), "frame {number} has a face without a number");
        Ok(FaceRow {
            number,
            frame: counted as usize,
            time: time.filter(good),
            face: face.map(|f| f as i64),
            lost,
            video: self.video.and_then(|c| video_of(record.get(c).unwrap_or_default())),
        })
    }

    /// The face's box, or that of its landmarks; none where the table has neither.
    ///
    /// # Errors
    /// When a cell is not a number.
    pub fn bounds(&self, record: &csv::StringRecord) -> Result<Option<Bounds>> {
        let at = |column: usize| self.number(record, column).map(|value| value as f32);
        if let Some(columns) = self.bounds {
            let [left, top, width, height] = columns.map(at);
            let (left, top) = (left?, top?);
            let bounds = Bounds { left, top, right: left + width?, bottom: top + height? };
            return Ok(Some(bounds).filter(|b| [b.left, b.top, b.right, b.bottom].iter().all(|v| v.is_finite())));
        }
        if self.points.is_empty() {
            return Ok(None);
        }
        let mut points: Landmarks = [[0.0; 2]; 68];
        for (i, point) in points.iter_mut().enumerate() {
            *point = [at(self.points[i])?, at(self.points[68 + i])?];
        }
        Ok(points.as_flattened().iter().all(|v| v.is_finite()).then(|| bounds_of(&points)))
    }
}

/// The video of a cell of py-feat's column `input`: its path, or of a picture that of its folder.
fn video_of(cell: &str) -> Option<String> {
    let path = cell.replace('\\', "/");
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let is_picture = PICTURES.contains(&ending.as_str());
    let folder = || path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let video = if is_picture { folder() } else { path.clone() };
    Some(video).filter(|_| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(header: &str) -> FaceColumns {
        FaceColumns::of(&header.split(',').map(str::to_owned).collect::<Vec<_>>()).unwrap()
    }

    fn record(row: &str) -> csv::StringRecord {
        row.split(',').collect::<Vec<_>>().into()
    }

    #[test]
    fn frames_are_counted_from_0_whoever_wrote_the_table() {
        let open_face = columns("frame,face_id,timestamp,confidence,success,AU01_r");
        let row = open_face.row(&record("1,2,0.5,0.9,1,1")).unwrap();
        assert_eq!((row.number, row.frame, row.time, row.face, row.lost), (1, 0, Some(0.5), Some(2), false));
        assert!(open_face.row(&record("0,0,0,0.9,1,1")).unwrap_err().to_string().contains("counted from 1"));
        let py_feat = columns("frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU01,input");
        let row = py_feat.row(&record("0.0,10,20,30,40,0.9,1,C:\\videos\\a.mp4")).unwrap();
        assert_eq!((row.frame, row.time, row.video.as_deref()), (0, None, Some("C:/videos/a.mp4")));
        let bounds = py_feat.bounds(&record("0,10,20,30,40,0.9,1,a.mp4")).unwrap().unwrap();
        assert_eq!([bounds.left, bounds.top, bounds.right, bounds.bottom], [10.0, 20.0, 40.0, 60.0]);
        let libre_face = columns("frame_idx,frame_time_in_ms,au_1_intensity");
        assert_eq!(libre_face.row(&record("3,250,1")).unwrap().time, Some(0.25));
        // Pictures of a folder are frames of one video.
        assert_eq!(video_of("shots/a/0001.PNG").as_deref(), Some("shots/a"));
    }

    #[test]
    fn a_lost_frame_may_have_anything_but_no_frame_number() {
        let c = columns("frame,timestamp,confidence,success,AU01_r");
        let row = c.row(&record("7,-nan(ind),0.02,0,-nan(ind)")).unwrap();
        assert!(row.lost && row.time.is_none() && row.frame == 6);
        assert!(c.row(&record("7,-nan(ind),0.9,1,1")).unwrap_err().to_string().contains("time of frame 7"));
        assert!(c.row(&record("x,0,0.9,0,1")).unwrap_err().to_string().contains("column frame is `x`"));
    }
}
