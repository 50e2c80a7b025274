//! Relaxed spatio-temporal features (Ozkan and Akar, ICCV Workshops 2017; savasozkan/real-fake-emotions): a network that
//! knows expressions looks at every frame, compact bilinear pooling makes a short vector of the feature maps of each few
//! frames, a recurrent network with ReLU learns from windows of them which are real, and a support vector machine decides
//! on the pooled states of all windows of a clip. One recurrent network and one machine for each emotion.
//!
//! Published: frames at 100 per second, windows of 15 frames in 5 steps of 3, sketches of 256 channels in 64 numbers, a
//! state of 64, a clip's descriptor of 512 numbers, its signed square root, C = 1; Adam with beta1 0.7. Here the network
//! of the frames is a run of our own, and steps are standardised by the training clips.

mod encode;
mod frames;
mod options;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use ferrotype_classic::bilinear::{TensorSketch, normalise, signed_square_root};
use ferrotype_classic::matrix::Matrix;
use ferrotype_classic::model;
use ferrotype_classic::svm::{Plane, Svm, SvmOptions};
use serde::{Deserialize, Serialize};

use super::files;
use super::groups::{self, Group};
use super::inputs::same_emotions;
use super::sequence::FittedSequence;
use crate::clip::{ClipSet, Series};
use crate::method::{Fitted, Method, Work};
use encode::EncodedClips;
use ferrotype_interop::export::{ReconstructionCheck, export_reconstruction};
use ferrotype_ops::Compute;
use ferrotype_training::interrupt::Interrupted;
use frames::FrameEncoder;

pub use options::{MemoryOptions, RelaxedOptions};

const NAME: &str = "relaxed";
/// Clips that an exported file is checked on, at most.
const CHECKED: usize = 8;

/// What was fitted for one emotion.
struct Part {
    group: Group,
    memory: FittedSequence<MemoryOptions>,
    machine: Plane,
}

struct FittedRelaxed {
    content: Content,
    parts: Vec<Part>,
    encoder: FrameEncoder,
    encoded: EncodedClips,
}

/// What stands in its JSON file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Content {
    options: RelaxedOptions,
    emotions: Vec<String>,
    /// sha256 of the weights that look at the frames.
    features_sha256: String,
    /// Of a step, and of a clip.
    sketches: [TensorSketch; 2],
}

impl Method for RelaxedOptions {
    fn selects(&self) -> bool {
        true
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.impossible()
    }

    fn fit(&self, set: &ClipSet, training: &[usize], validation: &[usize], work: &mut Work) -> Result<Box<dyn Fitted>> {
        let encoder = FrameEncoder::open(self, &work.device, work.compute)?;
        let content = Content::new(self, set, encoder.channels(), encoder.digest.clone(), work.seed)?;
        let all: Vec<usize> = training.iter().chain(validation).copied().collect();
        let encoded = EncodedClips::default();
        let seen = content.seen(set, &all, &encoder, &encoded, |done, all| {
            work.progress.work("looking at clips", done, all);
            if work.interrupt.is_asked() { Err(Interrupted("interrupted".into()).into()) } else { Ok(()) }
        })?;
        let parts = content.fit(&seen, training, validation, work)?;
        Ok(Box::new(FittedRelaxed { content, parts, encoder, encoded }))
    }

    fn load(&self, set: &ClipSet, folder: &Path, device: &Device, compute: Compute) -> Result<Box<dyn Fitted>> {
        let content: Content = files::read(&folder.join(format!("{NAME}.json")), NAME)?;
        same_emotions(&content.emotions, set)?;
        // Where the run stands now: folders are moved.
        let encoder = FrameEncoder::open(self, device, compute)?;
        ensure!(
            encoder.digest == content.features_sha256,
            "{} is not the run whose network encoded the frames when the method was fitted: its weights differ",
            self.features.display()
        );
        let part = |group: Group| -> Result<Part> {
            let memory = FittedSequence::load(&group.stem(NAME), folder, device, compute)?;
            let machine: Plane = model::read(&folder.join(format!("{}_svm.json", group.stem(NAME))))?;
            Ok(Part { group, memory, machine })
        };
        let parts = Group::all(&content.emotions).into_iter().map(part).collect::<Result<_>>()?;
        Ok(Box::new(FittedRelaxed { parts, content, encoder, encoded: EncodedClips::default() }))
    }
}

impl Content {
    fn new(
        options: &RelaxedOptions,
        set: &ClipSet,
        channels: usize,
        features_sha256: String,
        seed: u64,
    ) -> Result<Self> {
        let memory = &options.memory;
        let sketches = [
            TensorSketch::new(channels, memory.sketch, seed)?,
            TensorSketch::new(memory.hidden, options.descriptor, seed.wrapping_add(1))?,
        ];
        Ok(Self { options: options.clone(), emotions: set.emotions.clone(), features_sha256, sketches })
    }

    /// Trains each emotion's network, then its machine, on clips that were encoded.
    fn fit(&self, seen: &ClipSet, training: &[usize], validation: &[usize], work: &mut Work) -> Result<Vec<Part>> {
        groups::check(NAME, seen, training)?;
        self.check_lengths(seen, training)?;
        self.check_lengths(seen, validation)?;
        let mut parts = Vec::new();
        for group in Group::all(&self.emotions) {
            let (training, mut validation) = (group.pick(seen, training).1, group.pick(seen, validation).1);
            let name = &group.name;
            if validation.is_empty() {
                work.progress.warn(&format!(
                    "{NAME}: no validation clip shows {name}: its network is selected by its training clips (data.validation \
                     keeps more back)"
                ));
                validation.clone_from(&training);
            }
            work.progress.note(&format!("{NAME}: {} clips of {name}", training.len()));
            let sets = [&training[..], &validation[..]];
            let memory = FittedSequence::fit(&self.options.memory, &group.stem(NAME), seen, sets, work)?;
            let labels: Vec<bool> = training.iter().map(|&i| seen.clips[i].real == Some(true)).collect();
            let rows = Matrix::from_rows(&self.descriptors(seen, &training, &memory)?)?;
            let options = SvmOptions { c: self.options.c, ..SvmOptions::default() };
            let machine = Svm::fit(&rows, &labels, &options).with_context(|| format!("the machine of {name}"))?.plane;
            parts.push(Part { group, memory, machine });
        }
        Ok(parts)
    }

    /// Every clip needs a window.
    fn check_lengths(&self, seen: &ClipSet, clips: &[usize]) -> Result<()> {
        let window = self.options.memory.series.pieces.as_ref().map_or(1, |p| p.length);
        for &i in clips {
            let steps = seen.clips[i].units.as_ref().map_or(0, Series::len);
            ensure!(
                steps >= window,
                "clip {} has {steps} steps of {} frames, fewer than a window of {window}: raise rate, or lower frames or \
                 memory.series.pieces.length",
                seen.clips[i].name,
                self.options.frames
            );
        }
        Ok(())
    }

    /// The descriptor of each clip: the states at the ends of its windows, each of length 1, pooled, and the signed square
    /// root of that.
    fn descriptors(
        &self,
        seen: &ClipSet,
        clips: &[usize],
        memory: &FittedSequence<MemoryOptions>,
    ) -> Result<Vec<Vec<f64>>> {
        let states = memory.examples(seen, clips)?.values_of(memory.network(), "memory")?;
        let describe = |windows: Vec<Vec<f32>>| {
            let count = windows.len() as f64;
            let unit = |window: &Vec<f32>| {
                let mut state: Vec<f64> = window.iter().map(|&v| f64::from(v)).collect();
                normalise(&mut state);
                state
            };
            let positions: Vec<f64> = windows.iter().flat_map(unit).collect();
            let mut pooled = self.sketches[1].pool(&positions)?;
            pooled.iter_mut().for_each(|v| *v /= count);
            signed_square_root(&mut pooled);
            Ok(pooled)
        };
        states.into_iter().map(describe).collect()
    }

    fn scores(&self, seen: &ClipSet, clips: &[usize], parts: &[Part]) -> Result<Vec<f64>> {
        groups::check(NAME, seen, clips)?;
        self.check_lengths(seen, clips)?;
        let mut scores = vec![0.0; clips.len()];
        for part in parts {
            let (places, own) = part.group.pick(seen, clips);
            for (place, row) in places.into_iter().zip(self.descriptors(seen, &own, &part.memory)?) {
                scores[place] = part.machine.decision(&row)?;
            }
        }
        Ok(scores)
    }

    fn export(
        &self,
        seen: &ClipSet,
        clips: &[usize],
        parts: &[Part],
        folder: &Path,
        tolerance: f64,
    ) -> Result<Vec<(String, ReconstructionCheck)>> {
        let mut found = Vec::new();
        for part in parts {
            let own = some(&part.group, seen, clips);
            if own.is_empty() {
                continue;
            }
            let network = part.memory.network();
            let pieces = [(network.clone(), part.memory.examples(seen, &own)?.sequences(network.graph().input[1]))];
            let name = format!("{}.onnx", part.group.stem(NAME));
            let target = folder.join(&name);
            let check = export_reconstruction(network, &seen.units, BTreeMap::new(), &target, tolerance, &pieces)?;
            found.push((name, check));
        }
        Ok(found)
    }
}

/// The first clips of a group, to check a file with.
fn some(group: &Group, set: &ClipSet, clips: &[usize]) -> Vec<usize> {
    let (_, mut own) = group.pick(set, clips);
    own.truncate(CHECKED);
    own
}

impl FittedRelaxed {
    fn seen(&self, set: &ClipSet, clips: &[usize]) -> Result<ClipSet> {
        self.content.seen(set, clips, &self.encoder, &self.encoded, |_, _| Ok(()))
    }
}

impl Fitted for FittedRelaxed {
    fn scores(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>> {
        self.content.scores(&self.seen(set, clips)?, clips, &self.parts)
    }

    fn save(&self, folder: &Path) -> Result<()> {
        for part in &self.parts {
            let stem = part.group.stem(NAME);
            part.memory.write(&stem, folder)?;
            model::write(&folder.join(format!("{stem}_svm.json")), &part.machine)?;
        }
        files::write(&folder.join(format!("{NAME}.json")), NAME, &self.content)
    }

    /// Weights of the recurrent networks and of the machines, not of the network that looks at the frames.
    fn parameters(&self) -> usize {
        let of = |p: &Part| p.memory.network().graph().parameter_count() + p.machine.weights.len() + 1;
        self.parts.iter().map(of).sum()
    }

    fn export(
        &self,
        set: &ClipSet,
        clips: &[usize],
        folder: &Path,
        tolerance: f64,
    ) -> Result<Vec<(String, ReconstructionCheck)>> {
        let of = |part: &Part| some(&part.group, set, clips);
        let shown: Vec<usize> = self.parts.iter().flat_map(of).collect();
        self.content.export(&self.seen(set, &shown)?, &shown, &self.parts, folder, tolerance)
    }
}
