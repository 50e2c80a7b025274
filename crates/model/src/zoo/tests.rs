use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use super::*;
use crate::{Graph, Layer, Network};
use ferrotype_base::random::Stream;

/// The counts that Keras printed for four parts (221,090,023) and those of its layers, from the graph alone.
#[test]
fn microx_has_the_published_counts() {
    use microx::MicroxOptions;
    let published = MicroxOptions::default();
    let count = |parts: usize| {
        let names = microx::parts_or_published(None)[..parts].to_vec();
        let options = MicroxOptions { parts: Some(names), ..published.clone() };
        let input = options.default_input();
        ModelOptions::Microx(options).build(input, 7).unwrap()
    };
    let five = count(5);
    assert_eq!(five.parameter_count(), 276_362_527);
    assert_eq!(count(4).parameter_count(), 221_090_023);
    assert_eq!(count(1).parameter_count(), 55_272_455);
    let of = |prefix: &str| -> usize {
        let named = five.parameters.iter().filter(|p| p.name.starts_with(prefix));
        named.map(|p| p.shape.iter().product::<usize>()).sum()
    };
    assert_eq!((of("nose.conv_lstm."), of("nose.fc."), of("fusion.")), (154_624, 55_116_032, 252));
    let node = |name: &str| five.nodes.iter().find(|n| n.name == name).unwrap();
    assert_eq!(node("nose.conv_lstm").shape.to_string(), "64x58x58");
    // Ten steps, 58 x 58 places, four gates of 64 channels that see 3 + 64 channels through 3 x 3 places.
    assert_eq!(node("nose.conv_lstm").macs, 10 * 58 * 58 * 256 * 67 * 9);
    let small = ModelOptions::MicroxGap(Default::default());
    assert!(small.build(small.default_input(), 7).unwrap().parameter_count() < 1_000_000);
}

#[test]
fn microx_says_when_the_data_has_other_parts() {
    for options in ModelOptions::all().iter().filter(|o| o.name().starts_with("microx")) {
        let text = options.build([120, 60, 60], 7).unwrap_err().to_string();
        assert!(text.contains("5 parts (mouth, nose") && text.contains("120 planes"), "{text}");
    }
}

/// Published counts: Keras' `count_params` for the first five (running statistics included), the papers' otherwise.
/// kuangliu/pytorch-cifar's ResNet18, the same network with 3 channels and 10 classes, has 11,173,962 parameters.
#[test]
fn counts_are_the_published_ones() {
    let rows = list().unwrap();
    let row = |name: &str| rows.iter().find(|r| r.name == name).unwrap();
    assert_eq!(row("vgg13").parameters, 8_757_704);
    assert_eq!(row("emopy_cnn").values, 95_816);
    assert_eq!(row("emopy_cnn").parameters, 95_496);
    assert_eq!(row("mini_xception").values, 58_423);
    assert_eq!(row("big_xception").values, 208_871);
    assert_eq!(row("tiny_xception").values, 18_314);
    assert_eq!(row("micro_exp_net").parameters, 65_000);
    let cifar = ModelOptions::Resnet18(Default::default()).build([3, 32, 32], 10).unwrap();
    assert_eq!(cifar.parameter_count(), 11_173_962);
    // Stem, depthwise, pointwise, scales and shifts, head: by hand.
    let widths = [32, 64, 128, 128, 256, 256, 512, 512];
    let pairs: usize = widths.windows(2).map(|w| 9 * w[0] + w[0] * w[1] + 2 * (w[0] + w[1])).sum();
    assert_eq!(row("depthwise_separable").parameters, 9 * 32 + 2 * 32 + pairs + 512 * 7 + 7);
    // `sum(p.numel() for p in VGG("VGG19").parameters())` of the authors' models/vgg.py.
    assert_eq!(row("vgg19").parameters, 20_038_983);
    // Ours, by hand: 3x3 convolutions, scales and shifts, head.
    let stages = 24 + 24 * 48 + 48 * 96 + 96 * 192;
    let blocks = 2 * 96 * 96 + 2 * 192 * 192;
    assert_eq!(row("ferronet").parameters, 9 * (stages + blocks) + 2 * (24 + 48 + 3 * 96 + 3 * 192) + 192 * 8 + 8);
    let emopy48 = ModelOptions::EmopyCnn(Default::default()).build([1, 48, 48], 9).unwrap();
    assert_eq!(emopy48.value_count(), 90_473);
}

/// MicroExpNet's sixteen candidates: features behind the poolings times the hidden width, by hand. The published `p12` at
/// `xxs` is its authors' checkpoint of 780,008 bytes: three copies of 65,000 values and 8 more.
#[test]
fn micro_exp_nets_candidates_have_the_sizes_of_their_description() {
    use micro_exp_net::{MicroExpNetOptions, MicroExpNetVariant::*, MicroExpNetWidth::*};
    let convolutions = (8 * 8 * 16 + 16) + (4 * 4 * 16 * 32 + 32);
    for (variant, side, full) in [(V, 11, 256), (P1, 11, 256), (P2, 6, 768), (P12, 6, 768)] {
        for (width, divisor) in [(M, 1), (S, 4), (Xs, 8), (Xxs, 16)] {
            let options = MicroExpNetOptions { variant, width, ..Default::default() };
            let graph = ModelOptions::MicroExpNet(options).build([1, 84, 84], 8).unwrap();
            let hidden = full / divisor;
            let linear = side * side * 32 * hidden + hidden + hidden * 8 + 8;
            assert_eq!(graph.parameter_count(), convolutions + linear, "{variant:?} {width:?}");
        }
    }
    let published = MicroExpNetOptions { variant: P12, width: Xxs, ..Default::default() };
    assert_eq!(ModelOptions::MicroExpNet(published).build([1, 84, 84], 8).unwrap().parameter_count(), 65_000);
}

/// HTNet's count as its authors' code gives it in PyTorch, and by hand for the reduced widths: what is left of these when
/// queries and keys, which get no gradient there, are not counted.
#[test]
fn htnet_has_the_published_counts() {
    use htnet::HtnetOptions;
    let published = ModelOptions::Htnet(HtnetOptions::default()).build([3, 28, 28], 3).unwrap();
    assert_eq!(published.parameter_count(), 139_582_982);
    let reduced = ModelOptions::Htnet(HtnetOptions::reduced()).build([3, 28, 28], 3).unwrap();
    assert_eq!(reduced.parameter_count(), 607_942);
    let qkv = |p: &&crate::layers::ParameterSpec| p.name.ends_with("qkv.weight");
    let idle: usize = reduced.parameters.iter().filter(qkv).map(|p| p.shape[0] * p.shape[1] * 2 / 3).sum();
    assert_eq!(reduced.parameter_count() - idle, 527_302);
    // Larger squares have more places, one value each, and nothing else.
    let real = HtnetOptions { block_size: 4, ..HtnetOptions::reduced() };
    let real = ModelOptions::Htnet(real).build([3, 28, 28], 3).unwrap();
    assert_eq!(real.parameter_count(), 607_942 + 15 + 3);
    let places = |g: &Graph| {
        let named = g.parameters.iter().filter(|p| p.name.ends_with("pos_emb.embedding"));
        named.map(|p| p.shape[0]).collect::<Vec<_>>()
    };
    assert_eq!((places(&published), places(&real)), (vec![1, 1, 1], vec![16, 4, 1]));
}

/// The published network's tokens attend to themselves alone: queries and keys change nothing and learn nothing.
#[test]
fn published_htnet_attends_to_one_token() {
    use htnet::HtnetOptions;
    let device = crate::device::tested();
    let mut s = Stream::new(2);
    let x: Vec<f32> = (0..2 * 784).map(|_| s.uniform(-1.0, 1.0)).collect();
    let x = Tensor::<4>::from_data(TensorData::new(x, [2, 1, 28, 28]), &device);
    for (block_size, learns) in [(1, false), (4, true)] {
        let options =
            HtnetOptions { dims: [8, 12, 16], heads: [2; 3], blocks: [1; 3], block_size, ..Default::default() };
        let graph = Arc::new(ModelOptions::Htnet(options).build([1, 28, 28], 3).unwrap());
        let network = Network::new(graph, 3, &device);
        let pass = network.train_pass(x.clone(), 1).unwrap();
        let gradients = (pass.logits.clone() * pass.logits).sum().backward();
        let at = network.parameters.iter().position(|p| p.name == "levels.0.blocks.0.attn.qkv.weight").unwrap();
        let [rows, features] = [network.parameters[at].shape[0], network.parameters[at].shape[1]];
        let gradient = pass.leaves[at].grad(&gradients).unwrap().abs();
        let sum = |range: std::ops::Range<usize>| gradient.clone().slice(range).sum().into_scalar::<f32>();
        let (idle, values) = (rows / 3 * 2 * features, rows * features);
        assert_eq!(sum(0..idle) > 0.0, learns, "block size {block_size}: {}", sum(0..idle));
        assert!(sum(idle..values) > 0.0);
    }
}

/// ViT-Ti/16, ViT-S/16 and ViT-B/16 as timm counts them (5,717,416, 22,050,664 and 86,567,656 with 1,000 classes), and the
/// default by hand: patches, places, four blocks, norm, head.
#[test]
fn vits_have_timms_counts() {
    use vit::{VitOptions, VitPool};
    for (dim, heads, count) in [(192, 3, 5_717_416), (384, 6, 22_050_664), (768, 12, 86_567_656)] {
        let options = VitOptions { patch: 16, dim, depth: 12, heads, pool: VitPool::ClassToken, ..Default::default() };
        let graph = ModelOptions::Vit(options).build([3, 224, 224], 1000).unwrap();
        assert_eq!(graph.parameter_count(), count);
    }
    let graph = ModelOptions::Vit(VitOptions::default()).build([1, 48, 48], 7).unwrap();
    let block = 12 * 128 * 128 + (3 + 1 + 4 + 1) * 128 + 4 * 128;
    assert_eq!(graph.parameter_count(), 36 * 128 + 128 + 64 * 128 + 4 * block + 2 * 128 + 128 * 7 + 7);
    let attention = 2 * 64 * 64 * 128;
    assert_eq!(graph.macs(), (64 * 36 * 128 + 4 * (64 * 12 * 128 * 128 + attention) + 128 * 7) as u64);
}

/// Filters and features of the paper, by hand: two streams of 5x5 convolutions, 7x7x16 features each.
#[test]
fn off_apexnet_has_the_count_of_its_description() {
    let graph = ModelOptions::OffApexnet(Default::default()).build([3, 28, 28], 3).unwrap();
    let stream = (25 * 6 + 6) + (25 * 6 * 16 + 16);
    let joined = (2 * 7 * 7 * 16 * 1024 + 1024) + (1024 * 1024 + 1024) + (1024 * 3 + 3);
    assert_eq!(graph.parameter_count(), 2 * stream + joined);
    assert_eq!(graph.parameter_count(), 2_664_475);
}

/// timm's `drop_path_rate`: `torch.linspace(0, rate, depth)`, twice in each block.
#[test]
fn vits_leave_out_later_blocks_more_often() {
    let options = vit::VitOptions { drop_path: 0.3, ..Default::default() };
    let graph = ModelOptions::Vit(options).build([1, 48, 48], 7).unwrap();
    let rate = |n: &crate::Node| if let crate::Layer::DropPath(d) = &n.layer { Some(d.rate) } else { None };
    let rates: Vec<f32> = graph.nodes.iter().filter_map(rate).collect();
    assert_eq!(rates.len(), 6);
    for (found, wanted) in rates.iter().zip([0.1, 0.1, 0.2, 0.2, 0.3, 0.3]) {
        assert!((found - wanted).abs() < 1e-6, "{rates:?}");
    }
    // Without it, experiments are written as before there was such a key.
    let written = serde_json::to_string(&vit::VitOptions::default()).unwrap();
    assert!(!written.contains("drop_path"), "{written}");
}

#[test]
fn networks_of_tokens_say_what_does_not_fit() {
    let text = |json: &str, input| {
        let options: ModelOptions = serde_json::from_str(json).unwrap();
        options.build(input, 3).unwrap_err().to_string()
    };
    let vit = text(r#"{"vit": {"patch": 7}}"#, [1, 48, 48]);
    assert!(vit.contains("48x48 into patches of 7x7"), "{vit}");
    let vit = text(r#"{"vit": {"heads": 5}}"#, [1, 48, 48]);
    assert!(vit.contains("128 features among 5 heads"), "{vit}");
    let vit = text(r#"{"vit": {"mlp_ratio": 0}}"#, [1, 48, 48]);
    assert!(vit.contains("`mlp_ratio`"), "{vit}");
    let htnet = text(r#"{"htnet": {"block_size": 3}}"#, [3, 28, 28]);
    assert!(htnet.contains("map of 4x4 into blocks of 3x3"), "{htnet}");
    let htnet = text(r#"{"htnet": {"heads": [3, 6, 2000]}}"#, [3, 28, 28]);
    assert!(htnet.contains("2000 heads"), "{htnet}");
    let apex = text(r#"{"off_apexnet": {}}"#, [1, 28, 28]);
    assert!(apex.contains("planes 1 to 2"), "{apex}");
}

/// VGG13's convolutions by hand: pixels x inputs x outputs x 9, then the head.
#[test]
fn macs_are_those_of_a_hand_count() {
    let vgg = ModelOptions::Vgg13(Default::default()).build([1, 64, 64], 8).unwrap();
    let convs: u64 = [
        (64 * 64, 1, 64),
        (64 * 64, 64, 64),
        (32 * 32, 64, 128),
        (32 * 32, 128, 128),
        (256, 128, 256),
        (256, 256, 256),
        (256, 256, 256),
        (64, 256, 256),
        (64, 256, 256),
        (64, 256, 256),
    ]
    .iter()
    .map(|&(pixels, i, o)| pixels * i * o * 9u64)
    .sum();
    assert_eq!(vgg.macs(), convs + 4096 * 1024 + 1024 * 1024 + 1024 * 8);
}

/// The sizes that Keras' summary prints.
#[test]
fn mini_xception_shrinks_like_the_original() {
    let graph = ModelOptions::MiniXception(Default::default()).build([1, 64, 64], 7).unwrap();
    let size = |name: &str| graph.nodes.iter().find(|n| n.name == name).unwrap().shape.to_string();
    assert_eq!(size("base.conv1"), "8x62x62");
    assert_eq!(size("base.conv2"), "8x60x60");
    for (module, shape) in [(1, "16x30x30"), (2, "32x15x15"), (3, "64x8x8"), (4, "128x4x4")] {
        assert_eq!(size(&format!("module{module}.add")), shape);
    }
    let l2: Vec<&str> = graph.parameters.iter().filter(|p| p.l2 > 0.0).map(|p| p.name.as_str()).collect();
    assert_eq!(l2, ["base.conv1.weight", "base.conv2.weight"]);
}

/// Every network takes a picture, gives gradients to every parameter, and says so when the picture is too small.
#[test]
fn every_network_computes_and_every_parameter_learns() {
    let device = crate::device::tested();
    for options in ModelOptions::all() {
        let name = options.name();
        // Large nets shrink, so that the test stays short in debug builds too.
        let (options, input) = options.small(if name == "micro_exp_net" { 40 } else { 32 });
        let network = Network::new(Arc::new(options.build(input, 5).unwrap()), 3, &device);
        let mut s = Stream::new(5);
        let pixels: Vec<f32> = (0..2 * input.iter().product::<usize>()).map(|_| s.uniform(0.0, 1.0)).collect();
        let x = Tensor::<4>::from_data(TensorData::new(pixels, [2, input[0], input[1], input[2]]), &device);
        assert_eq!(network.forward(x.clone()).unwrap().dims(), [2, 5], "{name}");
        for node in &network.graph().nodes {
            if let Layer::BatchNorm(norm) = &node.layer {
                // A last batch's statistics alone, or none at all, would be scored.
                assert!(norm.momentum > 0.0 && norm.momentum <= 0.5, "{name}: {} {norm:?}", node.name);
            }
        }
        let pass = network.train_pass(x, 1).unwrap();
        let gradients = (pass.logits.clone() * pass.logits).sum_dim(1).sum().backward();
        for (leaf, parameter) in pass.leaves.iter().zip(&network.parameters) {
            let gradient = leaf.grad(&gradients).unwrap_or_else(|| panic!("{name}: {} has none", parameter.name));
            assert_eq!(gradient.dims(), leaf.dims());
            assert!(!gradient.is_autodiff());
            let size = gradient.abs().sum().into_scalar::<f32>();
            assert!(size.is_finite(), "{name}: {} has gradient {size}", parameter.name);
        }
        let small = options.build([1, 1, 1], 5).map(|g| g.nodes.len());
        if ["emopy_cnn", "vgg13", "mini_xception"].contains(&name) {
            let text = small.unwrap_err().to_string();
            assert!(text.starts_with(name) && text.contains("larger pictures"), "{text}");
        }
    }
}

#[test]
fn options_are_read_by_name_and_misspelt_ones_refused() {
    let options: ModelOptions = serde_json::from_str(r#"{"micro_exp_net": {"variant": "v", "width": "s"}}"#).unwrap();
    let graph = options.build([1, 84, 84], 8).unwrap();
    assert_eq!(graph.parameters[4].shape, [64, 3872]);
    assert!(serde_json::from_str::<ModelOptions>(r#"{"vgg13": {"dropout": 0.1}}"#).is_err());
}
