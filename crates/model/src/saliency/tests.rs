use std::sync::Arc;

use ferrotype_kernels::Isa;

use super::*;
use crate::layers::{Conv2d, Linear};
use crate::{GraphBuilder, StateTensor};
use ferrotype_ops::Compute;

/// The network and the picture of `model::network::gradient`'s tests, where the Python stands.
fn reference() -> (Network, Tensor<4>) {
    let mut g = GraphBuilder::new("reference", [1, 4, 4]);
    g.conv("conv1", Conv2d::new(2, 3).same()).relu();
    let fork = g.tip();
    g.conv("conv2", Conv2d::new(2, 3).same()).add("add", fork).relu().global_avg_pool("pool");
    g.linear("fc", Linear::new(3));
    let mut network = Network::new(Arc::new(g.build(3).unwrap()), 0, &crate::device::tested());
    let state = network.parameters.iter().zip([0.0, 1.0, 2.0, 3.0, 4.6, 5.0]).map(|(p, offset)| StateTensor {
        name: p.name.clone(),
        shape: p.shape.clone(),
        values: (0..p.shape.iter().product()).map(|i: usize| (0.7 * i as f64 + offset).sin() as f32).collect(),
    });
    let state = state.collect();
    network.load_state(state).unwrap();
    let values: Vec<f32> = (0..16).map(|i| (0.3 * f64::from(i)).sin() as f32).collect();
    (network, Tensor::from_data(TensorData::new(values, [1, 1, 4, 4]), &crate::device::tested()))
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
    let flat = Network::new(Arc::new(g.build(3).unwrap()), 0, &crate::device::tested());
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
