//! The native bodies: Ferrotype's CPU kernels inside Burn's `flex` backend, with hand-written backward passes.
//!
//! [`NativeOps`] goes through Burn's extension interface: the `Flex` implementation computes, the `Autodiff` one also
//! registers a backward pass that calls kernels directly. Callers ask [`isa`] first whether a tensor is one these can
//! take. Only float32 tensors of `flex`, plain or with autodiff, are; everything else takes Burn's operations.

mod autodiff;
mod convolution;
mod elementwise;
mod gates;
mod linear;
mod loss;
mod normalisation;
mod pooling;
mod recurrent;
#[cfg(test)]
mod tests;
mod tokens;

use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, DispatchTensor, DispatchTensorKind, TensorMetadata, backend_extension};
use burn::tensor::{Bytes, DType, Shape, Tensor};
use ferrotype_kernels::pool::Pool2d;
use ferrotype_kernels::recurrent::{ConvLstm, Lstm, States};
use ferrotype_kernels::{Activation, BatchNorm, Conv2d, Isa};

use super::Compute;
pub(super) use gates::GateOps;
pub(super) use tokens::TokenOps;

/// Operations with native bodies. An absent bias is a tensor without elements.
#[backend_extension(Flex, Autodiff)]
pub trait NativeOps: Backend {
    /// `act(conv(x, weight) + bias)`.
    fn native_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        shape: Conv2d,
        act: Activation,
        isa: Isa,
    ) -> FloatTensor<Self>;

    /// Batch norm by the batch's own statistics: output, mean, biased variance (the last two without gradient).
    fn native_batch_norm_train(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        shape: BatchNorm,
        isa: Isa,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Batch norm by given statistics.
    fn native_batch_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        shape: BatchNorm,
        isa: Isa,
    ) -> FloatTensor<Self>;

    /// `act(x weight^T + bias)`, `weight` stored as `[outputs, inputs]`.
    fn native_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        outputs: usize,
        act: Activation,
        isa: Isa,
    ) -> FloatTensor<Self>;

    /// Maxima over windows.
    fn native_max_pool(x: FloatTensor<Self>, shape: Pool2d, isa: Isa) -> FloatTensor<Self>;

    /// Means over windows.
    fn native_avg_pool(x: FloatTensor<Self>, shape: Pool2d, count_padding: bool, isa: Isa) -> FloatTensor<Self>;

    /// Means over planes: `[batch, channels, height, width]` to `[batch, channels]`.
    fn native_global_avg_pool(x: FloatTensor<Self>, isa: Isa) -> FloatTensor<Self>;

    /// `act(x)`.
    fn native_activate(x: FloatTensor<Self>, act: Activation, isa: Isa) -> FloatTensor<Self>;

    /// `act(a + b)`.
    fn native_add(a: FloatTensor<Self>, b: FloatTensor<Self>, act: Activation, isa: Isa) -> FloatTensor<Self>;

    /// Dropout with the mask of `key`.
    fn native_dropout(x: FloatTensor<Self>, key: u64, rate: f64, isa: Isa) -> FloatTensor<Self>;

    /// The outputs of an LSTM, `[batch, steps or 1, hidden]`; without elements, there is no mask.
    #[allow(clippy::too_many_arguments)]
    fn native_lstm(
        x: FloatTensor<Self>,
        input: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        shape: Lstm,
        states: States,
        isa: Isa,
    ) -> FloatTensor<Self>;

    /// The outputs of a convolutional LSTM, `[batch, (steps or 1) * filters, rows, columns]`.
    fn native_conv_lstm(
        x: FloatTensor<Self>,
        input: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        shape: ConvLstm,
        states: States,
        isa: Isa,
    ) -> FloatTensor<Self>;

    /// Softmax cross-entropy of each row, `[rows]`; the targets get no gradient.
    fn native_cross_entropy(logits: FloatTensor<Self>, targets: FloatTensor<Self>, isa: Isa) -> FloatTensor<Self>;
}

/// The instruction set to use for a tensor: `None` where it must take Burn's operations.
pub(super) fn isa(compute: Compute, x: &DispatchTensor) -> Option<Isa> {
    let Compute::Native(isa) = compute else { return None };
    let is_flex = match &x.kind {
        DispatchTensorKind::Flex(_) => true,
        DispatchTensorKind::Autodiff(inner) => matches!(**inner, DispatchTensorKind::Flex(_)),
        #[allow(unreachable_patterns)] // only flex may be compiled in
        _ => false,
    };
    (is_flex && x.dtype() == DType::F32).then_some(isa)
}

/// A tensor as a call of [`NativeOps`] takes it, if it can be computed natively; else the tensor back.
pub(super) fn split<const D: usize>(compute: Compute, x: Tensor<D>) -> Result<(DispatchTensor, Isa), Tensor<D>> {
    let x = x.into_dispatch();
    match isa(compute, &x) {
        Some(isa) => Ok((x, isa)),
        None => Err(Tensor::from_dispatch(x)),
    }
}

/// A flat tensor without elements, for an absent bias, on the plain device.
pub(super) fn absent() -> DispatchTensor {
    Tensor::<1>::empty([0], &burn::tensor::Device::flex()).into_dispatch()
}

/// The tensor with its elements in row-major order and no gaps; free where it already is.
fn contiguous(x: FlexTensor) -> FlexTensor {
    if x.is_contiguous() { x } else { x.to_contiguous() }
}

/// The elements of a contiguous float32 tensor.
fn values(x: &FlexTensor) -> &[f32] {
    x.as_slice::<f32>().expect("native operations take contiguous float32 tensors")
}

/// A tensor of these elements; takes the vector, without a copy.
fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape)), DType::F32)
}

/// A tensor of these elements in the shape of `x`; takes the vector, without a copy.
fn like(x: &FlexTensor, values: Vec<f32>) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(x.shape()), DType::F32)
}

/// The elements, or none of an absent bias.
fn optional(x: &FlexTensor) -> Option<&[f32]> {
    let v = values(x);
    (!v.is_empty()).then_some(v)
}

/// A gradient whose elements may be overwritten: the tensor itself where nobody else holds it, else a copy.
fn writable(x: FlexTensor) -> FlexTensor {
    let mut x = contiguous(x);
    if x.try_storage_mut::<f32>().is_some() {
        let whole = x.storage_mut::<f32>().len();
        if whole == x.shape().num_elements() {
            return x;
        }
    }
    owned_copy(x)
}

/// A copy with a buffer of exactly the tensor's elements.
pub(super) fn owned_copy(x: FlexTensor) -> FlexTensor {
    let x = contiguous(x);
    like(&x, values(&x).to_vec())
}
