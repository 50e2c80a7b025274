//! Networks of sequences that differ in length, for the tests of this crate and of those above it.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use ferrotype_base::random::Stream;
use ferrotype_ops::Compute;

use crate::layers::{Conv2d, Linear, Lstm};
use crate::{GraphBuilder, Network};

/// Values of a step.
pub const FEATURES: usize = 5;

/// Adds the layers of a network.
pub type Build = fn(&mut GraphBuilder);

/// Networks that keep to the steps that are there.
pub const NETWORKS: &[(&str, Build)] = &[
    ("lstm_last", |g| {
        g.to_sequence("steps").lstm("l1", Lstm::pytorch(6)).dropout(0.3).lstm("l2", Lstm::keras(4).last());
        g.linear("out", Linear::new(3));
    }),
    ("last_step", |g| {
        let source = g.to_sequence("steps").tip();
        g.lstm("l1", Lstm::keras(6)).concat("both", &[source]).linear("out", Linear::new(3)).relu().last_step("last");
    }),
    ("temporal_convolution", |g| {
        g.mask_steps("there").conv("c1", Conv2d::over_steps(7, 3, FEATURES)).relu();
        g.mask_steps("still").conv("c2", Conv2d::over_steps(4, 5, 1)).relu();
        g.mean_steps("mean").linear("out", Linear::new(3));
    }),
    ("mean_of_states", |g| {
        g.to_sequence("steps").lstm("l1", Lstm::pytorch(6)).mean_steps("mean").linear("out", Linear::new(3));
    }),
    ("predictor", |g| {
        // Two planes in one: what is there, and what is known of the example.
        let now = g.slice("now", 0, 1).to_sequence("steps").tip();
        g.at(0).slice("known", 0, 1).to_sequence("codes").linear("bias", Linear::new(2)).concat("both", &[now]);
        g.lstm("l1", Lstm::pytorch(6)).linear("next", Linear::new(2)).mask_steps("there").mean_steps("mean");
    }),
    ("code_again", |g| {
        // What is made of the code has no padding.
        g.to_sequence("steps").lstm("l1", Lstm::pytorch(6).last()).repeat("again", 4);
        g.lstm("l2", Lstm::pytorch(3)).flatten("flat");
    }),
];

/// The network of this name for so many steps; weights do not depend on their number.
pub fn network(build: Build, steps: usize, compute: Compute) -> Network {
    let mut g = GraphBuilder::new("net", [1, steps, FEATURES]);
    build(&mut g);
    let outputs = g.shape().len();
    Network::new(Arc::new(g.build(outputs).expect("a network of known layers")), 3, &Device::flex())
        .with_compute(compute)
}

/// Sequences of these lengths padded to so many steps, with `padding` for every padded value.
pub fn padded(lengths: &[u32], steps: usize, padding: f32) -> Tensor<4> {
    let mut values = Vec::new();
    for (i, &length) in lengths.iter().enumerate() {
        let mut s = Stream::new(20 + i as u64);
        let there = length as usize * FEATURES;
        values.extend((0..steps * FEATURES).map(|j| if j < there { s.uniform(-2.0, 2.0) } else { padding }));
    }
    Tensor::from_data(TensorData::new(values, [lengths.len(), 1, steps, FEATURES]), &Device::flex())
}
