//! Pooling.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use ferrotype_kernels::pool::Pool2d;
use ferrotype_kernels::{Isa, owned};

use super::{contiguous, tensor, values};
use crate::profile::{Direction, Kind, timed};

fn output_shape(shape: &Pool2d) -> [usize; 4] {
    [shape.batch, shape.channels, shape.out_height(), shape.out_width()]
}

fn input_shape(shape: &Pool2d) -> [usize; 4] {
    [shape.batch, shape.channels, shape.height, shape.width]
}

/// Maxima over windows, and where in their windows they stood.
pub(super) fn max(x: &FlexTensor, shape: Pool2d, isa: Isa) -> (FlexTensor, Arc<Vec<u8>>) {
    let (y, index) = timed(Kind::Pooling(Direction::Forward), || shape.maxima(isa, values(x)));
    (tensor(y, output_shape(&shape)), Arc::new(index))
}

/// The gradient of [`max`]'s input.
pub(super) fn max_backward(dy: FlexTensor, index: &[u8], shape: Pool2d, isa: Isa) -> FlexTensor {
    let dx = timed(Kind::Pooling(Direction::Backward), || shape.max_gradient(isa, values(&contiguous(dy)), index));
    tensor(dx, input_shape(&shape))
}

/// Means over windows.
pub(super) fn average(x: &FlexTensor, shape: Pool2d, count_padding: bool, isa: Isa) -> FlexTensor {
    let y = timed(Kind::Pooling(Direction::Forward), || shape.averages(isa, count_padding, values(x)));
    tensor(y, output_shape(&shape))
}

/// The gradient of [`average`]'s input.
pub(super) fn average_backward(dy: FlexTensor, shape: Pool2d, count_padding: bool, isa: Isa) -> FlexTensor {
    let dx = timed(Kind::Pooling(Direction::Backward), || {
        shape.average_gradient(isa, count_padding, values(&contiguous(dy)))
    });
    tensor(dx, input_shape(&shape))
}

/// Means over planes of `x` with `shape` `[batch, channels, height, width]`.
pub(super) fn global(x: &FlexTensor, shape: [usize; 4], isa: Isa) -> FlexTensor {
    let [batch, channels, ..] = shape;
    let y = timed(Kind::Pooling(Direction::Forward), || owned::plane_means(isa, batch * channels, values(x)));
    tensor(y, [batch, channels])
}

/// The gradient of [`global`]'s input.
pub(super) fn global_backward(dy: FlexTensor, shape: [usize; 4], isa: Isa) -> FlexTensor {
    let pixels = shape[2] * shape[3];
    let dx =
        timed(Kind::Pooling(Direction::Backward), || owned::plane_means_gradient(isa, pixels, values(&contiguous(dy))));
    tensor(dx, shape)
}
