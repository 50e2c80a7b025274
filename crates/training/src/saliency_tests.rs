//! What a trained network looks at.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use ferrotype_base::random::Stream;
use ferrotype_data::Batch;
use ferrotype_kernels::Isa;
use ferrotype_model::layers::{Conv2d, Linear, MaxPool};
use ferrotype_model::objective::ObjectiveOptions;
use ferrotype_model::saliency::{Map, Method, explain};
use ferrotype_model::{GraphBuilder, Network};
use ferrotype_ops::{self as ops, Compute};

use crate::learner::Learner;
use crate::options::TrainOptions;

const SIZE: usize = 24;
const CUE: usize = 6;

/// Noise, and somewhere a small square of stripes, upright or level: the class. Also gives the squares' corners.
fn cues(n: usize, seed: u64) -> (Batch, Vec<(usize, usize)>) {
    let mut s = Stream::new(seed);
    let (mut images, mut targets, mut corners) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let class = s.below(2);
        let (top, left) = (s.below(SIZE - CUE), s.below(SIZE - CUE));
        let mut image: Vec<f32> = (0..SIZE * SIZE).map(|_| s.uniform(-0.3, 0.3)).collect();
        for (row, column) in (0..CUE * CUE).map(|i| (i / CUE, i % CUE)) {
            let along = if class == 0 { row } else { column };
            image[(top + row) * SIZE + left + column] = if along % 2 == 0 { 1.0 } else { -1.0 };
        }
        images.extend(image);
        targets.extend([1.0 - class as f32, class as f32]);
        corners.push((top, left));
    }
    let shape = [1, SIZE, SIZE];
    let batch =
        Batch { images, targets, weights: vec![1.0; n], rows: (0..n as u32).collect(), shape, ..Default::default() };
    (batch, corners)
}

/// A network that learnt to tell the stripes apart looks at the stripes.
#[test]
fn a_trained_network_looks_at_the_planted_cue() {
    let mut g = GraphBuilder::new("cue", [1, SIZE, SIZE]);
    g.conv("conv1", Conv2d::new(8, 3).same()).relu().max_pool("max", MaxPool::new(2));
    g.conv("conv2", Conv2d::new(8, 3).same()).relu().global_avg_pool("pool").linear("fc", Linear::new(2));
    let network = Network::new(Arc::new(g.build(2).unwrap()), 3, &Device::flex());
    let network = network.with_compute(Compute::Native(Isa::detect()));
    let options: TrainOptions = serde_json::from_str(r#"{"epochs": 1, "lr": 1e-2}"#).unwrap();
    let mut learner = Learner::new(network, ObjectiveOptions::default().build(), vec![1.0; 2], &options, 1);
    for step in 0..150 {
        learner.step(&[cues(32, 100 + step).0], 1e-2).unwrap();
    }
    let (test, corners) = cues(40, 7);
    let x = Tensor::<4>::from_data(TensorData::new(test.images, [40, 1, SIZE, SIZE]), &Device::flex());
    let logits = ops::host(learner.network.forward(x.clone()).unwrap().reshape([80])).unwrap();
    let truth: Vec<usize> = test.targets.chunks_exact(2).map(|t| usize::from(t[1] > 0.5)).collect();
    let right = logits.chunks_exact(2).zip(&truth).filter(|(z, t)| usize::from(z[1] > z[0]) == **t).count();
    assert!(right >= 38, "only {right} of 40 are right: there is nothing to explain");

    // The share of the picture that is within two pixels of the cue. Grad-CAM and the product lie mostly there; the
    // gradient, which noise has too, at least more than by chance.
    let area = ((CUE + 4) * (CUE + 4)) as f32 / (SIZE * SIZE) as f32;
    for (method, least, least_hits) in [
        (Method::GradCam, 2.5 * area, 36),
        (Method::GuidedBackprop, 1.3 * area, 0),
        (Method::GuidedGradCam, 2.5 * area, 30),
    ] {
        let maps = explain(&learner.network, x.clone(), &truth, method, Some("conv2")).unwrap();
        let inside: Vec<f32> = maps.iter().zip(&corners).map(|(map, corner)| share(map, *corner)).collect();
        let mean = inside.iter().sum::<f32>() / 40.0;
        let hits = maps.iter().zip(&corners).filter(|(m, c)| is_near(m.peak(), **c)).count();
        assert!(mean > least && hits >= least_hits, "{method:?}: {mean} of the map at the cue, {hits} of 40 peaks");
    }
}

/// The share of a map that lies within two pixels of the cue.
fn share(map: &Map, corner: (usize, usize)) -> f32 {
    let places = (0..SIZE * SIZE).map(|i| (i / SIZE, i % SIZE));
    let inside: f32 = places.filter(|&at| is_near(at, corner)).map(|(r, c)| map.values[r * SIZE + c].abs()).sum();
    inside / map.values.iter().map(|v| v.abs()).sum::<f32>().max(f32::MIN_POSITIVE)
}

fn is_near((row, column): (usize, usize), (top, left): (usize, usize)) -> bool {
    let within = |at: usize, from: usize| at + 2 >= from && at < from + CUE + 2;
    within(row, top) && within(column, left)
}
