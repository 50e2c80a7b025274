//! Every kind of layer, and small transformers, against PyTorch. The numbers are printed by `scripts/layer_parity.py`, which says what they
//! are: checksums of output in evaluation, output in training, parameter gradients, and running statistics.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use ferrotype_kernels::Isa;
use ferrotype_kernels::recurrent::Gate;

use super::layers::{
    AvgPool, BatchNorm, Conv2d, ConvLstm, LayerNorm, Linear, Lstm, MaxPool, MultiHeadAttention, PositionEmbedding,
    RunningVariance,
};
use super::zoo::htnet::HtnetOptions;
use super::zoo::vit::{VitOptions, VitPool};
use super::*;
use ferrotype_ops::Compute;

/// Layer, input shape, checksums.
const KNOWN: &[(&str, [usize; 4], [f64; 4])] = &[
    ("dense", [2, 3, 7, 6], [7.590815, 7.590815, 1.551217, 0.000000]),
    ("same_even", [2, 3, 7, 6], [-40.300918, -40.300918, -2.025413, 0.000000]),
    ("same_even_stride", [2, 1, 9, 10], [3.478286, 3.478286, -7.790480, 0.000000]),
    ("same_one_stride", [2, 3, 7, 6], [0.837445, 0.837445, -0.268950, 0.000000]),
    ("grouped", [2, 4, 5, 6], [1.007263, 1.007263, 5.584964, 0.000000]),
    ("depthwise", [2, 4, 7, 6], [40.562143, 40.562143, -25.299737, 0.000000]),
    ("depthwise_stride", [2, 4, 7, 6], [5.684603, 5.684603, 1.331832, 0.000000]),
    ("norm_pytorch", [3, 2, 4, 5], [0.081657, 1.888589, -1.761928, -0.817481]),
    ("norm_keras", [3, 2, 4, 5], [0.082161, 1.887665, -1.761083, -0.863789]),
    ("norm_keras_biased", [3, 2, 4, 5], [0.082161, 1.887665, -1.761083, -0.863725]),
    ("norm_relu", [3, 2, 4, 5], [5.209957, 5.245944, -1.111732, -0.817481]),
    ("conv_relu6", [2, 3, 5, 5], [-2.684062, -2.684062, 0.619237, 0.000000]),
    ("max_pool", [2, 2, 7, 6], [-2.420704, -2.420704, -0.173759, 0.000000]),
    ("max_pool_same", [2, 2, 7, 6], [-0.736129, -0.736129, -1.400961, 0.000000]),
    ("max_pool_pad", [2, 2, 7, 6], [-0.424224, -0.424224, -1.218558, 0.000000]),
    ("avg_pool", [2, 2, 7, 6], [-0.247598, -0.247598, 0.126417, 0.000000]),
    ("avg_pool_same", [2, 2, 7, 7], [-0.023228, -0.023228, 0.117982, 0.000000]),
    ("global_avg_pool", [2, 5, 3, 4], [0.411081, 0.411081, -0.331530, 0.000000]),
    ("linear_relu", [2, 2, 2, 3], [-4.752456, -4.752456, 1.525957, 0.000000]),
    ("residual", [2, 2, 3, 3], [-3.650442, -3.650442, 0.004218, 0.000000]),
    ("lstm", [2, 1, 5, 3], [-0.478609, -0.478609, -0.159073, 0.000000]),
    ("lstm_last", [3, 1, 6, 2], [-0.033212, -0.033212, 0.153042, 0.000000]),
    ("lstm_stacked", [2, 1, 5, 3], [0.295644, 0.295644, -0.138464, 0.000000]),
    ("lstm_relu", [2, 1, 5, 3], [0.193165, 0.193165, -0.006564, 0.000000]),
    ("lstm_hard", [2, 1, 5, 3], [-0.427652, -0.427652, -0.108646, 0.000000]),
    ("lstm_masked", [2, 1, 5, 3], [-0.440457, -0.440457, -0.076466, 0.000000]),
    ("conv_lstm", [2, 6, 5, 4], [0.450504, 0.450504, -0.050906, 0.000000]),
    ("conv_lstm_hard_same", [2, 6, 4, 5], [-0.126682, -0.126682, -0.180667, 0.000000]),
    ("autoencoder", [2, 1, 4, 3], [-0.461405, -0.461405, -0.206065, 0.000000]),
    ("fused", [2, 3, 2, 2], [0.009284, 0.009284, -0.096254, 0.000000]),
    ("token_layer_norm", [2, 5, 2, 3], [0.968497, 0.968497, -0.031781, 0.000000]),
    ("token_gelu", [2, 3, 2, 3], [0.502796, 0.502796, 0.096011, 0.000000]),
    ("token_attention", [2, 6, 2, 4], [8.327752, 8.327752, -1.571434, 0.000000]),
    ("token_window", [2, 7, 4, 4], [-1.302942, -1.302942, 5.060633, 0.000000]),
    ("token_places", [2, 4, 2, 2], [0.232508, 0.232508, -0.355763, 0.000000]),
    ("token_vit", [2, 1, 6, 9], [-0.982022, -0.982022, -0.034127, 0.000000]),
    ("token_vit_class", [2, 1, 6, 9], [-1.872358, -1.872358, -0.431680, 0.000000]),
    ("token_htnet", [2, 1, 8, 8], [-1.202822, -1.202822, -0.815307, 0.000000]),
    ("token_htnet_real", [2, 1, 8, 8], [-1.213424, -1.213424, -0.870815, 0.000000]),
];

fn fill(n: usize, start: usize) -> Vec<f32> {
    (start..start + n).map(|i| (((i * 37 + 11) % 101) as f64 / 101.0 - 0.5) as f32).collect()
}

fn dot(values: &[f32], start: usize) -> f64 {
    values.iter().zip(fill(values.len(), start)).map(|(&a, b)| f64::from(a) * f64::from(b)).sum()
}

/// The layer that the script calls so.
fn add(g: &mut GraphBuilder, name: &str) {
    let mixed = |g: &mut GraphBuilder| {
        let channels = g.channels();
        g.conv("mix", Conv2d::new(channels, 1));
    };
    let padded_mean = || {
        let mut pool = AvgPool::new(3).stride(2);
        pool.padding = layers::PaddingRule::all(1);
        pool
    };
    match name {
        "dense" => g.conv("l", Conv2d::new(4, 3).pad(1)),
        "same_even" => g.conv("l", Conv2d::new(4, 4).same()),
        "same_even_stride" => g.conv("l", Conv2d::new(4, 8).stride(2).same()),
        "same_one_stride" => g.conv("l", Conv2d::new(4, 1).stride(2).same().no_bias()),
        "grouped" => g.conv("l", Conv2d::new(6, 3).groups(2)),
        "depthwise" => g.conv("l", Conv2d::depthwise(3).same().no_bias()),
        "depthwise_stride" => g.conv("l", Conv2d::depthwise(3).stride(2).same()),
        "norm_pytorch" => g.batch_norm("l", BatchNorm::pytorch()),
        "norm_keras" => g.batch_norm("l", BatchNorm::keras()),
        "norm_keras_biased" => g.batch_norm("l", BatchNorm::keras().running(RunningVariance::Biased)),
        "norm_relu" => g.batch_norm("l", BatchNorm::pytorch()).relu(),
        "conv_relu6" => g.conv("l", Conv2d::new(4, 3)).relu6(),
        "linear_relu" => g.flatten("f").linear("l", Linear::new(5)).relu(),
        "residual" => {
            let fork = g.tip();
            g.conv("l", Conv2d::new(2, 1)).add("sum", fork).relu()
        }
        name if name.starts_with("token_") => tokens(g, name),
        name if name.contains("lstm") || name == "autoencoder" => recurrent(g, name),
        "fused" => {
            g.slice("first", 0, 2).flatten("f1").linear("a", Linear::new(3)).softmax("p1");
            let first = g.tip();
            g.at(0).slice("second", 2, 1).flatten("f2").linear("b", Linear::new(3)).softmax("p2");
            let second = g.tip();
            g.at(first).concat("joined", &[second]).linear("l", Linear::new(2))
        }
        pool => {
            mixed(g);
            match pool {
                "max_pool" => g.max_pool("l", MaxPool::new(2)),
                "max_pool_same" => g.max_pool("l", MaxPool::new(3).stride(2).same()),
                "max_pool_pad" => g.max_pool("l", MaxPool::new(3).stride(2).pad(1)),
                "avg_pool" => g.avg_pool("l", AvgPool::new(2)),
                "avg_pool_same" => g.avg_pool("l", padded_mean()),
                "global_avg_pool" => g.global_avg_pool("l"),
                other => panic!("no layer {other}"),
            }
        }
    };
}

fn tokens<'a>(g: &'a mut GraphBuilder, name: &str) -> &'a mut GraphBuilder {
    let small = VitOptions { patch: 3, dim: 6, depth: 2, heads: 2, mlp_ratio: 2.0, dropout: 0.0, pool: VitPool::Mean };
    let htnet = HtnetOptions {
        patch: 2,
        dims: [4, 6, 9],
        heads: [1, 2, 2],
        blocks: [1, 1, 2],
        mlp_ratio: 2,
        ..HtnetOptions::default()
    };
    match name {
        "token_layer_norm" => g.to_tokens("t").layer_norm("l", LayerNorm::new()),
        "token_gelu" => g.to_tokens("t").linear("l", Linear::new(5)).gelu(),
        "token_attention" => g.to_tokens("t").multi_head_attention("l", MultiHeadAttention::new(2)),
        "token_window" => {
            let layer = MultiHeadAttention::new(3).no_qkv_bias().window(4);
            g.to_tokens_in_blocks("t", [2, 2]).multi_head_attention("l", layer).to_map("m", [4, 4], Some([2, 2]))
        }
        "token_places" => {
            g.to_tokens("t").class_token("c", Initialiser::Normal(1.0));
            g.position_embedding("p", PositionEmbedding::new()).linear("l", Linear::new(3)).take_token("first", 0)
        }
        "token_vit" => architecture(g, &small),
        "token_vit_class" => architecture(g, &VitOptions { pool: VitPool::ClassToken, ..small }),
        "token_htnet" => architecture(g, &htnet),
        "token_htnet_real" => architecture(g, &HtnetOptions { block_size: 2, ..htnet }),
        other => panic!("no layer {other}"),
    }
}

fn architecture<'a>(g: &'a mut GraphBuilder, options: &dyn zoo::Architecture) -> &'a mut GraphBuilder {
    options.layers(g, 3);
    g
}

fn recurrent<'a>(g: &'a mut GraphBuilder, name: &str) -> &'a mut GraphBuilder {
    if name.starts_with("conv") {
        return match name {
            "conv_lstm" => g.conv_lstm("l", ConvLstm::new(3, 3, 3)),
            _ => g.conv_lstm("l", ConvLstm::new(2, 2, 3).gate(Gate::HardSigmoid).same().all()),
        };
    }
    let source = g.to_sequence("steps").tip();
    match name {
        "lstm" => g.lstm("l", Lstm::pytorch(4)),
        "lstm_last" => g.lstm("l", Lstm::pytorch(5).last()),
        "lstm_stacked" => g.lstm("l", Lstm::pytorch(4)).lstm("l2", Lstm::pytorch(4)),
        "lstm_relu" => g.lstm("l", Lstm::keras(4).relu().last()),
        "lstm_hard" => g.lstm("l", Lstm::keras(4).hard_sigmoid()),
        "lstm_masked" => g.masked_lstm("l", Lstm::keras(4).mask(0.0), source),
        "autoencoder" => {
            g.lstm("e", Lstm::pytorch(4)).last_step("code").repeat("again", 4);
            g.lstm("d", Lstm::pytorch(5)).linear("l", Linear::new(3))
        }
        other => panic!("no layer {other}"),
    }
}

/// A network of this one layer, filled as the script does it.
fn network(name: &str, input: [usize; 3]) -> Network {
    let mut g = GraphBuilder::new(name, input);
    add(&mut g, name);
    if !matches!(g.shape(), Shape::Vector(_)) {
        g.flatten("flatten");
    }
    let features = g.shape().len();
    let mut network = Network::new(Arc::new(g.build(features).unwrap()), 0, &Device::flex());
    let flat = |v: Vec<f32>| {
        let len = v.len();
        Tensor::<1>::from_data(TensorData::new(v, [len]), &Device::flex())
    };
    for (k, p) in network.parameters.iter_mut().enumerate() {
        p.tensor = flat(fill(p.shape.iter().product(), 100 * (k + 1)).iter().map(|v| 2.0 * v).collect());
    }
    for b in &mut network.buffers {
        b.tensor = flat(fill(b.shape[0], 50).iter().map(|v| v + 1.0).collect());
    }
    network
}

/// Whoever computes, on this processor.
fn computes() -> Vec<(Compute, f64)> {
    let native = Isa::available().into_iter().map(|isa| (Compute::Native(isa), 1e-4));
    std::iter::once((Compute::Burn, 2e-5)).chain(native).collect()
}

#[test]
fn layers_compute_what_pytorch_computes() {
    for (compute, tolerance) in computes() {
        compare(compute, tolerance);
    }
}

fn compare(compute: Compute, tolerance: f64) {
    let read = |t: Tensor<2>| -> Vec<f32> { t.without_autodiff().into_data().try_into_vec().unwrap() };
    for &(name, shape, known) in KNOWN {
        let mut network = network(name, [shape[1], shape[2], shape[3]]).with_compute(compute);
        let mut x: Vec<f32> = fill(shape.iter().product(), 0).iter().map(|v| 4.0 * v).collect();
        if name == "lstm_masked" {
            // Steps 1 and 4 of the first sequence, and the first of the second.
            [1, 4, 5].into_iter().for_each(|step| x[3 * step..3 * step + 3].fill(0.0));
        }
        let x = Tensor::<4>::from_data(TensorData::new(x, shape), &Device::flex());
        let evaluated = dot(&read(network.forward(x.clone()).unwrap()), 7);
        let pass = network.train_pass(x, 0).unwrap();
        let trained = dot(&read(pass.logits.clone()), 7);
        let [rows, columns] = pass.logits.dims();
        let weights = TensorData::new(fill(rows * columns, 3), [rows, columns]);
        let weights = Tensor::<2>::from_data(weights, &Device::flex()).autodiff();
        let gradients = (pass.logits * weights).sum().backward();
        let gradient: f64 =
            pass.leaves.iter().map(|leaf| dot(&state::read(&leaf.grad(&gradients).unwrap()).unwrap(), 7)).sum();
        network.apply_buffer_updates(pass.buffer_updates).unwrap();
        let buffers: f64 = network.buffers.iter().map(|b| dot(&state::read(&b.tensor).unwrap(), 7)).sum();
        for (what, ours, theirs) in [
            ("output in evaluation", evaluated, known[0]),
            ("output in training", trained, known[1]),
            ("gradients", gradient, known[2]),
            ("running statistics", buffers, known[3]),
        ] {
            let close = (ours - theirs).abs() < tolerance;
            assert!(close, "{compute:?}, {name}, {what}: {ours} instead of {theirs}");
        }
    }
}
