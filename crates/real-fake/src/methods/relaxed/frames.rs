//! From a video to one vector for every few frames: a network's feature maps, and the compact bilinear pooling of them.

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::Device;
use ferrotype_base::digest;
use ferrotype_classic::bilinear::TensorSketch;

use super::RelaxedOptions;
use crate::clip::{Clip, Series};
use ferrotype_expressions::{LoadedRun, Planes, Predictor};
use ferrotype_model::{NodeId, Shape};
use ferrotype_ops::{self as ops, Compute};
use ferrotype_vision::faces::{Bounds, Detector, Photo, bounds_of};
use ferrotype_vision::video::{Decoder, Frame, Sampler};

/// Frames per pass of the network.
const BATCH: usize = 32;

/// A trained network of single faces, cut off behind its last feature maps.
pub struct FrameEncoder {
    predictor: Predictor,
    /// The last layer with feature maps of more than one pixel.
    maps: NodeId,
    channels: usize,
    detector: Option<Detector>,
    /// sha256 of the weights.
    pub digest: String,
}

impl FrameEncoder {
    /// Loads the run that the options name, and the detector if they name one.
    ///
    /// # Errors
    /// When the folder holds no finished run of single faces, or the detector cannot be used.
    pub fn open(options: &RelaxedOptions, device: &Device, compute: Compute) -> Result<Self> {
        let loaded = LoadedRun::open(&options.features, device, compute)?;
        let bytes = std::fs::read(loaded.run.best_weights()).context("cannot read the weights")?;
        let predictor = Predictor::new(loaded)?;
        let graph = predictor.network().graph();
        let maps = graph.last_maps().with_context(|| format!("{} has no feature maps", graph.name))?;
        let Shape::Map { channels, .. } = graph.nodes[maps].shape else { anyhow::bail!("feature maps are no maps") };
        let detector = options.detector.as_deref().map(Detector::open).transpose()?;
        Ok(Self { predictor, maps, channels, detector, digest: digest::sha256(&bytes) })
    }

    /// Channels of the feature maps.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// A clip as vectors: of each `options.frames` consecutive frames the mean over all positions of the feature maps of
    /// the sketch of a position's channels with themselves.
    ///
    /// # Errors
    /// When the clip has no video, or it cannot be decoded.
    pub fn watch(&self, clip: &Clip, options: &RelaxedOptions, sketch: &TensorSketch) -> Result<Series> {
        let path = clip
            .video
            .as_deref()
            .context("it has no video, and relaxed looks at one: choose a source that has them")?;
        let mut found = Series::default();
        let mut waiting: Vec<(f64, Planes)> = Vec::new();
        let mut group = Group::default();
        for (time, planes) in self.faces(path, clip, options.rate)? {
            waiting.push((time, planes));
            if waiting.len() == BATCH {
                self.pool(&mut waiting, &mut group, options.frames, sketch, &mut found)?;
            }
        }
        self.pool(&mut waiting, &mut group, options.frames, sketch, &mut found)?;
        Ok(found)
    }

    /// The face in each sampled frame, as the network takes it, with its time.
    fn faces(&self, path: &Path, clip: &Clip, rate: Option<f64>) -> Result<Vec<(f64, Planes)>> {
        let mut sampler = Sampler::new(rate);
        let mut found = Vec::new();
        let mut first = None;
        let mut last: Option<Bounds> = None;
        let mut decoder = Decoder::open(path)?;
        for frame in decoder.by_ref() {
            let frame = frame?;
            if !sampler.takes(frame.time) {
                continue;
            }
            let time = frame.time - *first.get_or_insert(frame.time);
            last = self.bounds(&frame, time, clip)?.or(last);
            let photo = Photo::new(frame.pixels, frame.height, frame.width, 3)?;
            // The original's chips reach a quarter beyond the landmarks.
            let face = last.map(|b| b.crop(&photo, MARGIN)).transpose()?;
            found.push((time, self.predictor.planes(&face.as_ref().unwrap_or(&photo).picture())));
        }
        if let Some(note) = decoder.log().note() {
            eprintln!("warning: {}: {note}", path.display());
        }
        Ok(found)
    }

    /// Where the face is: around its landmarks, or where the detector finds the largest; none where nobody says it.
    fn bounds(&self, frame: &Frame, time: f64, clip: &Clip) -> Result<Option<Bounds>> {
        if let Some(series) = clip.landmarks.as_ref().filter(|s| !s.is_empty()) {
            let near = |i: &usize, j: &usize| {
                let distance = |k: usize| (series.times[k] - time).abs();
                distance(*i).total_cmp(&distance(*j))
            };
            let Some(row) = (0..series.len()).min_by(near) else { return Ok(None) };
            let points: Vec<[f32; 2]> =
                series.values[row * 136..(row + 1) * 136].chunks_exact(2).map(|p| [p[0], p[1]]).collect();
            return Ok(Some(bounds_of(&points)));
        }
        let Some(detector) = &self.detector else { return Ok(None) };
        let faces = detector.detect(&frame.picture())?;
        Ok(faces.into_iter().map(|f| f.bounds).max_by(|a, b| a.area().total_cmp(&b.area())))
    }

    /// Adds the frames' feature maps to the groups, and full groups to the series.
    fn pool(
        &self,
        frames: &mut Vec<(f64, Planes)>,
        group: &mut Group,
        together: usize,
        sketch: &TensorSketch,
        found: &mut Series,
    ) -> Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        let (times, planes): (Vec<f64>, Vec<Planes>) = frames.drain(..).unzip();
        let maps = self.predictor.network().features(self.predictor.input(&planes)?, self.maps)?;
        let [n, width] = maps.dims();
        let maps = ops::host(maps.reshape([n * width]))?;
        let positions = width / self.channels;
        for (time, map) in times.into_iter().zip(maps.chunks_exact(width)) {
            // Channels first becomes position by position.
            let row: Vec<f64> = (0..positions)
                .flat_map(|p| (0..self.channels).map(move |k| f64::from(map[k * positions + p])))
                .collect();
            let sum = sketch.pool(&row)?;
            group.add(time, sum, positions);
            if group.frames == together {
                group.give(found);
            }
        }
        Ok(())
    }
}

/// How much is cut out around a face, of its longer side at each edge.
const MARGIN: f32 = 0.25;

/// Consecutive frames that make one vector.
#[derive(Default)]
struct Group {
    frames: usize,
    positions: usize,
    time: f64,
    sum: Vec<f64>,
}

impl Group {
    fn add(&mut self, time: f64, sum: Vec<f64>, positions: usize) {
        if self.frames == 0 {
            (self.time, self.sum) = (time, vec![0.0; sum.len()]);
        }
        self.frames += 1;
        self.positions += positions;
        self.sum.iter_mut().zip(sum).for_each(|(s, v)| *s += v);
    }

    fn give(&mut self, found: &mut Series) {
        found.times.push(self.time);
        found.values.extend(self.sum.iter().map(|s| (s / self.positions as f64) as f32));
        *self = Self::default();
    }
}
