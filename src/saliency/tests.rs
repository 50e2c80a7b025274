use std::sync::Arc;

use burn::tensor::Device;
use ferrotype_kernels::Isa;

use super::*;
use crate::data::Batch;
use crate::model::layers::{Conv2d, Linear, MaxPool};
use crate::model::{GraphBuilder, StateTensor};
use crate::objective::ObjectiveOptions;
use crate::ops::Compute;
use crate::random::Stream;
use crate::training::learner::Learner;
use crate::training::options::TrainOptions;

/// The network and the picture of `model::network::gradient`'s tests, where the Python stands.
fn reference() -> (Network, Tensor<4>) {
    let mut g = GraphBuilder::new("reference", [1, 4, 4]);
    g.conv("conv1", Conv2d::new(2, 3).same()).relu();
    let fork = g.tip();
    g.conv("conv2", Conv2d::new(2, 3).same()).add("add", fork).relu().global_avg_pool("pool");
    g.linear("fc", Linear::new(3));
    let mut network = Network::new(Arc::new(g.build(3).unwrap()), 0, &Device::flex());
    let state = network.parameters.iter().zip([0.0, 1.0, 2.0, 3.0, 4.6, 5.0]).map(|(p, offset)| StateTensor {
        name: p.name.clone(),
        shape: p.shape.clone(),
        values: (0..p.shape.iter().product()).map(|i: usize| (0.7 * i as f64 + offset).sin() as f32).collect(),
    });
    let state = state.collect();
    network.load_state(state).unwrap();
    let values: Vec<f32> = (0..16).map(|i| (0.3 * f64::from(i)).sin() as f32).collect();
    (network, Tensor::from_data(TensorData::new(values, [1, 1, 4, 4]), &Device::flex()))
}

/// `(g.mean((2, 3), keepdim=True) * m).sum(1).clamp(min=0)` of that Python.
const CAM: [f32; 16] = [
    0.007486, 0.037593, 0.051456, 0.013061, 0.083344, 0.07851, 0.029736, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.041912,
    0.062563,
];

#[test]
fn grad_cam_is_that_of_pytorch() {
    let (network, x) = reference();
    assert_eq!(layer_for(&network, None).unwrap(), "add.relu");
    for compute in [Compute::Burn, Compute::Native(Isa::detect())] {
        let network = network.clone().with_compute(compute);
        let found = grad_cam(&network, x.clone(), &[1], "add").unwrap();
        assert!(found[0].values.iter().zip(CAM).all(|(a, b)| (a - b).abs() < 2e-6), "{:?}", found[0].values);
        assert_eq!(found[0].peak(), (1, 0));
        // The product is the guided gradient where Grad-CAM is at its most, and nothing where it is nothing.
        let guided = explain(&network, x.clone(), &[1], Method::GuidedBackprop, None).unwrap();
        let both = explain(&network, x.clone(), &[1], Method::GuidedGradCam, Some("add")).unwrap();
        assert!((both[0].values[4] - guided[0].values[4]).abs() < 1e-6);
        assert!(guided[0].values[7] != 0.0 && both[0].values[7] == 0.0);
    }
}

#[test]
fn what_cannot_be_explained_is_said() {
    let (network, x) = reference();
    let refused = |e: anyhow::Error| e.to_string();
    let no_class = explain(&network, x.clone(), &[3], Method::GuidedBackprop, None).unwrap_err();
    assert!(refused(no_class).contains("class number 3"));
    assert!(refused(layer_for(&network, Some("pool")).unwrap_err()).contains("not feature maps"));
    let mut g = GraphBuilder::new("flat", [1, 4, 4]);
    g.flatten("flat").linear("fc", Linear::new(3));
    let flat = Network::new(Arc::new(g.build(3).unwrap()), 0, &Device::flex());
    assert!(refused(layer_for(&flat, None).unwrap_err()).contains("nothing to show"));
    assert!(explain(&flat, x, &[0], Method::GuidedBackprop, None).is_ok());
}

#[test]
fn maps_are_enlarged_with_half_pixel_centres() {
    // torch.nn.functional.interpolate(torch.tensor([[[[0., 1.], [2., 5.]]]]), size=(4, 4), mode="bilinear")
    let map = Map { channels: 1, height: 2, width: 2, values: vec![0.0, 1.0, 2.0, 5.0] };
    let expected = [0.0, 0.25, 0.75, 1.0, 0.5, 0.875, 1.625, 2.0, 1.5, 2.125, 3.375, 4.0, 2.0, 2.75, 4.25, 5.0];
    assert_eq!(enlarged(&map, 4, 4).values, expected);
    assert_eq!(enlarged(&map, 2, 2), map);
}

#[test]
fn pictures_of_maps_have_the_colours_they_should() {
    let map = Map { channels: 1, height: 1, width: 3, values: vec![0.0, 1.0, 2.0] };
    assert_eq!(heat(&map), [0, 0, 4, 188, 55, 84, 252, 255, 164]);
    let laid = overlay(&map, &[10.0, 10.0, 10.0]);
    assert_eq!(laid[..3], [10, 10, 10]);
    assert_eq!(laid[6..], [167, 169, 110]);
    let both = Map { values: vec![-1.0, 0.0, 0.5], ..map };
    assert_eq!(signed(&both), [1, 128, 192]);
    let nothing = Map { values: vec![0.0; 3], ..both };
    assert_eq!(signed(&nothing), [128; 3]);
}

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
