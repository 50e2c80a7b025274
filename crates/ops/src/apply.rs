//! Element-wise functions that stand by themselves: sigmoid, SiLU and their forms of straight lines.

use burn::backend::Dispatch;
use burn::tensor::{Tensor, activation};
use ferrotype_kernels::activation::Function;

use super::Compute;
use super::native::{self, GateOps};

/// `f(x)`.
pub fn apply<const D: usize>(compute: Compute, x: Tensor<D>, f: Function) -> Tensor<D> {
    let x = match native::split(compute, x) {
        Ok((x, isa)) => return Tensor::from_dispatch(Dispatch::native_apply(x, f, isa)),
        Err(x) => x,
    };
    match f {
        Function::Sigmoid => activation::sigmoid(x),
        Function::Silu => activation::silu(x),
        Function::HardSigmoid => hard_sigmoid(x),
        Function::HardSwish => x.clone() * hard_sigmoid(x),
    }
}

/// Not one clamp, for the same reason as ReLU6: its derivative at the ends.
fn hard_sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::relu(x.add_scalar(3.0)).clamp_max(6.0).div_scalar(6.0)
}
