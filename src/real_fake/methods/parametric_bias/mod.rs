//! Recurrent networks with parametric bias, and boosted trees on the biases: after HCILab's entry (Huynh and Kim, ICCV
//! Workshops 2017), one of the two winners of the challenge, and Tani's RNNPB (Neural Networks 16, 2003).
//!
//! For each emotion there are two networks: one learns from felt clips, one from posed ones. A network predicts where
//! landmarks go next from where they are and from a few numbers that stay the same over a clip, its *bias*; weights and
//! the training clips' biases are learned together. Then the weights are held, and each clip, trained on or not, is given
//! the bias under which each of the two networks predicts it best, by gradient. Both biases together are what trees are
//! grown on.
//!
//! The paper does not give the layers' sizes, the length of the biases, the steps of the search, nor the rate of the frames:
//! these are options. Landmarks are freed of place, size and turn by a similarity to a mean shape; the network predicts
//! their change, which is the next landmarks less the present ones.

mod network;
mod options;
mod shape;
#[cfg(test)]
mod tests;
mod walks;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use ferrotype_classic::boosting::Boosting;
use ferrotype_classic::matrix::Matrix;
use ferrotype_classic::model;
use serde::{Deserialize, Serialize};

use super::files;
use super::inputs::same_emotions;
use super::training::{Goal, names, train};
use crate::export::{ReconstructionCheck, Sequences, export_reconstruction};
use crate::model::Network;
use crate::objective::Reconstruction;
use crate::ops::Compute;
use crate::real_fake::clip::{CLASSES, ClipSet};
use crate::real_fake::method::{Fitted, Method, Work};
use walks::{Measure, WIDTH, Walk, Walks, batch};

pub use options::ParametricBiasOptions;

const NAME: &str = "parametric_bias";
/// Clips that an exported file is checked on, at most.
const CHECKED: usize = 8;
/// The group of all clips, where emotions are not told apart.
const ALL: &str = "all";

/// The two networks of an emotion, that of fake clips first, and the trees on their biases.
struct Group {
    /// Place of the emotion; none where emotions are not told apart.
    emotion: Option<usize>,
    name: String,
    networks: [Network; 2],
    trees: Boosting,
}

/// A fitted method.
struct FittedBias {
    content: Content,
    groups: Vec<Group>,
}

/// What stands in its JSON file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Content {
    options: ParametricBiasOptions,
    emotions: Vec<String>,
    measure: Measure,
}

impl Method for ParametricBiasOptions {
    fn problems(&self) -> Vec<(String, String)> {
        self.impossible()
    }

    fn fit(&self, set: &ClipSet, training: &[usize], _: &[usize], work: &mut Work) -> Result<Box<dyn Fitted>> {
        let content = Content {
            options: self.clone(),
            emotions: set.emotions.clone(),
            measure: Measure::fit(set, training, self)?,
        };
        let mut groups = Vec::new();
        for (emotion, name) in content.names() {
            let clips: Vec<usize> = training.iter().copied().filter(|&i| is_of(set, i, emotion)).collect();
            groups.push(content.group(set, emotion, name, &clips, work)?);
        }
        if let Some(&lost) = training.iter().find(|&&i| content.group_of(set, i).is_none()) {
            content.missing(set, lost)?;
        }
        Ok(Box::new(FittedBias { content, groups }))
    }

    fn load(&self, set: &ClipSet, folder: &Path, device: &Device, compute: Compute) -> Result<Box<dyn Fitted>> {
        let content: Content = files::read(&folder.join(format!("{NAME}.json")), NAME)?;
        same_emotions(&content.emotions, set)?;
        let options = &content.options;
        let group = |(emotion, name): (Option<usize>, String)| -> Result<Group> {
            let read = |class: &str| {
                let path = folder.join(format!("{NAME}-{}.safetensors", file_part(&name, class)));
                files::read_network(&path, network::graph(options, 1, options.steps)?, device, compute)
            };
            let networks = [read(CLASSES[0])?, read(CLASSES[1])?];
            let trees: Boosting = model::read(&folder.join(format!("{NAME}-{}.json", file_part(&name, "trees"))))?;
            ensure!(trees.features() == 2 * options.biases, "the trees of {name} are not of these biases");
            Ok(Group { emotion, name, networks, trees })
        };
        let groups = content.names().into_iter().map(group).collect::<Result<_>>()?;
        Ok(Box::new(FittedBias { groups, content }))
    }
}

fn is_of(set: &ClipSet, clip: usize, emotion: Option<usize>) -> bool {
    emotion.is_none() || set.clips[clip].emotion == emotion
}

/// A part of a file's name.
fn file_part(group: &str, what: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    format!("{}-{what}", group.chars().map(plain).collect::<String>())
}

impl Content {
    /// The groups of clips that have networks of their own.
    fn names(&self) -> Vec<(Option<usize>, String)> {
        if self.emotions.is_empty() {
            return vec![(None, ALL.into())];
        }
        self.emotions.iter().enumerate().map(|(i, name)| (Some(i), name.clone())).collect()
    }

    /// The group that a clip belongs to.
    fn group_of(&self, set: &ClipSet, clip: usize) -> Option<usize> {
        self.names().iter().position(|(emotion, _)| is_of(set, clip, *emotion))
    }

    fn missing(&self, set: &ClipSet, clip: usize) -> Result<()> {
        anyhow::bail!(
            "clip {} does not say which emotion is shown, and {NAME} has networks of their own for {}",
            set.clips[clip].name,
            self.emotions.join(", ")
        )
    }

    fn walks(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<Walk>> {
        clips.iter().map(|&i| self.measure.walk(set, i, &self.options)).collect()
    }

    /// Trains the two networks of a group, and the trees.
    fn group(
        &self,
        set: &ClipSet,
        emotion: Option<usize>,
        name: String,
        clips: &[usize],
        work: &mut Work,
    ) -> Result<Group> {
        let of = |class: usize| clips.iter().copied().filter(|&i| set.clips[i].class() == Some(class)).collect();
        let classes: [Vec<usize>; 2] = [of(0), of(1)];
        ensure!(
            classes.iter().all(|c| c.len() >= 2),
            "{} training clips of the emotion {name} are fake and {} are real: {NAME} needs two of each at least",
            classes[0].len(),
            classes[1].len()
        );
        let mut networks = Vec::new();
        for (class, clips) in CLASSES.iter().zip(&classes) {
            work.progress.note(&format!("{NAME}: {} {class} clips of {name}", clips.len()));
            networks.push(self.network(set, clips, &file_part(&name, class), work)?);
        }
        let [fake, real] = <[Network; 2]>::try_from(networks).map_err(|_| anyhow::anyhow!("two networks"))?;
        let networks = [fake, real];
        let rows = Matrix::from_rows(&self.biases(&networks, &self.walks(set, clips)?)?)?;
        let labels: Vec<bool> = clips.iter().map(|&i| set.clips[i].real == Some(true)).collect();
        let trees = Boosting::fit(&rows, &labels, &self.options.boosting())
            .with_context(|| format!("the trees of {name} cannot be grown"))?;
        Ok(Group { emotion, name, networks, trees })
    }

    /// A network that has learned these clips.
    fn network(&self, set: &ClipSet, clips: &[usize], name: &str, work: &mut Work) -> Result<Network> {
        let options = &self.options;
        let walks = Walks {
            walks: self.walks(set, clips)?,
            steps: options.steps,
            batch: work.train.batch_size,
            seed: work.seed,
        };
        let graph = Arc::new(network::graph(options, walks.planes(), options.steps)?);
        let mut network = Network::new(graph, work.seed, &work.device).with_compute(work.compute);
        let goal = Goal {
            objective: Box::new(Reconstruction),
            class_weights: Vec::new(),
            batches: &walks,
            validation: &walks,
        };
        // The search for biases and the trees come later: the weights do not depend on them.
        let weights_only = (options.biases, options.hidden, options.every, options.steps, names(set, clips));
        train(&mut network, name, &(weights_only, &self.measure), goal, work)?;
        network::given_bias(options, &network, options.steps)
    }

    /// The biases of clips under both networks, side by side.
    fn biases(&self, networks: &[Network; 2], walks: &[Walk]) -> Result<Vec<Vec<f64>>> {
        let [fake, real] = networks;
        let fake = network::infer(&self.options, fake, walks)?;
        let real = network::infer(&self.options, real, walks)?;
        let joined = |(a, b): (Vec<f32>, Vec<f32>)| a.into_iter().chain(b).map(f64::from).collect();
        Ok(fake.into_iter().zip(real).map(joined).collect())
    }
}

impl Fitted for FittedBias {
    fn scores(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>> {
        let mut scores = vec![0.0; clips.len()];
        for group in &self.groups {
            let places: Vec<usize> = (0..clips.len()).filter(|&i| is_of(set, clips[i], group.emotion)).collect();
            let own: Vec<usize> = places.iter().map(|&i| clips[i]).collect();
            let biases = self.content.biases(&group.networks, &self.content.walks(set, &own)?)?;
            for (place, row) in places.into_iter().zip(biases) {
                scores[place] = group.trees.decision(&row)?;
            }
        }
        match clips.iter().find(|&&i| self.content.group_of(set, i).is_none()) {
            Some(&lost) => self.content.missing(set, lost).map(|()| scores),
            None => Ok(scores),
        }
    }

    fn save(&self, folder: &Path) -> Result<()> {
        for group in &self.groups {
            for (network, class) in group.networks.iter().zip(CLASSES) {
                let name = format!("{NAME}-{}.safetensors", file_part(&group.name, class));
                files::write_network(&folder.join(name), network)?;
            }
            model::write(&folder.join(format!("{NAME}-{}.json", file_part(&group.name, "trees"))), &group.trees)?;
        }
        files::write(&folder.join(format!("{NAME}.json")), NAME, &self.content)
    }

    /// Weights of the networks; the identity in the place of the training clips' biases is none.
    fn parameters(&self) -> usize {
        let identity = self.content.options.biases * WIDTH;
        self.groups.iter().flat_map(|g| &g.networks).map(|n| n.graph().parameter_count() - identity).sum()
    }

    fn export(
        &self,
        set: &ClipSet,
        clips: &[usize],
        folder: &Path,
        tolerance: f64,
    ) -> Result<Vec<(String, ReconstructionCheck)>> {
        let options = &self.content.options;
        let mut found = Vec::new();
        for group in &self.groups {
            let own: Vec<usize> =
                clips.iter().copied().filter(|&i| is_of(set, i, group.emotion)).take(CHECKED).collect();
            if own.is_empty() {
                continue;
            }
            let walks = self.content.walks(set, &own)?;
            for (network, class) in group.networks.iter().zip(CLASSES) {
                let biases = network::infer(options, network, &walks)?;
                let all: Vec<&Walk> = walks.iter().collect();
                let batch = batch(&all, options.steps, 1, &biases);
                let pieces =
                    [(network.clone(), Sequences { steps: options.steps, values: batch.images, valid: batch.valid })];
                let columns: Vec<String> = (0..68).flat_map(|i| [format!("x{i}"), format!("y{i}")]).collect();
                let name = format!("{NAME}-{}.onnx", file_part(&group.name, class));
                let about = [("bias", format!("plane 1, columns 0 to {}, the same at every step", options.biases - 1))];
                let about = about.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
                let check = export_reconstruction(network, &columns, about, &folder.join(&name), tolerance, &pieces)?;
                found.push((name, check));
            }
        }
        Ok(found)
    }
}
