//! Recurrent networks with parametric bias, and boosted trees on the biases: after HCILab's entry (Huynh and Kim, ICCV
//! Workshops 2017), one of the two winners of the challenge, and Tani's RNNPB (Neural Networks 16, 2003).
//!
//! For each emotion there are two networks: one learns from genuine clips, one from posed ones. A network predicts where
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
use super::groups::{self, Group};
use super::inputs::same_emotions;
use super::training::{Goal, names, train};
use crate::clip::{CLASSES, ClipSet};
use crate::method::{Fitted, Method, Work};
use ferrotype_interop::export::{ReconstructionCheck, Sequences, export_reconstruction};
use ferrotype_model::Network;
use ferrotype_model::objective::Reconstruction;
use ferrotype_ops::Compute;
use walks::{Measure, WIDTH, Walk, Walks, batch};

pub use options::ParametricBiasOptions;

const NAME: &str = "parametric_bias";
/// Clips that an exported file is checked on, at most.
const CHECKED: usize = 8;

/// The two networks of an emotion, that of fake clips first, and the trees on their biases.
struct Pair {
    group: Group,
    networks: [Network; 2],
    trees: Boosting,
}

/// A fitted method.
struct FittedBias {
    content: Content,
    pairs: Vec<Pair>,
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
        groups::check(NAME, set, training)?;
        let of = |group| content.pair(set, group, training, work);
        let pairs = Group::all(&set.emotions).into_iter().map(of).collect::<Result<_>>()?;
        Ok(Box::new(FittedBias { content, pairs }))
    }

    fn load(&self, set: &ClipSet, folder: &Path, device: &Device, compute: Compute) -> Result<Box<dyn Fitted>> {
        let content: Content = files::read(&folder.join(format!("{NAME}.json")), NAME)?;
        same_emotions(&content.emotions, set)?;
        let options = &content.options;
        let pair = |group: Group| -> Result<Pair> {
            let stem = group.stem(NAME);
            let read = |class: &str| {
                let path = folder.join(format!("{stem}-{class}.safetensors"));
                files::read_network(&path, network::graph(options, 1, options.steps)?, device, compute)
            };
            let networks = [read(CLASSES[0])?, read(CLASSES[1])?];
            let trees: Boosting = model::read(&folder.join(format!("{stem}-trees.json")))?;
            ensure!(trees.features() == options.columns(), "the trees of {} are not of these biases", group.name);
            Ok(Pair { group, networks, trees })
        };
        let pairs = Group::all(&content.emotions).into_iter().map(pair).collect::<Result<_>>()?;
        Ok(Box::new(FittedBias { pairs, content }))
    }
}

impl Content {
    fn walks(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<Walk>> {
        clips.iter().map(|&i| self.measure.walk(set, i, &self.options)).collect()
    }

    /// Trains the two networks of a group on its training clips, and the trees.
    fn pair(&self, set: &ClipSet, group: Group, training: &[usize], work: &mut Work) -> Result<Pair> {
        let classes = self.by_class(set, &group, training)?;
        let mut learned = |class: usize| {
            let (word, clips) = (CLASSES[class], &classes[class]);
            work.progress.note(&format!("{NAME}: {} {word} clips of {}", clips.len(), group.name));
            self.network(set, clips, &format!("{}-{word}", group.stem(NAME)), work)
        };
        let networks = [learned(0)?, learned(1)?];
        let clips = classes.concat();
        let rows = Matrix::from_rows(&self.rows(&networks, &self.walks(set, &clips)?)?)?;
        let labels: Vec<bool> = clips.iter().map(|&i| set.clips[i].real == Some(true)).collect();
        let trees = Boosting::fit(&rows, &labels, &self.options.boosting())
            .with_context(|| format!("the trees of {} cannot be grown", group.name))?;
        Ok(Pair { group, networks, trees })
    }

    /// A group's fake and real clips among these.
    fn by_class(&self, set: &ClipSet, group: &Group, clips: &[usize]) -> Result<[Vec<usize>; 2]> {
        let (_, clips) = group.pick(set, clips);
        let classes = [0, 1].map(|c| clips.iter().copied().filter(|&i| set.clips[i].class() == Some(c)).collect());
        let [fake, real] = [&classes[0], &classes[1]].map(|c: &Vec<usize>| c.len());
        ensure!(
            fake >= 2 && real >= 2,
            "{fake} training clips of the emotion {} are fake and {real} are real: {NAME} needs two of each at least",
            group.name
        );
        Ok(classes)
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
        let sizes = (options.biases, options.hidden, options.every, options.steps, options.from_rest);
        train(&mut network, name, &(sizes, names(set, clips), &self.measure), goal, work)?;
        network::given_bias(options, &network, options.steps)
    }

    /// What trees see of clips: their biases under both networks, side by side, and how much better the one for real
    /// clips predicts them, if that is wanted.
    fn rows(&self, networks: &[Network; 2], walks: &[Walk]) -> Result<Vec<Vec<f64>>> {
        let [fake, real] = [0, 1].map(|i| network::infer(&self.options, &networks[i], walks));
        let (fake, real) = (fake?, real?);
        let joined = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().chain(b).map(|&v| f64::from(v)).collect();
        let mut rows: Vec<Vec<f64>> = fake.iter().zip(&real).map(joined).collect();
        if self.options.errors {
            let fake = network::errors(&networks[0], walks, &fake)?;
            let real = network::errors(&networks[1], walks, &real)?;
            let log = |v: f64| v.max(f64::MIN_POSITIVE).ln();
            rows.iter_mut().zip(fake.into_iter().zip(real)).for_each(|(row, (f, r))| row.push(log(f) - log(r)));
        }
        Ok(rows)
    }
}

impl Fitted for FittedBias {
    fn scores(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>> {
        groups::check(NAME, set, clips)?;
        let mut scores = vec![0.0; clips.len()];
        for pair in &self.pairs {
            let (places, own) = pair.group.pick(set, clips);
            let rows = self.content.rows(&pair.networks, &self.content.walks(set, &own)?)?;
            for (place, row) in places.into_iter().zip(rows) {
                scores[place] = pair.trees.decision(&row)?;
            }
        }
        Ok(scores)
    }

    fn save(&self, folder: &Path) -> Result<()> {
        for pair in &self.pairs {
            let stem = pair.group.stem(NAME);
            for (network, class) in pair.networks.iter().zip(CLASSES) {
                files::write_network(&folder.join(format!("{stem}-{class}.safetensors")), network)?;
            }
            model::write(&folder.join(format!("{stem}-trees.json")), &pair.trees)?;
        }
        files::write(&folder.join(format!("{NAME}.json")), NAME, &self.content)
    }

    /// Weights of the networks; the identity in the place of the training clips' biases is none.
    fn parameters(&self) -> usize {
        let identity = self.content.options.biases * WIDTH;
        self.pairs.iter().flat_map(|p| &p.networks).map(|n| n.graph().parameter_count() - identity).sum()
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
        for pair in &self.pairs {
            let (_, mut own) = pair.group.pick(set, clips);
            own.truncate(CHECKED);
            if own.is_empty() {
                continue;
            }
            let walks = self.content.walks(set, &own)?;
            for (network, class) in pair.networks.iter().zip(CLASSES) {
                let biases = network::infer(options, network, &walks)?;
                let all: Vec<&Walk> = walks.iter().collect();
                let batch = batch(&all, options.steps, 1, &biases);
                let pieces =
                    [(network.clone(), Sequences { steps: options.steps, values: batch.images, valid: batch.valid })];
                let columns: Vec<String> = (0..68).flat_map(|i| [format!("x{i}"), format!("y{i}")]).collect();
                let name = format!("{}-{class}.onnx", pair.group.stem(NAME));
                let about = [("bias", format!("plane 1, columns 0 to {}, the same at every step", options.biases - 1))];
                let about = about.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
                let check = export_reconstruction(network, &columns, about, &folder.join(&name), tolerance, &pieces)?;
                found.push((name, check));
            }
        }
        Ok(found)
    }
}
