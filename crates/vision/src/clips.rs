//! From video files to prepared clips: who is in them, where the parts of the face are, and what the annotations say.
//!
//! A source makes a [`Plan`]: clips with their files and labels, and those that cannot be used. `extract` turns one file
//! into component pictures; a `journal` keeps what is finished, so that an interrupted preparation goes on where it was;
//! `making` goes the way from there to the prepared file.

mod baum;
mod drawn;
mod extract;
mod files;
mod frames;
#[cfg(test)]
mod golden_tests;
mod journal;
mod labels;
mod making;
mod sheet;
pub mod synthesise;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::faces::{Detector, Photo};
use crate::{micro, video};
use extract::Tools;
use ferrotype_data::clips::{ClipSet, Skipped};
use ferrotype_data::options::{SourceOptions, StorageOptions, VideoOptions};
use ferrotype_data::{FaceSet, Provenance, sources};
use ferrotype_run::files::explain;
use ferrotype_run::lock::OutLock;
use ferrotype_run::program::command_line;
use journal::{Journal, stamp};
use making::{Making, Wanted};

/// A clip to be prepared.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its name: `S001_015`, or more of its path where several files have that name.
    pub name: String,
    /// The video.
    pub file: std::path::PathBuf,
    /// Its path below the folder of videos.
    pub below: String,
    /// Its table of OpenFace.
    pub table: Option<std::path::PathBuf>,
    /// Who is in it; empty where unknown.
    pub subject: String,
    /// Class index.
    pub label: i16,
}

/// What is to be prepared, and what cannot be.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Clips with a video and a label.
    pub jobs: Vec<Job>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Annotated clips that cannot be used.
    pub skipped: Vec<Skipped>,
    /// Annotation files with their sha256.
    pub files: Vec<(String, String)>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// Whether a source gives clips rather than single pictures.
pub fn is_clips(source: &SourceOptions) -> bool {
    matches!(
        source,
        SourceOptions::Clips(_)
            | SourceOptions::Baum1a(_)
            | SourceOptions::Baum1s(_)
            | SourceOptions::Baum2(_)
            | SourceOptions::SyntheticClips(_)
    )
}

/// Refuses a way of keeping pictures that a source's pictures are not kept in: motion stays in the prepared file, and parts of
/// faces in clips stay pixels.
///
/// # Errors
/// When it is asked for.
pub fn check_storage(source: &SourceOptions, storage: &StorageOptions) -> Result<()> {
    ensure!(
        storage.is_default() || !micro::is_micro(source),
        "the pictures of the source {} are made of frames and stay in the prepared file: leave out --store, --shard-mb and \
         --jpeg-quality (in an experiment file: data.storage)",
        sources::name(source)
    );
    let is_raw = StorageOptions { shard_mb: None, ..storage.clone() }.is_default();
    ensure!(
        is_raw || !is_clips(source),
        "the parts of faces of the source {} are kept as pixels: leave out --store and --jpeg-quality (in an experiment file: \
         data.storage.pictures and jpeg_quality)",
        sources::name(source)
    );
    Ok(())
}

/// Prepares a source of any kind, of pictures, of clips or of micro-expressions, into the file `out`. Where another process
/// makes that file at this moment, waits until it is there.
///
/// # Errors
/// As [`prepare`] or [`prepare_pictures`], and when the file cannot be written.
pub fn write_source(source: &SourceOptions, out: &Path, storage: &StorageOptions) -> Result<()> {
    check_storage(source, storage)?;
    let when = || std::fs::metadata(out).and_then(|file| file.modified()).ok();
    let before = when();
    let waiting = |who: &str| eprintln!("{} is being made by {who}: waiting for it", out.display());
    let (_lock, has_waited) = OutLock::wait(out, waiting)?;
    if has_waited && when() != before {
        return Ok(());
    }
    if is_clips(source) {
        return prepare(source, out, &command_line(), storage).map(drop);
    }
    ferrotype_data::store::write(&prepare_pictures(source, out, &command_line(), Some(storage))?, out)
}

/// Makes the pictures of a source that is none of clips, to be written to `out`; faces are cut out by the detector that the
/// source names, if it names one. How pictures are kept, and what that means, says [`sources::prepare_with`].
///
/// # Errors
/// As [`micro::prepare`] or [`sources::prepare_with`], and when the detector cannot be used.
pub fn prepare_pictures(
    source: &SourceOptions,
    out: &Path,
    command: &str,
    storage: Option<&StorageOptions>,
) -> Result<FaceSet> {
    if micro::is_micro(source) {
        return micro::prepare(source, out, command);
    }
    let Some(path) = sources::detector(source) else {
        return sources::prepare_with(source, out, command, None, storage);
    };
    let detector = Detector::open(&path)?;
    let find = move |photo: &Photo| -> Result<Option<[f32; 4]>> {
        let found = detector.largest(&photo.picture(), 0.0, 1)?;
        Ok(found.first().map(|face| [face.bounds.left, face.bounds.top, face.bounds.right, face.bounds.bottom]))
    };
    sources::prepare_with(source, out, command, Some(&find), storage)
}

/// Prepares the clips of a source into the file `out`; gives everything but their pictures. Those of small sets stand in the
/// file, those of large ones in shards beside it.
///
/// Clips that cannot be used are left out and listed with the reason. Finished clips are kept beside `out` until the whole
/// is written, so a second call after an interruption does only what is missing.
///
/// # Errors
/// When the annotations or models cannot be read, ffmpeg is missing, no clip at all can be used, the disk has no room, or a
/// file cannot be written.
pub fn prepare(source: &SourceOptions, out: &Path, command: &str, storage: &StorageOptions) -> Result<ClipSet> {
    let place = (source, out, storage);
    let video = match source {
        SourceOptions::Clips(o) => &o.video,
        SourceOptions::Baum1a(o) | SourceOptions::Baum1s(o) => &o.video,
        SourceOptions::Baum2(o) => &o.video,
        SourceOptions::SyntheticClips(o) => {
            let making = drawn::making(o)?;
            let note = o.note()?;
            let journal = Journal::open(out, &note)?;
            let provenance = Provenance {
                source: sources::name(source).into(),
                synthetic: true,
                command: command.into(),
                notes: vec![note],
                ..Provenance::default()
            };
            return making.write(journal, provenance, Vec::new(), place);
        }
        _ => bail!("{} is a source of pictures, not of clips", sources::name(source)),
    };
    let mut plan = plan(source)?;
    if plan.jobs.is_empty() {
        bail!("there is no clip to prepare{}", reasons(&plan.skipped));
    }
    let tools = Tools::open(video)?;
    if let Some(folder) = &video.openface {
        files::find_tables(&mut plan.jobs, folder)?;
    }
    let journal = Journal::open(out, &described(video)?)?;
    let provenance = provenance(source, &plan, &tools, command)?;
    of_videos(&plan, &tools).write(journal, provenance, plan.skipped.clone(), place)
}

/// All that every clip of a source of videos depends on.
fn described(options: &VideoOptions) -> Result<String> {
    let networks = [&options.detector, &options.landmarks].into_iter().flatten();
    let stamps: Vec<String> = networks.map(|path| stamp(path)).collect();
    let options = serde_json::to_string(options).context("cannot describe the options")?;
    Ok(format!("{options} {}", stamps.join(" ")))
}

/// The clips of a plan, made of their videos.
fn of_videos<'a>(plan: &'a Plan, tools: &'a Tools) -> Making<'a> {
    let wanted = |job: &Job| Wanted {
        name: job.name.clone(),
        subject: job.subject.clone(),
        label: job.label,
        made_of: format!("{} {}", stamp(&job.file), job.table.as_deref().map(stamp).unwrap_or_default()),
    };
    let make = |number: usize| {
        let job = &plan.jobs[number];
        Ok(tools.extract(job).unwrap_or_else(|reason| ClipSet {
            skipped: vec![Skipped { clip: job.name.clone(), reason: format!("{reason:#}") }],
            ..ClipSet::default()
        }))
    };
    Making {
        wanted: plan.jobs.iter().map(wanted).collect(),
        classes: plan.classes.clone(),
        side_by_side: false,
        make: Box::new(make),
    }
}

/// What the annotations of a source of video files say is to be prepared.
///
/// # Errors
/// When they cannot be read, or the source has no video files.
pub fn plan(source: &SourceOptions) -> Result<Plan> {
    match source {
        SourceOptions::Clips(o) => labels::plan(o),
        SourceOptions::Baum1a(o) => baum::plan_baum1(o, &baum::ACTED),
        SourceOptions::Baum1s(o) => baum::plan_baum1(o, &baum::SPONTANEOUS),
        SourceOptions::Baum2(o) => baum::plan_baum2(o),
        _ => bail!("{} has no video files", sources::name(source)),
    }
}

/// The first reasons, for a message.
fn reasons(skipped: &[Skipped]) -> String {
    let first: Vec<String> = skipped.iter().take(3).map(|s| format!("{}: {}", s.clip, s.reason)).collect();
    match skipped.len() {
        0 => String::new(),
        n if n > 3 => format!(": {} and {} more", first.join("; "), n - 3),
        _ => format!(": {}", first.join("; ")),
    }
}

/// Whether the clips are drawn: their folder, or one above it, says so.
fn is_drawn(source: &SourceOptions) -> bool {
    let folder = match source {
        SourceOptions::Clips(o) => &o.videos,
        SourceOptions::Baum2(o) => &o.videos,
        SourceOptions::Baum1a(o) | SourceOptions::Baum1s(o) => &o.root,
        _ => return false,
    };
    is_drawn_folder(folder)
}

/// Whether a folder, or one above it, says that what is in it is drawn.
pub(crate) fn is_drawn_folder(folder: &Path) -> bool {
    folder.ancestors().take(3).any(|f| f.join(synthesise::MARK).is_file())
}

fn provenance(source: &SourceOptions, plan: &Plan, tools: &Tools, command: &str) -> Result<Provenance> {
    let mut notes = plan.notes.clone();
    notes.push(format!("decoded by {}", video::version()?));
    notes.push(tools.note());
    Ok(Provenance {
        source: sources::name(source).into(),
        synthetic: is_drawn(source),
        files: plan.files.iter().cloned().chain(tools.files()?).collect(),
        command: command.into(),
        notes,
        ..Provenance::default()
    })
}

/// The bytes of a small file, with its path in the error.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    anyhow::ensure!(!path.is_dir(), "{} is a folder, and a file is expected", path.display());
    ferrotype_base::lfs::refuse_file(path)?;
    std::fs::read(path).map_err(|e| anyhow::anyhow!("cannot read {}: {e}", path.display()))
}

/// Makes a folder with those above it.
fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| explain(path, &e))
}
