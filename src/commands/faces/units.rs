//! Further features of the faces, from a table of another program.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ferrotype_base::text::listed;

use super::scanner::Seen;
use ferrotype_anomaly::source::{TableRow, read_rows};
use ferrotype_data::foreign::Names;
use ferrotype_vision::faces::Bounds;

/// Seconds that a table's times are rounded by.
const ROUNDING: f64 = 1e-3;

/// Further features by frame and face.
pub struct Units {
    pub names: Vec<String>,
    /// In order of time, or of frames where there are no times.
    rows: Vec<TableRow>,
    timed: bool,
    from_zero: bool,
    /// Rows that the table has no face in.
    pub lost: usize,
}

impl Units {
    /// The rows of a video; a table of one video may call it as it likes.
    ///
    /// # Errors
    /// When the table cannot be read, has none of this video, or has several faces and nothing that says whose a row is.
    pub fn read(path: &Path, video: &Path) -> Result<Self> {
        let table = read_rows(path).context("--units")?;
        let mut rows = of_video(table.rows, video).with_context(|| format!("--units {}", path.display()))?;
        ensure!(!rows.is_empty(), "{} has no frames with a face", path.display());
        let timed = table.timed;
        rows.sort_by(|a, b| place(a, timed).total_cmp(&place(b, timed)));
        let crowded = rows.chunk_by(|a, b| place(a, timed) == place(b, timed)).find(|frame| frame.len() > 1);
        if let Some(frame) = crowded {
            ensure!(
                frame.iter().all(|row| row.bounds.is_some()),
                "{} has several faces in frame {}, and nothing says where they are: keep the columns FaceRectX, FaceRectY, \
                 FaceRectWidth and FaceRectHeight, or x_0 to y_67, or leave one person in",
                path.display(),
                frame[0].place.number
            );
        }
        let names = table.columns.iter().map(|c| c.name.clone()).collect();
        Ok(Self { names, rows, timed, from_zero: table.from_zero, lost: table.lost })
    }

    /// The features of each face of each frame. A row is of the frame that is nearest in time, at most half a frame away;
    /// without times, of the frame with its number. Where the table says where its faces are, a row is of the face that
    /// covers its place the most; else of every face of the frame.
    pub fn of(&self, frames: &[Seen]) -> Vec<Vec<Option<&[f32]>>> {
        let start = frames.first().filter(|_| self.from_zero).map_or(0.0, |f| f.time);
        let reach = if self.timed { half_a_frame(frames) + ROUNDING } else { 0.0 };
        let at = |frame: &Seen| if self.timed { frame.time - start } else { frame.number as f64 };
        let of_frame = |frame: &Seen| {
            let rows = self.near(at(frame), reach);
            let boxes: Vec<Bounds> = frame.faces.iter().map(|face| face.bounds).collect();
            assign(rows, &boxes).into_iter().map(|row| row.map(|row| row.values.as_slice())).collect()
        };
        frames.iter().map(of_frame).collect()
    }

    /// The rows of the nearest frame.
    fn near(&self, wanted: f64, reach: f64) -> &[TableRow] {
        let at = |row: &TableRow| place(row, self.timed);
        let after = self.rows.partition_point(|row| at(row) < wanted);
        let near = [after.checked_sub(1), Some(after).filter(|&i| i < self.rows.len())].into_iter().flatten();
        let distance = |i: usize| (at(&self.rows[i]) - wanted).abs();
        let Some(best) = near.min_by(|&a, &b| distance(a).total_cmp(&distance(b))).filter(|&i| distance(i) <= reach)
        else {
            return &[];
        };
        let time = at(&self.rows[best]);
        let from = self.rows.partition_point(|row| at(row) < time);
        let to = self.rows.partition_point(|row| at(row) <= time);
        &self.rows[from..to]
    }
}

fn place(row: &TableRow, timed: bool) -> f64 {
    if timed { row.place.time.unwrap_or_default() } else { row.place.frame as f64 }
}

/// Half the mean distance of the video's frames, in seconds.
fn half_a_frame(frames: &[Seen]) -> f64 {
    match (frames.first(), frames.last()) {
        (Some(a), Some(b)) if b.number > a.number => 0.5 * (b.time - a.time) / (b.number - a.number) as f64,
        _ => 0.0,
    }
}

/// The rows of the video, of a table of several.
fn of_video(rows: Vec<TableRow>, video: &Path) -> Result<Vec<TableRow>> {
    let videos: BTreeSet<String> = rows.iter().filter_map(|row| row.place.video.clone()).collect();
    if videos.len() < 2 {
        return Ok(rows);
    }
    let names = Names::new(videos.into_iter().collect());
    let wanted = video.to_string_lossy().replace('\\', "/");
    // The two may have been called from different folders: the longest end of the path that the table knows counts.
    let ends = std::iter::successors(Some(wanted.as_str()), |path| path.split_once('/').map(|(_, rest)| rest));
    for end in ends.filter(|end| !end.is_empty()) {
        if let Some(place) = names.find(end)? {
            let name = &names.all()[place];
            return Ok(rows.into_iter().filter(|row| row.place.video.as_ref() == Some(name)).collect());
        }
    }
    anyhow::bail!("it holds several videos ({}), and {} is none of them", listed(names.all(), 4), video.display())
}

/// The row of each face.
fn assign<'a>(rows: &'a [TableRow], faces: &[Bounds]) -> Vec<Option<&'a TableRow>> {
    if let [row] = rows
        && row.bounds.is_none()
    {
        return vec![Some(row); faces.len()];
    }
    let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
    for (r, bounds) in rows.iter().enumerate().filter_map(|(r, row)| Some((r, row.bounds?))) {
        pairs.extend(faces.iter().enumerate().map(|(f, face)| (bounds.overlap(face), r, f)));
    }
    pairs.retain(|pair| pair.0 > 0.0);
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let (mut of_face, mut taken) = (vec![None; faces.len()], vec![false; rows.len()]);
    for (_, r, f) in pairs {
        if of_face[f].is_none() && !taken[r] {
            of_face[f] = Some(&rows[r]);
            taken[r] = true;
        }
    }
    of_face
}

#[cfg(test)]
mod tests {
    use super::super::scanner::Face;
    use super::*;

    fn frames(rate: f64, boxes: &[[f32; 4]]) -> Vec<Seen> {
        let face = |b: &[f32; 4]| Face {
            bounds: Bounds { left: b[0], top: b[1], right: b[0] + b[2], bottom: b[1] + b[3] },
            track: 0,
            pixels: Vec::new(),
            embedding: Vec::new(),
            emotions: Vec::new(),
        };
        let frame = |i: usize| Seen { number: i, time: i as f64 / rate, faces: boxes.iter().map(face).collect() };
        (0..4).map(frame).collect()
    }

    fn units(text: &str, video: &str) -> Result<Units> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, text).unwrap();
        Units::read(&path, Path::new(video))
    }

    fn first_column(units: &Units, frames: &[Seen], face: usize) -> Vec<Option<f32>> {
        units.of(frames).iter().map(|frame| frame[face].map(|values| values[0])).collect()
    }

    const FACE: [f32; 4] = [10.0, 10.0, 50.0, 50.0];

    #[test]
    fn frames_are_met_whoever_counts_them() {
        let frames = frames(25.0, &[FACE]);
        let wanted = [Some(10.0), Some(11.0), Some(12.0), None];
        // OpenFace counts from 1, py-feat from 0.
        for text in [
            "frame,success,confidence,AU01_r\n1,1,10,10\n2,1,11,11\n3,1,12,12\n4,0,0,-nan(ind)\n",
            "frame,AU01,AU02\n0,10,1\n1,11,1\n2,12,1\n3,,\n",
            // Times decide, even where the numbers are somebody else's.
            "frame,timestamp,AU01\n7,0,10\n8,0.041,11\n9,0.08,12\n",
        ] {
            assert_eq!(first_column(&units(text, "a.mp4").unwrap(), &frames, 0), wanted, "{text}");
        }
    }

    #[test]
    fn faces_have_the_rows_of_their_places() {
        let frames = frames(25.0, &[FACE, [200.0, 10.0, 40.0, 40.0]]);
        let header = "frame,AU12,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight";
        let rows = "0,1,12,11,50,50\n0,2,205,10,40,40\n1,2,204,10,40,40\n1,1,11,10,50,50\n2,2,203,10,40,40\n";
        let found = units(&format!("{header}\n{rows}"), "a.mp4").unwrap();
        assert_eq!(first_column(&found, &frames, 0), [Some(1.0), Some(1.0), None, None]);
        assert_eq!(first_column(&found, &frames, 1), [Some(2.0), Some(2.0), Some(2.0), None]);
        let message = units("frame,AU12\n0,1\n0,2\n", "a.mp4").err().unwrap().to_string();
        assert!(message.contains("several faces in frame 0"), "{message}");
    }

    #[test]
    fn of_several_videos_the_one_that_is_meant_is_taken() {
        let text = "frame,AU12,input\n0,1,v/happy/001.mp4\n0,2,v/sad/001.mp4\n1,3,v/sad/001.mp4\n";
        let frames = frames(25.0, &[FACE]);
        let found = units(text, "/data/v/sad/001.mp4").unwrap();
        assert_eq!(first_column(&found, &frames, 0), [Some(2.0), Some(3.0), None, None]);
        let message = format!("{:#}", units(text, "001.mp4").err().unwrap());
        assert!(message.contains("v/happy/001.mp4, v/sad/001.mp4"), "{message}");
        assert!(format!("{:#}", units(text, "other.mp4").err().unwrap()).contains("is none of them"));
    }
}
