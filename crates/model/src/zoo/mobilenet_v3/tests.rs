use super::*;
use crate::ModelOptions;
use crate::zoo::torchvision::parity::{Known, check};

fn options(variant: MobilenetV3Variant, width_multiplier: f64) -> ModelOptions {
    ModelOptions::MobilenetV3(MobilenetV3Options { variant, width_multiplier, dropout: 0.0, ..Default::default() })
}

/// `sum(p.numel() for p in torchvision.models.mobilenet_v3_small().parameters())`, and `_large`.
#[test]
fn counts_are_torchvisions() {
    for (variant, count) in [(MobilenetV3Variant::Small, 2_542_856), (MobilenetV3Variant::Large, 5_483_032)] {
        assert_eq!(options(variant, 1.0).build([3, 224, 224], 1000).unwrap().parameter_count(), count);
    }
}

/// PyTorch 2.15, torchvision 0.29: printed by `scripts/zoo_parity.py`.
#[test]
fn they_compute_and_learn_what_torchvisions_do() {
    use MobilenetV3Variant::{Large, Small};
    let small = Known {
        size: 64,
        parameters: 1_528_106,
        names: 0x52ea_7928_318e_710d,
        logits: [
            -9.708547, -7.453173, 8.752131, 9.465045, 4.172286, -9.714642, -7.552034, 8.754120, 9.507666, 4.187328,
        ],
        trained: [-4.521711, -0.429429, 1.314765, 3.825286, 2.890743],
        gradients: [-0.250105, -4.159425, -0.511042, 1.141023, 0.087584],
        variances: -102.772855,
    };
    let narrow = Known {
        size: 57,
        parameters: 892_610,
        names: 0x52ea_7928_318e_710d,
        logits: [
            -0.605003, 2.123097, -7.246698, 2.841379, 2.608251, -0.659544, 2.185460, -7.365095, 2.885677, 2.664623,
        ],
        trained: [-2.593710, 4.040109, -1.468597, -2.168223, 2.642436],
        gradients: [0.152605, -0.431506, -0.655015, -4.542607, -0.174295],
        variances: -76.559206,
    };
    let large = Known {
        size: 64,
        parameters: 4_214_842,
        names: 0xb685_6625_b837_7a02,
        logits: [
            -722.918239,
            -330.877046,
            98.488358,
            882.265044,
            912.625397,
            -810.776197,
            -393.035869,
            67.954635,
            941.991887,
            1030.579126,
        ],
        trained: [-3.818839, -7.059276, -10.608520, -8.949419, -9.610619],
        gradients: [0.0, 0.0, -0.297737, -48.803541, 1.044061],
        variances: -188.530799,
    };
    check(&options(Small, 1.0), &small);
    check(&options(Small, 0.75), &narrow);
    check(&options(Large, 1.0), &large);
}

#[test]
fn a_stem_of_stride_1_keeps_small_pictures() {
    let graph = MobilenetV3Options { stem_stride: 1, ..Default::default() };
    let graph = ModelOptions::MobilenetV3(graph).build([1, 48, 48], 7).unwrap();
    let size = |name: &str| graph.nodes.iter().find(|n| n.name == name).unwrap().shape.to_string();
    assert_eq!((size("features.0.0"), size("features.12.0")), ("16x48x48".into(), "576x3x3".into()));
}
