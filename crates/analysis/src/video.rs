//! An analysis of a video: a line for each frame into a journal, from which the files are made in the end. A process that is
//! killed leaves the journal, and the next one goes on from it.

mod journal;
mod units;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_vision::faces::{Bounds, Photo};
use ferrotype_vision::video::{Decoder, Frame, Header, Sampler};
use rayon::prelude::*;

use crate::identity::Identities;
use crate::look::Found;
use crate::options::{AnalysisOptions, Sampling};
use crate::output::{self, Facts, Written};
use crate::parts::{Parts, file_sha256};
use crate::record::{FaceRecord, FrameRecord};
pub use journal::Journal;
use journal::Writer;
pub use units::FinishedUnits;
use units::UnitTracks;

/// How far an analysis is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The number of the last frame that was looked at.
    pub frame: u64,
    /// Frames of the video by its header.
    pub of: Option<u64>,
    /// Frames that were looked at by this process.
    pub looked: u64,
    /// Faces in all frames so far.
    pub faces: u64,
    /// Seconds of this process.
    pub seconds: f64,
}

/// Who watches an analysis.
pub trait Watch {
    /// Is told how far it is.
    fn progress(&mut self, progress: &Progress);

    /// Is told something to be known.
    fn note(&mut self, text: &str);

    /// Whether somebody asked to stop.
    fn is_asked_to_stop(&self) -> bool;
}

/// Looks at a video and writes the files of the analysis into the folder `out`, which is made.
///
/// # Errors
/// When the video cannot be read, a network cannot compute, a file cannot be written, or somebody asked to stop (what was
/// done is kept).
pub fn analyse(
    parts: &Parts,
    options: &AnalysisOptions,
    video: &Path,
    out: &Path,
    watch: &mut dyn Watch,
) -> Result<Written> {
    let mut decoder = Decoder::open(video)?;
    let header = decoder.header().clone();
    std::fs::create_dir_all(out).map_err(|e| ferrotype_run::files::explain(out, &e))?;
    let facts = Facts {
        video: video.display().to_string(),
        sha256: file_sha256(video)?,
        header: header.clone(),
        options: options.clone(),
        parts: parts.facts.clone(),
        heads: parts.heads.iter().map(|h| (h.name.clone(), h.outputs().to_vec())).collect(),
        kinds: parts.heads.iter().map(|h| h.heads().to_vec()).collect(),
        has_landmarks: parts.has_landmarks(),
        has_units: parts.has_units(),
    };
    let mut scan = Scan::begin(parts, options, &facts, out, watch)?;
    scan.run(&mut decoder, &header, watch)?;
    let Scan { writer, units, looked, size, .. } = scan;
    ensure!(looked > 0, "{} has no frames", video.display());
    let notes: Vec<String> = decoder.log().note().into_iter().collect();
    let journal = writer.finish()?;
    let units = units.finish();
    let written = output::write(&facts, &journal, &units, size, &notes, out)?;
    journal.remove();
    Ok(written)
}

/// A video while it is looked at.
struct Scan<'a> {
    parts: &'a Parts,
    options: &'a AnalysisOptions,
    writer: Writer,
    identities: Identities,
    units: UnitTracks,
    /// Frames that were looked at, over all processes.
    looked: u64,
    faces: u64,
    /// The last frame of the journal of an earlier process.
    done: Option<u64>,
    /// Columns and rows of the pictures.
    size: [usize; 2],
}

impl<'a> Scan<'a> {
    fn begin(
        parts: &'a Parts,
        options: &'a AnalysisOptions,
        facts: &Facts,
        out: &Path,
        watch: &mut dyn Watch,
    ) -> Result<Self> {
        let mut identities = Identities::new(options.faces.gap, options.faces.likeness as f32);
        let (mut looked, mut faces, mut done) = (0, 0, None);
        // Predictors of action units cannot take up where they were: their medians are over all features.
        let mut replay = |record: &FrameRecord| {
            let boxes: Vec<Bounds> = record.faces.iter().map(bounds_of).collect();
            let embeddings: Vec<Option<&[f32]>> = record.faces.iter().map(|f| f.embedding.as_deref()).collect();
            identities.step(record.time, &boxes, &embeddings);
            looked += 1;
            faces += record.faces.len() as u64;
            done = Some(record.frame);
        };
        let writer = match parts.has_units() {
            true => Writer::begin(out, &facts.digest())?,
            false => Writer::resume(out, &facts.digest(), &mut replay)?,
        };
        if let Some(frame) = done {
            watch.note(&format!("going on after frame {frame}, where an earlier process was stopped"));
        }
        let units = UnitTracks::new(parts.units.as_ref());
        Ok(Self { parts, options, writer, identities, units, looked, faces, done, size: [0, 0] })
    }

    fn run(&mut self, decoder: &mut Decoder, header: &Header, watch: &mut dyn Watch) -> Result<()> {
        let mut sampler = match self.options.sampling {
            Sampling::Rate(rate) => Sampler::new(Some(rate)),
            Sampling::Every(_) => Sampler::new(None),
        };
        let sampling = self.options.sampling;
        let began = Instant::now();
        let before = self.looked;
        loop {
            let done = self.done;
            let chunk = decoder.next_chunk(|frame| {
                let taken = match sampling {
                    Sampling::Every(n) => frame.number % n == 0,
                    Sampling::Rate(_) => sampler.takes(frame.time),
                };
                taken && done.is_none_or(|done| frame.number as u64 > done)
            })?;
            let Some(last) = chunk.last() else { return Ok(()) };
            self.size = [last.width, last.height];
            let frame = last.number as u64;
            self.chunk(chunk)?;
            watch.progress(&Progress {
                frame,
                of: header.frames,
                looked: self.looked - before,
                faces: self.faces,
                seconds: began.elapsed().as_secs_f64(),
            });
            if watch.is_asked_to_stop() {
                self.writer.flush()?;
                bail!("stopped after frame {frame}; the same command goes on from there");
            }
        }
    }

    /// Looks at some frames side by side, then tells their faces apart in order.
    fn chunk(&mut self, frames: Vec<Frame>) -> Result<()> {
        let looked: Result<Vec<(u64, f64, Vec<Found>)>> = frames
            .into_par_iter()
            .map(|frame| {
                let (number, time) = (frame.number, frame.time);
                let photo = Photo::new(frame.pixels, frame.height, frame.width, 3)?;
                let found = self.parts.look(&photo, &self.options.faces);
                Ok((number as u64, time, found.with_context(|| format!("frame {number}"))?))
            })
            .collect();
        let looked = looked?;
        let crops: Vec<&Photo> = looked.iter().flat_map(|(_, _, found)| found.iter().map(|f| &f.crop)).collect();
        let said: Vec<Vec<Vec<f64>>> = self.parts.heads.iter().map(|head| head.tell(&crops)).collect::<Result<_>>()?;
        let mut face = 0;
        for (frame, time, found) in looked {
            let heads: Vec<Vec<Vec<f64>>> =
                (face..face + found.len()).map(|i| said.iter().map(|of_head| of_head[i].clone()).collect()).collect();
            face += found.len();
            let record = self.record(frame, time, found, heads);
            self.writer.push(&record)?;
        }
        self.writer.flush()
    }

    fn record(&mut self, frame: u64, time: f64, found: Vec<Found>, heads: Vec<Vec<Vec<f64>>>) -> FrameRecord {
        let boxes: Vec<Bounds> = found.iter().map(|f| f.bounds).collect();
        let embeddings: Vec<Option<&[f32]>> = found.iter().map(|f| f.embedding.as_deref()).collect();
        let persons = self.identities.step(time, &boxes, &embeddings);
        let mut faces = Vec::new();
        for ((f, track), heads) in found.into_iter().zip(persons).zip(heads) {
            let units = self.units.push(self.looked, track, f.features.as_ref());
            let b = f.bounds;
            faces.push(FaceRecord {
                track,
                bounds: [b.left, b.top, b.right, b.bottom],
                score: f.score,
                points: f.points,
                pose: f.pose,
                heads,
                units,
                embedding: f.embedding,
            });
        }
        self.looked += 1;
        self.faces += faces.len() as u64;
        FrameRecord { frame, time, faces }
    }
}

fn bounds_of(face: &FaceRecord) -> Bounds {
    let [left, top, right, bottom] = face.bounds;
    Bounds { left, top, right, bottom }
}

/// The folder of a video's analysis below `out`: its name, with the names of folders above it where two videos share one.
pub fn folders(out: &Path, videos: &[PathBuf]) -> Vec<PathBuf> {
    let mut taken: Vec<String> = Vec::new();
    let name = |video: &PathBuf| {
        let stem = video.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut name = stem.clone();
        let mut next = 2;
        while taken.contains(&name) {
            name = format!("{stem}-{next}");
            next += 1;
        }
        taken.push(name.clone());
        out.join(name)
    };
    videos.iter().map(name).collect()
}
