use std::sync::Arc;

use burn::tensor::{Device, TensorData};
use ferrotype_kernels::Isa;

use super::*;
use ferrotype_data::options::{Colour, MeanStd, Preprocess, Resize, Scale};
use ferrotype_data::preprocess::{Pipeline, Views};
use ferrotype_model::layers::{Conv2d, Linear};
use ferrotype_model::{GraphBuilder, Network};
use ferrotype_ops::{self as ops, Compute};

const SIZE: usize = 6;

fn pipeline(scale: Scale, colour: Colour) -> Pipeline {
    Pipeline::new(&Preprocess::new(SIZE, Resize::Bilinear, colour, scale)).unwrap()
}

fn network(channels: usize) -> Network {
    let mut g = GraphBuilder::new("net", [channels, SIZE, SIZE]);
    g.conv("conv", Conv2d::new(4, 3).same()).relu().flatten("flat").linear("fc", Linear::new(3));
    Network::new(Arc::new(g.build(3).unwrap()), 7, &Device::flex()).with_compute(Compute::Native(Isa::detect()))
}

/// Pictures with black and white in them, where clipping to 0..255 bites.
fn pictures(n: usize, channels: usize) -> Vec<f32> {
    let mut s = Stream::new(5);
    (0..n * channels * SIZE * SIZE).map(|_| s.uniform(-60.0, 315.0).clamp(0.0, 255.0)).collect()
}

fn losses(z: Tensor<2>) -> Tensor<1> {
    let [rows, classes] = z.dims();
    let mut targets = vec![0.0f32; rows * classes];
    (0..rows).for_each(|i| targets[i * classes + i % classes] = 1.0);
    let targets = Tensor::<2>::from_data(TensorData::new(targets, [rows, classes]), &Device::flex());
    let targets = if z.is_autodiff() { targets.autodiff() } else { targets };
    ops::cross_entropy(Compute::Native(Isa::detect()), z, targets)
}

fn loss_of(target_network: &AttackTarget, pixels: &[f32]) -> Vec<f32> {
    ops::host(losses(target_network.network.forward(target_network.input(pixels)).unwrap())).unwrap()
}

fn scales() -> [(Scale, Colour); 4] {
    let std = Scale::MeanStd(MeanStd { mean: vec![0.5; 3], std: vec![0.1, 0.3, 0.9] });
    [(Scale::Raw, Colour::Grey), (Scale::Unit, Colour::Grey), (Scale::Signed, Colour::Rgb), (std, Colour::Rgb)]
}

#[test]
fn the_gradient_is_per_grey_level() {
    for (scale, colour) in scales().into_iter().skip(1) {
        let pipeline = pipeline(scale, colour);
        let network = network(pipeline.channels());
        for views in [Views::Single, Views::Mirrored] {
            let target_network = AttackTarget { network: &network, pipeline: &pipeline, views };
            let mut pixels = pictures(1, pipeline.channels());
            let gradient = target_network.gradient(&pixels, &losses).unwrap();
            let steepest = (0..pixels.len()).max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs())).unwrap();
            // Through logits in f32, the loss in f64; the steps are small, so that few ReLUs switch.
            let mut at = |step: f32| {
                let before = pixels[steepest];
                pixels[steepest] += step;
                let z: Vec<f64> = target_network.logits(&pixels).unwrap().iter().map(|&v| f64::from(v)).collect();
                pixels[steepest] = before;
                z.iter().map(|v| v.exp()).sum::<f64>().ln() - z[0]
            };
            let difference = (at(0.1) - at(-0.1)) / f64::from(0.1f32 - -0.1f32);
            let exact = f64::from(gradient[steepest]);
            assert!((exact - difference).abs() < 0.02 * exact.abs(), "{pipeline:?} {exact} {difference}");
        }
    }
}

#[test]
fn perturbations_stay_in_the_ball_and_in_the_range_and_raise_the_loss() {
    let (n, eps) = (5, 8.0);
    let keys: Vec<u64> = (0..n as u64).collect();
    let pgd = Method::Pgd(PgdOptions { steps: 10, ..Default::default() });
    for (scale, colour) in scales() {
        let pipeline = pipeline(scale, colour);
        let network = network(pipeline.channels());
        let target_network = AttackTarget { network: &network, pipeline: &pipeline, views: Views::Single };
        let clean = pictures(n, pipeline.channels());
        let size = clean.len() / n;
        let before = loss_of(&target_network, &clean);
        for norm in [Norm::Linf, Norm::L2] {
            let mut raised = Vec::new();
            for method in [Method::Fgsm(FgsmOptions::default()), pgd.clone()] {
                let attack = Attack::new(&method, norm, eps).unwrap();
                let found = attack.perturb(&target_network, &clean, &keys, &losses).unwrap();
                assert!(found.iter().all(|v| (0.0..=255.0).contains(v)));
                for (a, b) in found.chunks_exact(size).zip(clean.chunks_exact(size)) {
                    let change = norm.size(a.iter().zip(b).map(|(x, y)| x - y));
                    assert!(change <= f64::from(eps) * 1.0001 && change > 0.2 * f64::from(eps), "{change}");
                }
                let after = loss_of(&target_network, &found);
                assert!(after.iter().zip(&before).all(|(a, b)| a > b), "{method:?} {norm:?} {before:?} {after:?}");
                raised.push(after.iter().sum::<f32>());
                assert_eq!(found, attack.perturb(&target_network, &clean, &keys, &losses).unwrap());
            }
            assert!(raised[1] >= 0.98 * raised[0], "ten steps raise the loss less than one: {raised:?}");
            // A picture's perturbation does not depend on its neighbours.
            let attack = Attack::new(&pgd, norm, eps).unwrap();
            let whole = attack.perturb(&target_network, &clean, &keys, &losses).unwrap();
            let first = attack.perturb(&target_network, &clean[..size], &keys[..1], &losses).unwrap();
            let worst = whole.iter().zip(&first).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
            assert!(worst < 0.05, "{worst}");
        }
    }
}

#[test]
fn eps_0_changes_nothing_and_other_keys_start_elsewhere() {
    let (pipeline, network) = (pipeline(Scale::Unit, Colour::Grey), network(1));
    let target_network = AttackTarget { network: &network, pipeline: &pipeline, views: Views::Single };
    let clean = pictures(2, 1);
    let pgd = Method::Pgd(PgdOptions { steps: 1, step_size: Some(0.001), random_start: true });
    let none = Attack::new(&pgd, Norm::Linf, 0.0).unwrap().perturb(&target_network, &clean, &[1, 2], &losses).unwrap();
    assert_eq!(none, clean);
    for norm in [Norm::Linf, Norm::L2] {
        let some =
            |keys| Attack::new(&pgd, norm, 4.0).unwrap().perturb(&target_network, &clean, keys, &losses).unwrap();
        assert_ne!(some(&[1, 2]), some(&[3, 2]));
        assert_eq!(some(&[1, 2])[SIZE * SIZE..], some(&[3, 2])[SIZE * SIZE..]);
    }
}

#[test]
fn ferplus_is_attacked_straight_through() {
    let (pipeline, network) = (pipeline(Scale::Ferplus, Colour::Grey), network(1));
    let target_network = AttackTarget { network: &network, pipeline: &pipeline, views: Views::Single };
    assert!(!target_network.is_differentiable());
    let clean = pictures(6, 1);
    let attack = Attack::new(&Method::default(), Norm::Linf, 16.0).unwrap();
    let found = attack.perturb(&target_network, &clean, &[0, 1, 2, 3, 4, 5], &losses).unwrap();
    // Not each picture's loss need rise, since the gradient is an estimate; together they do.
    let sum = |pixels: &[f32]| loss_of(&target_network, pixels).iter().sum::<f32>();
    assert!(sum(&found) > sum(&clean), "{} {}", sum(&found), sum(&clean));
}

#[test]
fn impossible_strengths_are_refused() {
    let refused = |method: Method, eps| Attack::new(&method, Norm::Linf, eps).unwrap_err().to_string();
    assert!(refused(Method::default(), -1.0).contains("at least 0"));
    assert!(refused(Method::default(), f32::NAN).contains("at least 0"));
    assert!(refused(Method::Pgd(PgdOptions { steps: 0, ..Default::default() }), 1.0).contains("steps is 0"));
    assert!(refused(Method::Pgd(PgdOptions { step_size: Some(0.0), ..Default::default() }), 1.0).contains("above 0"));
}
