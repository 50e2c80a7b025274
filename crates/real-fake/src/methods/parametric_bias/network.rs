//! The network, and the bias of a clip by gradient.

use anyhow::Result;
use burn::tensor::{Tensor, TensorData};

use super::ParametricBiasOptions;
use super::walks::{self, WIDTH, Walk, batch};
use ferrotype_model::layers::{Linear, Lstm};
use ferrotype_model::{Graph, GraphBuilder, Initialiser, Network, ReluRule};
use ferrotype_ops as ops;
use ferrotype_training::learner::images;

/// Clips whose biases are found together; one does not depend on the others.
const TOGETHER: usize = 32;

/// Where landmarks are, in the first plane, and a code of the clip in `planes` further ones, to how landmarks change: `[1 +
/// planes, steps, WIDTH]` to `steps` times `WIDTH`. The bias is a linear function of the code: its columns are the biases
/// of the clips where the code says which clip it is, and it is the identity where the code is the bias itself.
pub fn graph(options: &ParametricBiasOptions, planes: usize, steps: usize) -> Result<Graph> {
    let mut g = GraphBuilder::new("parametric_bias", [1 + planes, steps, WIDTH]);
    let present = g.slice("present", 0, 1).to_sequence("present.steps").tip();
    let mut bias = None;
    for plane in 0..planes {
        let linear = Linear::new(options.biases).no_bias().init(Initialiser::Constant(0.0));
        g.at(0).slice(format!("code{plane}"), 1 + plane, 1).to_sequence(format!("code{plane}.steps"));
        g.linear(format!("bias{plane}"), linear);
        if let Some(before) = bias {
            g.add(format!("bias{plane}.sum"), before);
        }
        bias = Some(g.tip());
    }
    g.concat("given", &[present]).lstm("memory", Lstm::pytorch(options.hidden));
    g.linear("change", Linear::new(WIDTH)).mask_steps("there").flatten("outputs");
    g.build(steps * WIDTH)
}

/// The name of the bias's matrix.
const BIAS: &str = "bias0.weight";

/// A trained network as one that is given a clip's bias: the first values of its second plane.
///
/// # Errors
/// When the weights are not of this network.
pub fn given_bias(options: &ParametricBiasOptions, trained: &Network, steps: usize) -> Result<Network> {
    let graph = std::sync::Arc::new(graph(options, 1, steps)?);
    let mut network = Network::new(graph, 0, trained.device()).with_compute(trained.compute());
    let mut state = trained.state()?;
    state.retain(|t| !t.name.starts_with("bias") || t.name == BIAS);
    for tensor in state.iter_mut().filter(|t| t.name == BIAS) {
        tensor.values = (0..options.biases * WIDTH).map(|i| f32::from(u8::from(i / WIDTH == i % WIDTH))).collect();
    }
    network.load_state(state)?;
    Ok(network)
}

/// The bias of each clip under a network of [`given_bias`]: from zero, a fixed number of Adam's steps down the squared
/// error of its own predictions, with the weights as they are.
///
/// # Errors
/// When the network cannot be computed.
pub fn infer(options: &ParametricBiasOptions, network: &Network, walks: &[Walk]) -> Result<Vec<Vec<f32>>> {
    let mut found = Vec::with_capacity(walks.len());
    for clips in walks.chunks(TOGETHER) {
        let clips: Vec<&Walk> = clips.iter().collect();
        let mut biases = vec![Adam::new(options.biases); clips.len()];
        for _ in 0..options.inference_steps {
            let codes: Vec<Vec<f32>> = biases.iter().map(|b| b.value.clone()).collect();
            let gradients = gradients(network, &clips, &codes, options.biases)?;
            biases.iter_mut().zip(gradients).for_each(|(bias, g)| bias.step(&g, options.inference_rate));
        }
        found.extend(biases.into_iter().map(|b| b.value));
    }
    Ok(found)
}

/// The mean squared error of each clip's predictions under its bias.
///
/// # Errors
/// When the network cannot be computed.
pub fn errors(network: &Network, clips: &[Walk], biases: &[Vec<f32>]) -> Result<Vec<f64>> {
    let [_, steps, _] = network.graph().input;
    let mut found = Vec::with_capacity(clips.len());
    for (clips, codes) in clips.chunks(TOGETHER).zip(biases.chunks(TOGETHER)) {
        let clips: Vec<&Walk> = clips.iter().collect();
        found.extend(walks::errors(network, &batch(&clips, steps, 1, codes))?);
    }
    Ok(found)
}

/// The gradient of each clip's mean squared error by its bias.
fn gradients(network: &Network, clips: &[&Walk], codes: &[Vec<f32>], biases: usize) -> Result<Vec<Vec<f32>>> {
    let [_, steps, _] = network.graph().input;
    let batch = batch(clips, steps, 1, codes);
    let n = clips.len();
    // Only steps that are there count; those behind them change nothing before them.
    let share = |walk: &&Walk| {
        let there = walk.steps() * WIDTH;
        (0..steps * WIDTH).map(move |i| if i < there { 1.0 / there as f32 } else { 0.0 })
    };
    let shares: Vec<f32> = clips.iter().flat_map(share).collect();
    let device = network.device();
    let tensor =
        |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [n, steps * WIDTH]), device).autodiff();
    let (targets, shares) = (tensor(batch.targets.clone()), tensor(shares));
    let error = |y: Tensor<2>| ((y - targets).powi_scalar(2) * shares).sum_dim(1).reshape([n]);
    let found = network.input_gradient(images(&batch, device), ReluRule::Derivative, error)?;
    let values = ops::host(found.gradient.reshape([n * 2 * steps * WIDTH]))?;
    let of = |clip: &[f32]| {
        let mut sum = vec![0.0; biases];
        for row in clip[steps * WIDTH..].chunks_exact(WIDTH) {
            sum.iter_mut().zip(row).for_each(|(s, g)| *s += g);
        }
        sum
    };
    Ok(values.chunks_exact(2 * steps * WIDTH).map(of).collect())
}

/// Adam (Kingma and Ba, arXiv:1412.6980) on a few numbers.
#[derive(Clone, Debug)]
struct Adam {
    value: Vec<f32>,
    moments: Vec<[f32; 2]>,
    steps: i32,
}

impl Adam {
    fn new(count: usize) -> Self {
        Self { value: vec![0.0; count], moments: vec![[0.0; 2]; count], steps: 0 }
    }

    fn step(&mut self, gradient: &[f32], rate: f32) {
        self.steps += 1;
        let [fade, fade2] = [0.9f32, 0.999].map(|b| 1.0 - b.powi(self.steps));
        for ((value, [m, v]), g) in self.value.iter_mut().zip(&mut self.moments).zip(gradient) {
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            *value -= rate * (*m / fade) / ((*v / fade2).sqrt() + 1e-8);
        }
    }
}
