//! Softmax cross-entropy.

use burn::backend::flex::FlexTensor;
use ferrotype_kernels::{Isa, owned};

use super::{contiguous, tensor, values};
use crate::profile::{Direction, Kind, timed};

/// The loss of each row, and its gradient by the logits.
pub(super) fn cross_entropy(
    logits: &FlexTensor,
    targets: &FlexTensor,
    shape: [usize; 2],
    isa: Isa,
) -> (FlexTensor, FlexTensor) {
    let compute = || owned::cross_entropy(isa, shape, values(logits), values(targets));
    let (losses, gradient) = timed(Kind::Loss(Direction::Forward), compute);
    (tensor(losses, [shape[0]]), tensor(gradient, shape))
}

/// The gradient of the logits: each row's own, times what its loss counts for.
pub(super) fn backward(dy: FlexTensor, gradient: &FlexTensor, shape: [usize; 2]) -> FlexTensor {
    let dy = contiguous(dy);
    let rows = values(gradient).chunks_exact(shape[1]).zip(values(&dy));
    tensor(rows.flat_map(|(row, &d)| row.iter().map(move |g| g * d)).collect(), shape)
}
