//! Published weights in our layers. Runs where FERROTYPE_DATA names the folder that holds `weights/` and `onnx/`.
//!
//! Weights are matched by order here: the n-th convolution of the file is the n-th of the graph.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::tests::card;
use super::*;
use crate::data::options::Scale;
use crate::model::{Layer, ModelOptions, Shape, StateTensor, layers::Channels};
use crate::random::Stream;

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("FERROTYPE_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: FERROTYPE_DATA is not set");
    }
    folder
}

/// A Keras file whose layers of one kind are numbered from `first` on.
struct Keras {
    file: hdf5_pure::File,
    first: usize,
    nested: &'static str,
}

impl Keras {
    fn read(&self, kind: &str, number: usize, weight: &str) -> Vec<f32> {
        let n = number + self.first;
        let layer = if n == 0 { kind.to_string() } else { format!("{kind}_{n}") };
        let path = format!("model_weights/{layer}/{layer}{}/{weight}:0", self.nested);
        self.file.dataset(&path).and_then(|d| d.read_f32()).unwrap_or_else(|e| panic!("{path}: {e}"))
    }
}

/// `[rows, columns, in, out]` to `[out, in, rows, columns]`.
fn from_hwio(v: &[f32], shape: &[usize]) -> Vec<f32> {
    let [o, i, h, w] = [shape[0], shape[1], shape[2], shape[3]];
    let at = |a: usize, b: usize, y: usize, x: usize| v[((y * w + x) * i + b) * o + a];
    (0..o * i * h * w).map(|k| at(k / (i * h * w), k / (h * w) % i, k / w % h, k % w)).collect()
}

/// `[in, out]` with inputs in the order row, column, channel, to `[out, in]` in the order channel, row, column.
fn from_dense(v: &[f32], outputs: usize, map: [usize; 3]) -> Vec<f32> {
    let [c, h, w] = map;
    let at = |o: usize, k: usize| {
        let (channel, y, x) = (k / (h * w), k / w % h, k % w);
        v[((y * w + x) * c + channel) * outputs + o]
    };
    (0..outputs * c * h * w).map(|k| at(k / (c * h * w), k % (c * h * w))).collect()
}

/// The network with the file's weights.
fn load(options: &ModelOptions, classes: usize, keras: &Keras) -> Network {
    let graph = Arc::new(options.build(options.default_input(), classes).unwrap());
    let mut network = Network::new(graph.clone(), 0, &Device::flex());
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut next = |kind| {
        let n = counts.entry(kind).or_default();
        *n += 1;
        *n - 1
    };
    let mut values: HashMap<String, Vec<f32>> = HashMap::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        let mut put = |part: &str, v| values.insert(format!("{}.{part}", node.name), v);
        let shape = |k: usize| graph.parameters[node.parameters.start + k].shape.clone();
        match &node.layer {
            Layer::Conv2d(conv) if conv.channels == Channels::Depthwise => {
                // Keras has [rows, columns, channel, 1]: one filter per channel.
                let n = next("separable_conv2d");
                let s = shape(0);
                put(
                    "weight",
                    from_hwio(&keras.read("separable_conv2d", n, "depthwise_kernel"), &[s[1], s[0], s[2], s[3]]),
                );
            }
            Layer::Conv2d(_) if node.name.ends_with("pointwise") => {
                let n = counts_of(&graph, id);
                put("weight", from_hwio(&keras.read("separable_conv2d", n, "pointwise_kernel"), &shape(0)));
            }
            Layer::Conv2d(_) => {
                let n = next("conv2d");
                put("weight", from_hwio(&keras.read("conv2d", n, "kernel"), &shape(0)));
                if node.parameters.len() > 1 {
                    put("bias", keras.read("conv2d", n, "bias"));
                }
            }
            Layer::BatchNorm(_) => {
                let n = next("batch_normalization");
                for (ours, theirs) in [
                    ("weight", "gamma"),
                    ("bias", "beta"),
                    ("running_mean", "moving_mean"),
                    ("running_var", "moving_variance"),
                ] {
                    put(ours, keras.read("batch_normalization", n, theirs));
                }
            }
            Layer::Linear(_) => {
                let map = graph.nodes.iter().rev().find_map(|n| match (&n.layer, n.shape) {
                    (Layer::MaxPool(_), Shape::Map { channels, height, width }) => Some([channels, height, width]),
                    _ => None,
                });
                put("weight", from_dense(&keras.read("dense", 0, "kernel"), classes, map.unwrap()));
                put("bias", keras.read("dense", 0, "bias"));
            }
            _ => {}
        }
    }
    let state = network.state().unwrap().into_iter().map(|t| StateTensor {
        values: values.remove(&t.name).unwrap_or_else(|| panic!("{} was not filled", t.name)),
        ..t
    });
    let state = state.collect();
    network.load_state(state).unwrap();
    assert!(values.is_empty());
    network
}

/// How many separable convolutions stand before the pointwise part at `id`, less its own.
fn counts_of(graph: &crate::model::Graph, id: usize) -> usize {
    graph.nodes[..id].iter().filter(|n| n.name.ends_with("pointwise")).count()
}

fn mini_xception(folder: &Path) -> Network {
    let file = hdf5_pure::File::open(folder.join("weights/mini_xception_fer2013_102.hdf5")).unwrap();
    load(&ModelOptions::MiniXception(Default::default()), 7, &Keras { file, first: 1, nested: "_1" })
}

fn emopy(folder: &Path) -> Network {
    let file = hdf5_pure::File::open(folder.join("weights/emopy_ferplus_50ep.h5")).unwrap();
    load(&ModelOptions::EmopyCnn(Default::default()), 8, &Keras { file, first: 0, nested: "" })
}

/// The reference is an ONNX file that others made of the same weights: NHWC input in [-1, 1], softmax out.
#[test]
fn mini_xception_with_published_weights_equals_its_onnx_reference() {
    let Some(folder) = data() else { return };
    let network = mini_xception(&folder);
    let reference = std::fs::read(folder.join("onnx/mini_xception_fer2013_102.onnx")).unwrap();
    let reference = rten::Model::load(reference).unwrap();
    let mut s = Stream::new(9);
    let x: Vec<f32> = (0..4 * 64 * 64).map(|_| s.uniform(-1.0, 1.0)).collect();
    let theirs = rten::Value::from_shape(&[4, 64, 64, 1], x.clone()).unwrap();
    let theirs = reference.run_one(theirs.into(), None).unwrap();
    let (_, theirs) = theirs.into_shape_vec::<f32, 2>().unwrap();
    let x = Tensor::<4>::from_data(TensorData::new(x, [4, 1, 64, 64]), &Device::flex());
    let ours = burn::tensor::activation::softmax(network.forward(x).unwrap(), 1);
    let ours: Vec<f32> = ours.into_data().try_into_vec().unwrap();
    let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("largest difference of a probability: {worst:e}");
    assert!(worst < 1e-5, "{worst}");
}

/// Writes the published networks for scoring by other programs: see `networks_for_other_runtimes`.
#[test]
#[ignore = "writes files for another program"]
fn published_networks_for_other_runtimes() {
    let (Some(folder), Ok(out)) = (data(), std::env::var("FERROTYPE_ONNX_OUT")) else { return };
    for (name, network, scale) in [
        ("published_mini_xception", mini_xception(&folder), Scale::Signed),
        ("published_emopy", emopy(&folder), Scale::Unit),
    ] {
        let bytes = to_onnx(&network, &card(64, network.graph().classes, scale)).unwrap();
        fs::write(Path::new(&out).join(format!("{name}.onnx")), bytes).unwrap();
    }
}
