//! Dropout (Srivastava et al. 2014) with a mask that is a function of key and position alone.

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::Compute;
use crate::random::mix;

/// Elements per task; fixed, so that a mask does not depend on the number of threads (nor could it: see [`keeps`]).
const CHUNK: usize = 1 << 14;

/// Sets elements to zero with probability `rate` and divides the others by `1 - rate`. Element `i` in memory order of
/// the contiguous `[batch, ...]` tensor stays when [`keeps`] says so.
pub fn dropout<const D: usize>(_compute: Compute, x: Tensor<D>, rate: f32, key: u64) -> Tensor<D> {
    if rate <= 0.0 {
        return x;
    }
    let shape = x.dims();
    let factors = mask(shape.iter().product(), rate, key);
    let device = x.device().inner();
    let mask = Tensor::<D>::from_data(TensorData::new(factors, shape), &device);
    if x.is_autodiff() { x * mask.autodiff() } else { x * mask }
}

/// Whether element `i` of the mask of `key` is kept at this drop rate. Each 64-bit hash serves two elements.
#[inline]
pub fn keeps(key: u64, i: usize, rate: f32) -> bool {
    half(pair(key, i as u64 / 2), i & 1) >= threshold(rate)
}

#[inline]
fn pair(key: u64, index: u64) -> u64 {
    mix(key.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

#[inline]
fn half(bits: u64, odd: usize) -> u32 {
    (bits >> (32 * odd)) as u32
}

#[inline]
fn threshold(rate: f32) -> u32 {
    (f64::from(rate) * 4_294_967_296.0) as u32
}

/// The factors that a mask multiplies by: 0, or 1 / (1 - rate).
fn mask(len: usize, rate: f32, key: u64) -> Vec<f32> {
    let (limit, kept) = (threshold(rate), 1.0 / (1.0 - rate));
    let mut factors = vec![0.0f32; len];
    factors.par_chunks_mut(CHUNK).enumerate().for_each(|(c, chunk)| {
        let first = (c * CHUNK / 2) as u64;
        for (p, two) in chunk.chunks_mut(2).enumerate() {
            let bits = pair(key, first + p as u64);
            for (odd, f) in two.iter_mut().enumerate() {
                *f = if half(bits, odd) >= limit { kept } else { 0.0 };
            }
        }
    });
    factors
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn a_mask_is_the_function_that_keeps_describes() {
        let factors = mask(40_001, 0.3, 99);
        let kept = factors.iter().filter(|&&f| f > 0.0).count();
        assert!((kept as f64 / 40_001.0 - 0.7).abs() < 0.01, "{kept}");
        for (i, &f) in factors.iter().enumerate() {
            assert_eq!(f > 0.0, keeps(99, i, 0.3), "{i}");
        }
        assert_ne!(factors, mask(40_001, 0.3, 100));
    }

    #[test]
    fn the_mean_is_kept_and_rate_zero_does_nothing() {
        let x = Tensor::<2>::ones([200, 100], &Device::flex());
        let y = dropout(Compute::Burn, x.clone(), 0.5, 3).mean().into_scalar::<f32>();
        assert!((y - 1.0).abs() < 0.03, "{y}");
        assert_eq!(dropout(Compute::Burn, x, 0.0, 3).sum().into_scalar::<f32>(), 20_000.0);
    }
}
