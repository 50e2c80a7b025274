//! Files in other people's forms are made of a network's own values here, and must give them back.

mod declared;
mod refused;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use hdf5_pure::{AttrValue, FileBuilder};
use safetensors::tensor::{Dtype, TensorView, serialize};
use tempfile::TempDir;

use super::apply::{foreign_shape, rearrange};
use super::*;
use ferrotype_base::random::Stream;
use ferrotype_data::options::Colour;
use ferrotype_model::published::{Made, Origin};
use ferrotype_model::zoo::mobilenet_v2::{MobilenetV2Head, MobilenetV2Norm, MobilenetV2Options};
use ferrotype_model::{ModelOptions, Network};

/// Tensors under their names in a file.
type Tensors = BTreeMap<String, Stored>;
/// Shape and values.
type Stored = (Vec<usize>, Vec<f32>);

fn origin(model: &str, name: &str) -> Origin {
    let all = ModelOptions::all();
    let options = all.iter().find(|m| m.name() == model).unwrap();
    let found = options.architecture().origins().into_iter().find(|o| o.name == name);
    found.unwrap_or_else(|| panic!("{model} has no form {name}"))
}

fn expected_form(origin: Origin) -> ExpectedForm {
    ExpectedForm { model: origin.model.clone(), preprocess: origin.preprocess.clone(), origin }
}

/// A network of this form with values everywhere, running statistics too.
fn network(model: &ModelOptions, input: [usize; 3], classes: usize) -> Network {
    let mut network = Network::new(Arc::new(model.build(input, classes).unwrap()), 4, &Device::flex());
    let mut stream = Stream::new(8);
    let mut state = network.state().unwrap();
    for t in state.iter_mut().filter(|t| t.shape.len() == 1) {
        let least = if t.name.ends_with("running_var") || t.name.ends_with("weight") { 0.5 } else { -0.5 };
        t.values.iter_mut().for_each(|v| *v = stream.uniform(least, least + 1.0));
    }
    network.load_state(state).unwrap();
    network
}

/// The network's values as a file of this form has them. Places among automatic names become numbers from 17 on.
fn published(network: &Network, origin: &Origin) -> Tensors {
    let state: BTreeMap<String, _> = network.state().unwrap().into_iter().map(|t| (t.name.clone(), t)).collect();
    let mut tensors = Tensors::new();
    for entry in (origin.names)(network.graph()) {
        let Made::Of(named) = &entry.made else { panic!("{} is made of several", entry.ours) };
        let ours = &state[&entry.ours];
        let order = rearrange(&(0..ours.values.len()).map(|i| i as f32).collect::<Vec<_>>(), named.layout, &ours.shape);
        let mut values = vec![0.0; ours.values.len()];
        order.iter().zip(&ours.values).for_each(|(&place, &v)| values[place as usize] = v);
        let name = match named.names[0].split_once('#') {
            Some((kind, rest)) => {
                let (place, weight) = rest.split_once('/').unwrap();
                format!("{kind}_{}/{weight}", place.parse::<usize>().unwrap() + 16)
            }
            None => named.names[0].clone(),
        };
        tensors.insert(name, (foreign_shape(named.layout, &ours.shape), values));
    }
    tensors
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("weights");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn read(&self, bytes: &[u8]) -> Result<Foreign> {
        read(&self.file(bytes))
    }
}

fn safetensors(tensors: &Tensors) -> Vec<u8> {
    let bytes = |v: &[f32]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let data: Vec<_> = tensors.iter().map(|(name, (shape, v))| (name, shape.clone(), bytes(v))).collect();
    let views =
        data.iter().map(|(name, shape, data)| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    serialize(views, None).unwrap()
}

#[derive(Clone, Copy, PartialEq)]
enum Nesting {
    /// Keras 1: `convolution2d_1/convolution2d_1_W`.
    Keras1,
    /// Keras 2's weights: `conv2d_1/conv2d_1_2/kernel:0`.
    Weights,
    /// Keras 2's whole model, with an optimizer's memory.
    Model,
    /// A model within a model, as a layer of its own.
    Nested,
}

/// A file as Keras lays it out.
fn keras(tensors: &Tensors, nesting: Nesting) -> Vec<u8> {
    let mut layers: BTreeMap<&str, Vec<(&str, &Stored)>> = BTreeMap::new();
    for (name, tensor) in tensors {
        let (layer, weight) = name.split_once('/').unwrap();
        layers.entry(layer).or_default().push((weight, tensor));
    }
    let mut b = FileBuilder::new();
    let mut root = b.create_group("model_weights");
    let texts = |names: Vec<String>| AttrValue::AsciiStringArray(names);
    let old = |layer: &str| {
        layer.replace("separable_conv2d", "separableconvolution2d").replace("batch_normalization", "batchnormalization")
    };
    let old = |layer: &str| match layer.strip_prefix("conv2d") {
        Some(rest) => format!("convolution2d{rest}"),
        None => old(layer),
    };
    let mut names = Vec::new();
    let mut inner = (nesting == Nesting::Nested).then(|| (root.create_group("model_1"), Vec::new()));
    for (layer, weights) in layers {
        let layer = if nesting == Nesting::Keras1 { old(layer) } else { layer.to_owned() };
        let mut group = root.create_group(&layer);
        let scope = if nesting == Nesting::Nested { layer.clone() } else { format!("{layer}_2") };
        let mut listed = Vec::new();
        let mut within = group.create_group(&scope);
        for (weight, (shape, values)) in weights {
            let shape: Vec<u64> = shape.iter().map(|&d| d as u64).collect();
            if nesting == Nesting::Keras1 {
                let word = match weight {
                    "kernel" => "W",
                    "bias" => "b",
                    "moving_mean" => "running_mean",
                    "moving_variance" => "running_std",
                    other => other,
                };
                listed.push(format!("{layer}_{word}"));
                group.create_dataset(&format!("{layer}_{word}")).with_f32_data(values).with_shape(&shape);
            } else {
                listed.push(format!("{scope}/{weight}:0"));
                within.create_dataset(&format!("{weight}:0")).with_f32_data(values).with_shape(&shape);
            }
        }
        if let Some((model, all)) = &mut inner {
            all.extend(listed);
            model.add_group(within.finish());
            continue;
        }
        if nesting != Nesting::Keras1 {
            group.add_group(within.finish());
        }
        group.set_attr("weight_names", texts(listed));
        root.add_group(group.finish());
        names.push(layer);
    }
    if let Some((mut model, all)) = inner {
        model.set_attr("weight_names", texts(all));
        root.add_group(model.finish());
        names.push("model_1".into());
    }
    root.set_attr("layer_names", texts(names));
    b.add_group(root.finish());
    if nesting == Nesting::Model {
        let mut optimizer = b.create_group("optimizer_weights");
        optimizer.create_dataset("iterations:0").with_f32_data(&[3.0]);
        optimizer.set_attr("weight_names", texts(vec!["iterations:0".into()]));
        b.add_group(optimizer.finish());
    }
    let mut bytes = Vec::new();
    b.finish_to(&mut bytes).unwrap();
    bytes
}

/// The network that the file gives by this form, with the form's classes.
fn matched(foreign: &Foreign, origin: Origin, head: Head, classes: Option<&[String]>) -> Result<Network> {
    filled(&match_form(foreign, vec![expected_form(origin)], head, classes)?)
}

fn filled(matched: &Matched) -> Result<Network> {
    let mut network = Network::new(Arc::new(matched.graph.clone()), 0, &Device::flex());
    let mut state = matched.state.clone();
    state.extend(network.state()?.into_iter().filter(|t| matched.reinit.contains(&t.name)));
    network.load_state(state)?;
    Ok(network)
}

fn same(a: &Network, b: &Network) {
    assert_eq!(a.state().unwrap(), b.state().unwrap());
}

#[test]
fn keras_files_of_every_nesting_give_the_values_back() {
    let place = Place::new();
    for (model, form) in [
        ("mini_xception", "face_classification"),
        ("big_xception", "face_classification"),
        ("big_xception", "automatic_names"),
        ("tiny_xception", "face_classification"),
        ("emopy_cnn", "emotion_detection_use_case"),
        ("vgg13", "keras"),
    ] {
        let classes = origin(model, form).classes.len();
        // VGG13's four million values would only take time.
        let small = match origin(model, form) {
            Origin { model: ModelOptions::Vgg13(mut o), .. } => {
                o.dense_width = 32;
                ModelOptions::Vgg13(o)
            }
            other => other.model,
        };
        let network = network(&small, [1, 64, 64], classes);
        let tensors = published(&network, &origin(model, form));
        for nesting in [Nesting::Keras1, Nesting::Weights, Nesting::Model, Nesting::Nested] {
            let foreign = place.read(&keras(&tensors, nesting)).unwrap();
            assert_eq!(foreign.ignored.len(), usize::from(nesting == Nesting::Model));
            let origin = Origin { model: small.clone(), ..origin(model, form) };
            same(&matched(&foreign, origin, Head::File, None).unwrap(), &network);
        }
    }
}

#[test]
fn safetensors_in_tensorflows_layout_and_by_our_own_names() {
    let place = Place::new();
    let form = origin("micro_exp_net", "microexpnet");
    let network = network(&form.model, [1, 84, 84], 8);
    let mut tensors = published(&network, &form);
    assert_eq!(tensors["wc2"].0, [4, 4, 16, 32]);
    tensors.insert("wc2/Adam_1".into(), (vec![1], vec![0.0]));
    tensors.insert("beta1_power".into(), (vec![1], vec![0.0]));
    let foreign = place.read(&safetensors(&tensors)).unwrap();
    assert_eq!(foreign.ignored, ["beta1_power", "wc2/Adam_1"]);
    same(&matched(&foreign, form, Head::File, None).unwrap(), &network);
    let form = origin("micro_exp_net", "microexpnet");
    let own = own_form(form.model.clone(), form.preprocess.clone());
    let foreign = place.read(&safetensors(&published(&network, &own))).unwrap();
    same(&matched(&foreign, own, Head::File, None).unwrap(), &network);
}

/// Where the inputs of a linear layer are flattened maps, Keras has them row by row with the channels innermost.
#[test]
fn flattened_maps_are_put_into_our_order() {
    let keras: Vec<f32> = (0..12).map(|i| i as f32).collect();
    // Two channels, two rows, three columns, one output: input (row 1, column 0, channel 1) is number 7.
    let ours = rearrange(&keras, ferrotype_model::published::Layout::InOut(Some([2, 2, 3])), &[1, 12]);
    assert_eq!(ours, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 1.0, 3.0, 5.0, 7.0, 9.0, 11.0]);
}

fn mobilenet(change: impl Fn(&mut MobilenetV2Options), form: &str) -> Origin {
    let mut found = ModelOptions::MobilenetV2(MobilenetV2Options::default()).architecture().origins();
    found.retain(|o| o.name == form && matches!(&o.model, ModelOptions::MobilenetV2(m) if m.width_multiplier == 0.35));
    let mut origin = found.remove(0);
    if let ModelOptions::MobilenetV2(options) = &mut origin.model {
        change(options);
    }
    origin.preprocess.size = 48;
    origin
}

fn logits(network: &Network, x: Vec<f32>) -> Vec<f32> {
    let [c, h, w] = network.graph().input;
    let n = x.len() / (c * h * w);
    let x = Tensor::<4>::from_data(TensorData::new(x, [n, c, h, w]), &Device::flex());
    network.forward(x).unwrap().into_data().try_into_vec().unwrap()
}

fn pictures(values: usize) -> Vec<f32> {
    let mut stream = Stream::new(3);
    (0..values).map(|_| stream.uniform(-1.0, 1.0)).collect()
}

fn nearly(a: &[f32], b: &[f32]) {
    let range = b.iter().copied().fold(0.0f32, |m, v| m.max(v.abs()));
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(a.len() == b.len() && worst < 1e-4 * range.max(1.0), "{worst} of {range}: {a:?} {b:?}");
}

#[test]
fn mobilenet_v2_in_all_its_forms() {
    let place = Place::new();
    let names: Vec<String> = (0..5).map(|i| format!("c{i}")).collect();
    for form in ["keras", "torchvision", "folded", "emotion_detection_use_case"] {
        let origin = mobilenet(|_| {}, form);
        let network = network(&origin.model, [3, 48, 48], 5);
        let mut tensors = published(&network, &origin);
        if form == "folded" {
            assert_eq!(tensors["conv52.weight"].0, [5, 1280, 1, 1]);
        }
        if form == "torchvision" {
            assert!(
                tensors.contains_key("features.1.conv.1.weight") && tensors.contains_key("features.17.conv.3.bias")
            );
            tensors.insert("features.0.1.num_batches_tracked".into(), (vec![], vec![9.0]));
        }
        let foreign = place.read(&safetensors(&tensors)).unwrap();
        // Among all published widths and forms, the file's own is found.
        let forms = origin.model.architecture().origins().into_iter().map(|mut o| {
            o.preprocess.size = 48;
            expected_form(o)
        });
        let found = match_form(&foreign, forms.collect(), Head::File, Some(&names)).unwrap();
        assert_eq!((found.expected.origin.name, &found.expected.model), (form, &origin.model));
        same(&filled(&found).unwrap(), &network);
    }
}

/// Under torchvision's names, squeeze and excitation as convolutions of 1x1, another classifier, and grey pictures.
#[test]
fn networks_with_squeeze_and_excitation_by_torchvisions_names() {
    let place = Place::new();
    let names: Vec<String> = (0..5).map(|i| format!("c{i}")).collect();
    for (model, squeeze, shape, new) in [
        ("efficientnet_b0", "features.2.0.block.2.fc1.weight", [4, 96, 1, 1], "classifier.1."),
        ("mobilenet_v3", "features.4.block.2.fc1.weight", [24, 96, 1, 1], "classifier.3."),
    ] {
        let mut form = origin(model, "torchvision");
        form.preprocess.size = 32;
        let network = network(&form.model, [3, 32, 32], 5);
        let mut tensors = published(&network, &form);
        assert_eq!(tensors[squeeze].0, shape, "{model}");
        tensors.insert("features.0.1.num_batches_tracked".into(), (vec![], vec![9.0]));
        let foreign = place.read(&safetensors(&tensors)).unwrap();
        let forms = form.model.architecture().origins().into_iter().map(|mut o| {
            o.preprocess.size = 32;
            expected_form(o)
        });
        let found = match_form(&foreign, forms.collect(), Head::File, Some(&names)).unwrap();
        assert_eq!(found.expected.model, form.model);
        same(&filled(&found).unwrap(), &network);
        let found = match_form(&foreign, vec![expected_form(form)], Head::New, Some(&names[..3])).unwrap();
        assert!(found.reinit.len() == 2 && found.reinit.iter().all(|n| n.starts_with(new)), "{:?}", found.reinit);
    }
}

#[test]
fn normalisation_folds_and_colours_add_up() {
    let place = Place::new();
    let origin = mobilenet(|_| {}, "keras");
    let network = network(&origin.model, [3, 48, 48], 5);
    let foreign = place.read(&safetensors(&published(&network, &origin))).unwrap();
    let x = pictures(2 * 48 * 48);
    let replicated: Vec<f32> = x.chunks_exact(48 * 48).flat_map(|p| [p, p, p].concat()).collect();
    let expected = logits(&network, replicated.clone());

    let folded = mobilenet(|o| o.batch_norm = MobilenetV2Norm::Folded, "keras");
    let folded = matched(&foreign, folded, Head::File, None).unwrap();
    assert!(folded.buffers.is_empty());
    nearly(&logits(&folded, replicated), &expected);

    let mut grey = mobilenet(|_| {}, "keras");
    grey.preprocess.colour = Colour::Grey;
    let grey = matched(&foreign, grey, Head::File, None).unwrap();
    assert_eq!(grey.graph().input, [1, 48, 48]);
    nearly(&logits(&grey, x), &expected);

    let mut unequal = expected_form(mobilenet(|_| {}, "torchvision"));
    let tensors = published(&self::network(&unequal.model, [3, 48, 48], 5), &unequal.origin);
    unequal.preprocess.colour = Colour::Grey;
    let foreign = place.read(&safetensors(&tensors)).unwrap();
    let text = match_form(&foreign, vec![unequal], Head::File, None).err().unwrap().to_string();
    assert!(text.contains("scales each colour otherwise"), "{text}");
}

#[test]
fn a_new_classifier_is_listed_as_such() {
    let place = Place::new();
    let origin = mobilenet(|_| {}, "keras");
    let network = network(&origin.model, [3, 48, 48], 5);
    let mut tensors = published(&network, &origin);
    let names: Vec<String> = ["anger", "joy", "fear"].map(Into::into).to_vec();
    for with_head in [true, false] {
        if !with_head {
            tensors.retain(|name, _| !name.starts_with("predictions"));
        }
        let foreign = place.read(&safetensors(&tensors)).unwrap();
        for head in [MobilenetV2Head::Linear, MobilenetV2Head::Dense128] {
            let mut form = expected_form(mobilenet(|_| {}, "keras"));
            form.model = mobilenet(|o| o.head = head, "keras").model;
            let found = match_form(&foreign, vec![form], Head::New, Some(&names)).unwrap();
            assert_eq!(found.reinit.len(), if head == MobilenetV2Head::Linear { 2 } else { 4 }, "{:?}", found.reinit);
            assert_eq!(found.classes, names);
            let ours = filled(&found).unwrap().state().unwrap();
            let theirs = network.state().unwrap();
            let backbone = |state: Vec<ferrotype_model::StateTensor>| -> Vec<_> {
                state.into_iter().filter(|t| t.name.starts_with("features.")).collect()
            };
            assert_eq!(backbone(ours), backbone(theirs));
        }
    }
    let foreign = place.read(&safetensors(&tensors)).unwrap();
    let text = matched(&foreign, mobilenet(|_| {}, "keras"), Head::File, None).err().unwrap().to_string();
    assert!(text.contains("missing: head.logits.bias (predictions/bias)") && text.contains("--head new"), "{text}");
    let text = matched(&foreign, mobilenet(|_| {}, "keras"), Head::New, None).err().unwrap().to_string();
    assert!(text.contains("--classes"), "{text}");
}

#[test]
fn pytorch_files_are_read_without_running_anything() {
    let place = Place::new();
    for bytes in [&include_bytes!("fixtures/checkpoint.pt")[..], include_bytes!("fixtures/protocol4.pt")] {
        let foreign = place.read(bytes).unwrap();
        let tensor = |name: &str| {
            let t = foreign.tensors.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no {name}"));
            (t.shape.clone(), t.values.clone())
        };
        assert_eq!(tensor("plain"), (vec![2, 2], vec![1.5, -2.0, 0.25, 3.0]));
        let turned = tensor("turned");
        assert_eq!((turned.0.as_slice(), &turned.1[..5]), (&[6, 4][..], &[0.0, 6.0, 12.0, 18.0, 1.0][..]));
        assert_eq!(tensor("part"), (vec![2, 3], vec![8.0, 9.0, 10.0, 14.0, 15.0, 16.0]));
        assert_eq!(tensor("half").1, [1.0, -0.5]);
        assert_eq!(tensor("brain").1, [1.0, -0.5]);
        assert_eq!(tensor("double").1, [0.1]);
        assert_eq!(tensor("parameter"), (vec![1], vec![7.0]));
        assert_eq!(tensor("scalar"), (vec![], vec![4.0]));
        assert_eq!(foreign.tensors.len(), 8);
        let mut ignored = foreign.ignored.clone();
        ignored.sort();
        assert_eq!(ignored, ["best", "epoch", "module.bn.num_batches_tracked", "optimizer"]);
    }
}
