//! Pieces of clips as training examples, and the clips that select the weights.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::Pieces;
use super::input::Input;
use crate::clip::ClipSet;
use ferrotype_data::Batch;
use ferrotype_interop::export::Sequences;
use ferrotype_model::Network;
use ferrotype_ops as ops;
use ferrotype_training::learner::images;
use ferrotype_training::parts::{Batches, Validation, shuffled};
use ferrotype_training::progress::Progress;

/// Pieces per pass of scoring.
const BATCH: usize = 128;

/// Frames of a clip that a network sees at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    clip: usize,
    first: usize,
    length: usize,
}

/// Clips, and the pieces they are cut into.
pub struct Examples {
    columns: usize,
    /// `[frames, columns]` of each clip.
    clips: Vec<Vec<f32>>,
    /// Place in the classes, where it is known.
    classes: Vec<Option<usize>>,
    pieces: Vec<Piece>,
    /// Pieces of each clip.
    counts: Vec<usize>,
    /// What pieces are padded to in training.
    steps: usize,
    batch: usize,
    seed: u64,
}

impl Examples {
    /// The pieces of these clips of a set.
    ///
    /// # Errors
    /// When a clip lacks what the input takes.
    pub fn new(method: &str, input: &Input, set: &ClipSet, clips: &[usize], rule: Option<&Pieces>) -> Result<Self> {
        let columns = input.columns();
        let rows = clips.iter().map(|&i| input.rows(method, set, i)).collect::<Result<Vec<_>>>()?;
        let cut = |(clip, rows): (usize, &Vec<f32>)| {
            let frames = rows.len() / columns;
            starts(frames, rule)
                .into_iter()
                .map(move |(first, length)| Piece { clip, first, length })
                .collect::<Vec<_>>()
        };
        let pieces: Vec<Vec<Piece>> = rows.iter().enumerate().map(cut).collect();
        let steps = pieces.iter().flatten().map(|p| p.length).max().unwrap_or(1);
        Ok(Self {
            columns,
            counts: pieces.iter().map(Vec::len).collect(),
            pieces: pieces.concat(),
            clips: rows,
            classes: clips.iter().map(|&i| set.clips[i].class()).collect(),
            steps,
            batch: BATCH,
            seed: 0,
        })
    }

    /// To be trained on: in batches of so many pieces, padded to so many steps, in an order of this seed.
    pub fn for_training(self, batch: usize, steps: usize, seed: u64) -> Self {
        Self { batch, steps, seed, ..self }
    }

    /// Whether both classes are there.
    ///
    /// # Errors
    /// When they are not.
    pub fn check_classes(&self) -> Result<()> {
        let count = |class: usize| self.classes.iter().filter(|c| **c == Some(class)).count();
        let (fake, real) = (count(0), count(1));
        ensure!(
            fake > 0 && real > 0,
            "{fake} of the training clips are fake and {real} are real: clips of both classes are needed"
        );
        Ok(())
    }

    /// Frames of the longest piece.
    pub fn longest(&self) -> usize {
        self.steps
    }

    /// All pieces, padded to so many steps, to check a file with.
    pub fn sequences(&self, steps: usize) -> Sequences {
        let all: Vec<usize> = (0..self.pieces.len()).collect();
        let batch = self.gather(&all, steps);
        Sequences { steps, values: batch.images, valid: batch.valid }
    }

    fn gather(&self, pieces: &[usize], steps: usize) -> Batch {
        let width = self.columns;
        let mut batch = Batch { shape: [1, steps, width], ..Batch::default() };
        for &number in pieces {
            let piece = self.pieces[number];
            let values = &self.clips[piece.clip][piece.first * width..(piece.first + piece.length) * width];
            batch.images.extend_from_slice(values);
            batch.images.resize(batch.images.len() + (steps - piece.length) * width, 0.0);
            batch.targets.extend([0, 1].map(|class| f32::from(u8::from(self.classes[piece.clip] == Some(class)))));
            // Clips count alike, however many pieces they have.
            batch.weights.push(1.0 / self.counts[piece.clip] as f32);
            batch.rows.push(number as u32);
            batch.valid.push(piece.length as u32);
        }
        batch
    }

    /// The score of each clip: the mean over its pieces of the score of `real` above that of `fake`.
    ///
    /// # Errors
    /// When the network does not take the pieces, or gives no finite scores.
    pub fn scores(&self, network: &Network) -> Result<Vec<f64>> {
        let steps = network.graph().input[1];
        let mut sums = vec![0.0; self.clips.len()];
        let all: Vec<usize> = (0..self.pieces.len()).collect();
        for numbers in all.chunks(BATCH) {
            let batch = self.gather(numbers, steps);
            let logits = network.forward_lengths(images(&batch, network.device()), &batch.valid)?;
            let logits = ops::host(logits.reshape([2 * numbers.len()]))?;
            for (&number, z) in numbers.iter().zip(logits.chunks_exact(2)) {
                sums[self.pieces[number].clip] += f64::from(z[1]) - f64::from(z[0]);
            }
        }
        let scores: Vec<f64> = sums.iter().zip(&self.counts).map(|(s, &n)| s / n as f64).collect();
        ensure!(scores.iter().all(|s| s.is_finite()), "{} gives scores that are not finite", network.graph().name);
        Ok(scores)
    }
}

impl Examples {
    /// The value of a layer for each piece of each clip, `[values]`. Only for pieces of the network's own length.
    ///
    /// # Errors
    /// When there is no such layer, or a piece is shorter.
    pub fn values_of(&self, network: &Network, layer: &str) -> Result<Vec<Vec<Vec<f32>>>> {
        let graph = network.graph();
        let node = graph.nodes.iter().position(|n| n.name == layer);
        let node = node.with_context(|| format!("{} has no layer `{layer}`", graph.name))?;
        let steps = graph.input[1];
        ensure!(
            self.pieces.iter().all(|p| p.length == steps),
            "{}: a clip is shorter than the {steps} steps that it looks at",
            graph.name
        );
        let mut found = vec![Vec::new(); self.clips.len()];
        let all: Vec<usize> = (0..self.pieces.len()).collect();
        for numbers in all.chunks(BATCH) {
            let batch = self.gather(numbers, steps);
            let values = network.features(images(&batch, network.device()), node)?;
            let [n, width] = values.dims();
            let values = ops::host(values.reshape([n * width]))?;
            for (&number, v) in numbers.iter().zip(values.chunks_exact(width)) {
                found[self.pieces[number].clip].push(v.to_vec());
            }
        }
        Ok(found)
    }
}

/// First frame and length of each piece of a clip.
fn starts(frames: usize, rule: Option<&Pieces>) -> Vec<(usize, usize)> {
    let Some(rule) = rule.filter(|r| r.length < frames) else { return vec![(0, frames)] };
    let last = frames - rule.length;
    let mut starts: Vec<usize> = (0..=last).step_by(rule.stride).collect();
    if starts.last() != Some(&last) {
        starts.push(last);
    }
    starts.into_iter().map(|first| (first, rule.length)).collect()
}

impl Batches for Examples {
    fn batches(&self) -> usize {
        self.pieces.len().div_ceil(self.batch)
    }

    fn examples(&self) -> usize {
        self.pieces.len()
    }

    fn epoch(&self, epoch: u64, first: usize) -> Box<dyn Iterator<Item = Result<Batch>> + '_> {
        let places = shuffled(self.pieces.len(), self.batch, self.seed, epoch, first);
        Box::new(places.map(|pieces| Ok(self.gather(&pieces, self.steps))))
    }
}

/// The clips that select the weights.
pub struct Selection {
    /// Whose weights.
    pub method: &'static str,
    /// The clips.
    pub examples: Examples,
}

/// The metric that selects: the mean cross-entropy of the clips.
const LOSS: &str = "loss";
const ACCURACY: &str = "accuracy";

impl Validation for Selection {
    fn measure(&self, network: &Network, _: &mut dyn Progress) -> Result<BTreeMap<String, f64>> {
        let scores = self.examples.scores(network)?;
        let mut sums = (0.0, 0.0, 0.0);
        for (score, class) in scores.iter().zip(&self.examples.classes) {
            let Some(class) = class else { continue };
            let margin = if *class == 1 { *score } else { -score };
            sums.0 += 1.0;
            // ln(1 + e^-m) without overflow.
            sums.1 += (-margin).max(0.0) + (-margin.abs()).exp().ln_1p();
            sums.2 += f64::from(u8::from(margin > 0.0));
        }
        ensure!(sums.0 > 0.0, "none of the validation clips of {} has a known truth", self.method);
        Ok(BTreeMap::from([(LOSS.to_owned(), sums.1 / sums.0), (ACCURACY.to_owned(), sums.2 / sums.0)]))
    }

    fn selects_by(&self) -> Result<&'static str> {
        Ok(LOSS)
    }

    fn metric(&self, name: &str) -> Result<(&'static str, bool)> {
        match name {
            "loss" | "log_loss" => Ok((LOSS, false)),
            "accuracy" => Ok((ACCURACY, true)),
            _ => {
                anyhow::bail!("the validation of {} knows the metrics `loss` and `accuracy`, not `{name}`", self.method)
            }
        }
    }

    fn loss(&self) -> &'static str {
        LOSS
    }

    fn shown(&self) -> Vec<&str> {
        vec![ACCURACY, LOSS]
    }

    fn has_classes(&self) -> bool {
        true
    }
}
