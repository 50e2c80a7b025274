//! FER+'s multi-target loss.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use super::Objective;
use ferrotype_ops::Compute;

/// What a class outside the target counts for: FER+'s code uses 0.001 rather than 0.
const OTHER: f32 = 0.001;

/// `-log max_c(t_c p_c)` with `t_c` 1 for the classes of the target and 0.001 for the others
/// (Barsoum et al., arXiv:1608.01041, section 4.2, and microsoft/FERPlus `train.py`).
#[derive(Clone, Debug)]
pub struct MultiTarget;

impl Objective for MultiTarget {
    fn losses(&self, _compute: Compute, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let rows = logits.dims()[0];
        let member = targets.greater_elem(0.0).float();
        let log_t = member.mul_scalar(-OTHER.ln()).add_scalar(OTHER.ln());
        (log_softmax(logits, 1) + log_t).max_dim(1).neg().reshape([rows])
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_gradient};
    use super::*;

    // m = torch.where(t > 0, 1., .001); -torch.log((m * p).max(1).values)
    #[test]
    fn agrees_with_pytorch() {
        check(&MultiTarget, &[0.241_311_3, 0.054_985_24, 1.098_612_3]);
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&MultiTarget);
    }
}
