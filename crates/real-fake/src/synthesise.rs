//! A set in exactly SASE-FE's form, of synthetic expressions on synthetic faces: folders, H.264 files, and OpenFace's tables.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use rayon::prelude::*;

use super::acts::{Act, EMOTIONS, FULL};
use super::sources::generated::GeneratedClipsOptions;
use ferrotype_base::random::mix;
use ferrotype_data::progress::Work;
use ferrotype_run::files::{explain, write_atomic};
use ferrotype_vision::clips::synthesise::{MARK, Synthesised, UNITS, openface_header, openface_row};
use ferrotype_vision::video::{self, Encoder};

/// Pixels of a landmark's error in a frame of 200, where intensities (of 1) err by as much.
pub(super) const ERROR: f64 = 15.0;
/// Frames that are drawn at a time.
const CHUNK: usize = 64;

/// Writes the set: training clips `<subject>/<code>.MP4`, validation and test clips `val/` and `test/<10 digits>_<EMOTION>.mp4`
/// (a tenth of the subjects each, whom nothing names), tables in the same form below `openface/`, and the truth of the
/// validation clips in `validation_labels.csv`. Without a size, only tables.
///
/// # Errors
/// When an option is out of range, ffmpeg is missing, or a file cannot be written.
pub fn sase_fe(options: &GeneratedClipsOptions, size: Option<usize>, out: &Path) -> Result<Synthesised> {
    if let Some((name, problem)) = options.problems().into_iter().next() {
        bail!("--{name}: {problem}");
    }
    ensure!(
        options.subjects >= 3,
        "{} subjects: at least 3 are needed, to train, to validate and to test",
        options.subjects
    );
    if let Some(size) = size {
        ensure!(
            (64..=1024).contains(&size) && size.is_multiple_of(2),
            "frames of {size} pixels: an even number from 64 to 1024"
        );
        video::available()?;
    }
    let mut done = Synthesised::default();
    let mut labels = String::from("name,truth\n");
    let acts = options.acts();
    let work = Work::begin("clips", 0, acts.len());
    for act in &acts {
        let (folder, name) = place(act, options.subjects);
        if folder == "val" {
            labels += &format!("{name},{}\n", if act.real { "real" } else { "fake" });
        }
        // As in the original, training names are written large and others small.
        let extension = if matches!(folder.as_str(), "val" | "test") { "mp4" } else { "MP4" };
        if let Some(size) = size {
            draw(act, size, &make(&out.join(&folder))?.join(format!("{name}.{extension}")))?;
        }
        let table = make(&out.join("openface").join(&folder))?.join(format!("{name}.csv"));
        write_atomic(table, self::table(act, size.unwrap_or(200), options.noise).as_bytes())?;
        done.clips += 1;
        done.frames += act.frames;
        work.add(1);
    }
    let mark =
        "The faces in this folder are drawn, not photographed. Ferrotype marks what it makes of them as synthetic.\n";
    write_atomic(out.join(MARK), mark.as_bytes())?;
    write_atomic(out.join("validation_labels.csv"), labels.as_bytes())?;
    Ok(done)
}

/// Folder and name of a clip, without extension.
fn place(act: &Act, subjects: usize) -> (String, String) {
    let tenth = (subjects / 10).max(1);
    let folder = match subjects - act.subject {
        from_last if from_last < tenth => "test",
        from_last if from_last < 2 * tenth => "val",
        _ => return (act.subject.to_string(), act.code().to_owned()),
    };
    // Nothing about the number tells the subject.
    let number = mix((act.subject * 100 + 10 * act.emotion + usize::from(act.real)) as u64) % 10_000_000_000;
    let emotion = match EMOTIONS[act.emotion].0 {
        "contempt" => "CONTENTMENT".to_owned(),
        other => other.to_uppercase(),
    };
    (folder.to_owned(), format!("{number:010}_{emotion}"))
}

fn make(folder: &Path) -> Result<&Path> {
    std::fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
    Ok(folder)
}

fn draw(act: &Act, size: usize, path: &Path) -> Result<()> {
    let mut encoder = Encoder::start(path, [size; 2], act.rate)?;
    let numbers: Vec<usize> = (0..act.frames).collect();
    for chunk in numbers.chunks(CHUNK) {
        let drawn: Vec<Vec<u8>> = chunk.par_iter().map(|&frame| act.draw(frame, size).pixels).collect();
        drawn.iter().try_for_each(|pixels| encoder.push(pixels))?;
    }
    encoder.finish()
}

/// What OpenFace would write of a clip, with a measurement's errors.
fn table(act: &Act, size: usize, noise: f64) -> String {
    let (units, points) = measured(act, size, noise);
    let mut table = openface_header();
    for frame in 0..act.frames {
        let landmarks: Vec<[f32; 2]> =
            points[136 * frame..136 * (frame + 1)].chunks_exact(2).map(|p| [p[0], p[1]]).collect();
        let own = &units[UNITS.len() * frame..UNITS.len() * (frame + 1)];
        table += &openface_row(frame, act.time(frame), &landmarks, own);
    }
    table
}

/// Intensities of [`UNITS`], 0 to 5, and the coordinates of 68 landmarks of every frame, measured with errors.
pub(super) fn measured(act: &Act, size: usize, noise: f64) -> (Vec<f32>, Vec<f32>) {
    let mut units = Vec::with_capacity(act.frames * UNITS.len());
    let mut points = Vec::with_capacity(act.frames * 136);
    for frame in 0..act.frames {
        let face = act.face(frame);
        units.extend(UNITS.iter().map(|(unit, _)| face.both(*unit)));
        points.extend(act.landmarks(frame, size).into_iter().flatten());
    }
    for (value, error) in units.iter_mut().zip(act.errors(UNITS.len(), noise, 0)) {
        *value = FULL * (*value + error).clamp(0.0, 1.0);
    }
    for (value, error) in points.iter_mut().zip(act.errors(136, ERROR * noise * size as f64 / 200.0, 1)) {
        *value += error;
    }
    (units, points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::Part;
    use crate::data::{RealFakeData, obtain};
    use crate::sources::RealFakeSource;
    use crate::sources::sase_fe::{Duplicates, SaseFeOptions};
    use crate::split::RealFakeSplit;

    fn options() -> GeneratedClipsOptions {
        GeneratedClipsOptions { subjects: 4, seconds: 0.5, rate: 20.0, ..GeneratedClipsOptions::default() }
    }

    fn read_back(root: &Path) -> crate::clip::ClipSet {
        let source = SaseFeOptions {
            root: root.to_owned(),
            tables: Some(root.join("openface")),
            kind: crate::frame_table::TableKind::Auto,
            fps: 100.0,
            min_score: 0.0,
            labels: Some(root.join("validation_labels.csv")),
            duplicates: Duplicates::Drop,
        };
        let data = RealFakeData {
            source: RealFakeSource::SaseFe(source),
            rate: None,
            max_gap: 0.25,
            split: RealFakeSplit::Official,
            fold: 0,
            validation: 0.2,
        };
        obtain(&data).unwrap_or_else(|e| panic!("{e:#}"))
    }

    #[test]
    fn the_set_is_read_as_sase_fe_is() {
        let out = tempfile::tempdir().unwrap();
        assert_eq!(sase_fe(&options(), None, out.path()).unwrap().clips, 48);
        let set = read_back(out.path());
        let count =
            |part: Part, real: Option<bool>| set.clips.iter().filter(|c| c.part == part && c.real == real).count();
        assert_eq!((count(Part::Training, Some(true)), count(Part::Training, Some(false))), (12, 12));
        assert_eq!((count(Part::Validation, Some(true)), count(Part::Validation, Some(false))), (6, 6));
        assert_eq!((count(Part::Test, None), set.emotions.len(), set.units.len()), (12, 6, 17));
        assert!(set.synthetic && set.clips.iter().all(|c| c.landmarks.is_some() && c.video.is_none()));
        let mut subjects: Vec<_> = set.clips.iter().filter_map(|c| c.subject.clone()).collect();
        subjects.dedup();
        assert_eq!(subjects, ["1", "2"]);
        // The tables hold what the synthetic clips of the same options do, rounded.
        let act = &options().acts()[0];
        let clip = set.clips.iter().find(|c| c.name == "1/N2H").unwrap();
        let (units, _) = measured(act, 200, 0.03);
        assert!(clip.units.as_ref().unwrap().values.iter().zip(units).all(|(a, b)| (a - b).abs() < 0.006));
        assert!(sase_fe(&GeneratedClipsOptions { subjects: 2, ..options() }, None, out.path()).is_err());
    }

    #[ferrotype_needs::needs(ffmpeg)]
    #[test]
    fn videos_are_written_beside_the_tables() {
        let out = tempfile::tempdir().unwrap();
        let small = GeneratedClipsOptions { subjects: 3, seconds: 0.5, rate: 10.0, ..options() };
        sase_fe(&small, Some(64), out.path()).unwrap();
        let set = read_back(out.path());
        assert!(set.clips.iter().all(|c| c.video.as_ref().is_some_and(|v| v.is_file())));
        assert!(out.path().join("1/N2H.MP4").is_file());
    }
}
