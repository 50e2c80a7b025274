//! torchvision's networks with weights filled by a formula, against its own numbers: `scripts/zoo_parity.py` prints them
//! and says what they are.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use ferrotype_base::random::name_index;
use ferrotype_kernels::Isa;
use ferrotype_ops::{self as ops, Compute};

use crate::{Graph, ModelOptions, Network, Role};

/// What torchvision's network of ten classes computes.
pub struct Known {
    /// Pixels per side.
    pub size: usize,
    /// Trained values.
    pub parameters: usize,
    /// The hash of the sorted names.
    pub names: u64,
    /// The first five logits of two pictures in evaluation.
    pub logits: [f64; 10],
    /// The first five logits of the first of four pictures in training.
    pub trained: [f64; 5],
    /// Sums of five parameters' gradients times a fill.
    pub gradients: [f64; 5],
    /// The sum of the running variances behind it times a fill.
    pub variances: f64,
}

/// Holds the network against the numbers, by Burn's operations and by the native kernels.
pub fn check(options: &ModelOptions, known: &Known) {
    let graph = Arc::new(options.build([3, known.size, known.size], 10).unwrap());
    assert_eq!(graph.parameter_count(), known.parameters);
    assert_eq!(name_index(&names(&graph)), known.names, "{}", names(&graph));
    let network = filled(graph);
    for compute in [Compute::Burn, Compute::Native(Isa::detect())] {
        let network = network.clone().with_compute(compute);
        let logits = network.forward(pictures(2, known.size)).unwrap();
        close(&format!("logits by {compute}"), &host(logits.slice([0..2, 0..5])), &known.logits);
        let pass = network.train_pass(pictures(4, known.size), 0).unwrap();
        let trained = pass.logits.clone().inner().slice([0..1, 0..5]);
        close(&format!("logits in training by {compute}"), &host(trained), &known.trained);
        let loss = (pass.logits * tensor(fill(40, 3)).reshape([4, 10]).autodiff()).sum();
        let gradients = loss.backward();
        let count = pass.leaves.len();
        let of = |i: usize| dot(&ops::host(pass.leaves[count * (2 * i + 1) / 10].grad(&gradients).unwrap()).unwrap());
        close(&format!("gradients by {compute}"), &[0, 1, 2, 3, 4].map(of), &known.gradients);
        let updates = network.buffers.iter().zip(pass.buffer_updates);
        let variances = updates.filter(|(buffer, _)| buffer.name.ends_with("running_var"));
        let sum = variances.map(|(_, update)| dot(&ops::host(update).unwrap())).sum::<f64>();
        close(&format!("running variances by {compute}"), &[sum], &[known.variances]);
    }
}

/// One per line, sorted.
fn names(graph: &Graph) -> String {
    let parameters = graph.parameters.iter().map(|p| p.name.as_str());
    let mut all: Vec<&str> = parameters.chain(graph.buffers.iter().map(|b| b.name.as_str())).collect();
    all.sort_unstable();
    all.join("\n")
}

fn filled(graph: Arc<Graph>) -> Network {
    let mut network = Network::new(graph, 0, &crate::device::tested());
    for (k, p) in network.parameters.iter_mut().enumerate() {
        let values = p.shape.iter().product::<usize>();
        let scale = if p.shape.len() > 1 { 4.0 / ((values / p.shape[0]) as f64).sqrt() } else { 1.0 };
        let shift = if p.role == Role::NormScale { 1.0 } else { 0.0 };
        p.tensor = tensor(fill(values, 100 * (k + 1)).map(move |v| scale * v + shift));
    }
    for b in &mut network.buffers {
        let shift = if b.name.ends_with("running_var") { 1.0 } else { 0.0 };
        b.tensor = tensor(fill(b.shape[0], 50).map(move |v| v + shift));
    }
    network
}

fn pictures(count: usize, size: usize) -> Tensor<4> {
    tensor(fill(count * 3 * size * size, 0).map(|v| 4.0 * v)).reshape([count, 3, size, size])
}

fn fill(n: usize, start: usize) -> impl Iterator<Item = f64> {
    (start..start + n).map(|i| ((i * 37 + 11) % 101) as f64 / 101.0 - 0.5)
}

fn tensor(values: impl Iterator<Item = f64>) -> Tensor<1> {
    let values: Vec<f32> = values.map(|v| v as f32).collect();
    let len = values.len();
    Tensor::from_data(TensorData::new(values, [len]), &crate::device::tested())
}

fn host(x: Tensor<2>) -> Vec<f64> {
    let len: usize = x.dims().iter().product();
    ops::host(x.reshape([len])).unwrap().into_iter().map(f64::from).collect()
}

fn dot(values: &[f32]) -> f64 {
    values.iter().zip(fill(values.len(), 7)).map(|(&v, f)| f64::from(v) * f).sum()
}

/// Within what single precision leaves of them.
fn close(what: &str, ours: &[f64], theirs: &[f64]) {
    let largest = theirs.iter().fold(1e-6f64, |m, v| m.max(v.abs()));
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= 1e-3 * largest, "{what}: {ours:?} instead of {theirs:?}");
    }
}
