use std::sync::Arc;

use burn::tensor::{Device, TensorData};
use ferrotype_kernels::Isa;

use super::*;
use crate::layers::{BatchNorm, Conv2d, Linear};
use crate::{GraphBuilder, ModelOptions};
use ferrotype_base::random::Stream;
use ferrotype_ops::{self as ops, Compute};

/// A stem, a residual block and a head with dropout; every convolution is followed by a normalisation.
fn graph() -> Graph {
    let mut g = GraphBuilder::new("small", [1, 8, 8]);
    g.conv("features.a.conv", Conv2d::new(4, 3).same().no_bias())
        .batch_norm("features.a.bn", BatchNorm::keras())
        .relu();
    let fork = g.tip();
    g.conv("features.b.conv", Conv2d::new(4, 3).same().no_bias()).batch_norm("features.b.bn", BatchNorm::keras());
    g.add("features.b.add", fork).relu();
    g.global_avg_pool("head.pool").linear("head.fc1", Linear::new(6)).relu().dropout(0.5);
    g.linear("head.logits", Linear::new(3));
    g.build(3).unwrap()
}

fn frozen(graph: &Graph, pattern: &str) -> Vec<bool> {
    graph.parameters.iter().map(|p| super::super::patterns::matches(pattern, &p.name)).collect()
}

fn pictures(device: &Device) -> Tensor<4> {
    let mut stream = Stream::new(1);
    let values = (0..5 * 64).map(|_| stream.uniform(-1.0, 1.0)).collect::<Vec<f32>>();
    Tensor::from_data(TensorData::new(values, [5, 1, 8, 8]), device)
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    let n: usize = t.dims().iter().product();
    ops::host(t.reshape([n])).unwrap()
}

fn computes() -> [Compute; 2] {
    [Compute::Burn, Compute::Native(Isa::detect())]
}

#[test]
fn the_gateway_is_where_all_ways_meet() {
    let g = graph();
    let until = |pattern: &str| g.frozen_until(&frozen(&g, pattern)).map(|n| g.nodes[n].name.as_str());
    assert_eq!(until("features.*"), Some("head.pool"));
    // Behind it two values are alive until the sum.
    assert_eq!(until("*.conv.weight"), Some("features.a.conv"));
    assert_eq!(until("features.b.*"), None);
    assert_eq!(until("features.a.*"), Some("features.a.bn.relu"));
    assert_eq!(until("head.*"), None);
    // Dropout makes what follows random.
    assert_eq!(until("*"), Some("head.fc1.relu"));
}

#[test]
fn heads_and_depths_follow_the_documented_rule() {
    let g = graph();
    let depth = |name: &str| g.depths()[g.parameters.iter().position(|p| p.name == name).unwrap()];
    assert_eq!([depth("head.fc1.weight"), depth("head.logits.bias")], [0, 0]);
    assert_eq!([depth("features.b.conv.weight"), depth("features.b.bn.bias")], [1, 1]);
    assert_eq!([depth("features.a.conv.weight"), depth("features.a.bn.weight")], [2, 2]);
    let vgg = ModelOptions::Vgg13(Default::default()).build([1, 64, 64], 8).unwrap();
    let head: Vec<&str> =
        vgg.parameters.iter().zip(vgg.head()).filter(|(_, h)| *h).map(|(p, _)| p.name.as_str()).collect();
    assert_eq!(head.len(), 6, "{head:?}");
    assert_eq!(vgg.depths().iter().max(), Some(&10));
    // Without such names, the last layer.
    let micro = ModelOptions::MicroExpNet(Default::default()).build([1, 84, 84], 8).unwrap();
    assert_eq!(micro.head(), [false, false, false, false, false, false, true, true]);
    assert_eq!(micro.depths(), [3, 3, 2, 2, 1, 1, 0, 0]);
}

#[test]
fn a_network_in_two_pieces_computes_what_it_does_in_one() {
    for compute in computes() {
        let network = Network::new(Arc::new(graph()), 3, &crate::device::tested()).with_compute(compute);
        let x = pictures(network.device());
        let whole = values(network.forward(x.clone()).unwrap());
        for name in ["features.a.bn.relu", "head.pool", "head.fc1.relu"] {
            let at = network.graph().nodes.iter().position(|n| n.name == name).unwrap();
            let [c, h, w] = network.feature_shape(at);
            let features = network.features(x.clone(), at).unwrap().reshape([5, c, h, w]);
            assert_eq!(values(network.forward_from(features, at, &[]).unwrap()), whole, "{name}");
        }
    }
}

#[test]
fn frozen_parameters_have_no_gradient_and_frozen_statistics_stay() {
    for compute in computes() {
        let network = Network::new(Arc::new(graph()), 3, &crate::device::tested()).with_compute(compute);
        let x = pictures(network.device());
        // A frozen beginning, a frozen middle, a frozen end.
        for pattern in ["features.*", "features.b.*", "head.*"] {
            let part = Part { frozen: frozen(network.graph(), pattern), ..Part::default() };
            let pass = network.train_pass_of(x.clone(), 9, &part, &[]).unwrap();
            let gradients = pass.logits.powi_scalar(2).sum().backward();
            for (i, leaf) in pass.leaves.iter().enumerate() {
                let name = &network.parameters[i].name;
                assert_eq!(leaf.grad(&gradients).is_none(), part.frozen[i], "{pattern} {name}");
            }
            for (buffer, update) in network.buffers.iter().zip(pass.buffer_updates) {
                let is_frozen = super::super::patterns::matches(pattern, &buffer.name);
                assert_eq!(values(buffer.tensor.clone()) == values(update), is_frozen, "{pattern} {}", buffer.name);
            }
        }
    }
}

/// The gradients of the head are the same bits whether the frozen beginning is computed in the pass or beforehand.
#[test]
fn a_pass_from_features_equals_one_from_pictures() {
    for compute in computes() {
        let network = Network::new(Arc::new(graph()), 3, &crate::device::tested()).with_compute(compute);
        let x = pictures(network.device());
        let frozen = frozen(network.graph(), "features.*");
        let at = network.graph().frozen_until(&frozen).unwrap();
        let [c, h, w] = network.feature_shape(at);
        let features = network.features(x.clone(), at).unwrap().reshape([5, c, h, w]);
        let gradients = |x: Tensor<4>, entry: NodeId| {
            let pass =
                network.train_pass_of(x, 4, &Part { frozen: frozen.clone(), entry, watched: None }, &[]).unwrap();
            let gradients = pass.logits.clone().powi_scalar(2).sum().backward();
            let all: Vec<Vec<f32>> = pass.leaves.iter().filter_map(|l| l.grad(&gradients)).map(values).collect();
            (all, values(pass.logits.inner()))
        };
        let whole = gradients(x, 0);
        assert_eq!(whole.0.len(), 4);
        assert_eq!(whole, gradients(features, at));
    }
}
