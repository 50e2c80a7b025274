//! Tables of a face's action units, frame by frame, as three programs write them: py-feat (Cheong et al. 2023), OpenFace
//! 2.2 (Baltrusaitis et al. 2018) and LibreFace (Chang et al., arXiv:2308.10713).

mod layout;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use layout::{Layout, Row, recognise};

use super::clip::Series;
use super::resample::{RawFrame, filled};
use ferrotype_data::foreign::short_names;
use ferrotype_data::text_table;
use ferrotype_vision::faces::{Bounds, Tracker};

/// Which program wrote a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// Recognised by its header.
    #[default]
    Auto,
    /// py-feat: `frame`, `FaceScore`, `AU01`, ...
    PyFeat,
    /// OpenFace 2.2's FeatureExtraction or FaceLandmarkVidMulti: `frame`, `confidence`, `success`, `AU01_r`, ...
    OpenFace,
    /// LibreFace: `frame_idx`, `frame_time_in_ms`, `au_1_intensity`, ...
    LibreFace,
}

impl TableKind {
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "any program",
            Self::PyFeat => "py-feat",
            Self::OpenFace => "OpenFace",
            Self::LibreFace => "LibreFace",
        }
    }
}

/// How tables are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TableOptions {
    /// Who wrote them.
    pub kind: TableKind,
    /// Frames per second, for tables that number their frames and do not time them.
    pub rate: f64,
    /// Faces that the program is less sure of count as none.
    pub min_score: f64,
    /// Seconds: see [`filled`].
    pub max_gap: f64,
}

impl TableOptions {
    /// What is impossible in the options of a source of tables below the folder `root`, by the source's keys.
    pub fn problems(&self, root: &Path) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if root.as_os_str().is_empty() {
            found.push(("root", "is empty; expected a folder".into()));
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            found.push(("fps", format!("{} is impossible; expected frames per second above 0", self.rate)));
        }
        if !(0.0..=1.0).contains(&self.min_score) {
            found.push(("min_score", format!("{} is impossible; expected 0 to 1", self.min_score)));
        }
        found
    }
}

/// What was found in a table, or in several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows.
    pub rows: usize,
    /// A last row without any value, beyond the last frame: py-feat writes one.
    pub extra: usize,
    /// Frames without a face, or with a blank.
    pub blank: usize,
    /// Of these, filled in between their neighbours.
    pub interpolated: usize,
    /// Of these, left out.
    pub left_out: usize,
    /// Frames with more than one face.
    pub crowded: usize,
}

impl Counts {
    /// Adds those of another table.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.extra += other.extra;
        self.blank += other.blank;
        self.interpolated += other.interpolated;
        self.left_out += other.left_out;
        self.crowded += other.crowded;
    }
}

/// A table, cleaned: one face, in order of time, without gaps that can be filled.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameTable {
    /// Who wrote it.
    pub kind: TableKind,
    /// Names of the action units: `AU01`, ...
    pub units: Vec<String>,
    /// Their intensities; no frames where no face was found in any.
    pub intensities: Series,
    /// 68 points, x and y in turn, where the table has them.
    pub landmarks: Option<Series>,
    /// Seconds from the first frame to the end of the last, with or without a face.
    pub seconds: f64,
    /// What was found.
    pub counts: Counts,
}

/// Whether a file's header is that of such a table.
pub fn is_frame_table(path: &Path) -> Result<bool> {
    Ok(recognise(&header(&mut text_table::open(path)?, path)?).is_some())
}

/// Reads a table of one video.
///
/// # Errors
/// As [`read_videos`]; and when the table holds several videos, which are named.
pub fn read(path: &Path, options: &TableOptions) -> Result<FrameTable> {
    let mut videos = read_videos(path, options)?;
    if videos.len() > 1 {
        let names: Vec<String> = videos.into_iter().filter_map(|(name, _)| name).collect();
        bail!("{} holds several videos ({}): one table per clip is needed here", path.display(), listed(&names, 4));
    }
    videos.pop().map(|(_, table)| table).with_context(|| format!("{} has no rows", path.display()))
}

/// Reads a table: one clip, or of a table of several videos (py-feat's column `input`) one for each, with its path as far as
/// it tells the videos apart.
///
/// # Errors
/// When the file cannot be read, is of another kind, lacks columns, has a cell that is neither a number nor blank, a column
/// that is blank in every row, or faces that cannot be told apart; line and column are named.
pub fn read_videos(path: &Path, options: &TableOptions) -> Result<Vec<(Option<String>, FrameTable)>> {
    let shown = path.display();
    let mut reader = text_table::open(path)?;
    let header = header(&mut reader, path)?;
    let kind = match (options.kind, recognise(&header)) {
        (TableKind::Auto, Some(kind)) => kind,
        (TableKind::Auto, None) => bail!(
            "{shown} is no table of action units that is known here: py-feat's has the columns frame, FaceScore and AU01, \
             OpenFace's frame, confidence, success and AU01_r, LibreFace's frame_idx and au_1_intensity"
        ),
        (wanted, _) => wanted,
    };
    let layout = Layout::of(kind, &header).with_context(|| format!("{shown} is no table of {}", kind.name()))?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("{shown} is not a table"))?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(layout.row(&record, options).with_context(|| format!("{shown}, line {line}"))?);
    }
    ensure!(!rows.is_empty(), "{shown} has a header and no rows");
    let videos = by_video(rows);
    let several = videos.len() > 1;
    let clean = |(name, rows): (String, Vec<Row>)| {
        let context = || if several { format!("{shown}, the video {name}") } else { shown.to_string() };
        let table = clean(kind, &layout, rows, options).with_context(context)?;
        Ok((several.then_some(name), table))
    };
    videos.into_iter().map(clean).collect()
}

/// The rows of each video, in the order of their first rows. A row that names none belongs to the one before.
fn by_video(rows: Vec<Row>) -> Vec<(String, Vec<Row>)> {
    let mut videos: Vec<(String, Vec<Row>)> = Vec::new();
    let mut last = rows.iter().find_map(|row| row.video.clone()).unwrap_or_default();
    for row in rows {
        last = row.video.clone().unwrap_or(last);
        match videos.iter_mut().find(|(name, _)| *name == last) {
            Some((_, own)) => own.push(row),
            None => videos.push((last.clone(), vec![row])),
        }
    }
    let names: Vec<String> = videos.iter().map(|(name, _)| name.clone()).collect();
    short_names(&names).into_iter().zip(videos).map(|(name, (_, rows))| (name, rows)).collect()
}

fn header(reader: &mut text_table::Reader, path: &Path) -> Result<Vec<String>> {
    let header = reader.headers().with_context(|| format!("{} is not a table", path.display()))?;
    Ok(header.iter().map(|name| name.trim().to_owned()).collect())
}

fn clean(kind: TableKind, layout: &Layout, mut rows: Vec<Row>, options: &TableOptions) -> Result<FrameTable> {
    let mut counts = Counts { rows: rows.len(), ..Counts::default() };
    if kind == TableKind::PyFeat && rows.len() > 1 && rows.last().is_some_and(Row::is_empty) {
        rows.pop();
        counts.extra = 1;
    }
    refuse_blank_columns(layout, &rows)?;
    let all = rows.len();
    rows.retain(|row| row.time.is_some());
    let untimed = all - rows.len();
    ensure!(!rows.is_empty(), "no row has a time");
    rows.sort_by(|a, b| time_of(a).total_cmp(&time_of(b)));
    let times: Vec<f64> = {
        let mut all: Vec<f64> = rows.iter().map(time_of).collect();
        all.dedup();
        all
    };
    follow(&mut rows)?;
    let chosen = one_face(rows, &times, &mut counts);
    counts.blank = chosen.iter().filter(|f| f.values.is_none()).count();
    let (series, interpolated, left_out) = filled(&chosen, options.max_gap);
    counts.blank += untimed;
    (counts.interpolated, counts.left_out) = (interpolated, left_out + untimed);
    let width = layout.units.len();
    let part = |from: usize, to: usize| Series {
        times: series.times.clone(),
        values: series.values.chunks_exact(width + layout.points.len()).flat_map(|r| &r[from..to]).copied().collect(),
    };
    let span = times.last().unwrap_or(&0.0) - times.first().unwrap_or(&0.0);
    let step = if times.len() > 1 { span / (times.len() - 1) as f64 } else { 1.0 / options.rate };
    Ok(FrameTable {
        kind,
        units: layout.units.iter().map(|u| u.0.clone()).collect(),
        intensities: part(0, width),
        landmarks: (!layout.points.is_empty()).then(|| part(width, width + layout.points.len())),
        seconds: span + step,
        counts,
    })
}

/// A column without any number, in a table whose other columns have some, is a broken table and no missing face.
fn refuse_blank_columns(layout: &Layout, rows: &[Row]) -> Result<()> {
    let width = layout.units.len() + layout.points.len();
    let blank: Vec<usize> = (0..width).filter(|&c| rows.iter().all(|r| r.values[c].is_nan())).collect();
    if blank.is_empty() || blank.len() == width {
        return Ok(());
    }
    let name = |c: usize| match layout.units.get(c) {
        Some((name, _)) => name.clone(),
        None => format!("{}_{}", ["x", "y"][(c - layout.units.len()) % 2], (c - layout.units.len()) / 2),
    };
    let names: Vec<String> = blank.iter().map(|&c| name(c)).collect();
    bail!(
        "no row has a number in the column{} {}: leave {} out of the table, or measure anew",
        if names.len() > 1 { "s" } else { "" },
        listed(&names, 6),
        if names.len() > 1 { "them" } else { "it" }
    )
}

fn time_of(row: &Row) -> f64 {
    row.time.unwrap_or_default()
}

/// Numbers the faces of a table that does not: in one with several faces in a frame, whoever keeps his place from frame to
/// frame is one person. A face that was lost is the same where it comes back to its place.
fn follow(rows: &mut [Row]) -> Result<()> {
    let found = |row: &&mut Row| row.is_whole();
    let mut tracker = Tracker::new(f64::INFINITY);
    let numbered = rows.iter().all(|row| row.face.is_some() || !row.is_whole());
    let crowded = rows.chunk_by(|a, b| a.time == b.time).any(|frame| frame.iter().filter(|r| r.is_whole()).count() > 1);
    if numbered || !crowded {
        return Ok(());
    }
    for frame in rows.chunk_by_mut(|a, b| a.time == b.time) {
        let time = time_of(&frame[0]);
        let mut here: Vec<&mut Row> = frame.iter_mut().filter(found).collect();
        let bounds: Option<Vec<Bounds>> = here.iter().map(|row| row.bounds).collect();
        let bounds = bounds.with_context(|| {
            format!(
                "the table has several faces in a frame, and nothing says whose the row at {time} s is: keep the columns \
                 FaceRectX, FaceRectY, FaceRectWidth and FaceRectHeight (or the landmarks, or face_id), or leave one person in"
            )
        })?;
        for (row, track) in here.iter_mut().zip(tracker.step(time, &bounds)) {
            row.face = Some(track as i64);
        }
    }
    Ok(())
}

/// One face per frame: the one with the greatest sum of scores over the whole table.
fn one_face(rows: Vec<Row>, times: &[f64], counts: &mut Counts) -> Vec<RawFrame> {
    let mut weights = BTreeMap::<i64, f64>::new();
    for row in rows.iter().filter(|r| r.is_whole()) {
        *weights.entry(row.face.unwrap_or_default()).or_default() += row.score;
    }
    let main = weights.iter().fold(None, |best: Option<(i64, f64)>, (&face, &weight)| match best {
        Some((_, w)) if w >= weight => best,
        _ => Some((face, weight)),
    });
    let mut rows = rows.into_iter().peekable();
    let mut frames = Vec::with_capacity(times.len());
    for &time in times {
        let mut here = Vec::new();
        while let Some(row) = rows.next_if(|r| time_of(r) == time) {
            here.push(row);
        }
        counts.crowded += usize::from(here.iter().filter(|r| !r.is_empty()).count() > 1);
        let own = here
            .into_iter()
            .filter(|r| r.is_whole() && main.is_some_and(|(face, _)| face == r.face.unwrap_or_default()));
        let best = own.reduce(|best, row| if row.score > best.score { row } else { best });
        frames.push(RawFrame { time, values: best.map(|row| row.values) });
    }
    frames
}

#[cfg(test)]
mod tests;
