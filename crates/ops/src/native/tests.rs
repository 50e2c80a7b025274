//! The native bodies against Burn's operations: outputs and gradients, on every instruction set.

use burn::tensor::{Device, Tensor, TensorData};
use ferrotype_kernels::activation::Function;
use ferrotype_kernels::recurrent::{Cell, ConvLstm, Gate, Squash, States};
use ferrotype_kernels::{Activation, Conv2d, Isa, Padding};

use super::super::*;
use ferrotype_base::random::Stream;

const ACTIVATIONS: [Activation; 3] = [Activation::None, Activation::Relu, Activation::Relu6];

fn random<const D: usize>(stream: &mut Stream, shape: [usize; D]) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| stream.normal() as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_to_vec().unwrap()
}

/// Output and gradients of `f` of a map and flat parameters; the output is contracted with fixed random numbers.
fn outcome<const D: usize>(
    x: &Tensor<4>,
    parameters: &[Tensor<1>],
    f: impl Fn(Tensor<4>, Vec<Tensor<1>>) -> Tensor<D>,
) -> Vec<Vec<f32>> {
    let x = x.clone().autodiff().require_grad();
    let parameters: Vec<_> = parameters.iter().map(|p| p.clone().autodiff().require_grad()).collect();
    let y = f(x.clone(), parameters.clone());
    let weights = random(&mut Stream::new(77), y.dims());
    let grads = (y.clone() * weights.autodiff()).sum().backward();
    let mut all = vec![values(y.inner()), values(x.grad(&grads).unwrap())];
    all.extend(parameters.iter().map(|p| values(p.grad(&grads).unwrap())));
    all
}

fn assert_close(what: &str, native: &[Vec<f32>], burn: &[Vec<f32>], tolerance: f32) {
    assert_eq!(native.len(), burn.len());
    for (i, (n, b)) in native.iter().zip(burn).enumerate() {
        assert_eq!(n.len(), b.len(), "{what}, tensor {i}");
        let largest = b.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
        let worst = n.iter().zip(b).fold(0f32, |m, (x, y)| m.max((x - y).abs()));
        assert!(worst <= tolerance * largest, "{what}, tensor {i}: {worst} of {largest}");
    }
}

/// Runs `f` with Burn's operations and with every instruction set.
fn compare<const D: usize>(
    what: &str,
    x: &Tensor<4>,
    parameters: &[Tensor<1>],
    f: impl Fn(Compute, Tensor<4>, Vec<Tensor<1>>) -> Tensor<D>,
) {
    let burn = outcome(x, parameters, |x, p| f(Compute::Burn, x, p));
    for isa in Isa::available() {
        let native = outcome(x, parameters, |x, p| f(Compute::Native(isa), x, p));
        assert_close(&format!("{what} on {isa}"), &native, &burn, 1e-4);
    }
}

#[test]
fn convolutions_agree() {
    let mut s = Stream::new(1);
    let same = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    let even = Padding { top: 1, bottom: 2, left: 1, right: 2 };
    for (i, (cin, cout, kernel, stride, padding, groups)) in [
        (16, 32, 3, 1, same, 1),
        (1, 8, 3, 1, Padding::default(), 1),
        (5, 7, 3, 1, same, 1),
        (8, 8, 4, 1, even, 1),
        (6, 6, 3, 1, same, 6),
        (6, 6, 3, 2, Padding { top: 0, bottom: 1, left: 0, right: 1 }, 6),
        (8, 16, 1, 2, Padding::default(), 1),
        (8, 16, 1, 1, Padding::default(), 1),
        (1, 16, 8, 2, Padding { top: 3, bottom: 3, left: 3, right: 3 }, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let x = random(&mut s, [3, cin, 14, 13]);
        let shape = Conv2d {
            batch: 3,
            in_channels: cin,
            height: 14,
            width: 13,
            out_channels: cout,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding,
            groups,
        };
        let weight = random(&mut s, [cout * cin / groups * kernel * kernel]);
        let bias = random(&mut s, [cout]);
        let act = ACTIVATIONS[i % 3];
        compare(&format!("{shape:?}"), &x, &[weight.clone(), bias], |c, x, p| {
            conv2d(c, x, p[0].clone(), Some(p[1].clone()), act, &shape)
        });
        compare(&format!("{shape:?} without bias"), &x, &[weight], |c, x, p| {
            conv2d(c, x, p[0].clone(), None, act, &shape)
        });
    }
}

#[test]
fn normalisation_agrees() {
    let mut s = Stream::new(2);
    let x = random(&mut s, [4, 5, 7, 6]);
    let parameters = [random(&mut s, [5]), random(&mut s, [5])];
    for act in ACTIVATIONS {
        compare(&format!("batch norm {act:?}"), &x, &parameters, |c, x, p| {
            batch_norm_train(c, x, p[0].clone(), p[1].clone(), 1e-3, act).output
        });
        let (mean, variance) = (random(&mut Stream::new(5), [5]), random(&mut Stream::new(6), [5]).abs());
        compare(&format!("frozen {act:?}"), &x, &parameters, |c, x, p| {
            let (mean, variance) = (mean.clone().autodiff(), variance.clone().autodiff());
            batch_norm(c, x, p[0].clone(), p[1].clone(), mean, variance, 1e-3, act)
        });
    }
}

#[test]
fn batch_statistics_agree() {
    let mut s = Stream::new(3);
    let x = random(&mut s, [4, 3, 5, 5]);
    let p = [random(&mut s, [3]), random(&mut s, [3])];
    let run = |c| {
        let n = batch_norm_train(c, x.clone(), p[0].clone(), p[1].clone(), 1e-5, Activation::None);
        vec![values(n.mean), values(n.variance)]
    };
    assert_close("statistics", &run(Compute::Native(Isa::detect())), &run(Compute::Burn), 1e-5);
}

#[test]
fn pooling_agrees() {
    let mut s = Stream::new(4);
    let x = random(&mut s, [2, 3, 9, 8]);
    for (kernel, stride, padding) in [
        (2, 2, Padding::default()),
        (3, 2, Padding { top: 1, bottom: 1, left: 0, right: 1 }),
        (3, 1, Padding { top: 1, bottom: 1, left: 1, right: 1 }),
    ] {
        let window = Window { kernel: [kernel; 2], stride: [stride; 2], padding };
        compare("max pool", &x, &[], |c, x, _| max_pool(c, x, &window));
        compare("avg pool", &x, &[], |c, x, _| avg_pool(c, x, &window, true));
        compare("avg pool inside", &x, &[], |c, x, _| avg_pool(c, x, &window, false));
    }
    compare("global", &x, &[], |c, x, _| global_avg_pool(c, x));
}

#[test]
fn linear_layers_agree() {
    let mut s = Stream::new(5);
    let x = random(&mut s, [6, 3, 5, 7]);
    let parameters = [random(&mut s, [105 * 11]), random(&mut s, [11])];
    for act in ACTIVATIONS {
        compare("linear", &x, &parameters, |c, x, p| {
            linear(c, x.flatten(1, 3), p[0].clone(), Some(p[1].clone()), 11, act)
        });
    }
}

#[test]
fn sums_and_activations_agree() {
    let mut s = Stream::new(6);
    let x = random(&mut s, [2, 3, 5, 4]).mul_scalar(4.0);
    let other = random(&mut s, [2, 3, 5, 4]);
    for act in ACTIVATIONS {
        compare("activate", &x, &[], |c, x, _| activate(c, x, act));
        // The sum's second term is the first one shifted: both get a gradient, through one shared buffer.
        compare("add", &x, &[], |c, x, _| add(c, x.clone(), x.mul_scalar(0.5) + other.clone().autodiff(), act));
    }
    compare("dropout", &x, &[], |c, x, _| dropout(c, x, 0.4, 9));
}

const CELLS: [Cell; 3] = [
    Cell { gate: Gate::Sigmoid, squash: Squash::Tanh },
    Cell { gate: Gate::HardSigmoid, squash: Squash::Tanh },
    Cell { gate: Gate::Sigmoid, squash: Squash::Relu },
];

fn recurrent_weights(p: Vec<Tensor<1>>) -> RecurrentWeights {
    let mut p = p.into_iter();
    let mut next = || p.next();
    RecurrentWeights { input: next().unwrap(), recurrent: next().unwrap(), bias: next() }
}

#[test]
fn long_short_term_memories_agree() {
    let mut s = Stream::new(8);
    let (steps, inputs, hidden) = (5, 6, 7);
    let x = random(&mut s, [3, 1, steps, inputs]);
    let mask =
        Tensor::from_data([[1.0f32, 1., 0., 1., 0.], [0., 1., 1., 1., 1.], [1., 1., 1., 1., 1.]], &Device::flex());
    let parameters = [28 * 6, 28 * 7, 28].map(|n| random(&mut s, [n]).mul_scalar(0.5));
    for cell in CELLS {
        for states in [States::All, States::Last] {
            for (mask, biased) in [(None, true), (Some(&mask), true), (None, false)] {
                let parameters = &parameters[..if biased { 3 } else { 2 }];
                let what = format!("{cell:?} {states:?} mask {} bias {biased}", mask.is_some());
                compare(&what, &x, parameters, |c, x, p| {
                    let mask = mask.map(|m| m.clone().autodiff());
                    let x = x.reshape([3, steps, inputs]);
                    let y = lstm(c, x, recurrent_weights(p), mask, hidden, cell, states);
                    assert_eq!(y.dims(), [3, if states == States::All { steps } else { 1 }, hidden]);
                    y
                });
            }
        }
    }
}

#[test]
fn convolutional_memories_agree() {
    let mut s = Stream::new(9);
    let (steps, channels, filters) = (3, 2, 4);
    let x = random(&mut s, [2, steps * channels, 7, 6]);
    let parameters = [16 * 2 * 9, 16 * 4 * 9, 16].map(|n| random(&mut s, [n]).mul_scalar(0.3));
    let same = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    for (cell, padding) in CELLS.into_iter().zip([Padding::default(), same, Padding::default()]) {
        for (states, biased) in [(States::All, true), (States::Last, true), (States::Last, false)] {
            let shape =
                ConvLstm { batch: 2, steps, channels, height: 7, width: 6, filters, kernel: [3, 3], padding, cell };
            let parameters = &parameters[..if biased { 3 } else { 2 }];
            compare(&format!("{shape:?} {states:?} bias {biased}"), &x, parameters, |c, x, p| {
                conv_lstm(c, x, recurrent_weights(p), &shape, states)
            });
        }
    }
}

#[test]
fn tokens_agree() {
    let mut s = Stream::new(10);
    let x = random(&mut s, [3, 6, 4, 4]);
    for block in [[4, 4], [2, 2], [1, 4]] {
        compare(&format!("tokens in blocks of {block:?}"), &x, &[], |c, x, _| {
            let y = to_tokens(c, x, block);
            assert_eq!(y.dims(), [3, 16, 6]);
            y
        });
        compare(&format!("there and back in blocks of {block:?}"), &x, &[], |c, x, _| {
            to_map(c, to_tokens(c, x, block).mul_scalar(2.0), [4, 4], block)
        });
    }
    let places = [random(&mut s, [16 * 6])];
    compare("places", &x, &places, |c, x, p| add_to_each(c, to_tokens(c, x, [4, 4]), p[0].clone()));
    let token = [random(&mut s, [6])];
    compare("class token", &x, &token, |c, x, p| {
        let y = class_token(c, to_tokens(c, x, [4, 4]), p[0].clone());
        assert_eq!(y.dims(), [3, 17, 6]);
        y
    });
}

#[test]
fn layer_norms_and_gelus_agree() {
    let mut s = Stream::new(11);
    let x = random(&mut s, [3, 7, 2, 19]).mul_scalar(3.0);
    let parameters = [random(&mut s, [19]), random(&mut s, [19])];
    compare("layer norm", &x, &parameters, |c, x, p| layer_norm(c, x, p[0].clone(), p[1].clone(), 1e-5));
    compare("gelu", &x, &[], gelu_of);
}

#[test]
fn functions_and_gates_agree() {
    let mut s = Stream::new(13);
    let x = random(&mut s, [3, 5, 4, 7]).mul_scalar(3.0);
    for f in [Function::Sigmoid, Function::HardSigmoid, Function::Silu, Function::HardSwish] {
        compare(&format!("{f:?}"), &x, &[], |c, x, _| apply(c, x, f));
    }
    let gates = [random(&mut s, [15])];
    compare("gates", &x, &gates, |c, x, p| scale_channels(c, x, p[0].clone().reshape([3, 5])));
    // Gates that the map itself gives: two gradients of it are added.
    compare("gates of the map", &x, &[], |c, x, _| {
        scale_channels(c, x.clone(), apply(c, global_avg_pool(c, x), Function::Sigmoid))
    });
    compare("drop path", &x, &[], |c, x, _| drop_path(c, x, 0.4, 9));
}

fn gelu_of(c: Compute, x: Tensor<4>, _: Vec<Tensor<1>>) -> Tensor<4> {
    gelu(c, x)
}

#[test]
fn attentions_agree() {
    let mut s = Stream::new(12);
    // 12 tokens; three heads of 5 features.
    let x = random(&mut s, [2, 1, 12, 45]);
    for window in [12, 4, 1] {
        compare(&format!("attention among {window}"), &x, &[], |c, x, _| {
            attention(c, x.reshape([2, 12, 45]), 3, window)
        });
    }
}

#[test]
fn losses_agree() {
    let mut s = Stream::new(7);
    let x = random(&mut s, [5, 8, 1, 1]);
    let targets = burn::tensor::activation::softmax(random(&mut s, [5, 8]), 1);
    compare("cross-entropy", &x, &[], |c, x, _| {
        cross_entropy(c, x.reshape([5, 8]), targets.clone().autodiff()).reshape([5, 1])
    });
}
