//! A set in exactly BAUM-1's form, of synthetic faces: folders, H.264 files, annotations, and OpenFace's tables with the true
//! landmarks.

use std::path::Path;

use anyhow::Result;

use super::baum::{ACTED, SPONTANEOUS, Subset};
use super::drawn::{EXPRESSIONS, Take, check, takes};
use super::make_folder;
use crate::video::{self, Encoder};
use ferrotype_data::options::SyntheticClipsOptions;
use ferrotype_data::progress::Work;
use ferrotype_data::synthetic::{Au, Expression};
use ferrotype_run::files::write_atomic;

/// OpenFace's action units that the generator has. Its AU45, the blink, is closed eyes here.
pub const UNITS: [(Au, &str); 17] = [
    (Au::InnerBrow, "AU01"),
    (Au::OuterBrow, "AU02"),
    (Au::BrowLower, "AU04"),
    (Au::UpperLid, "AU05"),
    (Au::Cheek, "AU06"),
    (Au::LidTight, "AU07"),
    (Au::NoseWrinkle, "AU09"),
    (Au::UpperLip, "AU10"),
    (Au::CornerPull, "AU12"),
    (Au::Dimple, "AU14"),
    (Au::CornerDown, "AU15"),
    (Au::Chin, "AU17"),
    (Au::LipStretch, "AU20"),
    (Au::LipTight, "AU23"),
    (Au::LipsPart, "AU25"),
    (Au::JawDrop, "AU26"),
    (Au::EyesClosed, "AU45"),
];

/// A file that says that a folder's clips are drawn: the one thing that the dataset itself does not have.
pub const MARK: &str = "SYNTHETIC.txt";

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synthesised {
    /// Number of clips.
    pub clips: usize,
    /// Number of frames in all of them.
    pub frames: usize,
}

/// Writes a set into the folder `out`: that of BAUM-1s, or with `acted` of BAUM-1a, which knows no neutral clips and has
/// disgust for contempt.
///
/// # Errors
/// When an option is out of range, ffmpeg is missing, or a file cannot be written.
pub fn baum(options: &SyntheticClipsOptions, acted: bool, out: &Path) -> Result<Synthesised> {
    check(options)?;
    video::available()?;
    let subset = if acted { &ACTED } else { &SPONTANEOUS };
    let shown: Vec<(usize, Expression)> = EXPRESSIONS
        .into_iter()
        .enumerate()
        .filter(|(_, e)| !acted || *e != Expression::Neutral)
        .map(|(class, e)| (class, if acted && e == Expression::Contempt { Expression::Disgust } else { e }))
        .collect();
    let takes = takes(options, &shown);
    let (videos, tables) = (out.join(subset.folders[0]), out.join("openface"));
    make_folder(&tables)?;
    let mut done = Synthesised::default();
    let work = Work::begin("clips", 0, takes.len());
    for take in &takes {
        work.at(&take.name());
        let folder = videos.join(take.subject().to_lowercase());
        make_folder(&folder)?;
        write_clip(take, options, &folder.join(format!("{}.mp4", take.name())), &tables)?;
        done.clips += 1;
        done.frames += take.performance.frames;
        work.add(1);
    }
    mark(out)?;
    let rows = annotations(&takes, subset);
    write_atomic(out.join(format!("Annotations_{}.csv", subset.name)), csv(&rows).as_bytes())?;
    Ok(done)
}

/// Writes the mark of drawn faces into a folder.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn mark(folder: &Path) -> Result<()> {
    let text =
        "The faces in this folder are drawn, not photographed. Ferrotype marks what it makes of them as synthetic.\n";
    write_atomic(folder.join(MARK), text.as_bytes())
}

fn write_clip(take: &Take, options: &SyntheticClipsOptions, path: &Path, tables: &Path) -> Result<()> {
    let mut encoder = Encoder::start(path, [options.size; 2], options.rate)?;
    let mut table = openface_header();
    for number in 0..take.performance.frames {
        let (pixels, points) = take.frame(number, options.size);
        encoder.push(&pixels)?;
        let time = take.time(number);
        let shown = take.performance.action_units(time);
        let units: Vec<f32> = UNITS.iter().map(|(unit, _)| 5.0 * shown.both(*unit)).collect();
        table += &openface_row(number, time, &points, &units);
    }
    encoder.finish()?;
    write_atomic(tables.join(format!("{}.csv", take.name())), table.as_bytes())
}

/// A row of OpenFace's table: frame `number` from 0, landmarks in pixels, and the intensities of [`UNITS`], 0 to 5.
pub fn openface_row(number: usize, time: f64, points: &[[f32; 2]], units: &[f32]) -> String {
    let mut row = format!("{}, 0, {time:.3}, 0.98, 1", number + 1);
    for axis in 0..2 {
        points.iter().for_each(|p| row += &format!(", {:.1}", p[axis]));
    }
    units.iter().for_each(|unit| row += &format!(", {unit:.2}"));
    row + "\n"
}

/// OpenFace 2.2's names, with its spaces.
pub fn openface_header() -> String {
    let mut header = "frame, face_id, timestamp, confidence, success".to_owned();
    for axis in ["x", "y"] {
        (0..68).for_each(|i| header += &format!(", {axis}_{i}"));
    }
    UNITS.iter().for_each(|(_, name)| header += &format!(", {name}_r"));
    header + "\n"
}

/// Rows of the annotations with their header. Columns A and C of the original are not known: here the row's number and
/// the sex, which is unknown of a synthetic face.
fn annotations(takes: &[Take], subset: &Subset) -> Vec<Vec<String>> {
    let header = ["No", "Subject", "Sentence", "Clip Name", "Emotion", "Emotion Code", "Gender"];
    let row = |(number, take): (usize, &Take)| {
        let state = take.performance.expression.name();
        // Every expression is a state of both sets, but for neutral, which is not drawn for the acted one.
        let code = subset.states.iter().position(|s| *s == state).map_or(0, |i| i + 1);
        let subject = (take.performance.subject + 1).to_string();
        let mut word = state.to_owned();
        word[..1].make_ascii_uppercase();
        vec![(number + 1).to_string(), subject, String::new(), take.name(), word, code.to_string(), String::new()]
    };
    std::iter::once(header.map(String::from).to_vec()).chain(takes.iter().enumerate().map(row)).collect()
}

fn csv(rows: &[Vec<String>]) -> String {
    rows.iter().map(|row| row.join(",") + "\n").collect()
}
