//! The squared error of a reconstruction.

use burn::tensor::Tensor;

use super::Objective;
use ferrotype_ops::Compute;

/// The mean over the outputs of the squared difference to the targets: PyTorch's `MSELoss`, example by example.
#[derive(Clone, Copy, Debug)]
pub struct Reconstruction;

impl Objective for Reconstruction {
    fn losses(&self, _compute: Compute, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let [rows, _] = outputs.dims();
        (outputs - targets).powi_scalar(2).mean_dim(1).reshape([rows])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    /// torch.nn.MSELoss(reduction="none")(x, y).mean(1)
    #[test]
    fn is_the_mean_of_squares() {
        let tensor = |v: [f32; 4], device: &Device| Tensor::<2>::from_data(TensorData::new(v.to_vec(), [2, 2]), device);
        let device = crate::device::tested().autodiff();
        let x = tensor([1.0, 2.0, 3.0, 4.0], &device).require_grad();
        let losses = Reconstruction.losses(Compute::Burn, x.clone(), tensor([1.0, 0.0, 0.0, 0.0], &device));
        let gradients = losses.clone().sum().backward();
        let values: Vec<f32> = losses.into_data().try_to_vec().unwrap();
        assert_eq!(values, [2.0, 12.5]);
        let gradient: Vec<f32> = x.grad(&gradients).unwrap().into_data().try_to_vec().unwrap();
        assert_eq!(gradient, [0.0, 2.0, 3.0, 4.0]);
    }
}
