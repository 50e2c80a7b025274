//! What is seen in the frames of a video: faces with their embeddings.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;

use super::emotions::Emotions;
use super::{FacesCommand, SIDE};
use crate::runner::bar::bar_of;
use ferrotype_data::preprocess::Picture;
use ferrotype_vision::faces::{Bounds, Detection, Detector, Embedder, Landmarker, TEMPLATE, Tracker, align_eyes};
use ferrotype_vision::video::{self, Decoder, Frame, Log, Sampler};

/// Faces per frame, the largest.
const FACES: usize = 6;
/// Seconds that a track may be out of sight.
const GAP: f64 = 1.0;

/// The networks that look.
pub struct FaceScanner {
    detector: Detector,
    landmarker: Option<Landmarker>,
    embedder: Option<Embedder>,
    min_face: f32,
}

/// A face in a frame.
pub struct Face {
    pub bounds: Bounds,
    pub track: usize,
    /// Aligned, RGB.
    pub pixels: Vec<u8>,
    /// Empty without an embedder.
    pub embedding: Vec<f32>,
    /// Empty without a run.
    pub emotions: Vec<f32>,
}

impl Face {
    /// Pixels per side.
    pub fn side(&self) -> usize {
        (self.pixels.len() / 3).isqrt()
    }
}

/// A frame with its faces, the largest first.
pub struct Seen {
    pub number: usize,
    pub time: f64,
    pub faces: Vec<Face>,
}

/// A whole video.
pub struct ScannedVideo {
    pub frames: Vec<Seen>,
    pub log: Log,
}

impl FaceScanner {
    /// Opens the networks and looks for ffmpeg.
    pub fn open(command: &FacesCommand) -> Result<Self> {
        video::available()?;
        let detector = Detector::open(&command.detector)?.with_min_score(command.min_score)?;
        let landmarker = command.landmarks.as_deref().map(Landmarker::open).transpose()?;
        if landmarker.is_none() && detector.name() != "YuNet" {
            bail!(
                "{} finds boxes, not eyes, and faces are aligned by their eyes: give a landmark network, too (--landmarks)",
                detector.name()
            );
        }
        let embedder = command.embedder.as_deref().map(Embedder::open).transpose()?;
        Ok(Self { detector, landmarker, embedder, min_face: command.min_face })
    }

    /// Looks at a video.
    pub fn watch(&self, path: &Path, rate: Option<f64>, emotions: Option<&Emotions>) -> Result<ScannedVideo> {
        let mut decoder = Decoder::open(path)?;
        let bar = bar_of("frames", decoder.header().frames.unwrap_or(0));
        let mut sampler = Sampler::new(rate);
        let mut tracker = Tracker::new(GAP);
        let mut frames = Vec::new();
        loop {
            let chunk = decoder.next_chunk(|frame| sampler.takes(frame.time))?;
            let Some(last) = chunk.last() else { break };
            bar.set_position(last.number as u64);
            let seen: Result<Vec<Vec<Face>>> = chunk.par_iter().map(|frame| self.look(frame)).collect();
            for (frame, mut faces) in chunk.iter().zip(seen?) {
                let boxes: Vec<Bounds> = faces.iter().map(|f| f.bounds).collect();
                faces.iter_mut().zip(tracker.step(frame.time, &boxes)).for_each(|(f, track)| f.track = track);
                if let Some(emotions) = emotions {
                    emotions.add(&mut faces)?;
                }
                frames.push(Seen { number: frame.number, time: frame.time, faces });
            }
        }
        bar.finish_and_clear();
        ensure!(!frames.is_empty(), "{} has no frames", path.display());
        Ok(ScannedVideo { frames, log: decoder.log().clone() })
    }

    fn look(&self, frame: &Frame) -> Result<Vec<Face>> {
        let picture = frame.picture();
        let found = self.detector.largest(&picture, f64::from(self.min_face), FACES)?;
        let face = |d: &Detection| self.face(&picture, d);
        let context = || format!("frame {}", frame.number);
        found.iter().filter_map(|d| face(d).transpose()).collect::<Result<_>>().with_context(context)
    }

    /// The face, unless its eyes stand at one place: then it is none.
    fn face(&self, picture: &Picture, found: &Detection) -> Result<Option<Face>> {
        let landmarks = self.landmarker.as_ref().map(|l| l.find(picture, &found.bounds)).transpose()?;
        let Some(eyes) = found.eyes(landmarks.as_ref()) else { return Ok(None) };
        let side = self.embedder.as_ref().map_or(SIDE, Embedder::side);
        let Ok(pixels) = align_eyes(picture, eyes, TEMPLATE, side) else { return Ok(None) };
        let embedding = self.embedder.as_ref().map(|e| e.embed(&pixels)).transpose()?.unwrap_or_default();
        Ok(Some(Face { bounds: found.bounds, track: 0, pixels, embedding, emotions: Vec::new() }))
    }
}
