//! Gradients against finite differences in float64, against PyTorch, and across kernels.

use std::sync::Arc;

use burn::tensor::{DType, Device, TensorData};
use ferrotype_kernels::Isa;

use super::*;
use crate::device::DeviceName;
use crate::layers::{BatchNorm, Conv2d, Linear, MaxPool};
use crate::{GraphBuilder, ModelOptions, StateTensor};
use ferrotype_base::random::Stream;
use ferrotype_ops::Compute;

fn pictures(shape: [usize; 4], seed: u64) -> Tensor<4> {
    pictures_on(shape, seed, &crate::device::tested())
}

fn pictures_on(shape: [usize; 4], seed: u64, device: &Device) -> Tensor<4> {
    let mut s = Stream::new(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| s.normal() as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn f64s<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.without_autodiff().into_data().convert::<f64>().try_into_vec().unwrap()
}

/// The network computed in float64 by Burn's operations.
fn precise(mut network: Network) -> Network {
    network.parameters.iter_mut().for_each(|p| p.tensor = p.tensor.clone().cast(DType::F64));
    network.buffers.iter_mut().for_each(|b| b.tensor = b.tensor.clone().cast(DType::F64));
    network.with_compute(Compute::Burn)
}

/// Every kind of layer with a residual sum, and running statistics that are not those of the beginning.
fn small() -> Network {
    let mut g = GraphBuilder::new("small", [2, 6, 6]);
    g.conv("conv", Conv2d::new(4, 3).same()).batch_norm("bn", BatchNorm::keras()).relu();
    let fork = g.tip();
    g.conv("branch", Conv2d::new(4, 2).same()).add("add", fork).relu6().dropout(0.5);
    g.max_pool("max", MaxPool::new(2)).flatten("flat").linear("fc", Linear::new(3));
    let mut network = Network::new(Arc::new(g.build(3).unwrap()), 1, &crate::device::tested());
    network.buffers[0].tensor = Tensor::from_floats([0.3, -0.2, 0.1, 0.0], &crate::device::tested());
    network.buffers[1].tensor = Tensor::from_floats([0.5, 2.0, 1.5, 0.9], &crate::device::tested());
    network
}

/// What is differentiated here: the logits, weighted by numbers that differ, one value per row.
fn weighted(logits: Tensor<2>) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    let weights: Vec<f64> = (0..rows * classes).map(|i| 1.0 + 0.5 * (i % 5) as f64).collect();
    let options = (&logits.device(), logits.dtype());
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [rows, classes]), options);
    (logits * weights).sum_dim(1).reshape([rows])
}

#[test]
fn the_gradient_of_the_pictures_is_that_of_finite_differences() {
    let network = precise(small());
    let x = pictures([2, 2, 6, 6], 3).cast(DType::F64);
    let gradient = f64s(network.input_gradient(x.clone(), ReluRule::Derivative, weighted).unwrap().gradient);
    let values = f64s(x);
    let at = |i: usize, step: f64| {
        let mut moved = values.clone();
        moved[i] += step;
        let device = crate::device::tested();
        let x = Tensor::<4>::from_data(TensorData::new(moved, [2, 2, 6, 6]), (&device, DType::F64));
        f64s(weighted(network.forward(x).unwrap())).iter().sum::<f64>()
    };
    let largest = gradient.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    assert!(largest > 0.1);
    for (i, &exact) in gradient.iter().enumerate() {
        let difference = (at(i, 1e-6) - at(i, -1e-6)) / 2e-6;
        assert!((exact - difference).abs() < 1e-8 * largest.max(1.0), "pixel {i}: {exact} {difference}");
    }
}

#[test]
fn native_and_burn_kernels_give_the_same_gradients() {
    // Networks of clips take more than one plane.
    for model in ModelOptions::all().into_iter().filter(|m| m.name() != "vgg13" && m.streams().is_none()) {
        let size = if model.name() == "micro_exp_net" { 40 } else { 24 };
        let (model, input) = model.small(size);
        let graph = Arc::new(model.build(input, 5).unwrap());
        let network = Network::new(graph.clone(), 2, &crate::device::tested());
        let layer = &network.graph().nodes[network.graph().last_maps().unwrap()].name.clone();
        let shape = [2, input[0], input[1], input[2]];
        let x = pictures(shape, 4);
        let outcome = |network: &Network, x: Tensor<4>| {
            let plain = network.input_gradient(x.clone(), ReluRule::Derivative, weighted).unwrap();
            let guided = network.input_gradient(x.clone(), ReluRule::Guided, weighted).unwrap();
            let inner = network.layer_gradient(x, layer, weighted).unwrap();
            assert_eq!(f64s(plain.logits.clone()), f64s(guided.logits));
            [f64s(plain.logits), f64s(plain.gradient), f64s(guided.gradient), f64s(inner.gradient)]
        };
        // By the CPU: few graphics cards compute in 64 bits, and their exp and erf do not.
        let cpu = DeviceName::Flex.open().unwrap().device;
        let exact = outcome(&precise(Network::new(graph, 2, &cpu)), pictures_on(shape, 4, &cpu).cast(DType::F64));
        let computes = Isa::available().into_iter().map(Compute::Native).chain([Compute::Burn]);
        for compute in computes {
            let found = outcome(&network.clone().with_compute(compute), x.clone());
            for (i, (a, b)) in exact.iter().zip(&found).enumerate() {
                let largest = a.iter().fold(1e-3f64, |m, v| m.max(v.abs()));
                let far = a.iter().zip(b).filter(|(x, y)| (*x - *y).abs() > 1e-4 * largest).count();
                // Where a ReLU's input or two pixels of a window tie to the last bit, the derivative may take either
                // side; that is rare.
                assert!(far * 100 <= a.len(), "{} by {compute:?}, {i}: {far} of {}", model.name(), a.len());
            }
        }
    }
}

/// The network of the Python below.
fn reference() -> Network {
    let mut g = GraphBuilder::new("reference", [1, 4, 4]);
    g.conv("conv1", Conv2d::new(2, 3).same()).relu();
    let fork = g.tip();
    g.conv("conv2", Conv2d::new(2, 3).same()).add("add", fork).relu().global_avg_pool("pool");
    g.linear("fc", Linear::new(3));
    let mut network = Network::new(Arc::new(g.build(3).unwrap()), 0, &crate::device::tested());
    let state = network.parameters.iter().zip([0.0, 1.0, 2.0, 3.0, 4.6, 5.0]).map(|(p, offset)| StateTensor {
        name: p.name.clone(),
        shape: p.shape.clone(),
        values: (0..p.shape.iter().product()).map(|i: usize| (0.7 * i as f64 + offset).sin() as f32).collect(),
    });
    let state = state.collect();
    network.load_state(state).unwrap();
    network
}

// import torch, torch.nn.functional as F                                    # PyTorch 2.9, float64
// torch.set_default_dtype(torch.float64)
// def p(k, *shape):
//     n = int(torch.tensor(shape).prod()); return torch.sin(0.7 * torch.arange(n) + k).reshape(shape)
// w1, b1, w2, b2, w3, b3 = p(0, 2, 1, 3, 3), p(1, 2), p(2, 2, 2, 3, 3), p(3, 2), p(4.6, 3, 2), p(5, 3)
// class Guided(torch.autograd.Function):
//     @staticmethod
//     def forward(ctx, x): ctx.save_for_backward(x); return x.clamp(min=0)
//     @staticmethod
//     def backward(ctx, g): x, = ctx.saved_tensors; return g.clamp(min=0) * (x > 0)
// def net(x, relu):
//     a = relu(F.conv2d(x, w1, b1, padding=1))
//     m = relu(F.conv2d(a, w2, b2, padding=1) + a)
//     return m, F.linear(m.mean((2, 3)), w3, b3)
// x = torch.sin(0.3 * torch.arange(16.)).reshape(1, 1, 4, 4).requires_grad_()
// for relu in [torch.relu, Guided.apply]:
//     m, z = net(x, relu); print(torch.autograd.grad(z[0, 1], x))
// m, z = net(x, torch.relu); g, = torch.autograd.grad(z[0, 1], m)
// print((g.mean((2, 3), keepdim=True) * m).sum(1).clamp(min=0))             # Grad-CAM, in saliency's tests
const PLAIN: [f64; 16] = [
    -0.006139, -0.012369, 0.010542, 0.023104, 0.008561, 0.063304, 0.079351, 0.040018, 0.051947, 0.014965, -0.05218,
    -0.061403, -0.08669, -0.122928, -0.082485, -0.027998,
];
const GUIDED: [f64; 16] = [
    2.5e-05, 0.00138, 0.016954, 0.052775, 0.05064, 0.187311, 0.272959, 0.170508, 0.145808, 0.110499, -0.026115,
    -0.088552, -0.197912, -0.300665, -0.264615, -0.134515,
];

#[test]
fn guided_backpropagation_is_that_of_pytorch() {
    for compute in [Compute::Burn, Compute::Native(Isa::detect())] {
        let network = reference().with_compute(compute);
        let values: Vec<f32> = (0..16).map(|i| (0.3 * f64::from(i)).sin() as f32).collect();
        let x = Tensor::<4>::from_data(TensorData::new(values, [1, 1, 4, 4]), &crate::device::tested());
        for (rule, expected) in [(ReluRule::Derivative, PLAIN), (ReluRule::Guided, GUIDED)] {
            let second = |z: Tensor<2>| z.slice([0..1, 1..2]).reshape([1]);
            let found = f64s(network.input_gradient(x.clone(), rule, second).unwrap().gradient);
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 2e-6, "{rule:?} by {compute:?}: {a} {b}");
            }
        }
    }
}

#[test]
fn layers_are_found_by_either_name_and_wrong_ones_refused() {
    let network = small();
    let graph = network.graph();
    // The value after its ReLU6 belongs to `add` and to `add.relu6`.
    assert_eq!(graph.maps_of("add").unwrap(), graph.maps_of("add.relu6").unwrap());
    assert_eq!(graph.nodes[graph.last_maps().unwrap()].name, "max");
    let refused = |name: &str| graph.maps_of(name).unwrap_err().to_string();
    assert!(refused("ad").contains("no layer `ad`") && refused("ad").contains("bn.relu"), "{}", refused("ad"));
    assert!(refused("fc").contains("a vector of 3, not feature maps"), "{}", refused("fc"));
    let mut flat = GraphBuilder::new("flat", [1, 4, 4]);
    flat.flatten("flat").linear("fc", Linear::new(2));
    assert_eq!(flat.build(2).unwrap().last_maps(), None);

    // By hand: the gradient behind `max` is the linear layer's weight.
    let x = pictures([1, 2, 6, 6], 5);
    let first = |z: Tensor<2>| z.slice([0..1, 0..1]).reshape([1]);
    let found = network.layer_gradient(x.clone(), "max", first).unwrap();
    let weight: Vec<f64> = f64s(network.parameters.iter().find(|p| p.name == "fc.weight").unwrap().tensor.clone());
    assert_eq!(f64s(found.gradient), weight[..4 * 9]);
    assert_eq!(f64s(found.logits), f64s(network.forward(x).unwrap()));
}
