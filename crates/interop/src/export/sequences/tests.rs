use std::fs;
use std::sync::Arc;

use burn::tensor::Device;
use ferrotype_kernels::recurrent::Gate;

use super::*;
use ferrotype_base::random::Stream;
use ferrotype_model::layers::{ConvLstm, Linear, Lstm};
use ferrotype_model::ragged;
use ferrotype_model::{GraphBuilder, ModelOptions};

type Build = fn(&mut GraphBuilder);

/// Name, input, whether any number of steps is taken, layers.
const NETWORKS: &[(&str, [usize; 3], bool, Build)] = &[
    ("lstm_stack", [1, 7, 5], true, |g| {
        g.to_sequence("steps").lstm("l1", Lstm::pytorch(6)).lstm("l2", Lstm::keras(4));
        g.linear("out", Linear::new(5)).flatten("flat");
    }),
    ("lstm_last", [1, 6, 5], true, |g| {
        g.to_sequence("steps").lstm("l1", Lstm::pytorch(6)).lstm("l2", Lstm::pytorch(4).last());
        g.linear("out", Linear::new(3));
    }),
    ("autoencoder", [1, 6, 5], false, |g| {
        g.to_sequence("steps").lstm("l1", Lstm::pytorch(6)).last_step("code").repeat("again", 6);
        g.lstm("l2", Lstm::pytorch(4)).linear("out", Linear::new(5)).relu().flatten("flat");
    }),
    ("other_functions", [1, 6, 5], false, |g| {
        g.to_sequence("steps").lstm("l1", Lstm::pytorch(6).hard_sigmoid()).lstm("l2", Lstm::keras(4).relu().last());
        g.linear("out", Linear::new(3));
    }),
    ("joined", [1, 4, 3], true, |g| {
        let source = g.to_sequence("steps").tip();
        g.lstm("l1", Lstm::pytorch(6)).concat("both", &[source]).linear("out", Linear::new(2)).flatten("flat");
    }),
    ("conv_lstm", [6, 7, 6], false, |g| {
        g.conv_lstm("l1", ConvLstm::new(3, 4, 3).gate(Gate::HardSigmoid).same().all());
        g.conv_lstm("l2", ConvLstm::new(3, 2, 2)).global_avg_pool("mean").linear("out", Linear::new(3));
    }),
];

fn network(graph: GraphBuilder) -> Network {
    let outputs = graph.shape().len();
    Network::new(Arc::new(graph.build(outputs).unwrap()), 3, &Device::flex())
}

fn networks() -> Vec<(String, bool, Network)> {
    let mut all: Vec<(String, bool, Network)> = Vec::new();
    for &(name, input, free, build) in NETWORKS {
        let mut g = GraphBuilder::new(name, input);
        build(&mut g);
        all.push((name.into(), free, network(g)));
    }
    for options in ModelOptions::all().iter().filter(|o| o.name().starts_with("microx")) {
        let (options, input) = options.small(12);
        let graph = Arc::new(options.build(input, 4).unwrap());
        all.push((options.name().into(), false, Network::new(graph, 3, &Device::flex())));
    }
    all
}

fn features(network: &Network, batch: usize) -> Vec<f32> {
    let mut s = Stream::new(4);
    (0..batch * network.graph().input.iter().product::<usize>()).map(|_| s.uniform(-2.0, 2.0)).collect()
}

#[test]
fn networks_of_sequences_agree_with_their_files() {
    for (name, free, network) in networks() {
        assert_eq!(steps_are_free(network.graph()), free, "{name}");
        let bytes = features_to_onnx(&network, BTreeMap::new(), false).unwrap();
        for batch in [1, 3] {
            let off = verify_features(bytes.clone(), &network, batch, features(&network, batch), &[]).unwrap();
            assert!(off < 1e-5, "{name}, {batch} examples: {off:e}");
        }
    }
}

/// A file made from a network of seven steps equals the same network of eleven.
#[test]
fn files_of_lstms_take_any_number_of_steps() {
    let build = |steps| {
        let mut g = GraphBuilder::new("free", [1, steps, 5]);
        NETWORKS[0].3(&mut g);
        network(g)
    };
    let bytes = features_to_onnx(&build(7), BTreeMap::new(), false).unwrap();
    let longer = build(11);
    let off = verify_features(bytes, &longer, 2, features(&longer, 2), &[]).unwrap();
    assert!(off < 1e-5, "{off:e}");
}

/// A file made from a network of nine steps, on sequences of other lengths with other padding.
#[test]
fn files_keep_to_the_lengths_of_sequences() {
    let lengths = [3, 9, 1, 6];
    for &(name, build) in ragged::NETWORKS {
        let network = |steps| ragged::network(build, steps, ferrotype_ops::Compute::default());
        let bytes = features_to_onnx(&network(9), BTreeMap::new(), true).unwrap();
        assert_eq!(steps_are_free(network(9).graph()), name != "code_again", "{name}");
        for (steps, padding) in [(9, 0.0), (9, 3.0), (14, -2.0)] {
            // What repeats a code so often fixes the steps of the file.
            let steps = if name == "code_again" { 9 } else { steps };
            let x: Vec<f32> = ragged::padded(&lengths, steps, padding).into_data().try_into_vec().unwrap();
            let off = verify_features(bytes.clone(), &network(steps), 4, x, &lengths).unwrap();
            assert!(off < 1e-5, "{name}, {steps} steps: {off:e}");
        }
    }
    let mut g = GraphBuilder::new("net", [1, 4, 2]);
    g.to_sequence("steps").lstm("memory", Lstm::keras(3)).flatten("flat");
    let error = features_to_onnx(&network(g), BTreeMap::new(), true).unwrap_err().to_string();
    assert!(error.contains("flat") && error.contains("padding"), "{error}");
}

#[test]
fn what_onnx_cannot_say_is_refused() {
    let mut g = GraphBuilder::new("net", [1, 4, 2]);
    let source = g.to_sequence("steps").tip();
    g.masked_lstm("memory", Lstm::keras(3).mask(0.0), source).flatten("flat");
    let error = format!("{:#}", features_to_onnx(&network(g), BTreeMap::new(), false).unwrap_err());
    assert!(error.contains("layer memory") && error.contains("mask"), "{error}");
}

#[ferrotype_needs::needs(onnxruntime)]
#[test]
fn onnxruntime_computes_the_same_on_sequences() {
    use safetensors::tensor::{Dtype, TensorView};
    let folder = tempfile::tempdir().unwrap();
    for (name, _, network) in networks() {
        let [channels, height, width] = network.graph().input;
        let x = features(&network, 5);
        let shape = [5, channels, height, width];
        let y = network.forward(Tensor::<4>::from_data(TensorData::new(x.clone(), shape), &Device::flex())).unwrap();
        let y: Vec<f32> = y.into_data().try_into_vec().unwrap();
        let bytes = |v: &[f32]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let (x, y) = (bytes(&x), bytes(&y));
        let tensors = [
            ("features", TensorView::new(Dtype::F32, shape.to_vec(), &x).unwrap()),
            ("outputs", TensorView::new(Dtype::F32, vec![5, network.graph().classes], &y).unwrap()),
        ];
        let path = folder.path().join(format!("sequence_{name}"));
        fs::write(path.with_extension("onnx"), features_to_onnx(&network, BTreeMap::new(), false).unwrap()).unwrap();
        fs::write(path.with_extension("safetensors"), safetensors::serialize(tensors, None).unwrap()).unwrap();
    }
    let lengths = [3u32, 9, 1, 6];
    for &(name, build) in ragged::NETWORKS {
        let network = ragged::network(build, 9, ferrotype_ops::Compute::default());
        let x = ragged::padded(&lengths, 9, 2.0);
        let y: Vec<f32> = network.forward_lengths(x.clone(), &lengths).unwrap().into_data().try_into_vec().unwrap();
        let x: Vec<f32> = x.into_data().try_into_vec().unwrap();
        let bytes = |v: &[f32]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let (x, y) = (bytes(&x), bytes(&y));
        let lengths: Vec<u8> = lengths.iter().flat_map(|&l| i64::from(l).to_le_bytes()).collect();
        let tensors = [
            ("features", TensorView::new(Dtype::F32, vec![4, 1, 9, 5], &x).unwrap()),
            ("lengths", TensorView::new(Dtype::I64, vec![4], &lengths).unwrap()),
            ("outputs", TensorView::new(Dtype::F32, vec![4, y.len() / 16], &y).unwrap()),
        ];
        let path = folder.path().join(format!("sequence_ragged_{name}"));
        fs::write(path.with_extension("onnx"), features_to_onnx(&network, BTreeMap::new(), true).unwrap()).unwrap();
        fs::write(path.with_extension("safetensors"), safetensors::serialize(tensors, None).unwrap()).unwrap();
    }
    crate::export::tests::check_with_onnxruntime(folder.path());
}
