//! Relaxed spatio-temporal features (Ozkan and Akar, ICCV Workshops 2017; savasozkan/real-fake-emotions): a network that
//! knows expressions looks at every frame, compact bilinear pooling makes a short vector of the feature maps of each few
//! frames, a recurrent network with ReLU learns from windows of them which are real, and a support vector machine decides
//! on the pooled states of all windows of a clip. One recurrent network and one machine for each emotion.
//!
//! Published: frames at 100 per second, windows of 15 frames in 5 steps of 3, sketches of 256 channels in 64 numbers, a
//! state of 64, a clip's descriptor of 512 numbers, its signed square root, C = 1; Adam with beta1 0.7. Here the network
//! of the frames is a run of our own, and steps are standardised by the training clips.

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
use super::inputs::same_emotions;
use super::sequence::FittedSequence;
use crate::export::{ReconstructionCheck, export_reconstruction};
use crate::ops::Compute;
use crate::real_fake::clip::{Clip, ClipSet, Series};
use crate::real_fake::method::{Fitted, Method, Work};
use frames::Eyes;

pub use options::{MemoryOptions, RelaxedOptions};

const NAME: &str = "relaxed";
/// Clips that an exported file is checked on, at most.
const CHECKED: usize = 8;

/// What was fitted for one emotion.
struct Group {
    emotion: Option<usize>,
    name: String,
    memory: FittedSequence<MemoryOptions>,
    machine: Plane,
}

struct FittedRelaxed {
    content: Content,
    groups: Vec<Group>,
    eyes: Option<Eyes>,
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
        let eyes = Eyes::open(self, &work.device, work.compute)?;
        let content = Content::new(self, set, eyes.channels(), eyes.digest.clone(), work.seed)?;
        let all: Vec<usize> = training.iter().chain(validation).copied().collect();
        let seen = content.seen(set, &all, &eyes, |done, all| work.progress.work("looking at clips", done, all))?;
        let groups = content.fit(&seen, training, validation, work)?;
        Ok(Box::new(FittedRelaxed { content, groups, eyes: Some(eyes) }))
    }

    fn load(&self, set: &ClipSet, folder: &Path, device: &Device, compute: Compute) -> Result<Box<dyn Fitted>> {
        let content: Content = files::read(&folder.join(format!("{NAME}.json")), NAME)?;
        same_emotions(&content.emotions, set)?;
        // Where the run stands now: folders are moved.
        let eyes = Eyes::open(self, device, compute)?;
        ensure!(
            eyes.digest == content.features_sha256,
            "{} is not the run whose network looked at the frames when the method was fitted: its weights differ",
            self.features.display()
        );
        let group = |(emotion, name): (Option<usize>, String)| -> Result<Group> {
            let memory = FittedSequence::load(&stem(&name), folder, device, compute)?;
            let machine: Plane = model::read(&folder.join(format!("{}_svm.json", stem(&name))))?;
            Ok(Group { emotion, name, memory, machine })
        };
        let groups = content.names().into_iter().map(group).collect::<Result<_>>()?;
        Ok(Box::new(FittedRelaxed { content, groups, eyes: Some(eyes) }))
    }
}

/// The name of a group's files.
fn stem(group: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    format!("{NAME}-{}", group.chars().map(plain).collect::<String>())
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

    fn names(&self) -> Vec<(Option<usize>, String)> {
        if self.emotions.is_empty() {
            return vec![(None, "all".into())];
        }
        self.emotions.iter().enumerate().map(|(i, name)| (Some(i), name.clone())).collect()
    }

    /// A set whose clips have the steps in the place of action units, at the places of the clips that were looked at.
    fn seen(&self, set: &ClipSet, clips: &[usize], eyes: &Eyes, mut told: impl FnMut(usize, usize)) -> Result<ClipSet> {
        let mut steps = BTreeMap::new();
        for (done, &i) in clips.iter().enumerate() {
            let series = eyes.watch(&set.clips[i], &self.options, &self.sketches[0]);
            steps.insert(i, series.with_context(|| format!("clip {} cannot be used", set.clips[i].name))?);
            told(done + 1, clips.len());
        }
        Ok(self.with_steps(set, steps))
    }

    fn with_steps(&self, set: &ClipSet, mut steps: BTreeMap<usize, Series>) -> ClipSet {
        let clip = |(i, c): (usize, &Clip)| Clip { units: steps.remove(&i), landmarks: None, ..c.clone() };
        ClipSet {
            units: (0..self.options.memory.sketch).map(|i| format!("sketch {i}")).collect(),
            clips: set.clips.iter().enumerate().map(clip).collect(),
            ..set.clone()
        }
    }

    /// Trains each emotion's network, then its machine, on clips that were looked at.
    fn fit(&self, seen: &ClipSet, training: &[usize], validation: &[usize], work: &mut Work) -> Result<Vec<Group>> {
        let of = |clips: &[usize], emotion: Option<usize>| -> Vec<usize> {
            clips.iter().copied().filter(|&i| emotion.is_none() || seen.clips[i].emotion == emotion).collect()
        };
        self.check_lengths(seen, training)?;
        self.check_lengths(seen, validation)?;
        let mut groups = Vec::new();
        for (emotion, name) in self.names() {
            let (training, validation) = (of(training, emotion), of(validation, emotion));
            work.progress.note(&format!("{NAME}: {} clips of {name}", training.len()));
            let parts = [&training[..], &validation[..]];
            let memory = FittedSequence::fit(&self.options.memory, &stem(&name), seen, parts, work)?;
            let labels: Vec<bool> = training.iter().map(|&i| seen.clips[i].real == Some(true)).collect();
            let rows = Matrix::from_rows(&self.descriptors(seen, &training, &memory)?)?;
            let options = SvmOptions { c: self.options.c, ..SvmOptions::default() };
            let machine = Svm::fit(&rows, &labels, &options).with_context(|| format!("the machine of {name}"))?.plane;
            groups.push(Group { emotion, name, memory, machine });
        }
        Ok(groups)
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

    fn scores(&self, seen: &ClipSet, clips: &[usize], groups: &[Group]) -> Result<Vec<f64>> {
        self.check_lengths(seen, clips)?;
        let mut scores = vec![None; clips.len()];
        for group in groups {
            let places: Vec<usize> = (0..clips.len())
                .filter(|&p| group.emotion.is_none() || seen.clips[clips[p]].emotion == group.emotion)
                .collect();
            let own: Vec<usize> = places.iter().map(|&p| clips[p]).collect();
            if own.is_empty() {
                continue;
            }
            for (place, row) in places.into_iter().zip(self.descriptors(seen, &own, &group.memory)?) {
                scores[place] = Some(group.machine.decision(&row)?);
            }
        }
        let named = |(score, &i): (Option<f64>, &usize)| {
            score.with_context(|| {
                format!(
                    "clip {} does not say which emotion is shown, and {NAME} has one network for each",
                    seen.clips[i].name
                )
            })
        };
        scores.into_iter().zip(clips).map(named).collect()
    }

    fn export(
        &self,
        seen: &ClipSet,
        clips: &[usize],
        groups: &[Group],
        folder: &Path,
        tolerance: f64,
    ) -> Result<Vec<(String, ReconstructionCheck)>> {
        let mut found = Vec::new();
        for group in groups {
            let of = |&i: &usize| group.emotion.is_none() || seen.clips[i].emotion == group.emotion;
            let own: Vec<usize> = clips.iter().copied().filter(of).take(CHECKED).collect();
            if own.is_empty() {
                continue;
            }
            let network = group.memory.network();
            let pieces = [(network.clone(), group.memory.examples(seen, &own)?.sequences(network.graph().input[1]))];
            let name = format!("{}.onnx", stem(&group.name));
            let target = folder.join(&name);
            let check = export_reconstruction(network, &seen.units, BTreeMap::new(), &target, tolerance, &pieces)?;
            found.push((name, check));
        }
        Ok(found)
    }
}

impl FittedRelaxed {
    fn seen(&self, set: &ClipSet, clips: &[usize]) -> Result<ClipSet> {
        let eyes = self.eyes.as_ref().context("no network looks at the frames")?;
        self.content.seen(set, clips, eyes, |_, _| {})
    }
}

impl Fitted for FittedRelaxed {
    fn scores(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>> {
        self.content.scores(&self.seen(set, clips)?, clips, &self.groups)
    }

    fn save(&self, folder: &Path) -> Result<()> {
        for group in &self.groups {
            group.memory.write(&stem(&group.name), folder)?;
            model::write(&folder.join(format!("{}_svm.json", stem(&group.name))), &group.machine)?;
        }
        files::write(&folder.join(format!("{NAME}.json")), NAME, &self.content)
    }

    /// Weights of the recurrent networks and of the machines, not of the network that looks at the frames.
    fn parameters(&self) -> usize {
        let of = |g: &Group| g.memory.network().graph().parameter_count() + g.machine.weights.len() + 1;
        self.groups.iter().map(of).sum()
    }

    fn export(
        &self,
        set: &ClipSet,
        clips: &[usize],
        folder: &Path,
        tolerance: f64,
    ) -> Result<Vec<(String, ReconstructionCheck)>> {
        let mut some = Vec::new();
        for group in &self.groups {
            let of = |&i: &usize| group.emotion.is_none() || set.clips[i].emotion == group.emotion;
            some.extend(clips.iter().copied().filter(of).take(CHECKED));
        }
        self.content.export(&self.seen(set, &some)?, &some, &self.groups, folder, tolerance)
    }
}
