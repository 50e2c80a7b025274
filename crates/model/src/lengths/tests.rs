use burn::tensor::Tensor;

use super::ragged::{Build, FEATURES, NETWORKS, network, padded};
use crate::layers::{BatchNorm, Conv2d, Linear, Lstm};
use crate::{Graph, GraphBuilder};
use ferrotype_ops::Compute;

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.without_autodiff().into_data().try_into_vec().unwrap()
}

const LENGTHS: [u32; 5] = [3, 9, 1, 6, 9];

/// Whether two rows of values are the same: to the bit by our own kernels, which go through steps in one order; Burn's
/// matrix product of all steps chooses its order by their number.
fn same(compute: Compute, a: &[f32], b: &[f32]) -> bool {
    let limit = if compute == Compute::Burn { 1e-6 } else { 0.0 };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= limit)
}

#[test]
fn padding_changes_no_bit_of_the_outputs() {
    for compute in [Compute::Burn, Compute::Native(ferrotype_kernels::Isa::detect())] {
        for &(name, build) in NETWORKS {
            let of = |steps, padding| {
                let x = padded(&LENGTHS, steps, padding);
                values(network(build, steps, compute).forward_lengths(x, &LENGTHS).unwrap())
            };
            let tight = of(9, 0.0);
            assert!(tight.iter().any(|v| *v != 0.0), "{name}");
            for (steps, padding) in [(9, 7.5), (10, 0.0), (17, -3.0), (64, 1.0), (133, 0.5)] {
                let other = of(steps, padding);
                assert!(
                    same(compute, &other, &tight),
                    "{name} {compute:?}: {steps} steps, padded with {padding}: {other:?}"
                );
            }
            // Alone and without padding.
            let outputs = tight.len() / LENGTHS.len();
            for (i, &length) in LENGTHS.iter().enumerate() {
                let steps = length as usize;
                let all = padded(&LENGTHS[..=i], LENGTHS[..=i].iter().max().copied().unwrap() as usize, 0.0);
                let own = all.slice([i..i + 1, 0..1, 0..steps, 0..FEATURES]);
                let alone = values(network(build, steps, compute).forward(own).unwrap());
                let together = &tight[i * outputs..(i + 1) * outputs];
                assert!(
                    same(Compute::Burn, &alone, together),
                    "{name} {compute:?}: sequence {i}: {alone:?} {together:?}"
                );
            }
        }
    }
}

#[test]
fn padding_changes_no_gradient() {
    for compute in [Compute::Burn, Compute::Native(ferrotype_kernels::Isa::detect())] {
        for &(name, build) in NETWORKS.iter().filter(|(n, _)| *n != "lstm_last") {
            let of = |steps, padding| {
                let x = padded(&LENGTHS, steps, padding);
                let pass = network(build, steps, compute).train_pass_lengths(x, 5, &LENGTHS).unwrap();
                let gradients = (pass.logits.clone() * pass.logits).sum().backward();
                let of = |leaf: &Tensor<1>| values(leaf.grad(&gradients).unwrap());
                pass.leaves.iter().flat_map(of).collect::<Vec<f32>>()
            };
            let tight = of(9, 0.0);
            assert!(tight.iter().any(|g| g.abs() > 1e-3), "{name}");
            let scale = tight.iter().fold(0.0f32, |m, g| m.max(g.abs()));
            for (steps, padding) in [(9, 7.5), (30, -3.0)] {
                let other = of(steps, padding);
                let worst = tight.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst <= 2e-6 * scale, "{name} {compute:?}: {worst:e} of {scale:e}");
            }
        }
    }
}

#[test]
fn equal_lengths_are_no_padding_and_impossible_ones_are_refused() {
    let net = network(NETWORKS[0].1, 6, Compute::default());
    let x = padded(&[6, 6], 6, 0.0);
    assert_eq!(values(net.forward_lengths(x.clone(), &[6, 6]).unwrap()), values(net.forward(x.clone()).unwrap()));
    for (lengths, needed) in [(&[0, 6][..], "length 0"), (&[7, 6], "length 7"), (&[6], "1 lengths for 2 sequences")] {
        let error = net.forward_lengths(x.clone(), lengths).unwrap_err().to_string();
        assert!(error.contains(needed), "{error}");
    }
}

#[test]
fn layers_that_mix_padding_in_are_named() {
    let refusal = |build: Build| {
        let mut g = GraphBuilder::new("net", [1, 6, FEATURES]);
        build(&mut g);
        let outputs = g.shape().len();
        let graph: Graph = g.build(outputs).unwrap();
        graph.padding().unwrap_err().to_string()
    };
    let flattened = refusal(|g| {
        g.to_sequence("steps").lstm("l1", Lstm::pytorch(3)).flatten("flat").linear("out", Linear::new(2));
    });
    assert!(flattened.contains("layer flat (flatten) mixes padding"), "{flattened}");
    let normalised = refusal(|g| {
        g.mask_steps("there").conv("c1", Conv2d::new(3, 1)).batch_norm("bn", BatchNorm::pytorch());
        g.global_avg_pool("mean");
    });
    assert!(normalised.contains("layer bn (batch_norm)"), "{normalised}");
    let unmasked = refusal(|g| {
        g.mask_steps("there").conv("c1", Conv2d::new(3, 3).same()).conv("c2", Conv2d::new(3, 3).same());
        g.global_avg_pool("mean");
    });
    assert!(unmasked.contains("layer c2") && unmasked.contains("mask_steps"), "{unmasked}");
}
