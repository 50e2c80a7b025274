//! Clips as what the network predicts: landmarks step by step, and how they change to the next.

use anyhow::{Context, Result, ensure};
use burn::tensor::{Tensor, TensorData};
use ferrotype_classic::components::Components;
use serde::{Deserialize, Serialize};

use super::ParametricBiasOptions;
use super::shape::MeanShape;
use crate::clip::{ClipSet, Series};
use ferrotype_data::Batch;
use ferrotype_model::Network;
use ferrotype_model::objective::{Objective, Reconstruction};
use ferrotype_ops as ops;
use ferrotype_training::learner::images;
use ferrotype_training::parts::{Batches, SquaredError, shuffled};

/// Coordinates of 68 landmarks.
pub const WIDTH: usize = 136;

/// A clip for the network.
#[derive(Clone, Debug)]
pub struct Walk {
    /// `[steps, WIDTH]`: where landmarks are.
    pub present: Vec<f32>,
    /// `[steps, WIDTH]`: how far they go to the next step.
    pub change: Vec<f32>,
}

impl Walk {
    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.present.len() / WIDTH
    }
}

/// How landmarks become numbers of about one size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    mean: MeanShape,
    /// What shapes are told by, where not by every coordinate.
    components: Option<Components>,
    /// Root mean square of a coordinate's difference from the mean shape.
    size: f32,
    /// Root mean square of its change per step.
    change: f32,
}

impl Measure {
    /// From the training clips.
    ///
    /// # Errors
    /// When a clip has no landmarks over time, or nothing moves.
    pub fn fit(set: &ClipSet, clips: &[usize], options: &ParametricBiasOptions) -> Result<Self> {
        let all = clips.iter().map(|&i| Ok(sampled(series(set, i)?, options))).collect::<Result<Vec<_>>>()?;
        let mean = MeanShape::fit(&all.concat())?;
        let mut found = Self { mean, components: None, size: 1.0, change: 1.0 };
        let shapes = clips.iter().map(|&i| found.shapes(set, i, options)).collect::<Result<Vec<_>>>()?;
        if options.components > 0 {
            found.components = Some(Components::fit(&shapes.concat().concat(), WIDTH, options.components)?);
        }
        let walks: Vec<Walk> = shapes.into_iter().map(|points| found.steps(points, options)).collect();
        let size = |of: fn(&Walk) -> &Vec<f32>| {
            let (n, sum) = walks.iter().flat_map(of).fold((0.0, 0.0), |(n, s), &v| (n + 1.0, s + f64::from(v).powi(2)));
            (sum / n).sqrt() as f32
        };
        (found.size, found.change) = (size(|w| &w.present), size(|w| &w.change));
        ensure!(
            found.size > 0.0 && found.change > 0.0,
            "the landmarks of the training clips do not move: there is nothing to predict"
        );
        Ok(found)
    }

    /// A clip's steps.
    ///
    /// # Errors
    /// When it has no landmarks over time, too few frames, or landmarks at one place.
    pub fn walk(&self, set: &ClipSet, clip: usize, options: &ParametricBiasOptions) -> Result<Walk> {
        Ok(self.steps(self.shapes(set, clip, options)?, options))
    }

    /// Where shapes are and how they change, in this measure.
    fn steps(&self, mut points: Vec<Vec<f32>>, options: &ParametricBiasOptions) -> Walk {
        if let Some(components) = &self.components {
            points.iter_mut().for_each(|p| *p = components.reconstruct(&components.project(p)));
        }
        if options.from_rest {
            let rest = points[0].clone();
            points.iter_mut().for_each(|p| p.iter_mut().zip(&rest).for_each(|(v, r)| *v -= r));
        }
        let mut walk = Walk { present: Vec::new(), change: Vec::new() };
        for pair in points.windows(2) {
            walk.present.extend(pair[0].iter().map(|v| v / self.size));
            walk.change.extend(pair[0].iter().zip(&pair[1]).map(|(a, b)| (b - a) / self.change));
        }
        walk
    }

    /// The differences from the mean shape at each step.
    fn shapes(&self, set: &ClipSet, clip: usize, options: &ParametricBiasOptions) -> Result<Vec<Vec<f32>>> {
        let name = || format!("clip {}", set.clips[clip].name);
        let frames = sampled(series(set, clip)?, options);
        ensure!(frames.len() >= 3, "{} has too few frames for parametric_bias: at least 3 are needed", name());
        frames.iter().map(|f| self.mean.differences(f)).collect::<Result<_>>().with_context(name)
    }
}

fn series(set: &ClipSet, clip: usize) -> Result<&Series> {
    let found = set.clips[clip].landmarks.as_ref().filter(|s| !s.is_empty() && s.columns() == WIDTH);
    found.with_context(|| {
        format!(
            "clip {} has no landmarks over time, and parametric_bias is a network of these: choose a source that has them",
            set.clips[clip].name
        )
    })
}

/// Every so many frames, so many at most; of a short clip as many as make three.
fn sampled<'s>(series: &'s Series, options: &ParametricBiasOptions) -> Vec<&'s [f32]> {
    let every = options.every.min(series.len().saturating_sub(1) / 2).max(1);
    series.values.chunks_exact(WIDTH).step_by(every).take(options.steps + 1).collect()
}

/// A batch of clips, padded to so many steps. `codes` says what stands in the planes behind the landmarks: for each clip,
/// one value per code, the same at every step.
pub fn batch(walks: &[&Walk], steps: usize, planes: usize, codes: &[Vec<f32>]) -> Batch {
    let mut batch = Batch { shape: [1 + planes, steps, WIDTH], ..Batch::default() };
    for (i, (walk, code)) in walks.iter().zip(codes).enumerate() {
        let rest = (steps - walk.steps()) * WIDTH;
        batch.images.extend(&walk.present);
        batch.images.resize(batch.images.len() + rest, 0.0);
        for plane in 0..planes {
            let mut row: Vec<f32> = code.iter().skip(plane * WIDTH).take(WIDTH).copied().collect();
            row.resize(WIDTH, 0.0);
            (0..steps).for_each(|_| batch.images.extend(&row));
        }
        batch.targets.extend(&walk.change);
        batch.targets.resize(batch.targets.len() + rest, 0.0);
        // The loss is a mean over all steps, and padding has none: clips count alike.
        batch.weights.push(steps as f32 / walk.steps() as f32);
        batch.rows.push(i as u32);
        batch.valid.push(walk.steps() as u32);
    }
    batch
}

/// The mean squared error of each clip of a batch, over the steps that are there.
///
/// # Errors
/// When the network cannot be computed.
pub fn errors(network: &Network, batch: &Batch) -> Result<Vec<f64>> {
    let device = network.device();
    let outputs = network.forward_lengths(images(batch, device), &batch.valid)?;
    let targets = TensorData::new(batch.targets.clone(), outputs.dims());
    let losses = Reconstruction.losses(network.compute(), outputs, Tensor::from_data(targets, device));
    Ok(ops::host(losses)?.iter().zip(&batch.weights).map(|(l, w)| f64::from(l * w)).collect())
}

/// The clips of one network, each with a bias of its own.
pub struct Walks {
    pub walks: Vec<Walk>,
    pub steps: usize,
    pub batch: usize,
    pub seed: u64,
}

impl Walks {
    /// Planes that hold a place for each clip.
    pub fn planes(&self) -> usize {
        self.walks.len().div_ceil(WIDTH)
    }

    fn gather(&self, clips: &[usize]) -> Batch {
        let walks: Vec<&Walk> = clips.iter().map(|&i| &self.walks[i]).collect();
        let code = |&i: &usize| {
            let mut code = vec![0.0; self.walks.len()];
            code[i] = 1.0;
            code
        };
        batch(&walks, self.steps, self.planes(), &clips.iter().map(code).collect::<Vec<_>>())
    }
}

impl Batches for Walks {
    fn batches(&self) -> usize {
        self.walks.len().div_ceil(self.batch)
    }

    fn examples(&self) -> usize {
        self.walks.len()
    }

    fn epoch(&self, epoch: u64, first: usize) -> Box<dyn Iterator<Item = Result<Batch>> + '_> {
        let places = shuffled(self.walks.len(), self.batch, self.seed, epoch, first);
        Box::new(places.map(|clips| Ok(self.gather(&clips))))
    }
}

/// What selects: how well the training clips are predicted. Others have no bias yet, so there is nothing to predict them
/// with.
impl SquaredError for Walks {
    fn subject(&self) -> &'static str {
        "the training of parametric_bias"
    }

    fn error(&self, network: &Network) -> Result<f64> {
        let all: Vec<usize> = (0..self.walks.len()).collect();
        let mut sum = 0.0;
        for clips in all.chunks(self.batch) {
            sum += errors(network, &self.gather(clips))?.iter().sum::<f64>();
        }
        Ok(sum / self.walks.len() as f64)
    }
}
