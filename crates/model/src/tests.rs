use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use super::layers::{BatchNorm, Conv2d, Linear, RunningVariance};
use super::*;
use ferrotype_base::random::Stream;

fn pictures(shape: [usize; 4], seed: u64) -> Tensor<4> {
    let mut s = Stream::new(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| s.normal() as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &crate::device::tested())
}

fn small(variance: RunningVariance) -> Arc<Graph> {
    let mut g = GraphBuilder::new("small", [2, 6, 6]);
    g.conv("conv", Conv2d::new(4, 3).same()).batch_norm("bn", BatchNorm::keras().running(variance)).relu();
    let fork = g.tip();
    g.conv("branch", Conv2d::new(4, 1)).add("add", fork).relu6().global_avg_pool("pool").dropout(0.5);
    g.linear("fc", Linear::new(3));
    Arc::new(g.build(3).unwrap())
}

fn network() -> Network {
    Network::new(small(RunningVariance::Unbiased), 1, &crate::device::tested())
}

fn values(t: Tensor<2>) -> Vec<f32> {
    t.without_autodiff().into_data().try_into_vec().unwrap()
}

#[test]
fn activations_run_with_the_layer_before_them() {
    let graph = small(RunningVariance::Biased);
    let steps: Vec<_> = graph.plan.iter().map(|s| (graph.nodes[s.node].name.as_str(), s.activation)).collect();
    use ferrotype_kernels::Activation::{None, Relu, Relu6};
    assert_eq!(
        steps,
        [
            ("conv", None),
            ("bn", Relu),
            ("branch", None),
            ("add", Relu6),
            ("pool", None),
            ("pool.dropout", None),
            ("fc", None)
        ]
    );
    // The fork's value is used twice: by the branch, then for the last time by the sum.
    assert_eq!(graph.plan[2].last_use, [false]);
    assert_eq!(graph.plan[3].last_use, [true, true]);
}

#[test]
fn an_activation_stays_alone_where_its_input_is_wanted_elsewhere() {
    let mut g = GraphBuilder::new("fork", [1, 4, 4]);
    g.conv("conv", Conv2d::new(2, 1));
    let before = g.tip();
    g.relu().add("add", before).global_avg_pool("pool");
    let graph = Arc::new(g.build(2).unwrap());
    assert_eq!(graph.plan.len(), 4);
    let network = Network::new(graph, 1, &crate::device::tested());
    let x = pictures([1, 1, 4, 4], 2);
    let y = network.forward(x.clone()).unwrap();
    let w = network.parameters[0].tensor.clone();
    let z = x.reshape([1, 1, 16]).expand([1, 2, 16]) * w.reshape([1, 2, 1]);
    let expected = (z.clone() + burn::tensor::activation::relu(z)).mean_dim(2).reshape([1, 2]);
    assert!((y - expected).abs().max().into_scalar::<f32>() < 1e-6);
}

#[test]
fn dropout_depends_on_the_key_alone() {
    let (network, x) = (network(), pictures([3, 2, 6, 6], 1));
    let run = |key| {
        let pass = network.train_pass(x.clone(), key).unwrap();
        pass.logits.clone().sum().backward();
        values(pass.logits)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// Each example keeps the whole branch, doubled, or nothing of it; in evaluation all keep it as it is.
#[test]
fn stochastic_depth_leaves_out_whole_examples_in_training_alone() {
    let mut g = GraphBuilder::new("block", [1, 3, 3]);
    g.conv("branch", Conv2d::new(1, 1)).drop_path(0.5).add("sum", 0).flatten("flat");
    let graph = Arc::new(g.build(9).unwrap());
    let network = Network::new(graph, 1, &crate::device::tested());
    let x = pictures([40, 1, 3, 3], 1);
    let weight = network.parameters[0].tensor.clone().into_scalar::<f32>();
    let factors = |y: Tensor<2>| -> Vec<f32> {
        let (x, y) = (values(x.clone().reshape([40, 9])), values(y));
        let of = |(x, y): (&[f32], &[f32])| {
            let factors: Vec<f32> = x.iter().zip(y).map(|(x, y)| (y / x - 1.0) / weight).collect();
            assert!(factors.iter().all(|f| (f - factors[0]).abs() < 1e-3), "{factors:?}");
            factors[0].round()
        };
        x.chunks_exact(9).zip(y.chunks_exact(9)).map(of).collect()
    };
    assert_eq!(factors(network.forward(x.clone()).unwrap()), [1.0; 40]);
    let run = |key| {
        let pass = network.train_pass(x.clone(), key).unwrap();
        pass.logits.clone().sum().backward();
        factors(pass.logits)
    };
    let first = run(1);
    assert!(first.iter().all(|&f| f == 0.0 || f == 2.0) && first.contains(&0.0) && first.contains(&2.0), "{first:?}");
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));

    // What follows it is another value in every epoch.
    let mut g = GraphBuilder::new("net", [1, 3, 3]);
    g.conv("a", Conv2d::new(1, 1)).drop_path(0.5).flatten("flat").linear("fc", Linear::new(2));
    let graph = g.build(2).unwrap();
    assert_eq!(graph.frozen_until(&[true; 4]).map(|n| graph.nodes[n].name.as_str()), Some("a"));
}

/// Batch statistics by hand: the running mean and variance after one step from 0 and 1.
#[test]
fn running_statistics_follow_the_rule_of_the_framework() {
    let x = pictures([3, 2, 6, 6], 4);
    for (rule, correction) in [(RunningVariance::Biased, 1.0), (RunningVariance::Unbiased, 108.0 / 107.0)] {
        let mut network = Network::new(small(rule), 1, &crate::device::tested());
        let pass = network.train_pass(x.clone(), 0).unwrap();
        pass.logits.sum().backward();
        network.apply_buffer_updates(pass.buffer_updates).unwrap();
        let conv = ferrotype_ops::conv2d(
            ferrotype_ops::Compute::Burn,
            x.clone(),
            network.parameters[0].tensor.clone(),
            Some(network.parameters[1].tensor.clone()),
            ferrotype_kernels::Activation::None,
            &Conv2d::new(4, 3).same().resolve(&network.graph().nodes[0].shape, 3).unwrap(),
        );
        let first: Vec<f32> = conv.slice([0..3, 0..1]).into_data().try_into_vec().unwrap();
        let mean = first.iter().map(|&v| f64::from(v)).sum::<f64>() / 108.0;
        let var = first.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / 108.0;
        let of = |i: usize| state::read(&network.buffers[i].tensor).unwrap()[0];
        assert!((f64::from(of(0)) - 0.01 * mean).abs() < 1e-6);
        assert!((f64::from(of(1)) - (0.99 + 0.01 * var * correction)).abs() < 1e-6);
    }
}

#[test]
fn a_state_comes_back_and_wrong_ones_are_refused_whole() {
    let mut a = network();
    let b = Network::new(a.graph().clone(), 2, &crate::device::tested());
    let x = pictures([2, 2, 6, 6], 3);
    let before = values(a.forward(x.clone()).unwrap());
    let state = b.state().unwrap();
    assert_eq!(state[0].shape, [4, 2, 3, 3]);

    let mut wrong = state.clone();
    wrong[1].name = "conv.offset".into();
    wrong[2].shape = vec![2, 2];
    let text = a.load_state(wrong).unwrap_err().to_string();
    for part in ["missing: conv.bias", "not in the network: conv.offset", "misshapen: bn.weight is [2, 2]"] {
        assert!(text.contains(part), "{text}");
    }
    let mut cut = state.clone();
    cut[0].values.pop();
    assert!(a.load_state(cut).unwrap_err().to_string().contains("damaged"));
    assert_eq!(values(a.forward(x.clone()).unwrap()), before);

    a.load_state(state).unwrap();
    assert_eq!(values(a.forward(x.clone()).unwrap()), values(b.forward(x).unwrap()));
}

#[test]
fn builders_and_networks_say_what_is_wrong() {
    let text = |g: GraphBuilder, classes| g.build(classes).unwrap_err().to_string();
    let mut g = GraphBuilder::new("net", [1, 4, 4]);
    g.conv("a", Conv2d::new(2, 3)).conv("a", Conv2d::new(2, 1));
    assert!(text(g, 2).contains("net, layer a (conv2d): the name is taken"));
    let mut g = GraphBuilder::new("net", [1, 4, 4]);
    g.conv("a", Conv2d::new(2, 5)).relu();
    assert!(text(g, 2).contains("layer a (conv2d) has a 5x5 window, but its input is 4x4"));
    let mut g = GraphBuilder::new("net", [3, 4, 4]);
    g.conv("a", Conv2d::new(4, 3).groups(2));
    assert!(text(g, 2).contains("cannot divide 3 input and 4 output channels into 2 groups"));
    let mut g = GraphBuilder::new("net", [1, 4, 4]);
    g.linear("fc", Linear::new(2));
    assert!(text(g, 2).contains("put `flatten` or `global_avg_pool` before it"));
    let mut g = GraphBuilder::new("net", [1, 4, 4]);
    g.flatten("flat").linear("fc", Linear::new(2));
    assert!(text(g, 7).contains("fc, gives a vector of 2 instead of 7 logits"));
    let mut g = GraphBuilder::new("net", [1, 4, 4]);
    g.conv("a", Conv2d::new(usize::MAX / 2, 3));
    assert!(text(g, 2).contains("more than 2147483648 values"));
    let mut g = GraphBuilder::new("net", [1, 4, 4]);
    g.conv("a", Conv2d::new(2, 3).l2(-0.1));
    assert!(text(g, 2).contains("L2 coefficient of -0.1"));
    assert!(text(GraphBuilder::new("net", [1, 0, 4]), 2).contains("holds no pixels"));
    let mut g = GraphBuilder::new("net", [2, 4, 4]);
    g.global_avg_pool("pool").linear("fc", Linear::new(3));
    let gates = g.tip();
    g.at(0).scale_channels("scale", gates);
    assert!(text(g, 2).contains("layer scale (scale_channels) has 3 gates for 2 channels"));
    let mut g = GraphBuilder::new("net", [2, 4, 4]);
    g.conv("a", Conv2d::new(2, 1)).drop_path(1.0);
    assert!(text(g, 2).contains("layer a.drop_path (drop_path) has rate 1: it must be at least 0 and below 1"));

    let error = network().forward(pictures([2, 1, 6, 6], 0)).unwrap_err().to_string();
    assert!(error.contains("takes pictures of 2x6x6") && error.contains("1x6x6"), "{error}");
    let mut one = GraphBuilder::new("one", [1, 1, 1]);
    one.batch_norm("bn", BatchNorm::pytorch()).flatten("flat").linear("fc", Linear::new(2));
    let one = Network::new(Arc::new(one.build(2).unwrap()), 0, &crate::device::tested());
    assert!(one.train_pass(pictures([1, 1, 1, 1], 0), 0).err().unwrap().to_string().contains("larger batches"));
}
