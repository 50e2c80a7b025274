//! Small networks, one for each kind of layer: to compare devices with each other, and with other programs
//! (`scripts/layer_parity.py` builds the same ones in PyTorch).

use std::sync::Arc;

use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};
use ferrotype_kernels::activation::Function;
use ferrotype_kernels::recurrent::Gate;
use ferrotype_ops::Compute;

use crate::layers::{
    AvgPool, BatchNorm, Conv2d, ConvLstm, LayerNorm, Linear, Lstm, MaxPool, MultiHeadAttention, PaddingRule,
    PositionEmbedding, RunningVariance, SqueezeExcite,
};
use crate::zoo::htnet::HtnetOptions;
use crate::zoo::vit::{VitOptions, VitPool};
use crate::{GraphBuilder, Initialiser, Network, Shape, state, zoo};

/// The samples' names and their inputs `[batch, channels, height, width]`.
pub const SAMPLES: [(&str, [usize; 4]); 47] = [
    ("dense", [2, 3, 7, 6]),
    ("same_even", [2, 3, 7, 6]),
    ("same_even_stride", [2, 1, 9, 10]),
    ("same_one_stride", [2, 3, 7, 6]),
    ("grouped", [2, 4, 5, 6]),
    ("depthwise", [2, 4, 7, 6]),
    ("depthwise_stride", [2, 4, 7, 6]),
    ("norm_pytorch", [3, 2, 4, 5]),
    ("norm_keras", [3, 2, 4, 5]),
    ("norm_keras_biased", [3, 2, 4, 5]),
    ("norm_relu", [3, 2, 4, 5]),
    ("conv_relu6", [2, 3, 5, 5]),
    ("max_pool", [2, 2, 7, 6]),
    ("max_pool_same", [2, 2, 7, 6]),
    ("max_pool_pad", [2, 2, 7, 6]),
    ("avg_pool", [2, 2, 7, 6]),
    ("avg_pool_same", [2, 2, 7, 7]),
    ("global_avg_pool", [2, 5, 3, 4]),
    ("linear_relu", [2, 2, 2, 3]),
    ("cosine_linear", [2, 2, 2, 3]),
    ("residual", [2, 2, 3, 3]),
    ("sigmoid", [2, 3, 5, 5]),
    ("hard_sigmoid", [2, 3, 5, 5]),
    ("silu", [2, 3, 5, 5]),
    ("hard_swish", [2, 3, 5, 5]),
    ("squeeze_excite", [2, 6, 4, 5]),
    ("squeeze_excite_hard", [2, 6, 4, 5]),
    ("drop_path", [6, 2, 3, 3]),
    ("lstm", [2, 1, 5, 3]),
    ("lstm_last", [3, 1, 6, 2]),
    ("lstm_stacked", [2, 1, 5, 3]),
    ("lstm_relu", [2, 1, 5, 3]),
    ("lstm_hard", [2, 1, 5, 3]),
    ("lstm_masked", [2, 1, 5, 3]),
    ("conv_lstm", [2, 6, 5, 4]),
    ("conv_lstm_hard_same", [2, 6, 4, 5]),
    ("autoencoder", [2, 1, 4, 3]),
    ("fused", [2, 3, 2, 2]),
    ("token_layer_norm", [2, 5, 2, 3]),
    ("token_gelu", [2, 3, 2, 3]),
    ("token_attention", [2, 6, 2, 4]),
    ("token_window", [2, 7, 4, 4]),
    ("token_places", [2, 4, 2, 2]),
    ("token_vit", [2, 1, 6, 9]),
    ("token_vit_class", [2, 1, 6, 9]),
    ("token_htnet", [2, 1, 8, 8]),
    ("token_htnet_real", [2, 1, 8, 8]),
];

/// What a sample computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// The output in evaluation.
    pub evaluated: Vec<f32>,
    /// The output in training.
    pub trained: Vec<f32>,
    /// The gradients of a weighted sum of the output in training, of one parameter after the other.
    pub gradients: Vec<Vec<f32>>,
    /// Running statistics after a training pass.
    pub statistics: Vec<Vec<f32>>,
}

/// Lets the sample of this name compute: evaluation, a training pass, and its gradients. Values of parameters and pixels are
/// the same everywhere.
///
/// # Errors
/// When a layer cannot compute, or the device cannot be read.
///
/// # Panics
/// When there is no such sample.
pub fn run(name: &str, compute: Compute, device: &Device) -> Result<Computed> {
    let (_, shape) = SAMPLES.iter().find(|(n, _)| *n == name).expect("a name of SAMPLES");
    let mut network = network(name, [shape[1], shape[2], shape[3]], device)?.with_compute(compute);
    let mut x: Vec<f32> = fill(shape.iter().product(), 0).iter().map(|v| 4.0 * v).collect();
    if name == "lstm_masked" {
        // Steps 1 and 4 of the first sequence, and the first of the second.
        [1, 4, 5].into_iter().for_each(|step| x[3 * step..3 * step + 3].fill(0.0));
    }
    let x = Tensor::<4>::from_data(TensorData::new(x, *shape), device);
    let read = |t: Tensor<2>| {
        let len = t.dims().iter().product::<usize>();
        state::read(&t.reshape([len]))
    };
    let evaluated = read(network.forward(x.clone())?)?;
    let pass = network.train_pass(x, 0)?;
    let trained = read(pass.logits.clone())?;
    let [rows, columns] = pass.logits.dims();
    let weights = TensorData::new(fill(rows * columns, 3), [rows, columns]);
    let weights = Tensor::<2>::from_data(weights, device).autodiff();
    let gradients = (pass.logits * weights).sum().backward();
    let of_leaf = |leaf: &Tensor<1>| leaf.grad(&gradients).map_or_else(|| Ok(Vec::new()), |g| state::read(&g));
    let gradients = pass.leaves.iter().map(of_leaf).collect::<Result<_>>()?;
    network.apply_buffer_updates(pass.buffer_updates)?;
    let statistics = network.buffers.iter().map(|b| state::read(&b.tensor)).collect::<Result<_>>()?;
    Ok(Computed { evaluated, trained, gradients, statistics })
}

/// A network of this one layer, filled as the script does it.
fn network(name: &str, input: [usize; 3], device: &Device) -> Result<Network> {
    let mut g = GraphBuilder::new(name, input);
    add(&mut g, name);
    if !matches!(g.shape(), Shape::Vector(_)) {
        g.flatten("flatten");
    }
    let features = g.shape().len();
    let mut network = Network::new(Arc::new(g.build(features)?), 0, device);
    let flat = |v: Vec<f32>| {
        let len = v.len();
        Tensor::<1>::from_data(TensorData::new(v, [len]), device)
    };
    for (k, p) in network.parameters.iter_mut().enumerate() {
        p.tensor = flat(fill(p.shape.iter().product(), 100 * (k + 1)).iter().map(|v| 2.0 * v).collect());
    }
    for b in &mut network.buffers {
        b.tensor = flat(fill(b.shape[0], 50).iter().map(|v| v + 1.0).collect());
    }
    Ok(network)
}

/// Values between -0.5 and 0.5 that a line of any language gives.
pub(crate) fn fill(n: usize, start: usize) -> Vec<f32> {
    (start..start + n).map(|i| (((i * 37 + 11) % 101) as f64 / 101.0 - 0.5) as f32).collect()
}

/// The layer that the script calls so.
fn add(g: &mut GraphBuilder, name: &str) {
    let mixed = |g: &mut GraphBuilder| {
        let channels = g.channels();
        g.conv("mix", Conv2d::new(channels, 1));
    };
    let padded_mean = || {
        let mut pool = AvgPool::new(3).stride(2);
        pool.padding = PaddingRule::all(1);
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
        "cosine_linear" => g.flatten("f").linear("l", Linear::new(5)).cosine_classifier(1.0),
        "residual" => {
            let fork = g.tip();
            g.conv("l", Conv2d::new(2, 1)).add("sum", fork).relu()
        }
        "sigmoid" => g.conv("l", Conv2d::new(4, 3)).sigmoid(),
        "hard_sigmoid" => g.conv("l", Conv2d::new(4, 3)).hard_sigmoid(),
        "silu" => g.conv("l", Conv2d::new(4, 3)).silu(),
        "hard_swish" => g.conv("l", Conv2d::new(4, 3)).hard_swish(),
        "squeeze_excite" => {
            mixed(g);
            g.squeeze_excite("l", SqueezeExcite::new(3).activation(Function::Silu))
        }
        "squeeze_excite_hard" => {
            mixed(g);
            g.squeeze_excite("l", SqueezeExcite::new(3).gate(Function::HardSigmoid))
        }
        "drop_path" => {
            let fork = g.tip();
            g.conv("l", Conv2d::new(2, 1)).drop_path(0.5).add("sum", fork)
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
    let small = VitOptions { patch: 3, dim: 6, depth: 2, heads: 2, mlp_ratio: 2.0, ..VitOptions::default() };
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
