//! The frames of one video with the faces in them, cut into components as they come.

use std::collections::HashMap;

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::extract::{Finder, Tools};
use crate::faces::{self, Bounds, Landmarks, OpenFaceRow, Tracker, bounds_of, cut_component};
use crate::video::{Decoder, Frame, Log, Sampler};
use ferrotype_data::options::Component;

/// Bytes of decoded frames in memory at a time.
const CHUNK_BYTES: usize = 48 << 20;
/// Frames in memory at a time.
const CHUNK_FRAMES: usize = 32;
/// Faces per frame that are looked at, the largest: a crowd would only cost time and memory.
const FACES: usize = 6;

/// A sampled frame.
pub(super) struct Seen {
    pub number: usize,
    pub time: f64,
    /// The whole frame as a component, where it is wanted.
    pub whole: Option<Vec<u8>>,
    pub faces: Vec<FrameFace>,
}

/// A face in a frame.
pub(super) struct FrameFace {
    pub track: usize,
    /// Square pixels.
    pub area: f32,
    pub score: f32,
    pub points: Landmarks,
    /// Pictures of the wanted components; the whole frame stands in [`Seen`], and here is empty.
    pub parts: Vec<Vec<u8>>,
    /// Values of action units, where their source gives them.
    pub units: Vec<f32>,
}

/// What a video gave.
pub(super) struct VideoScan {
    pub frames: Vec<Seen>,
    pub log: Log,
    /// Frames that the header claims, if all were decoded.
    pub claimed: Option<u64>,
    pub tracks: usize,
}

/// A face before its components are cut out.
struct Candidate {
    bounds: Bounds,
    score: f32,
    /// Known landmarks; else they are found in the box.
    known: Option<(Landmarks, Vec<f32>)>,
}

/// Decodes a video and looks for faces. `rows` are those of a table of OpenFace, with the face's number.
pub(super) fn watch(tools: &Tools, mut decoder: Decoder, rows: Option<(i64, &[OpenFaceRow])>) -> Result<VideoScan> {
    let options = tools.options();
    let by_number: HashMap<usize, &OpenFaceRow> =
        rows.iter().flat_map(|(_, rows)| rows.iter().map(|r| (r.frame, r))).collect();
    let mut tracker = Tracker::new(options.max_gap);
    let mut sampler = Sampler::new(options.rate);
    let most = options.max_frames.unwrap_or(usize::MAX);
    let mut frames: Vec<Seen> = Vec::new();
    let mut whole = true;
    loop {
        let mut chunk: Vec<Frame> = Vec::new();
        let mut bytes = 0;
        while chunk.len() < CHUNK_FRAMES && bytes < CHUNK_BYTES && frames.len() + chunk.len() < most {
            let Some(frame) = decoder.next() else { break };
            let frame = frame?;
            if sampler.takes(frame.time) {
                bytes += frame.pixels.len();
                chunk.push(frame);
            }
        }
        if chunk.is_empty() {
            whole &= frames.len() < most;
            break;
        }
        let candidates = candidates(tools, &chunk, &by_number)?;
        let mut tracks = Vec::new();
        for (frame, faces) in chunk.iter().zip(&candidates) {
            let boxes: Vec<Bounds> = faces.iter().map(|f| f.bounds).collect();
            tracks.push(match rows {
                // OpenFace has tracked already.
                Some((face, _)) => vec![usize::try_from(face).unwrap_or_default(); boxes.len()],
                None => tracker.step(frame.time, &boxes),
            });
        }
        let work = chunk.par_iter().zip(candidates).zip(tracks);
        let seen: Result<Vec<Seen>> = work.map(|((frame, faces), tracks)| look(tools, frame, faces, tracks)).collect();
        frames.extend(seen?);
    }
    let claimed = decoder.header().frames.filter(|_| whole);
    Ok(VideoScan {
        frames,
        log: decoder.log().clone(),
        claimed,
        tracks: tracker.len().max(usize::from(rows.is_some())),
    })
}

/// The faces of each frame, the largest first.
fn candidates(tools: &Tools, chunk: &[Frame], rows: &HashMap<usize, &OpenFaceRow>) -> Result<Vec<Vec<Candidate>>> {
    let min_score = tools.options().min_score;
    match tools.finder() {
        Finder::None => Ok(chunk.iter().map(|_| Vec::new()).collect()),
        Finder::OpenFace(_) => Ok(chunk
            .iter()
            .map(|frame| {
                let row = rows.get(&frame.number).filter(|r| r.is_good(min_score));
                let candidate = |row: &&OpenFaceRow| Candidate {
                    bounds: bounds_of(&row.points),
                    score: row.confidence,
                    known: Some((row.points, row.units.clone())),
                };
                row.map(candidate).into_iter().collect()
            })
            .collect()),
        Finder::Network { detector, .. } => chunk
            .par_iter()
            .map(|frame| {
                let mut found = detector.detect(&frame.picture())?;
                found.sort_by(|a, b| b.bounds.area().total_cmp(&a.bounds.area()));
                found.truncate(FACES);
                let candidate = |d: faces::Detection| Candidate { bounds: d.bounds, score: d.score, known: None };
                Ok(found.into_iter().map(candidate).collect())
            })
            .collect(),
    }
}

/// Cuts out what is wanted of a frame.
fn look(tools: &Tools, frame: &Frame, faces: Vec<Candidate>, tracks: Vec<usize>) -> Result<Seen> {
    let options = tools.options();
    let picture = frame.picture();
    let wants_whole = options.parts.contains(&Component::FullFace);
    let found = faces.into_iter().zip(tracks).map(|(face, track)| {
        let (points, units) = match (face.known, tools.finder()) {
            (Some(known), _) => known,
            (None, Finder::Network { landmarker, .. }) => (landmarker.find(&picture, &face.bounds)?, Vec::new()),
            (None, _) => anyhow::bail!("a face without landmarks"),
        };
        let cut = |&part: &Component| match part {
            Component::FullFace => Ok(Vec::new()),
            part => cut_component(&picture, &points, part, options.padding, options.size),
        };
        let parts = options.parts.iter().map(cut).collect::<Result<_>>()?;
        Ok(FrameFace { track, area: face.bounds.area(), score: face.score, points, parts, units })
    });
    Ok(Seen {
        number: frame.number,
        time: frame.time,
        whole: wants_whole.then(|| faces::whole_frame(&picture, options.size)),
        faces: found.collect::<Result<_>>().with_context(|| format!("frame {}", frame.number))?,
    })
}
