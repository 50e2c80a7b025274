use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use super::*;
use crate::{Graph, ModelOptions, Network, Role};

fn graph(options: MobilenetV2Options, input: [usize; 3], classes: usize) -> Graph {
    ModelOptions::MobilenetV2(options).build(input, classes).unwrap()
}

fn torchvision(width_multiplier: f64) -> MobilenetV2Options {
    MobilenetV2Options {
        width_multiplier,
        padding: MobilenetV2Padding::Symmetric,
        norm_eps: 1e-5,
        norm_momentum: 0.9,
        ..Default::default()
    }
}

/// `sum(p.numel() for p in torchvision.models.mobilenet_v2(width_mult=w).parameters())`, torchvision 0.24.
#[test]
fn counts_are_torchvisions() {
    for (width, count) in
        [(0.35, 1_677_128), (0.5, 1_968_680), (0.75, 2_636_424), (1.0, 3_504_872), (1.3, 5_386_792), (1.4, 6_108_776)]
    {
        assert_eq!(graph(torchvision(width), [3, 224, 224], 1000).parameter_count(), count, "{width}");
    }
    // Keras' `MobileNetV2(alpha=0.35, include_top=False).count_params()`; what is more is the head.
    let keras = graph(MobilenetV2Options { width_multiplier: 0.35, ..Default::default() }, [3, 224, 224], 7);
    assert_eq!(keras.value_count(), 410_208 + 1281 * 7);
}

#[test]
fn options_change_what_they_name() {
    let base = MobilenetV2Options { width_multiplier: 0.35, ..Default::default() };
    let folded = graph(MobilenetV2Options { batch_norm: MobilenetV2Norm::Folded, ..base.clone() }, [3, 48, 48], 7);
    assert!(folded.buffers.is_empty() && folded.parameters.iter().all(|p| !p.name.contains(".bn")));
    assert_eq!(folded.parameters.len(), 2 * 52 + 2);
    let dense = graph(MobilenetV2Options { head: MobilenetV2Head::Dense128, ..base.clone() }, [1, 48, 48], 7);
    let head: Vec<_> =
        dense.parameters.iter().filter(|p| !p.name.starts_with("features.")).map(|p| p.shape.clone()).collect();
    assert_eq!(head, [vec![128, 1280], vec![128], vec![7, 128], vec![7]]);
    assert_eq!(dense.parameters[0].shape, [16, 1, 3, 3]);
    let rates = |options: &MobilenetV2Options| -> Vec<f32> {
        let nodes = graph(options.clone(), [1, 48, 48], 7).nodes;
        nodes.iter().filter_map(|n| if let crate::Layer::Dropout(d) = &n.layer { Some(d.rate) } else { None }).collect()
    };
    assert_eq!(rates(&base), [0.2]);
    assert_eq!(rates(&MobilenetV2Options { head: MobilenetV2Head::Dense128, ..base.clone() }), [0.5]);
    assert_eq!(rates(&MobilenetV2Options { dropout: Some(0.1), ..base }), [0.1]);
}

fn fill(n: usize, start: usize) -> Vec<f64> {
    (start..start + n).map(|i| ((i * 37 + 11) % 101) as f64 / 101.0 - 0.5).collect()
}

fn tensor(values: impl Iterator<Item = f64>) -> Tensor<1> {
    let values: Vec<f32> = values.map(|v| v as f32).collect();
    let len = values.len();
    Tensor::from_data(TensorData::new(values, [len]), &crate::device::tested())
}

/// The formula is one that single precision follows: PyTorch's own f32 differs by 2e-4.
///
/// Width multiplier, size, parameters, first five logits of two pictures: printed by `scripts/mobilenet_v2_parity.py`.
const KNOWN: [(f64, usize, usize, [f64; 10]); 3] = [
    (
        1.0,
        64,
        2_236_682,
        [-4.982458, -6.880888, -9.368459, -2.245451, -3.295384, -4.997352, -5.774681, -8.532312, 0.395240, -3.508997],
    ),
    (
        0.35,
        48,
        408_938,
        [-2.909424, -3.486476, -4.058193, 7.032400, 3.964831, -2.300339, -2.861431, -4.057735, 6.273054, 3.487552],
    ),
    (
        1.4,
        57,
        4_333_706,
        [
            -19.440439, 15.876734, -25.763200, 12.655488, -16.192542, -18.892261, 17.154200, -23.436931, 14.915147,
            -14.670792,
        ],
    ),
];

#[test]
fn logits_are_torchvisions() {
    for (width, size, count, known) in KNOWN {
        let mut network =
            Network::new(Arc::new(graph(torchvision(width), [3, size, size], 10)), 0, &crate::device::tested());
        assert_eq!(network.graph().parameter_count(), count);
        for (k, p) in network.parameters.iter_mut().enumerate() {
            let values = p.shape.iter().product::<usize>();
            let scale = if p.shape.len() > 1 { 4.0 / ((values / p.shape[0]) as f64).sqrt() } else { 1.0 };
            let shift = if p.role == Role::NormScale { 1.0 } else { 0.0 };
            p.tensor = tensor(fill(values, 100 * (k + 1)).into_iter().map(|v| scale * v + shift));
        }
        for b in &mut network.buffers {
            let shift = if b.name.ends_with("running_var") { 1.0 } else { 0.0 };
            b.tensor = tensor(fill(b.shape[0], 50).into_iter().map(|v| v + shift));
        }
        let x = tensor(fill(2 * 3 * size * size, 0).into_iter().map(|v| 4.0 * v)).reshape([2, 3, size, size]);
        let logits = network.forward(x).unwrap().slice([0..2, 0..5]);
        let ours: Vec<f32> = logits.into_data().try_into_vec().unwrap();
        for (a, b) in ours.iter().zip(known) {
            assert!((f64::from(*a) - b).abs() < 2e-3, "{width}: {ours:?} instead of {known:?}");
        }
    }
}
