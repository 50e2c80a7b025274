//! Dropout (Srivastava et al. 2014) with a mask that is a function of key and position alone.

use burn::backend::Dispatch;
use burn::tensor::{Tensor, TensorData};
use ferrotype_kernels::{Isa, owned};

use super::Compute;
use super::native::{self, NativeOps};

/// Sets elements to zero with probability `rate` and divides the others by `1 - rate`. Element `i` in memory order of
/// the contiguous `[batch, ...]` tensor has the factor [`mask`] gives it, on every device.
pub fn dropout<const D: usize>(compute: Compute, x: Tensor<D>, rate: f32, key: u64) -> Tensor<D> {
    if rate <= 0.0 {
        return x;
    }
    let x = match native::split(compute, x) {
        Ok((x, isa)) => return Tensor::from_dispatch(Dispatch::native_dropout(x, key, f64::from(rate), isa)),
        Err(x) => x,
    };
    let shape = x.dims();
    let factors = mask(shape.iter().product(), rate, key);
    let mask = Tensor::<D>::from_data(TensorData::new(factors, shape), &x.device().inner());
    if x.is_autodiff() { x * mask.autodiff() } else { x * mask }
}

/// The factors of a mask, 0 or `1 / (1 - rate)`; the same on every instruction set.
pub fn mask(len: usize, rate: f32, key: u64) -> Vec<f32> {
    owned::dropout_mask(Isa::detect(), key, f64::from(rate), len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn both_bodies_drop_the_same() {
        let x = Tensor::<2>::ones([97, 101], &Device::flex());
        let drop = |compute, key| dropout(compute, x.clone(), 0.3, key).into_data().try_to_vec::<f32>().unwrap();
        let burn = drop(Compute::Burn, 5);
        for isa in Isa::available() {
            assert_eq!(burn, drop(Compute::Native(isa), 5));
        }
        assert_ne!(burn, drop(Compute::Burn, 6));
        assert_eq!(burn, mask(97 * 101, 0.3, 5));
    }

    #[test]
    fn the_mean_is_kept_and_rate_zero_does_nothing() {
        let x = Tensor::<2>::ones([200, 100], &Device::flex());
        let y = dropout(Compute::Burn, x.clone(), 0.5, 3).mean().into_scalar::<f32>();
        assert!((y - 1.0).abs() < 0.03, "{y}");
        assert_eq!(dropout(Compute::Burn, x, 0.0, 3).sum().into_scalar::<f32>(), 20_000.0);
    }
}
