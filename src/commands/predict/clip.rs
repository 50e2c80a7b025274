//! A clip in place of pictures, for runs whose data are pictures of the motion between onset and apex.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::pictures::{CutArgs, Face};
use ferrotype_base::digest;
use ferrotype_data::motion::{MotionChain, MotionCrop};
use ferrotype_data::task::DatasetSummary;
use ferrotype_run::RunFolder;
use ferrotype_vision::faces::Photo;
use ferrotype_vision::micro::{Chain, Frames, read_frames};

/// Which frames of a clip are meant. Those of a folder have the numbers of their files' names, those of a video file count
/// from 0.
#[derive(Debug, Args)]
pub(super) struct ClipArgs {
    /// The path is a clip, a video file or a folder of frames, and its movement begins at this frame (by the number in the
    /// file's name; in videos counted from 0). For runs whose data are pictures of motion.
    #[arg(long, value_name = "FRAME")]
    onset: Option<u32>,
    /// The frame where the movement is strongest; without it, it is searched as for the run's data.
    #[arg(long, value_name = "FRAME", requires = "onset")]
    apex: Option<u32>,
    /// The frame where the movement ends: the apex is searched up to it, not to the end of the clip.
    #[arg(long, value_name = "FRAME", requires = "onset", conflicts_with = "apex")]
    offset: Option<u32>,
}

impl ClipArgs {
    /// Whether nothing was asked for.
    pub(super) fn is_plain(&self) -> bool {
        self.onset.is_none()
    }

    /// How the run's data were made from clips, if a clip is to be predicted.
    pub(super) fn made(&self, run: &RunFolder) -> Result<Option<MotionChain>> {
        let motion = DatasetSummary::load(run)?.motion;
        let path = run.path().display();
        match (self.onset, motion) {
            (None, None) => Ok(None),
            (None, Some(form)) if form.made.is_none() => Ok(None),
            (None, Some(_)) => bail!(
                "{path} takes pictures of the motion in clips, made from onset and apex: name the frame where it begins with --onset, \
                 and if you know it the one where it is strongest with --apex"
            ),
            (Some(_), Some(form)) => Ok(Some(form.made.with_context(|| {
                format!(
                    "{path} was trained on pictures of motion that were published as such: how they were made from clips is not \
                     known well enough to do the same, so --onset does not apply"
                )
            })?)),
            (Some(_), None) => bail!("{path} takes pictures of faces, not of motion: --onset does not apply"),
        }
    }

    /// The picture of the clip's motion, made as the run's data were.
    pub(super) fn picture(&self, path: &Path, made: &MotionChain, cut: &CutArgs) -> Result<Face> {
        let Some(onset) = self.onset else { unreachable!("a clip is meant") };
        ensure!(
            cut.is_detector_alone(),
            "with --onset the face is cut out as in the run's data: --min-score, --margin and --max-pixels do not apply"
        );
        for (name, value) in [("apex", self.apex), ("offset", self.offset)] {
            let after = value.is_none_or(|value| value > onset);
            ensure!(after, "--{name} {} is not after --onset {onset}", value.unwrap_or_default());
        }
        let chain = Chain::of(made, cut.file().map(PathBuf::as_path))?;
        if let Some(note) = cut.file().map(|file| other_detector(file, made)).transpose()?.flatten() {
            eprintln!("note: {note}");
        }
        let last = self.apex.or(self.offset).unwrap_or(u32::MAX);
        let photos = read_frames(path, onset, last).with_context(|| path.display().to_string())?;
        let seen = chain.see(&Frames::Photos(&photos), onset, self.apex).with_context(|| path.display().to_string())?;
        let Some(seen) = seen else { bail!("no face was found in frame {onset} of {}", path.display()) };
        if self.apex.is_none() {
            eprintln!("note: the apex of {} was searched: frame {}", path.display(), seen.apex);
        }
        let picture = &made.picture;
        let crop = Photo::new(seen.pixels, picture.side, picture.side, picture.input.channels())?;
        Ok(Face { path: path.to_path_buf(), found: None, crop })
    }
}

/// The clip that is meant.
pub(super) fn one(paths: &[PathBuf]) -> Result<&Path> {
    let [path] = paths else { bail!("--onset is a frame of one clip, and {} paths are named", paths.len()) };
    ensure!(path.exists(), "there is no file or folder {}", path.display());
    Ok(path)
}

/// Whether the detector is another file than the run's data were made with.
fn other_detector(file: &Path, made: &MotionChain) -> Result<Option<String>> {
    let MotionCrop::Eyes { sha256, .. } = &made.crop else { return Ok(None) };
    let here = digest::sha256_file(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok((here != *sha256).then(|| {
        format!(
            "{} is another file than the detector of the run's data: eyes may be found at other places",
            file.display()
        )
    }))
}
