//! Planes of a map times a factor each, and whole examples times what stochastic depth leaves of them.

use burn::backend::Dispatch;
use burn::tensor::{Tensor, TensorData};

use super::native::{self, GateOps};
use super::{Compute, mask};

/// `x * gates` of `x [batch, channels, height, width]` and one gate for each plane, `[batch, channels]`.
pub fn scale_channels(compute: Compute, x: Tensor<4>, gates: Tensor<2>) -> Tensor<4> {
    match native::split(compute, x) {
        Ok((x, isa)) => Tensor::from_dispatch(Dispatch::native_scale_channels(x, gates.into_dispatch(), isa)),
        Err(x) => {
            let [batch, channels, _, _] = x.dims();
            x * gates.reshape([batch, channels, 1, 1])
        }
    }
}

/// Stochastic depth (Huang et al., arXiv:1603.09382) by example: sets whole rows of the batch to zero with probability `rate`
/// and divides the others by `1 - rate`. Row `i` has the factor that [`mask`] gives element `i` of the batch, on every
/// device.
pub fn drop_path<const D: usize>(compute: Compute, x: Tensor<D>, rate: f32, key: u64) -> Tensor<D> {
    if rate <= 0.0 {
        return x;
    }
    let batch = x.dims()[0];
    let x = match native::split(compute, x) {
        Ok((x, isa)) => return Tensor::from_dispatch(Dispatch::native_drop_path(x, batch, key, f64::from(rate), isa)),
        Err(x) => x,
    };
    let mut shape = [1; D];
    shape[0] = batch;
    let factors = Tensor::<D>::from_data(TensorData::new(mask(batch, rate, key), shape), &x.device().inner());
    if x.is_autodiff() { x * factors.autodiff() } else { x * factors }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use ferrotype_kernels::Isa;

    #[test]
    fn both_bodies_drop_the_same_rows() {
        let x = Tensor::<3>::ones([301, 7, 5], &Device::flex());
        let drop = |compute, key| drop_path(compute, x.clone(), 0.3, key).into_data().try_to_vec::<f32>().unwrap();
        let burn = drop(Compute::Burn, 5);
        for isa in Isa::available() {
            assert_eq!(burn, drop(Compute::Native(isa), 5));
        }
        assert_ne!(burn, drop(Compute::Burn, 6));
        let factors = mask(301, 0.3, 5);
        let rows = burn.chunks_exact(35).zip(&factors);
        rows.for_each(|(row, factor)| assert!(row.iter().all(|v| v == factor), "{row:?} {factor}"));
        assert!(factors.contains(&0.0) && factors.contains(&(1.0 / 0.7)));
        assert_eq!(drop_path(Compute::Burn, x, 0.0, 5).sum().into_scalar::<f32>(), 301.0 * 35.0);
    }
}
