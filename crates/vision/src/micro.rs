//! Micro-expressions: from the frames of a clip to a picture of its motion.
//!
//! What sheets and folders say is read by `ferrotype_data::sources::micro`; here the face is found once in a clip, on its onset
//! frame, cut out of onset and apex alike, and [`Chain`] draws the picture of the motion between them. The prepared file
//! carries the chain's options, so that [`Chain::of`] does the same with any other clip.

mod chain;
mod drawn;
mod frames;
pub mod synthesise;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;

use ferrotype_base::digest::sha256_file;
use ferrotype_data::motion::{MotionChain, MotionCrop, MotionForm, flow_picture};
use ferrotype_data::options::{MicroOptions, SourceOptions};
use ferrotype_data::progress::Work;
use ferrotype_data::source_record::SourceRecord;
use ferrotype_data::sources::micro::{MicroClip, MicroPlan, options, plan};
use ferrotype_data::stored_form::StoredForm;
use ferrotype_data::{FaceSet, Images, Provenance, Split, sources};

pub use chain::{Chain, Seen};
pub use frames::{Frames, read as read_frames};

use crate::clips::is_drawn_folder;

/// Whether a source gives pictures of motion made from frames.
pub fn is_micro(source: &SourceOptions) -> bool {
    options(source).is_some() || matches!(source, SourceOptions::SyntheticMicro(_))
}

/// Makes the pictures of a source of micro-expressions, to be written to `out`. Clips are worked on side by side; the pictures
/// do not depend on the number of threads.
///
/// # Errors
/// When sheet, folders, detector or frames cannot be used (each clip with its line; with `skip_bad`, when none is left), and
/// when no face is found in any clip.
pub fn prepare(source: &SourceOptions, out: &Path, command: &str) -> Result<FaceSet> {
    let mut faces = match (options(source), source) {
        (Some(options), _) => of_frames(source, options)?,
        (None, SourceOptions::SyntheticMicro(options)) => drawn::generate(options)?,
        _ => anyhow::bail!("{} is no source of micro-expressions", sources::name(source)),
    };
    let record = SourceRecord::take(source, out, &faces.provenance.files)?;
    let stored = Some(StoredForm::of(&faces.images));
    let name = sources::name(source).to_owned();
    faces.provenance =
        Provenance { source: name, command: command.into(), record: Some(record), stored, ..faces.provenance };
    Ok(faces)
}

fn of_frames(source: &SourceOptions, options: &MicroOptions) -> Result<FaceSet> {
    let mut plan = plan(source)?;
    let (form, chain) = open(options)?;
    if let (Some(path), Some(MotionChain { crop: MotionCrop::Eyes { sha256, .. }, .. })) =
        (&options.detector, &form.made)
    {
        plan.files.push((path.display().to_string(), sha256.clone()));
    }
    let seen = work_through(&plan.clips, &chain);
    let mut made = Made { plan, seen: Vec::new(), clips: Vec::new(), spotted: 0 };
    made.gather(seen, options.skip_bad)?;
    made.plan.notes.push(chain.note());
    Ok(made.face_set(form, is_drawn_folder(&options.root)))
}

/// The form of the pictures that options ask for, and what makes them.
fn open(options: &MicroOptions) -> Result<(MotionForm, Chain)> {
    let crop = match &options.detector {
        Some(path) => {
            let sha256 = sha256_file(path).with_context(|| format!("cannot read {}", path.display()))?;
            MotionCrop::Eyes { detector: "YuNet".into(), sha256 }
        }
        None => MotionCrop::Given,
    };
    let made = MotionChain {
        picture: flow_picture(options.input, options.side),
        face: options.face,
        crop,
        unknown_apex: options.unknown_apex,
    };
    let chain = Chain::of(&made, options.detector.as_deref())?;
    Ok((MotionForm { channels: options.input, made: Some(made) }, chain))
}

/// What became of each clip: its picture, or none where no face is in its onset frame.
fn work_through(clips: &[MicroClip], chain: &Chain) -> Vec<Result<Option<Seen>>> {
    let work = Work::begin("clips", 0, clips.len());
    let one = |clip: &MicroClip| {
        let seen = chain.see(&Frames::Files(&clip.frames), clip.onset, clip.apex);
        work.add(1);
        seen
    };
    clips.par_iter().map(one).collect()
}

/// The clips that have a picture.
struct Made {
    plan: MicroPlan,
    clips: Vec<MicroClip>,
    seen: Vec<Seen>,
    /// Clips whose apex was searched.
    spotted: usize,
}

impl Made {
    fn gather(&mut self, seen: Vec<Result<Option<Seen>>>, skip_bad: bool) -> Result<()> {
        let mut bad = Vec::new();
        for (clip, seen) in std::mem::take(&mut self.plan.clips).into_iter().zip(seen) {
            match seen {
                Ok(Some(seen)) => {
                    self.spotted += usize::from(clip.apex.is_none());
                    self.seen.push(seen);
                    self.clips.push(clip);
                }
                Ok(None) => {
                    let note = format!("warning: left out: {}: no face in its onset frame {}", clip.place, clip.onset);
                    self.plan.notes.push(note);
                }
                Err(e) => bad.push(format!("{}: {e:#}", clip.place)),
            }
        }
        let first: Vec<&str> = bad.iter().take(8).map(String::as_str).collect();
        ensure!(
            bad.is_empty() || skip_bad,
            "{} of the clips cannot be used:\n  {}\nMend their frames, or leave such clips out with --skip-bad (skip_bad: true)",
            bad.len(),
            first.join("\n  ")
        );
        self.plan.notes.extend(bad.into_iter().map(|bad| format!("warning: left out: {bad}")));
        ensure!(
            !self.clips.is_empty(),
            "none of the clips can be used{}",
            self.plan.notes.iter().map(|note| format!("\n  {note}")).collect::<String>()
        );
        Ok(())
    }

    fn face_set(self, form: MotionForm, synthetic: bool) -> FaceSet {
        let Self { plan, clips, seen, spotted } = self;
        let (side, channels) = match &form.made {
            Some(made) => (made.picture.side, made.picture.input.channels()),
            None => unreachable!("these pictures were made"),
        };
        let mut notes = plan.notes;
        if spotted > 0 {
            notes.push(format!("of {spotted} clips the apex was searched, as none was known"));
        }
        let n = clips.len();
        FaceSet {
            images: Images {
                pixels: seen.into_iter().flat_map(|s| s.pixels).collect(),
                height: side,
                width: side,
                channels,
            },
            labels: clips.iter().map(|c| c.label).collect(),
            classes: plan.classes,
            splits: vec![Split::Unassigned; n],
            subjects: Some(clips.iter().map(|c| c.subject.clone()).collect()),
            groups: Some(vec![plan.dataset.to_owned(); n]),
            names: clips.iter().map(|c| c.name.clone()).collect(),
            source_rows: clips.iter().map(|c| c.row).collect(),
            provenance: Provenance { synthetic, files: plan.files, notes, motion: Some(form), ..Provenance::default() },
            ..FaceSet::default()
        }
    }
}
