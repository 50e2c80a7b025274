//! From one video file to a prepared clip: whose face, and what stands where there is none.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::digest;

use super::frames::{FrameFace, Seen, VideoScan, watch};
use super::{Job, read_file};
use crate::faces::{Detector, Landmarker, OpenFaceTable};
use crate::video::{self, Decoder};
use ferrotype_data::clips::{CHANNELS, Clip, ClipSet, Features, Frames, Part};
use ferrotype_data::options::{Component, GapPolicy, VideoOptions};

/// What finds faces and their landmarks.
pub(super) enum Finder {
    /// Tables in a folder.
    OpenFace(PathBuf),
    /// Two networks.
    Network { detector: Box<Detector>, landmarker: Box<Landmarker> },
    /// Nothing: only whole frames are wanted.
    None,
}

/// The options with everything that they name opened.
pub(super) struct Tools {
    options: VideoOptions,
    finder: Finder,
}

impl Tools {
    /// Opens the networks and looks for ffmpeg.
    pub(super) fn open(options: &VideoOptions) -> Result<Self> {
        check(options)?;
        video::available()?;
        let finder = match (&options.openface, &options.detector, &options.landmarks) {
            (Some(folder), None, None) => {
                ensure!(folder.is_dir(), "{} is not a folder of OpenFace's tables", folder.display());
                Finder::OpenFace(folder.clone())
            }
            (None, Some(detector), Some(landmarks)) => Finder::Network {
                detector: Box::new(Detector::open(detector)?.with_min_score(options.min_score)?),
                landmarker: Box::new(Landmarker::open(landmarks)?),
            },
            (None, None, None) if options.parts == [Component::FullFace] => Finder::None,
            (None, None, None) => bail!(
                "the parts {} are cut out by landmarks: name a folder of OpenFace's tables (--openface), or the ONNX files of \
                 a detector and of a landmark network (--detector and --landmarks); --parts full_face needs neither",
                options.parts.iter().map(|p| p.name()).collect::<Vec<_>>().join(", ")
            ),
            _ => bail!("either `openface`, or `detector` and `landmarks` together: not a mixture"),
        };
        Ok(Self { options: options.clone(), finder })
    }

    pub(super) fn options(&self) -> &VideoOptions {
        &self.options
    }

    pub(super) fn finder(&self) -> &Finder {
        &self.finder
    }

    /// Where the landmarks come from, in words.
    pub(super) fn note(&self) -> String {
        match &self.finder {
            Finder::OpenFace(folder) => format!("landmarks from OpenFace's tables in {}", folder.display()),
            Finder::Network { detector, .. } => format!("faces found by {}, landmarks by PFLD", detector.name()),
            Finder::None => "whole frames, without landmarks".into(),
        }
    }

    /// The networks' files with their sha256.
    pub(super) fn files(&self) -> Result<Vec<(String, String)>> {
        let networks = [&self.options.detector, &self.options.landmarks].into_iter().flatten();
        networks.map(|path| Ok((path.display().to_string(), digest::sha256(&read_file(path)?)))).collect()
    }

    /// Prepares one clip.
    ///
    /// # Errors
    /// With the reason why the clip cannot be used.
    pub(super) fn extract(&self, job: &Job) -> Result<ClipSet> {
        let table = match (&self.finder, &job.table) {
            (Finder::OpenFace(_), Some(table)) => Some(OpenFaceTable::read(table)?),
            (Finder::OpenFace(folder), None) => {
                bail!("{} has neither {1}.csv nor {1}_raw.csv", folder.display(), job.name)
            }
            _ => None,
        };
        let rows = match &table {
            Some(table) => Some(table.main_face(self.options.min_score).with_context(|| {
                format!("OpenFace tracked no face with a confidence of {}", self.options.min_score)
            })?),
            None => None,
        };
        let scan = watch(self, Decoder::open(&job.file)?, rows)?;
        let units = table.map(|t| t.units).unwrap_or_default();
        self.assemble(job, scan, units)
    }

    fn assemble(&self, job: &Job, scan: VideoScan, units: Vec<String>) -> Result<ClipSet> {
        let VideoScan { frames, log, claimed, tracks } = scan;
        let main = main_track(&frames);
        let sampled = frames.len();
        let mut notes: Vec<String> = log.note().into_iter().collect();
        if let Some(claimed) = claimed.filter(|&n| n != log.frames as u64) {
            notes.push(format!("its header claims {claimed} frames, {} can be decoded", log.frames));
        }
        if tracks > 1 {
            notes.push(format!("{tracks} tracks of faces; the one that shows the most is taken"));
        }
        if main.is_none() && !matches!(self.finder, Finder::None) {
            notes.insert(0, format!("no face in any of its {sampled} frames"));
            bail!(notes.join("; "));
        }
        let mut building = Building::new(&self.options, units);
        for frame in frames {
            building.add(frame, main)?;
        }
        let (mut set, with_face) = building.finish();
        ensure!(!set.frames.is_empty(), "no frame is left");
        set.clips = vec![Clip {
            name: job.name.clone(),
            subject: job.subject.clone(),
            label: ferrotype_data::NO_LABEL,
            first: 0,
            count: set.frames.len(),
            decoded: log.frames as u32,
            with_face,
            errors: log.errors as u32,
            file: job.file.display().to_string(),
            note: notes.join("; "),
        }];
        Ok(set)
    }
}

fn check(options: &VideoOptions) -> Result<()> {
    ensure!(!options.parts.is_empty(), "no part is wanted: name some with --parts");
    let twice = options.parts.iter().enumerate().find(|(i, p)| options.parts[..*i].contains(p));
    ensure!(twice.is_none(), "a part is named twice in --parts");
    ensure!((8..=512).contains(&options.size), "parts of {} pixels per side: 8 to 512 are possible", options.size);
    let rate_is_good = options.rate.is_none_or(|rate| rate.is_finite() && rate > 0.0);
    ensure!(rate_is_good, "--rate must be a number of frames per second above 0");
    ensure!(options.max_frames != Some(0), "--max-frames 0 leaves nothing");
    let padding_is_good = options.padding.is_finite() && options.padding >= 0.0;
    ensure!(padding_is_good, "--padding is {}: pixels, 0 or more, are expected", options.padding);
    let gap_is_good = options.max_gap.is_finite() && options.max_gap >= 0.0;
    ensure!(gap_is_good, "--max-gap is {}: seconds, 0 or more, are expected", options.max_gap);
    Ok(())
}

/// The track whose face covers the most pixels over all frames; the earlier of equals.
fn main_track(frames: &[Seen]) -> Option<usize> {
    let mut areas = std::collections::BTreeMap::<usize, f64>::new();
    for face in frames.iter().flat_map(|f| &f.faces) {
        *areas.entry(face.track).or_default() += f64::from(face.area);
    }
    let mut best: Option<(usize, f64)> = None;
    for (track, area) in areas {
        if best.is_none_or(|(_, most)| area > most) {
            best = Some((track, area));
        }
    }
    best.map(|(track, _)| track)
}

/// The clip's set while it grows.
struct Building<'a> {
    options: &'a VideoOptions,
    set: ClipSet,
    with_face: u32,
    last: Option<FrameFace>,
}

impl<'a> Building<'a> {
    fn new(options: &'a VideoOptions, units: Vec<String>) -> Self {
        let parts = options.parts.iter().map(|&component| Part { component, pixels: Vec::new() }).collect();
        let table = Features { name: "au".into(), columns: units, values: Vec::new() };
        let features = if table.columns.is_empty() { Vec::new() } else { vec![table] };
        let set = ClipSet { size: options.size, parts, features, ..ClipSet::default() };
        Self { options, set, with_face: 0, last: None }
    }

    /// Adds a frame by the rule for gaps.
    fn add(&mut self, frame: Seen, main: Option<usize>) -> Result<()> {
        let Seen { number, time, whole, faces } = frame;
        let Some(track) = main else {
            self.push(number, time, 0, false, whole.as_deref());
            return Ok(());
        };
        let face = faces.into_iter().find(|face| face.track == track);
        let copied = face.is_none();
        match (face, self.options.gaps) {
            (Some(face), _) => {
                self.with_face += 1;
                self.last = Some(face);
            }
            (None, GapPolicy::Drop) => return Ok(()),
            (None, GapPolicy::CopyPrevious) if self.last.is_none() => return Ok(()),
            (None, GapPolicy::CopyPrevious) => {}
            (None, GapPolicy::Fail) => bail!("no face in frame {number} ({time:.2} s), and --gaps fail was asked for"),
        }
        self.push(number, time, track as u32, copied, whole.as_deref());
        Ok(())
    }

    fn push(&mut self, number: usize, time: f64, track: u32, copied: bool, whole: Option<&[u8]>) {
        let Frames { numbers, times, tracks, copied: copies, landmarks, scores } = &mut self.set.frames;
        numbers.push(number as u32);
        times.push(time);
        tracks.push(track);
        copies.push(copied);
        match &self.last {
            Some(face) => landmarks.extend(face.points.as_flattened()),
            None => landmarks.extend([f32::NAN; 136]),
        }
        scores.push(self.last.as_ref().filter(|_| !copied).map_or(0.0, |face| face.score));
        let nothing = vec![0; self.options.size * self.options.size * CHANNELS];
        for (i, part) in self.set.parts.iter_mut().enumerate() {
            part.pixels.extend_from_slice(match (part.component, whole, &self.last) {
                (Component::FullFace, Some(whole), _) => whole,
                (_, _, Some(face)) => &face.parts[i],
                _ => &nothing,
            });
        }
        if let Some(table) = self.set.features.first_mut() {
            match &self.last {
                Some(face) => table.values.extend(&face.units),
                None => table.values.extend(vec![f32::NAN; table.columns.len()]),
            }
        }
    }

    fn finish(self) -> (ClipSet, u32) {
        (self.set, self.with_face)
    }
}
