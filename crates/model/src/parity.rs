//! Every kind of layer, and small transformers, against PyTorch. The numbers are printed by `scripts/layer_parity.py`, which says what they
//! are: checksums of output in evaluation, output in training, parameter gradients, and running statistics.

use ferrotype_kernels::Isa;

use super::samples::{SAMPLES, fill, run};
use ferrotype_ops::Compute;

/// Sample, checksums.
const KNOWN: &[(&str, [f64; 4])] = &[
    ("dense", [7.590815, 7.590815, 1.551217, 0.000000]),
    ("same_even", [-40.300918, -40.300918, -2.025413, 0.000000]),
    ("same_even_stride", [3.478286, 3.478286, -7.790480, 0.000000]),
    ("same_one_stride", [0.837445, 0.837445, -0.268950, 0.000000]),
    ("grouped", [1.007263, 1.007263, 5.584964, 0.000000]),
    ("depthwise", [40.562143, 40.562143, -25.299737, 0.000000]),
    ("depthwise_stride", [5.684603, 5.684603, 1.331832, 0.000000]),
    ("norm_pytorch", [0.081657, 1.888589, -1.761928, -0.817481]),
    ("norm_keras", [0.082161, 1.887665, -1.761083, -0.863789]),
    ("norm_keras_biased", [0.082161, 1.887665, -1.761083, -0.863725]),
    ("norm_relu", [5.209957, 5.245944, -1.111732, -0.817481]),
    ("conv_relu6", [-2.684062, -2.684062, 0.619237, 0.000000]),
    ("max_pool", [-2.420704, -2.420704, -0.173759, 0.000000]),
    ("max_pool_same", [-0.736129, -0.736129, -1.400961, 0.000000]),
    ("max_pool_pad", [-0.424224, -0.424224, -1.218558, 0.000000]),
    ("avg_pool", [-0.247598, -0.247598, 0.126417, 0.000000]),
    ("avg_pool_same", [-0.023228, -0.023228, 0.117982, 0.000000]),
    ("global_avg_pool", [0.411081, 0.411081, -0.331530, 0.000000]),
    ("linear_relu", [-4.752456, -4.752456, 1.525957, 0.000000]),
    ("cosine_linear", [-0.774564, -0.774564, 0.138310, 0.160401]),
    ("residual", [-3.650442, -3.650442, 0.004218, 0.000000]),
    ("sigmoid", [-0.599713, -0.599713, 0.638125, 0.000000]),
    ("hard_sigmoid", [-0.514531, -0.514531, 0.476615, 0.000000]),
    ("silu", [-2.368893, -2.368893, 0.885954, 0.000000]),
    ("hard_swish", [-2.253594, -2.253594, 0.583882, 0.000000]),
    ("squeeze_excite", [-10.523359, -10.523359, 10.373250, 0.000000]),
    ("squeeze_excite_hard", [-10.877487, -10.877487, 10.378348, 0.000000]),
    ("drop_path", [-22.761523, -23.689702, 4.955257, 0.000000]),
    ("lstm", [-0.478609, -0.478609, -0.159073, 0.000000]),
    ("lstm_last", [-0.033212, -0.033212, 0.153042, 0.000000]),
    ("lstm_stacked", [0.295644, 0.295644, -0.138464, 0.000000]),
    ("lstm_relu", [0.193165, 0.193165, -0.006564, 0.000000]),
    ("lstm_hard", [-0.427652, -0.427652, -0.108646, 0.000000]),
    ("lstm_masked", [-0.440457, -0.440457, -0.076466, 0.000000]),
    ("conv_lstm", [0.450504, 0.450504, -0.050906, 0.000000]),
    ("conv_lstm_hard_same", [-0.126682, -0.126682, -0.180667, 0.000000]),
    ("autoencoder", [-0.461405, -0.461405, -0.206065, 0.000000]),
    ("fused", [0.009284, 0.009284, -0.096254, 0.000000]),
    ("token_layer_norm", [0.968497, 0.968497, -0.031781, 0.000000]),
    ("token_gelu", [0.502796, 0.502796, 0.096011, 0.000000]),
    ("token_attention", [8.327752, 8.327752, -1.571434, 0.000000]),
    ("token_window", [-1.302942, -1.302942, 5.060633, 0.000000]),
    ("token_places", [0.232508, 0.232508, -0.355763, 0.000000]),
    ("token_vit", [-0.982022, -0.982022, -0.034127, 0.000000]),
    ("token_vit_class", [-1.872358, -1.872358, -0.431680, 0.000000]),
    ("token_htnet", [-1.202822, -1.202822, -0.815307, 0.000000]),
    ("token_htnet_real", [-1.213424, -1.213424, -0.870815, 0.000000]),
];

fn dot(values: &[f32], start: usize) -> f64 {
    values.iter().zip(fill(values.len(), start)).map(|(&a, b)| f64::from(a) * f64::from(b)).sum()
}

/// Whoever computes, on this processor.
fn computes() -> Vec<(Compute, f64)> {
    let native = Isa::available().into_iter().map(|isa| (Compute::Native(isa), 1e-4));
    std::iter::once((Compute::Burn, 2e-5)).chain(native).collect()
}

#[test]
fn layers_compute_what_pytorch_computes() {
    for (compute, tolerance) in computes() {
        compare(compute, tolerance);
    }
}

fn compare(compute: Compute, tolerance: f64) {
    assert_eq!(KNOWN.len(), SAMPLES.len());
    let sum = |all: &[Vec<f32>]| all.iter().map(|values| dot(values, 7)).sum::<f64>();
    for &(name, known) in KNOWN {
        let computed = run(name, compute, &crate::device::tested()).unwrap();
        for (what, ours, theirs) in [
            ("output in evaluation", dot(&computed.evaluated, 7), known[0]),
            ("output in training", dot(&computed.trained, 7), known[1]),
            ("gradients", sum(&computed.gradients), known[2]),
            ("running statistics", sum(&computed.statistics), known[3]),
        ] {
            let close = (ours - theirs).abs() < tolerance;
            assert!(close, "{compute:?}, {name}, {what}: {ours} instead of {theirs}");
        }
    }
}
