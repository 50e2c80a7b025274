use super::*;
use crate::zoo::torchvision::parity::{Known, check};
use crate::{Layer, ModelOptions};

fn graph(options: EfficientnetB0Options, input: [usize; 3], classes: usize) -> crate::Graph {
    ModelOptions::EfficientnetB0(options).build(input, classes).unwrap()
}

/// `sum(p.numel() for p in torchvision.models.efficientnet_b0().parameters())`.
#[test]
fn the_count_is_torchvisions() {
    assert_eq!(graph(Default::default(), [3, 224, 224], 1000).parameter_count(), 5_288_548);
}

/// PyTorch 2.15, torchvision 0.29: printed by `scripts/zoo_parity.py`.
#[test]
fn it_computes_and_learns_what_torchvisions_does() {
    let options = EfficientnetB0Options { dropout: 0.0, drop_path: 0.0, ..Default::default() };
    let known = Known {
        size: 64,
        parameters: 4_020_358,
        names: 0xffbf_bd47_dffd_5a15,
        logits: [
            -28.614381, 29.545320, 50.841487, 100.583974, 52.457679, -29.330608, 29.110346, 50.239227, 100.040010,
            52.439010,
        ],
        trained: [-4.631288, -2.646288, -1.109575, 1.417662, 1.328549],
        gradients: [0.889931, -2.904901, 0.082406, -10.609592, 0.536216],
        variances: -334.320090,
    };
    check(&ModelOptions::EfficientnetB0(options), &known);
}

/// torchvision's rates, `0.2 * block / 16` of the nine blocks with a shortcut:
/// `[m.p for m in torchvision.models.efficientnet_b0().modules() if isinstance(m, torchvision.ops.StochasticDepth)]` without
/// those of blocks that have none.
#[test]
fn stochastic_depth_grows_from_block_to_block() {
    let rates = |options| -> Vec<f32> {
        let nodes = graph(options, [3, 64, 64], 7).nodes;
        nodes.iter().filter_map(|n| if let Layer::DropPath(d) = &n.layer { Some(d.rate) } else { None }).collect()
    };
    let found = rates(EfficientnetB0Options::default());
    let blocks = [2, 4, 6, 7, 9, 10, 12, 13, 14];
    assert_eq!(found.len(), blocks.len());
    for (rate, block) in found.iter().zip(blocks) {
        assert!((rate - 0.0125 * block as f32).abs() < 1e-6, "{found:?}");
    }
    assert!(rates(EfficientnetB0Options { drop_path: 0.0, ..Default::default() }).is_empty());
}

#[test]
fn options_change_what_they_name() {
    let small = graph(EfficientnetB0Options { stem_stride: 1, ..Default::default() }, [1, 48, 48], 7);
    let size = |name: &str| small.nodes.iter().find(|n| n.name == name).unwrap().shape.to_string();
    assert_eq!((size("features.0.0"), size("features.8.0")), ("32x48x48".into(), "1280x3x3".into()));
    // `torchvision.models.efficientnet._efficientnet` with `width_mult=0.5`: 16, 8, 16, 24, 40, 56, 96, 160 channels.
    let half = graph(EfficientnetB0Options { width_multiplier: 0.5, ..Default::default() }, [3, 64, 64], 7);
    let shape = |name: &str| half.parameters.iter().find(|p| p.name == name).unwrap().shape.clone();
    assert_eq!(shape("features.7.0.block.3.0.weight"), [160, 576, 1, 1]);
    assert_eq!(shape("features.7.0.block.2.fc1.weight"), [24, 576]);
    let text = |json: &str| {
        let options: ModelOptions = serde_json::from_str(json).unwrap();
        options.build([3, 64, 64], 7).unwrap_err().to_string()
    };
    let refused = text(r#"{"efficientnet_b0": {"drop_path": 1.05}}"#);
    assert!(refused.contains("`drop_path` of 1.05"), "{refused}");
}
