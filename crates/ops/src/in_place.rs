//! Flat tensors as slices: optimizer steps in place, and values on the host.

use anyhow::{Context, Result};
use burn::backend::flex::FlexTensor;
use burn::backend::{DispatchTensorKind, Flex, TensorMetadata};
use burn::tensor::{DType, Tensor};
use ferrotype_kernels::{Isa, optim};

use super::Compute;

/// The values of a flat tensor on the host.
///
/// # Errors
/// When the device cannot be read.
pub fn host(tensor: Tensor<1>) -> Result<Vec<f32>> {
    let data = tensor.try_into_data().context("cannot read a tensor from its device")?;
    data.convert::<f32>().try_into_vec().context("a tensor has an unexpected type")
}

/// The sum of squares of a flat tensor, summed in a fixed order: the same for any number of threads.
pub fn sum_squares(compute: Compute, tensor: &Tensor<1>) -> f64 {
    match flat(tensor.clone()) {
        Ok(x) => optim::sum_squares(isa(compute), x.as_slice::<f32>().unwrap_or_default()),
        Err(x) => {
            let x = x.clone() * x;
            f64::from(x.sum().into_scalar::<f32>())
        }
    }
}

/// Runs `step` on a weight, its gradient and what an optimizer remembers of it, all as slices, the weight and the
/// memory in place. Where somebody else still holds one of them, it is copied first.
///
/// # Errors
/// The weight and gradient, untouched, when they are not on the CPU backend or native kernels are not wanted.
pub fn in_place(
    compute: Compute,
    weight: Tensor<1>,
    gradient: Tensor<1>,
    memory: &mut [Tensor<1>],
    step: impl FnOnce(Isa, &mut [f32], &[f32], &mut [&mut [f32]]),
) -> Result<Tensor<1>, (Tensor<1>, Tensor<1>)> {
    let Compute::Native(isa) = compute else { return Err((weight, gradient)) };
    let mut w = match flat(weight) {
        Ok(w) => w,
        Err(weight) => return Err((weight, gradient)),
    };
    let g = match flat(gradient) {
        Ok(g) => g,
        Err(gradient) => return Err((Tensor::from_primitive::<Flex>(w), gradient)),
    };
    let mut slots: Vec<FlexTensor> =
        memory.iter_mut().map(|t| take(t).expect("an optimizer's memory is flat")).collect();
    {
        let mut slices: Vec<&mut [f32]> = slots.iter_mut().map(|s| s.storage_mut::<f32>()).collect();
        step(isa, w.storage_mut::<f32>(), g.as_slice::<f32>().unwrap_or_default(), &mut slices);
    }
    for (place, slot) in memory.iter_mut().zip(slots) {
        *place = Tensor::from_primitive::<Flex>(slot);
    }
    Ok(Tensor::from_primitive::<Flex>(w))
}

/// Takes a tensor out of its place, so that there is one handle to it.
fn take(place: &mut Tensor<1>) -> Result<FlexTensor, Tensor<1>> {
    let device = place.device();
    flat(std::mem::replace(place, Tensor::empty([0], &device)))
}

/// The backend's own tensor, contiguous and with a buffer of exactly its elements; the tensor back if it is not of
/// the CPU backend.
fn flat(tensor: Tensor<1>) -> Result<FlexTensor, Tensor<1>> {
    let tensor = tensor.into_dispatch();
    let is_flex = matches!(&tensor.kind, DispatchTensorKind::Flex(_)) && tensor.dtype() == DType::F32;
    let tensor = Tensor::<1>::from_dispatch(tensor);
    if !is_flex {
        return Err(tensor);
    }
    let copy = tensor.clone();
    match tensor.try_into_primitive::<Flex>() {
        Ok(x) => {
            drop(copy);
            Ok(exact(x))
        }
        Err(_) => Err(copy),
    }
}

/// A slice of a larger buffer becomes a buffer of its own.
fn exact(x: FlexTensor) -> FlexTensor {
    let elements = x.shape().num_elements();
    let whole = x.is_contiguous() && x.storage::<f32>().len() == elements;
    if whole { x } else { super::native::owned_copy(x) }
}

fn isa(compute: Compute) -> Isa {
    match compute {
        Compute::Native(isa) => isa,
        Compute::Burn => Isa::Portable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn native() -> Compute {
        Compute::Native(Isa::detect())
    }

    #[test]
    fn steps_work_on_the_tensor_itself() {
        let device = Device::flex();
        let weight = Tensor::<1>::from_floats([1.0, 2.0, 3.0], &device);
        let gradient = Tensor::<1>::from_floats([1.0, 1.0, 1.0], &device);
        let mut memory = [Tensor::<1>::zeros([3], &device)];
        let updated = in_place(native(), weight, gradient, &mut memory, |_, w, g, m| {
            for i in 0..3 {
                m[0][i] += g[i];
                w[i] -= m[0][i];
            }
        });
        assert_eq!(host(updated.unwrap()).unwrap(), [0.0, 1.0, 2.0]);
        assert_eq!(host(memory[0].clone()).unwrap(), [1.0, 1.0, 1.0]);
    }

    #[test]
    fn a_shared_or_sliced_tensor_is_copied_first() {
        let device = Device::flex();
        let whole = Tensor::<1>::from_floats([1.0, 2.0, 3.0, 4.0], &device);
        let part = whole.clone().slice(1..3);
        let updated = in_place(native(), part, Tensor::zeros([2], &device), &mut [], |_, w, _, _| w.fill(9.0));
        assert_eq!(host(updated.unwrap()).unwrap(), [9.0, 9.0]);
        assert_eq!(host(whole).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn squares_are_summed() {
        let x = Tensor::<1>::from_floats([3.0, 4.0], &Device::flex());
        assert_eq!(sum_squares(native(), &x), 25.0);
        assert_eq!(sum_squares(Compute::Burn, &x), 25.0);
    }
}
