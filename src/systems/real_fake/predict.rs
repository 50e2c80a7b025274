//! A fitted method on tables whose truth is not known.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::eval::Loaded;
use super::scores;
use super::view::experiment_of;
use crate::systems::pool::in_pool;
use ferrotype_real_fake::clip::{CLASSES, Clip, ClipSet, Part};
use ferrotype_real_fake::data::{RealFakeData, at_rate, check};
use ferrotype_real_fake::frame_table::{self, FrameTable, TableKind, TableOptions};
use ferrotype_real_fake::sources::RealFakeSource;
use ferrotype_real_fake::sources::au_tables::{files_below, name_of};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;

/// What `ferrotype predict` was asked for.
pub struct PredictRequest<'a> {
    /// Tables, or folders of them.
    pub paths: &'a [PathBuf],
    /// The emotion that they show.
    pub emotion: Option<&'a str>,
    /// Also write the predictions to this file.
    pub csv: Option<&'a Path>,
    /// Another device than the experiment's.
    pub device: Option<&'a str>,
}

/// Scores tables of action units, all together; gives a line for each.
///
/// # Errors
/// When the run or a table cannot be read, or a table lacks what the method was fitted on.
pub fn predict(run: &RunFolder, request: &PredictRequest) -> Result<String> {
    let threads = experiment_of(run)?.threads;
    in_pool(threads, |_| predict_in_pool(run, request))
}

fn predict_in_pool(run: &RunFolder, request: &PredictRequest) -> Result<String> {
    let loaded = Loaded::open(run, request.device)?;
    let known = loaded.facts.emotions.clone();
    // Of one emotion only, it goes without saying.
    let emotion = request.emotion.or(if known.len() == 1 { Some(&known[0]) } else { None });
    let set = loaded.like_fitted(read(&loaded.experiment.data, request.paths, emotion)?)?;
    let places: Vec<usize> = (0..set.clips.len()).collect();
    let values = loaded.method(&set).and_then(|method| scores(method.as_ref(), &set, &places));
    let values = if emotion.is_none() && !known.is_empty() {
        values.with_context(|| {
            format!("the run knows the emotions {}: say which one is shown with --emotion", known.join(", "))
        })?
    } else {
        values?
    };
    let called = |score: f64| CLASSES[usize::from(score > 0.0)];
    if let Some(path) = request.csv {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(["file", "prediction", "score"])?;
        for (clip, &score) in set.clips.iter().zip(&values) {
            out.write_record([clip.name.as_str(), called(score), &score.to_string()])?;
        }
        write_atomic(path, &out.into_inner().context("the table of predictions cannot be made")?)?;
    }
    let line = |(clip, &score): (&Clip, &f64)| format!("{}: {} (score {score:.4})", clip.name, called(score));
    let mut lines: Vec<String> = set.clips.iter().zip(&values).map(line).collect();
    lines.extend(set.notes.iter().map(|note| format!("note: {note}")));
    Ok(lines.join("\n"))
}

/// The tables as clips without a truth.
fn read(data: &RealFakeData, paths: &[PathBuf], emotion: Option<&str>) -> Result<ClipSet> {
    let table = match &data.source {
        RealFakeSource::AuTables(o) => o.table(data.max_gap),
        RealFakeSource::SaseFe(o) => o.table(data.max_gap),
        _ => TableOptions { kind: TableKind::Auto, rate: 30.0, min_score: 0.0, max_gap: data.max_gap },
    };
    let mut set = ClipSet::default();
    set.emotions.extend(emotion.map(str::to_owned));
    for path in files(paths)? {
        for (video, found) in frame_table::read_videos(&path, &table)? {
            let own = name_of(Path::new(""), &path);
            let name = video.map_or(own.clone(), |video| format!("{own}/{video}"));
            if found.intensities.is_empty() {
                bail!("{} has no face in any frame", if name == own { path.display().to_string() } else { name });
            }
            add(&mut set, name, found, emotion).with_context(|| path.display().to_string())?;
        }
    }
    if let Some(rate) = data.rate {
        at_rate(&mut set, rate, data.max_gap);
    }
    set.clips.sort_by(|a, b| a.name.cmp(&b.name));
    check(&set)?;
    Ok(set)
}

/// Adds a clip. Each table may order its action units in its own way.
fn add(set: &mut ClipSet, name: String, found: FrameTable, emotion: Option<&str>) -> Result<()> {
    if set.clips.is_empty() {
        set.units = found.units.clone();
    }
    let mut one = ClipSet { units: found.units, ..ClipSet::default() };
    one.clips.push(Clip {
        name,
        subject: None,
        emotion: emotion.map(|_| 0),
        real: None,
        part: Part::Test,
        seconds: found.seconds,
        units: Some(found.intensities),
        landmarks: found.landmarks,
        descriptor: None,
        video: None,
    });
    one.take_units(&set.units)?;
    set.clips.append(&mut one.clips);
    Ok(())
}

fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            files_below(path, "csv", &mut files)?;
            if files.len() == before {
                bail!("there are no .csv files below {}", path.display());
            }
        } else if path.is_file() {
            files.push(path.clone());
        } else {
            bail!("there is no file or folder {}", path.display());
        }
    }
    Ok(files)
}
