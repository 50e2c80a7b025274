//! An analysis of a video: a line for each frame into a journal, from which the files are made in the end. A process that is
//! killed leaves the journal, and the next one goes on from it.

mod journal;
mod source;
mod units;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_run::files::explain;
use ferrotype_vision::faces::{Bounds, Photo};
use rayon::prelude::*;

use crate::identity::Identities;
use crate::look::Found;
use crate::mesh::FoundMesh;
use crate::options::AnalysisOptions;
use crate::output::{self, Facts, Written, crops};
use crate::parts::Parts;
use crate::record::{FaceRecord, FrameRecord};
pub use journal::Journal;
use journal::Writer;
pub(crate) use source::CODEC as PICTURES;
pub(crate) use source::{Shot, Source};
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

impl Progress {
    /// Of the annotated video.
    pub(crate) fn drawn(frame: u64, of: Option<u64>, seconds: f64) -> Self {
        Self { frame, of, looked: frame + 1, faces: 0, seconds }
    }
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

/// Looks at a video, a folder of pictures or one picture, and writes the files of the analysis into the folder `out`, which
/// is made.
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
    analyse_as(&video.display().to_string(), parts, options, video, out, watch)
}

/// As [`analyse`]; the results call the video by another name than its path.
///
/// # Errors
/// As [`analyse`].
pub fn analyse_as(
    name: &str,
    parts: &Parts,
    options: &AnalysisOptions,
    video: &Path,
    out: &Path,
    watch: &mut dyn Watch,
) -> Result<Written> {
    let mut source = Source::open(video, options)?;
    let is_stills = source.is_stills();
    ensure!(
        !(is_stills && options.output.annotated),
        "annotated videos are made of videos: {} is none",
        video.display()
    );
    std::fs::create_dir_all(out).map_err(|e| explain(out, &e))?;
    let said = parts.said();
    let facts = Facts {
        video: name.to_owned(),
        path: video.to_path_buf(),
        sha256: source.sha256(),
        header: source.header(),
        is_stills,
        options: options.clone(),
        parts: parts.facts.clone(),
        heads: said.iter().map(|(name, outputs, _)| (name.clone(), outputs.clone())).collect(),
        kinds: said.into_iter().map(|(_, _, kinds)| kinds).collect(),
        has_landmarks: parts.has_landmarks(),
        has_units: parts.has_units(),
    };
    let mut scan = Scan::begin(parts, &facts, out, watch)?;
    scan.run(&mut source, watch)?;
    let Scan { writer, units, looked, size, .. } = scan;
    ensure!(looked > 0, "{} has no frames", video.display());
    let journal = writer.finish()?;
    let units = units.finish();
    let written = output::write(&facts, &journal, &units, size, &source.notes(), out, watch)?;
    journal.remove();
    Ok(written)
}

/// A video while it is looked at.
struct Scan<'a> {
    parts: &'a Parts,
    facts: &'a Facts,
    writer: Writer,
    identities: Identities,
    units: UnitTracks,
    /// Whether the mesh's blendshapes are the last of the heads.
    tells_blendshapes: bool,
    /// Frames that were looked at, over all processes.
    looked: u64,
    faces: u64,
    /// The last frame of the journal of an earlier process.
    done: Option<u64>,
    /// Columns and rows of the pictures.
    size: [usize; 2],
    /// Where faces are written as pictures.
    crops: Option<PathBuf>,
}

impl<'a> Scan<'a> {
    fn begin(parts: &'a Parts, facts: &'a Facts, out: &Path, watch: &mut dyn Watch) -> Result<Self> {
        let options = &facts.options.faces;
        // Who is looked at once a second is not out of sight in between.
        let gap = facts.interval().map_or(options.gap, |interval| options.gap.max(1.5 * interval));
        let mut identities = Identities::new(gap, options.likeness as f32);
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
        let writer = match facts.has_units && !facts.is_stills {
            true => Writer::begin(out, &facts.digest())?,
            false => Writer::resume(out, &facts.digest(), &mut replay)?,
        };
        if let Some(frame) = done {
            watch.note(&format!("going on after frame {frame}, where an earlier process was stopped"));
        }
        let units = UnitTracks::new(parts.units.as_ref().filter(|_| facts.has_units));
        let crops = facts.options.output.crops.then(|| out.join(crops::FOLDER));
        if let Some(folder) = &crops {
            std::fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
        }
        let tells_blendshapes = facts.heads.len() > parts.heads.len();
        Ok(Self {
            parts,
            facts,
            writer,
            identities,
            units,
            tells_blendshapes,
            looked,
            faces,
            done,
            size: [0, 0],
            crops,
        })
    }

    fn run(&mut self, source: &mut Source, watch: &mut dyn Watch) -> Result<()> {
        let done = self.done;
        std::thread::scope(|scope| {
            // The next pictures are decoded while these are looked at.
            let (sender, receiver) = sync_channel(1);
            scope.spawn(move || {
                loop {
                    let shots = source.shots(done);
                    let is_last = shots.as_ref().map_or(true, Vec::is_empty);
                    if sender.send(shots).is_err() || is_last {
                        return;
                    }
                }
            });
            // Moved: a reader that has stopped is noticed by the sender.
            self.look(receiver, watch)
        })
    }

    fn look(&mut self, shots: Receiver<Result<Vec<Shot>>>, watch: &mut dyn Watch) -> Result<()> {
        let began = Instant::now();
        let before = self.looked;
        for shots in shots {
            let shots = shots?;
            let Some(last) = shots.last() else { break };
            let frame = last.number;
            self.chunk(shots)?;
            watch.progress(&Progress {
                frame,
                of: self.facts.header.frames,
                looked: self.looked - before,
                faces: self.faces,
                seconds: began.elapsed().as_secs_f64(),
            });
            if watch.is_asked_to_stop() {
                self.writer.flush()?;
                bail!("stopped after frame {frame}; the same command goes on from there");
            }
        }
        Ok(())
    }

    /// Looks at some pictures side by side, then tells their faces apart in order.
    fn chunk(&mut self, shots: Vec<Shot>) -> Result<()> {
        let look = |shot: Shot| {
            let place = || shot.name.clone().unwrap_or_else(|| format!("frame {}", shot.number));
            let found = match &shot.photo {
                Ok(photo) => self.parts.look(photo, &self.facts.options.faces).with_context(place)?,
                Err(_) => Vec::new(),
            };
            Ok((shot, found))
        };
        let looked: Vec<(Shot, Vec<Found>)> = shots.into_par_iter().map(look).collect::<Result<_>>()?;
        let crops: Vec<&Photo> = looked.iter().flat_map(|(_, found)| found.iter().map(|f| &f.crop)).collect();
        let said: Vec<Vec<Vec<f64>>> = self.parts.heads.iter().map(|head| head.tell(&crops)).collect::<Result<_>>()?;
        let mut face = 0;
        for (shot, found) in looked {
            let heads: Vec<Vec<Vec<f64>>> =
                (face..face + found.len()).map(|i| said.iter().map(|of_head| of_head[i].clone()).collect()).collect();
            face += found.len();
            let record = self.record(shot, found, heads)?;
            self.writer.push(&record)?;
        }
        self.writer.flush()
    }

    fn record(&mut self, shot: Shot, found: Vec<Found>, heads: Vec<Vec<Vec<f64>>>) -> Result<FrameRecord> {
        let Shot { number: frame, time, name: picture, photo } = shot;
        if let Ok(photo) = &photo {
            self.size = [photo.width(), photo.height()];
        }
        let boxes: Vec<Bounds> = found.iter().map(|f| f.bounds).collect();
        let embeddings: Vec<Option<&[f32]>> = found.iter().map(|f| f.embedding.as_deref()).collect();
        let persons = match self.facts.is_stills {
            true => (0..found.len()).collect(),
            false => self.identities.step(time, &boxes, &embeddings),
        };
        let mut faces = Vec::new();
        for ((f, track), mut heads) in found.into_iter().zip(persons).zip(heads) {
            if let Some(folder) = &self.crops {
                f.crop.save_png(&folder.join(crops::name(frame, track)))?;
            }
            if self.tells_blendshapes {
                heads.push(f.mesh.as_ref().and_then(|m| m.blendshapes.clone()).unwrap_or_default());
            }
            let points_of_mesh =
                f.mesh.as_ref().filter(|_| self.facts.options.output.mesh_points).map(FoundMesh::points);
            let units = match self.facts.is_stills {
                true => self.parts.units_of(&f),
                false => self.units.push(self.looked, track, f.features.as_ref()),
            };
            let b = f.bounds;
            faces.push(FaceRecord {
                track,
                bounds: [b.left, b.top, b.right, b.bottom],
                score: f.score,
                points: f.points,
                pose: f.pose,
                mesh: points_of_mesh,
                heads,
                units,
                embedding: f.embedding,
            });
        }
        self.looked += 1;
        self.faces += faces.len() as u64;
        Ok(FrameRecord { frame, time, picture, error: photo.err(), faces })
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
